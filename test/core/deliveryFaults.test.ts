/** Webhooks while the storage cannot write (issue 4, point 5). */
import { assert, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { WebhookSender } from "../../src/core/subscription/WebhookSender.ts"
import { engineOn, fault, memoryStorage, watch } from "./engines.ts"

/** Time goes on, and so does what does not wait for it. */
const goOn = Effect.andThen(
  TestClock.adjust("1 second"),
  Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
)

it.effect("an answer that cannot be written down is kept until it can be; the endpoint is not asked again", () =>
  Effect.gen(function* () {
    const watched = watch(yield* memoryStorage)
    let sent = 0
    let failed = 0
    let isFull = false
    watched.onCommit = (commit, go) => {
      if (!isFull || !commit.writes.some(({ table }) => table === "deliveries")) return go
      failed++
      return Effect.fail(fault("full"))
    }
    const sender = () =>
      Effect.succeed({
        refusal: () => undefined,
        body: () => "{}",
        send: () =>
          Effect.sync(() => {
            sent++
            isFull = failed === 0
            return { status: 200, retryAfter: undefined }
          })
      })
    const engine = yield* engineOn(watched.storage, { webhooks: { claimDuration: Duration.hours(1) } }).pipe(
      Effect.provideService(WebhookSender, sender)
    )
    const { id } = yield* engine.intents.create({ title: "t" })
    const subscription = yield* engine.subscriptions.create({ intentId: id, webhookUrl: "https://hooks.example.org/" })
    yield* engine.events.append(id, { type: "comment", payload: {} })
    yield* goOn.pipe(Effect.repeat({ until: () => failed >= 10 }))
    assert.strictEqual(sent, 1)
    isFull = false
    const { items } = yield* Effect.andThen(goOn, engine.subscriptions.deliveries(subscription.id)).pipe(
      Effect.repeat({ until: (page) => page.items.length > 0 })
    )
    const [delivery] = items
    assert.deepStrictEqual([delivery?.status, delivery?.attempt, sent], ["delivered", 1, 1])
  })
)
