/** What the engine does while the clock of the machine is set back and forth (issue 4, point 5). */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import type { Lease } from "../../src/core/lease/Lease.ts"
import { makeWithLease } from "../../src/core/lease/withLease.ts"
import { CurrentAgent } from "../../src/core/CurrentAgent.ts"
import { makeSteadyTime } from "../../src/core/steadyTime.ts"
import { Storage } from "../../src/core/Storage.ts"
import { SqliteStorage } from "../../src/storage/sqlite/SqliteStorage.ts"
import { temporaryFile } from "../storage/sqliteFiles.ts"
import { engineOn, logOf } from "./engines.ts"
import { leaseOf } from "./records.ts"
import { storages } from "./storages.ts"

const hour = 3_600_000
const noon = Date.parse("2031-05-06T12:00:00Z")

const steady = (from?: number) =>
  Effect.map(Clock.Clock, (clock) => {
    const now = makeSteadyTime(clock, from)
    return () => now().epochMilliseconds
  })

describe("steady time", () => {
  it.effect("is the clock, also when it is set forward", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(noon)
      const now = yield* steady()
      assert.strictEqual(now(), noon)
      yield* TestClock.adjust(1)
      assert.strictEqual(now(), noon + 1)
      yield* TestClock.setTime(noon + hour)
      assert.strictEqual(now(), noon + hour)
    })
  )

  it.effect("goes on when the clock is set back, a twelfth slower, until they meet", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(noon)
      const now = yield* steady()
      now()
      yield* TestClock.setTime(noon - hour)
      assert.strictEqual(now(), noon)
      yield* TestClock.adjust("12 seconds")
      assert.strictEqual(now(), noon + 11_000)
      // An hour is worked off in twelve.
      yield* TestClock.adjust("11 hours")
      assert.strictEqual(now() - (yield* Clock.currentTimeMillis), hour / 12 - 1000)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(now(), yield* Clock.currentTimeMillis)
      yield* TestClock.adjust(5)
      assert.strictEqual(now(), yield* Clock.currentTimeMillis)
    })
  )

  it.effect("begins where it is told to, never goes back, and gains nothing by many steps", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(noon)
      const now = yield* steady(noon + 1000)
      assert.strictEqual(now(), noon + 1000)
      let told = now()
      for (let step = 0; step < 1000; step++) {
        yield* TestClock.setTime((yield* Clock.currentTimeMillis) + (step % 2 === 0 ? 100 : -50))
        assert.isAtLeast(now(), told)
        told = now()
      }
      assert.isAtMost(told, noon + 1000 + 500 * 100, "so much time has passed")
    })
  )
})

describe.each(storages)("the clock is set back an hour (%s)", (_, newStorage) => {
  it.effect("a lease ends when its time has passed, none comes back, and the log keeps its order", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(noon)
      const storage = yield* newStorage
      const engine = yield* engineOn(storage)
      const as = (agent: string) => Effect.provideService(CurrentAgent, agent)
      const { id } = yield* engine.intents.create({ title: "t" })
      const acquire = (agent: string, scope: string) =>
        Effect.result(engine.leases.acquire(id, { scope, duration: "60 seconds" }).pipe(as(agent)))
      assert.isTrue(Result.isSuccess(yield* acquire("a", "over")))
      yield* TestClock.adjust("61 seconds")
      assert.isTrue(Result.isSuccess(yield* acquire("a", "plan")))

      yield* TestClock.setTime(noon - hour)
      assert.isTrue(Result.isFailure(yield* acquire("b", "plan")), "it is held")
      const active = (yield* engine.leases.list(id)).items.filter(({ status }) => status === "active")
      assert.deepStrictEqual(
        active.map(({ scope }) => scope),
        ["plan"],
        "what was over stays so"
      )
      assert.isTrue(Result.isSuccess(yield* acquire("b", "over")))
      yield* TestClock.adjust("59 seconds")
      assert.isTrue(Result.isFailure(yield* acquire("b", "plan")), "it is held for its time")
      yield* TestClock.adjust("7 seconds")
      assert.isTrue(Result.isSuccess(yield* acquire("b", "plan")), "and not longer")

      const times = (yield* logOf(storage)).map(({ createdAt }) => createdAt.epochMilliseconds)
      assert.deepStrictEqual(
        times,
        times.toSorted((a, b) => a - b)
      )
      const ids = (yield* logOf(storage)).map((event) => event.id)
      assert.deepStrictEqual(ids, ids.toSorted())
    })
  )

  it.effect("what a reservation holds is given back when its time has passed", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(noon)
      const storage = yield* newStorage
      const engine = yield* engineOn(storage)
      const { id } = yield* engine.intents.create({ title: "t", constraints: { max_cost: 10 } })
      const reserve = Effect.result(engine.costs.reserve(id, { amount: 10, ttl: "60 seconds" }))
      assert.isTrue(Result.isSuccess(yield* reserve))
      yield* TestClock.setTime(noon - hour)
      assert.isTrue(Result.isFailure(yield* reserve))
      yield* TestClock.adjust("66 seconds")
      assert.isTrue(Result.isSuccess(yield* reserve))
    })
  )
})

describe("a holder whose clock is set back", () => {
  it.effect("renews its lease in time all the same", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(noon)
      const lease: Lease = leaseOf("plan")
      let renewed = 0
      const withLease = makeWithLease({
        acquire: () => Effect.succeed(lease),
        renew: () =>
          Effect.sync(() => {
            renewed++
            return lease
          }),
        release: () => Effect.succeed(lease)
      })
      const fiber = yield* Effect.forkChild(
        withLease("i1", "plan", { ttl: "60 seconds" }, () => Effect.never),
        { startImmediately: true }
      )
      yield* TestClock.adjust("21 seconds")
      assert.strictEqual(renewed, 1)
      // Its timer runs on; the one after it is set with the clock an hour behind.
      yield* TestClock.setTime(noon - hour)
      yield* TestClock.adjust("2 hours")
      assert.isAbove(renewed, 100)
      yield* Fiber.interrupt(fiber)
    })
  )
})

describe("sqlite: a start with a clock that is behind", () => {
  const opened = (path: string) =>
    Effect.map(Layer.build(Layer.fresh(SqliteStorage.layerFile(path))), Context.get(Storage))

  it.effect("time goes on from the last commit, also where that had no event", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      yield* TestClock.setTime(noon)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const storage = yield* opened(path)
          yield* storage.check
          yield* TestClock.adjust("1 hour")
          yield* storage.check
        })
      )
      yield* TestClock.setTime(noon - hour)
      const storage = yield* opened(path)
      assert.strictEqual((yield* storage.now).epochMilliseconds, noon + hour)
      yield* TestClock.adjust("12 seconds")
      assert.strictEqual((yield* storage.now).epochMilliseconds, noon + hour + 11_000)
    })
  )
})
