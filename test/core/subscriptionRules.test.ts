/** The pure rules of subscriptions and deliveries, and how they are signed. */
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { createHmac } from "node:crypto"
import { Webhook } from "standardwebhooks"
import { decideAttempt, decideEnd, decidePass, delayMsAfter, verdictOf } from "../../src/core/subscription/attempts.ts"
import { defaultWebhookOptions } from "../../src/core/subscription/options.ts"
import { decideRemove, isActiveAt, matches } from "../../src/core/subscription/rules.ts"
import { deliveryIdOf, newSecret, secretIssue, signedHeaders } from "../../src/core/subscription/signing.ts"
import type { StoredDelivery, StoredSubscription } from "../../src/core/subscription/tables.ts"
import type { LogEvent } from "../../src/core/event/LogEvent.ts"
import { at, envAt, now, puts, succeeded, told } from "./records.ts"

const subscriptionOf = (fields: Partial<StoredSubscription> = {}): StoredSubscription => ({
  id: "s",
  subscriberId: "ann",
  intentId: "i",
  portfolioId: null,
  eventTypes: [],
  webhookUrl: "https://hooks.example.org/",
  active: true,
  expiresAt: null,
  createdAt: at(1000),
  secret: "secret",
  cursor: 4,
  giveUps: 0,
  ...fields
})

const eventOf = (fields: Partial<LogEvent> = {}): LogEvent => ({
  position: 5,
  id: "e",
  intentId: "i",
  type: "comment",
  actor: "ann",
  source: "client",
  payload: {},
  extra: null,
  traceId: null,
  parentEventId: null,
  createdAt: at(2000),
  ...fields
})

const deliveryOf = (fields: Partial<StoredDelivery> = {}): StoredDelivery => ({
  id: "d",
  subscriptionId: "s",
  eventId: "e",
  position: 5,
  attempt: 1,
  status: "pending",
  responseStatus: 500,
  nextAttemptAt: at(now),
  createdAt: at(2000),
  asked: false,
  ...fields
})

describe("what a subscription is told", () => {
  it("its types, or all; never that a webhook failed, nor of its own creation", () => {
    assert.isTrue(matches(subscriptionOf(), eventOf()))
    assert.isTrue(matches(subscriptionOf({ eventTypes: ["comment"] }), eventOf()))
    assert.isFalse(matches(subscriptionOf({ eventTypes: ["state_patched"] }), eventOf()))
    for (const type of ["webhook_failed", "webhook_disabled"]) {
      assert.isFalse(matches(subscriptionOf(), eventOf({ type })))
      assert.isFalse(matches(subscriptionOf({ eventTypes: [type] }), eventOf({ type })))
    }
    const created = (id: string) => eventOf({ type: "subscription_created", payload: { subscription_id: id } })
    assert.deepStrictEqual(
      [matches(subscriptionOf(), created("s")), matches(subscriptionOf(), created("t"))],
      [false, true]
    )
  })

  it("until it expires", () => {
    const limited = subscriptionOf({ expiresAt: at(2000) })
    assert.isFalse(matches(limited, eventOf()))
    assert.isTrue(matches(limited, eventOf({ createdAt: at(1999) })))
    assert.deepStrictEqual([isActiveAt(limited, at(1999)), isActiveAt(limited, at(2000))], [true, false])
    assert.isFalse(isActiveAt(subscriptionOf({ active: false }), at(0)))
  })
})

describe("the schedule", () => {
  const after = (attempt: number, jitter = 0.5, retryAfter?: string) =>
    delayMsAfter(attempt, jitter, retryAfter, at(now), defaultWebhookOptions)

  it("doubles from a second to 300, spread by a fifth to both sides; about 40 minutes in all", () => {
    const waits = Array.from({ length: 15 }, (_, i) => after(i + 1))
    assert.deepStrictEqual(
      waits.slice(0, 10),
      [1, 2, 4, 8, 16, 32, 64, 128, 256, 300].map((s) => s * 1000)
    )
    assert.approximately(
      waits.reduce((sum, ms) => sum + ms, 0),
      40 * 60_000,
      2 * 60_000
    )
    assert.deepStrictEqual([after(1, 0), after(1, 1), after(5000, 0), after(5000, 1)], [800, 1200, 240_000, 360_000])
  })

  it("Retry-After in seconds or as a date makes a wait longer, up to the cap, and never shorter", () => {
    const date = (seconds: number) => new Date(now + seconds * 1000).toUTCString()
    assert.strictEqual(after(1, 0.5, "30"), 30_000)
    assert.strictEqual(after(1, 0.5, " 30 "), 30_000)
    assert.strictEqual(after(1, 0.5, date(30)), 30_000)
    assert.strictEqual(after(1, 0.5, "86400"), 300_000)
    assert.strictEqual(after(1, 0.5, "9".repeat(400)), 300_000)
    for (const none of ["0", "-5", "1.5", "soon", "", "5", date(-60), "Mon", "1e9"])
      assert.strictEqual(after(5, 0.5, none), 16_000, none)
  })
})

describe("an attempt", () => {
  const decide = (
    fields: Partial<StoredSubscription>,
    delivery: StoredDelivery | undefined,
    status: number | null,
    options = defaultWebhookOptions
  ) => {
    const found = { stored: subscriptionOf(fields), revision: 3 }
    const number = (delivery?.attempt ?? 0) + 1
    const attempt = { deliveryId: "d", event: eventOf(), number, status, retryAfter: undefined, jitter: 0.5 }
    return succeeded(decideAttempt({ found, delivery }, attempt, options, envAt()))
  }

  it("only a 2xx delivers; a redirect does not", () => {
    for (const status of [200, 201, 204, 299]) assert.strictEqual(verdictOf(status), "delivered")
    for (const status of [null, 100, 199, 300, 301, 304, 307, 400, 404, 429, 500, 503, 600])
      assert.strictEqual(verdictOf(status), "failed", String(status))
    assert.strictEqual(verdictOf(410), "gone")
  })

  it("delivered: the cursor moves with the row, under the guard of the subscription", () => {
    const decided = decide({ giveUps: 7 }, undefined, 204)
    assert.strictEqual(decided.value, "next")
    assert.deepInclude(puts(decided, "subscriptions")[0], { cursor: 5, giveUps: 0, active: true })
    assert.deepInclude(puts(decided, "deliveries")[0], {
      attempt: 1,
      status: "delivered",
      responseStatus: 204,
      nextAttemptAt: null
    })
    assert.deepStrictEqual(decided.guards, [{ table: "subscriptions", key: "s", expected: 3, next: 4 }])
    assert.isEmpty(decided.events)
  })

  it("failed: again later, and the cursor stays", () => {
    const decided = decide({}, deliveryOf({ attempt: 2 }), null)
    assert.strictEqual(decided.value, "again")
    assert.deepInclude(puts(decided, "subscriptions")[0], { cursor: 4, giveUps: 0 })
    assert.deepInclude(puts(decided, "deliveries")[0], {
      attempt: 3,
      status: "pending",
      responseStatus: null,
      nextAttemptAt: at(now + 4000)
    })
  })

  it("the last one failed: given up, told on the intent, and the next event's turn", () => {
    const decided = decide({}, deliveryOf({ attempt: 15 }), 500)
    assert.strictEqual(decided.value, "next")
    assert.deepInclude(puts(decided, "subscriptions")[0], { cursor: 5, giveUps: 1, active: true })
    assert.deepInclude(puts(decided, "deliveries")[0], { attempt: 16, status: "failed", nextAttemptAt: null })
    assert.deepStrictEqual(told(decided), ["webhook_failed by system"])
    assert.deepStrictEqual(decided.events[0]?.payload, {
      subscription_id: "s",
      event_id: "e",
      attempts: 16,
      last_status: 500
    })
  })

  it("given up for the 100th time in a row, or gone: deactivated", () => {
    const failing = decide({ giveUps: 99 }, deliveryOf({ attempt: 15 }), null)
    assert.deepStrictEqual(told(failing), ["webhook_failed by system", "webhook_disabled by system"])
    assert.isFalse(puts(failing, "subscriptions")[0]?.active)
    const gone = decide({}, undefined, 410)
    assert.deepStrictEqual(told(gone), ["webhook_disabled by system"])
    assert.deepInclude(gone.events[0]?.payload, { reason: "gone", last_status: 410 })
    assert.isFalse(puts(gone, "subscriptions")[0]?.active)
    assert.strictEqual(puts(gone, "deliveries")[0]?.status, "failed")
  })

  it("of a process that was overtaken changes nothing: the cursor is beyond, or the number is taken", () => {
    const overtaken = [
      decide({ cursor: 5 }, deliveryOf(), 200),
      decide({ active: false }, deliveryOf(), 200),
      succeeded(
        decideAttempt(
          { found: { stored: subscriptionOf(), revision: 3 }, delivery: deliveryOf({ attempt: 2 }) },
          { deliveryId: "d", event: eventOf(), number: 2, status: 200, retryAfter: undefined, jitter: 0 },
          defaultWebhookOptions,
          envAt()
        )
      )
    ]
    for (const decided of overtaken) assert.deepStrictEqual([decided.value, decided.writes], ["superseded", []])
  })

  it("asked for: made once, whatever the subscription is now, and moves no cursor", () => {
    for (const fields of [{ cursor: 9 }, { active: false, cursor: 9 }, { active: false }]) {
      const asked = deliveryOf({ attempt: 16, asked: true })
      const decided = decide({ ...fields, giveUps: 5 }, asked, 500)
      assert.deepInclude(puts(decided, "deliveries")[0], {
        attempt: 17,
        status: "failed",
        asked: false,
        nextAttemptAt: null
      })
      assert.deepInclude(puts(decided, "subscriptions")[0], { cursor: fields.cursor ?? 4, giveUps: 5 })
      assert.isEmpty(decided.events)
      assert.strictEqual(puts(decide(fields, asked, 200), "deliveries")[0]?.status, "delivered")
    }
  })

  it("the cursor only goes on; what is over is written so once", () => {
    const found = (fields: Partial<StoredSubscription>) => ({ stored: subscriptionOf(fields), revision: 1 })
    assert.strictEqual(puts(succeeded(decidePass(found({}), 9)), "subscriptions")[0]?.cursor, 9)
    assert.isEmpty(succeeded(decidePass(found({}), 4)).writes)
    assert.isEmpty(succeeded(decidePass(undefined, 9)).writes)
    assert.isFalse(puts(succeeded(decideEnd(found({}))), "subscriptions")[0]?.active)
    assert.isEmpty(succeeded(decideEnd(found({ active: false }))).writes)
  })
})

describe("removal", () => {
  it("takes many deliveries away in steps, is inactive from the first on, and tells at the last", () => {
    const found = { stored: subscriptionOf(), revision: 2 }
    const command = { subscriptionId: "s", actor: "ann" }
    const first = succeeded(decideRemove({ found, deliveries: [deliveryOf()], areAll: false }, command, envAt()))
    assert.isFalse(first.value)
    assert.isFalse(puts(first, "subscriptions")[0]?.active)
    assert.isEmpty(first.events)
    const last = succeeded(decideRemove({ found, deliveries: [], areAll: true }, command, envAt()))
    assert.deepStrictEqual(told(last), ["subscription_removed by ann"])
    assert.deepStrictEqual(
      last.writes.map((write) => write._tag),
      ["Remove"]
    )
  })
})

describe("signatures", () => {
  const signed = (secret: string, body: string, eventType = "comment") =>
    signedHeaders({ secret, deliveryId: "d-1", eventType, attempt: 3, epochMillis: Date.now(), body })
  const body = '{"event":"ü"}'

  it.effect("verify with the contract's rule and with Standard Webhooks, for new and for given secrets", () =>
    Effect.gen(function* () {
      const made = yield* newSecret
      assert.match(made, /^whsec_[A-Za-z0-9+/]{43}=$/)
      assert.notStrictEqual(yield* newSecret, made)
      for (const secret of [made, "whsec_AAECAwQ=", "a plain sécret"]) {
        const headers = yield* signed(secret, body)
        const expected = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`
        assert.strictEqual(headers["X-OpenIntent-Signature"], expected)
        const verifier = secret.startsWith("whsec_")
          ? new Webhook(secret)
          : new Webhook(Buffer.from(secret), { format: "raw" })
        assert.deepStrictEqual(verifier.verify(body, { ...headers }), { event: "ü" })
        assert.throws(() => verifier.verify(`${body} `, { ...headers }))
        assert.include(headers, { "X-OpenIntent-Attempt": "3", "X-OpenIntent-Delivery": "d-1", "webhook-id": "d-1" })
      }
    })
  )

  it("a secret with the prefix must be base64", () => {
    for (const wrong of ["whsec_", "whsec_???", "whsec_abc"]) assert.isDefined(secretIssue(wrong), wrong)
    for (const right of ["whsec_AAECAwQ=", "x", "AAECAwQ"]) assert.isUndefined(secretIssue(right), right)
  })

  it.effect("a type that no header can hold is escaped", () =>
    Effect.map(signed("s", body, "x.é\n: 1"), (headers) =>
      assert.strictEqual(headers["X-OpenIntent-Event"], "x.%C3%A9%0A:%201")
    )
  )

  it.effect("the id of a delivery is a UUID of the subscription and the event alone", () =>
    Effect.gen(function* () {
      const event = { id: "e", createdAt: DateTime.makeUnsafe(1_795_377_605_000) }
      const id = yield* deliveryIdOf("s", event)
      assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      assert.strictEqual(yield* deliveryIdOf("s", { ...event }), id)
      const others = yield* Effect.all([deliveryIdOf("t", event), deliveryIdOf("s", { ...event, id: "f" })])
      assert.strictEqual(new Set([id, ...others]).size, 3)
    })
  )
})
