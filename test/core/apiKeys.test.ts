/** Keys kept in the storage: what is stored, who is let in, and what happens at once. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import type { StoredKey } from "../../src/core/apiKey/ApiKey.ts"
import { ApiKeys } from "../../src/core/apiKey/ApiKeys.ts"
import { decideCreate, decideRevoke, isOpenAt } from "../../src/core/apiKey/rules.ts"
import { Engine } from "../../src/core/Engine.ts"
import { Storage, type StorageShape } from "../../src/core/Storage.ts"
import { time } from "../../src/core/storedForms.ts"
import { storages } from "./storages.ts"

const hash = "ab".repeat(32)

const keyOf = (more: Partial<StoredKey> = {}): StoredKey => ({
  id: "k1",
  hash,
  label: "",
  role: "agent",
  agentIds: [],
  createdAt: time(1000),
  expiresAt: null,
  revokedAt: null,
  ...more
})

const env = { now: time(5000), newId: () => "unused" }

describe("rules", () => {
  it("a key opens until it is revoked, and before the moment at which it ends", () => {
    assert.isTrue(isOpenAt(keyOf(), time(1e12)))
    assert.isTrue(isOpenAt(keyOf({ expiresAt: time(5000) }), time(4999)))
    assert.isFalse(isOpenAt(keyOf({ expiresAt: time(5000) }), time(5000)))
    assert.isFalse(isOpenAt(keyOf({ revokedAt: time(1) }), time(0)))
  })

  it("an id is given once, under a guard", () => {
    const { createdAt: _createdAt, revokedAt: _revokedAt, ...given } = keyOf()
    const made = Result.getOrThrow(decideCreate({ found: undefined, revision: 0 }, given, env))
    assert.deepStrictEqual(made.value, keyOf({ createdAt: env.now }))
    assert.deepStrictEqual(made.guards, [{ table: "apiKeys", key: "k1", expected: 0, next: 1 }])
    const again = decideCreate({ found: made.value, revision: 1 }, given, env)
    assert.strictEqual(Result.isFailure(again) && again.failure._tag, "ApiKeyExists")
  })

  it("revoking moves the revision on, once", () => {
    const revoked = Result.getOrThrow(decideRevoke({ found: keyOf(), revision: 1 }, "k1", env))
    assert.deepStrictEqual(revoked.value.revokedAt, env.now)
    assert.deepStrictEqual(revoked.guards, [{ table: "apiKeys", key: "k1", expected: 1, next: 2 }])
    const again = Result.getOrThrow(decideRevoke({ found: revoked.value, revision: 2 }, "k1", env))
    assert.deepStrictEqual([again.value, again.writes], [revoked.value, []])
    const none = decideRevoke({ found: undefined, revision: 0 }, "k1", env)
    assert.strictEqual(Result.isFailure(none) && none.failure.message, "No key has the id k1")
  })
})

const keysOn = (storage: StorageShape) =>
  Effect.map(
    Layer.build(Layer.fresh(Engine.keys).pipe(Layer.provide(Layer.succeed(Storage, storage)))),
    Context.get(ApiKeys)
  )

for (const [name, storage] of storages) {
  describe(`on ${name}`, () => {
    it.effect("stores what a key opens, as it was given", () =>
      Effect.gen(function* () {
        const keys = yield* keysOn(yield* storage)
        const expiresAt = DateTime.addDuration(yield* DateTime.now, "1 hour")
        const all = {
          id: "k2",
          hash,
          label: "bot",
          role: "read-only",
          agentIds: ["ann", "ann", "bob"],
          expiresAt
        } as const
        yield* keys.create({ id: "k1", hash })
        yield* keys.create(all)
        const { items, total } = yield* keys.list()
        const createdAt = yield* DateTime.now
        assert.deepStrictEqual(items, [keyOf({ createdAt }), keyOf({ ...all, agentIds: ["ann", "bob"], createdAt })])
        assert.strictEqual(total, 2)
        const first = yield* keys.list({ limit: 1 })
        const second = yield* keys.list({ limit: 1, after: first.next })
        assert.deepStrictEqual([...first.items, ...second.items], items)
        assert.isUndefined(second.next)
      })
    )

    it.effect("what is open is neither revoked nor over", () =>
      Effect.gen(function* () {
        const keys = yield* keysOn(yield* storage)
        assert.strictEqual(yield* keys.changes, 0)
        const expiresAt = DateTime.addDuration(yield* DateTime.now, "1 hour")
        for (const id of ["k1", "k2", "k3"]) yield* keys.create({ id, hash, ...(id === "k2" ? { expiresAt } : {}) })
        const open = Effect.map(keys.open, (found) => found.map(({ id }) => id).toSorted())
        assert.deepStrictEqual(yield* open, ["k1", "k2", "k3"])
        const revoked = yield* keys.revoke("k3")
        assert.deepStrictEqual(revoked.revokedAt, yield* DateTime.now)
        assert.deepStrictEqual(yield* keys.revoke("k3"), revoked)
        assert.strictEqual(yield* keys.changes, 4)
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(yield* open, ["k1"])
        assert.strictEqual((yield* keys.list()).total, 3)
      })
    )

    it.effect("many that never end are all open", () =>
      Effect.gen(function* () {
        const keys = yield* keysOn(yield* storage)
        yield* Effect.forEach(Array.from({ length: 1100 }), (_, i) => keys.create({ id: `k${i}`, hash }), {
          concurrency: 50
        })
        assert.strictEqual((yield* keys.open).length, 1100)
      })
    )

    it.effect("refuses what is no key, and an id that is taken, also by one of several at once", () =>
      Effect.gen(function* () {
        const keys = yield* keysOn(yield* storage)
        const refused = yield* Effect.forEach(
          [
            { id: "no id", hash },
            { id: "k1", hash: "short" },
            { id: "k1", hash, agentIds: ["system"] },
            { id: "k1", hash, agentIds: [" "] },
            { id: "k1", hash, agentIds: Array.from({ length: 101 }, (_, i) => `a${i}`) },
            { id: "k1", hash, label: "l".repeat(256) }
          ],
          (input) => Effect.flip(keys.create(input))
        )
        assert.deepStrictEqual(
          refused.map((error) => error._tag === "ValidationError" && error.issues[0].field),
          ["id", "hash", "agentIds[0]", "agentIds[0]", "agentIds", "label"]
        )
        const twins = yield* Effect.all(
          Array.from({ length: 5 }, () => Effect.result(keys.create({ id: "k1", hash }))),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(twins.filter(Result.isSuccess).length, 1)
        assert.strictEqual((yield* Effect.flip(keys.revoke("nope")))._tag, "ApiKeyNotFound")
      })
    )
  })
}
