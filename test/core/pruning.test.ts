/** Which deliveries of a living subscription are forgotten. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { decidePrune, prune } from "../../src/core/subscription/pruning.ts"
import { putDelivery, putSubscription } from "../../src/core/subscription/rules.ts"
import type { StoredDelivery, StoredSubscription } from "../../src/core/subscription/tables.ts"
import type { StorageShape } from "../../src/core/Storage.ts"
import { partsOn } from "./engines.ts"
import { at, envAt, now, succeeded } from "./records.ts"
import { storages } from "./storages.ts"

const day = Duration.toMillis("1 day")
const keeping = { deliveriesKept: 3, deliveriesKeptFor: Duration.days(7) }

const subscription: StoredSubscription = {
  id: "s",
  subscriberId: "ann",
  intentId: "i",
  portfolioId: null,
  eventTypes: [],
  webhookUrl: "https://hooks.example.org/",
  active: true,
  expiresAt: null,
  createdAt: at(0),
  secret: "secret",
  cursor: 1_000_000,
  giveUps: 0
}

const deliveryOf = (n: number, fields: Partial<StoredDelivery> = {}): StoredDelivery => ({
  id: `d${n}`,
  subscriptionId: "s",
  eventId: `e${n}`,
  position: n,
  attempt: 1,
  status: "delivered",
  responseStatus: 200,
  nextAttemptAt: null,
  createdAt: at(now - 8 * day + n),
  asked: false,
  ...fields
})

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1)

describe("what is forgotten", () => {
  const found = { stored: subscription, revision: 4 }
  const removed = (oldest: ReadonlyArray<StoredDelivery>, stored = oldest.length) =>
    succeeded(decidePrune({ found, oldest, stored }, keeping, envAt(now))).writes.map((write) =>
      write._tag === "Remove" && write.table === "deliveries" ? write.before.id : "?"
    )

  it("the oldest, but for the last ones", () => {
    assert.deepStrictEqual(removed(upTo(3).map((n) => deliveryOf(n))), [])
    assert.deepStrictEqual(removed(upTo(5).map((n) => deliveryOf(n))), ["d1", "d2"])
    assert.deepStrictEqual(
      removed(
        upTo(5).map((n) => deliveryOf(n)),
        500
      ),
      ["d1", "d2", "d3", "d4", "d5"]
    )
  })

  it("nothing that is younger than it is kept for", () => {
    const young = { createdAt: at(now - 7 * day) }
    assert.deepStrictEqual(removed([deliveryOf(1), deliveryOf(2, young), ...upTo(9).map((n) => deliveryOf(n))]), ["d1"])
  })

  it("nothing that is to be tried again", () => {
    const open = [
      deliveryOf(1, { status: "pending" }),
      deliveryOf(2, { asked: true }),
      deliveryOf(3, { position: 1_000_001 })
    ]
    assert.deepStrictEqual(removed([...open, deliveryOf(4)], 100), ["d4"])
  })

  it("and the subscription is the guard", () => {
    const { guards, value } = succeeded(
      decidePrune({ found, oldest: upTo(500).map((n) => deliveryOf(n)), stored: 503 }, keeping, envAt(now))
    )
    assert.deepStrictEqual(guards, [{ table: "subscriptions", key: "s", expected: 4, next: 5 }])
    assert.isTrue(value, "there may be more")
    const none = decidePrune({ found: undefined, oldest: [], stored: 0 }, keeping, envAt(now))
    assert.deepStrictEqual(succeeded(none).writes, [])
  })
})

describe.each(storages)("batch after batch (%s)", (_, newStorage) => {
  const idsOf = (storage: StorageShape) =>
    Effect.map(
      storage.page({ table: "deliveries", index: "bySubscription", keys: [["s"]], direction: "asc", limit: 5000 }),
      (rows) => rows.map((row) => row.record.id)
    )

  it.effect("until the last ones are left, and none of another subscription", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(now)
      const storage = yield* newStorage
      const { commands } = yield* partsOn(storage)
      yield* storage.commit({
        guards: [{ table: "subscriptions", key: "s", expected: 0, next: 1 }],
        writes: [
          putSubscription(subscription, undefined),
          ...upTo(1200).map((n) => putDelivery(deliveryOf(n), undefined)),
          putDelivery(deliveryOf(5000, { subscriptionId: "t" }), undefined)
        ],
        events: [],
        counters: new Map()
      })
      yield* prune(storage, commands, keeping, "s")
      assert.deepStrictEqual(yield* idsOf(storage), ["d1198", "d1199", "d1200"])
      assert.strictEqual(yield* storage.count({ table: "deliveries", index: "bySubscription", keys: [["t"]] }, 10), 1)
      // Nothing more is written.
      const revisions = yield* storage.revisions("subscriptions", ["s"])
      yield* prune(storage, commands, keeping, "s")
      assert.deepStrictEqual(yield* storage.revisions("subscriptions", ["s"]), revisions)
    })
  )
})
