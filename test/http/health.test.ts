import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as TestClock from "effect/testing/TestClock"
import { StorageUnavailable } from "../../src/core/Errors.ts"
import { makeHealth } from "../../src/http/health.ts"
import { serving } from "./serving.ts"

describe("health", () => {
  it.effect("looks once for all who ask at once, and again for those who ask later", () =>
    Effect.gen(function* () {
      let looks = 0
      const answer = Latch.makeUnsafe(false)
      const health = yield* makeHealth(
        Effect.suspend(() => {
          looks++
          return answer.await
        })
      )
      const probes = yield* Effect.forkChild(
        Effect.all(
          Array.from({ length: 100 }, () => health),
          { concurrency: 100 }
        )
      )
      const impatient = yield* Effect.forkChild(health)
      yield* Effect.yieldNow
      yield* Fiber.interrupt(impatient)
      yield* answer.open
      assert.deepStrictEqual(new Set(yield* Fiber.join(probes)), new Set([undefined]))
      assert.strictEqual(looks, 1)
      yield* health
      assert.strictEqual(looks, 2)
    })
  )

  it.effect("does not wait for a storage that does not answer, and recovers with it", () =>
    Effect.gen(function* () {
      const answer = Latch.makeUnsafe(false)
      const health = yield* makeHealth(answer.await)
      const probe = yield* Effect.forkChild(health)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* Fiber.join(probe), "timeout")
      yield* answer.open
      yield* Effect.yieldNow
      assert.isUndefined(yield* health)
    })
  )

  it.effect("says in a word what is wrong", () =>
    Effect.gen(function* () {
      const full = new StorageUnavailable({ operation: "check", reason: "full", retryable: true })
      assert.strictEqual(yield* yield* makeHealth(Effect.fail(full)), "full")
      assert.strictEqual(yield* yield* makeHealth(Effect.die(new Error("a bug"))), "fault")
    })
  )

  it("needs no key", async () => {
    await using server = await serving()
    for (const path of ["/health", "/api/v1/health", "/health/ready", "/health/live"]) {
      const { body, status } = await server.ask("GET", path, { key: null })
      assert.deepStrictEqual([status, body.status, "reason" in body], [200, "ok", false], path)
    }
  })
})
