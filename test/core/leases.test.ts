import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { CurrentAgent } from "../../src/core/CurrentAgent.ts"
import { Busy } from "../../src/core/Errors.ts"
import type { Lease } from "../../src/core/lease/Lease.ts"
import { LeaseExpired } from "../../src/core/lease/LeaseErrors.ts"
import { makeWithLease } from "../../src/core/lease/withLease.ts"
import type { OpenIntentShape } from "../../src/core/OpenIntent.ts"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import type { StorageShape } from "../../src/core/Storage.ts"
import { anEngine, engineOn, fault, logOf, memoryStorage, watch } from "./engines.ts"
import { leaseOf } from "./records.ts"

const start = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

const textOf = (value: unknown) => (typeof value === "string" ? value : "no text")

/** How leases ended, as the log tells it. */
const releases = (storage: StorageShape) =>
  Effect.map(logOf(storage), (log) =>
    log
      .filter((event) => event.type === "lease_released")
      .map(({ actor, payload }) => `${textOf(payload.scope)} ${textOf(payload.reason)} by ${actor}`)
  )

describe("the sweeper (semantics 3.7)", () => {
  it.effect("within a second of its end a lease is told to be released, once, by system", () =>
    Effect.gen(function* () {
      const storage = yield* memoryStorage
      const engine = yield* engineOn(storage)
      const { id } = yield* engine.intents.create({ title: "t" })
      const lease = yield* engine.leases.acquire(id, { scope: "a", duration: "3 seconds" })
      yield* engine.leases.acquire(id, { scope: "b", duration: "1 hour" })
      yield* TestClock.adjust("2999 millis")
      assert.deepStrictEqual(yield* releases(storage), [])
      yield* TestClock.adjust("1001 millis")
      assert.deepStrictEqual(yield* releases(storage), ["a expired by system"])
      const [stored] = yield* storage.get("leases", [lease.id])
      assert.deepStrictEqual(stored, { ...lease, status: "expired" })
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* releases(storage), ["a expired by system"])
    })
  )

  it.effect("semantics 39: two engines on one storage tell it once", () =>
    Effect.gen(function* () {
      const storage = yield* memoryStorage
      const first = yield* engineOn(storage)
      yield* TestClock.adjust("250 millis")
      yield* engineOn(storage)
      const intents = yield* Effect.forEach(["a", "b", "c"], (title) => first.intents.create({ title }))
      for (const [i, { id }] of intents.entries()) {
        yield* first.leases.acquire(id, { scope: `s${i}`, duration: Duration.seconds(i + 1) })
        yield* first.leases.acquire(id, { scope: `t${i}`, duration: Duration.seconds(i + 1) })
      }
      for (let n = 1; n <= 3; n++) {
        yield* TestClock.adjust(n === 1 ? "1500 millis" : "1 second")
        assert.strictEqual((yield* releases(storage)).length, 2 * n)
      }
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(new Set(yield* releases(storage)).size, 6)
      assert.strictEqual((yield* releases(storage)).length, 6)
    })
  )

  it.effect("more than one look takes at a time are all ended in the same second", () =>
    Effect.gen(function* () {
      const storage = yield* memoryStorage
      const engine = yield* engineOn(storage)
      const { id } = yield* engine.intents.create({ title: "t" })
      const scopes = Array.from({ length: 1203 }, (_, i) => `s${i}`)
      yield* Effect.forEach(scopes, (scope) => engine.leases.acquire(id, { scope, duration: "1 second" }), {
        concurrency: 64,
        discard: true
      })
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* releases(storage)).length, scopes.length)
    })
  )

  it.effect("a fault of the storage, or a bug, is told in the log and tried again", () =>
    Effect.gen(function* () {
      const inner = yield* memoryStorage
      let broken: Effect.Effect<never, ReturnType<typeof fault>> | undefined
      const storage: StorageShape = {
        ...inner,
        page: (query) => Effect.suspend(() => (query.table === "leases" ? broken : undefined) ?? inner.page(query))
      }
      const engine = yield* engineOn(storage)
      const { id } = yield* engine.intents.create({ title: "t" })
      yield* engine.leases.acquire(id, { scope: "a", duration: "1 second" })
      for (const trouble of [Effect.fail(fault("io")), Effect.die(new Error("a bug"))]) {
        broken = trouble
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(yield* releases(inner), [])
      }
      broken = undefined
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* releases(inner), ["a expired by system"])
    })
  )

  it.effect("one intent that cannot be written does not keep the leases of others from ending", () =>
    Effect.gen(function* () {
      const watched = watch(yield* memoryStorage)
      const engine = yield* engineOn(watched.storage)
      const stuck = yield* engine.intents.create({ title: "stuck" })
      yield* engine.leases.acquire(stuck.id, { scope: "stuck", duration: "1 second" })
      for (let i = 0; i < 100; i++) {
        const { id } = yield* engine.intents.create({ title: "t" })
        yield* engine.leases.acquire(id, { scope: `s${i}`, duration: "2 seconds" })
      }
      watched.onCommit = (commit, go) =>
        commit.guards.some(({ key }) => key === stuck.id) ? Effect.fail(fault("busy")) : go
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual((yield* releases(watched.storage)).length, 100)
    })
  )

  it.effect("asks for no more than what is due", () =>
    Effect.gen(function* () {
      const inner = yield* memoryStorage
      let rows = 0
      const storage: StorageShape = {
        ...inner,
        page: (query) =>
          Effect.map(inner.page(query), (found) => {
            if (query.table === "leases") rows += found.length
            return found
          })
      }
      const engine = yield* engineOn(storage)
      const { id } = yield* engine.intents.create({ title: "t" })
      for (let i = 0; i < 50; i++) yield* engine.leases.acquire(id, { scope: `s${i}`, duration: "1 hour" })
      rows = 0
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(rows, 0)
    })
  )

  it.effect(
    "semantics 37 and 39: who acquires what is over before the sweeper came tells its end, and the sweeper does not",
    () =>
      Effect.gen(function* () {
        const storage = yield* memoryStorage
        const engine = yield* engineOn(storage, { sweepInterval: Duration.seconds(1) })
        const { id } = yield* engine.intents.create({ title: "t" })
        yield* TestClock.adjust("100 millis")
        yield* engine.leases.acquire(id, { scope: "a", duration: "1 second" })
        yield* TestClock.adjust("1 second")
        const second = yield* OpenIntent.as("bo")(engine.leases.acquire(id, { scope: "a", duration: "1 hour" }))
        assert.strictEqual(second.agentId, "bo")
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(yield* releases(storage), ["a expired by system"])
      })
  )
})

describe("leases over the engine", () => {
  it.effect("fencing tokens grow with every grant on the intent and stay on renewal", () =>
    Effect.gen(function* () {
      const engine = yield* anEngine
      const { id } = yield* engine.intents.create({ title: "t" })
      const tokens: Array<number> = []
      for (let round = 0; round < 3; round++) {
        const granted = yield* Effect.forEach(["a", "b", "c"], (scope) => engine.leases.acquire(id, { scope }), {
          concurrency: "unbounded"
        })
        tokens.push(...granted.map((lease) => lease.fencingToken))
        const renewed = yield* engine.leases.renew(id, granted[0]!.id)
        assert.strictEqual(renewed.fencingToken, granted[0]!.fencingToken)
        yield* engine.intents.patchState(id, { version: round + 1, state: { round } })
        yield* Effect.forEach(granted, (lease) => engine.leases.release(id, lease.id), { discard: true })
      }
      assert.deepStrictEqual(
        tokens,
        [...new Set(tokens)].toSorted((a, b) => a - b)
      )
    })
  )

  it.effect("semantics 2.1 and 3.10: neither grant nor end moves version or updated_at", () =>
    Effect.gen(function* () {
      const engine = yield* anEngine
      const intent = yield* engine.intents.create({ title: "t" })
      yield* TestClock.adjust("1 minute")
      const lease = yield* engine.leases.acquire(intent.id, { scope: "a" })
      yield* engine.leases.renew(intent.id, lease.id)
      yield* engine.leases.release(intent.id, lease.id)
      yield* engine.agents.assign(intent.id, { agentId: "bo" })
      yield* engine.events.append(intent.id, { type: "comment" })
      assert.deepStrictEqual(yield* engine.intents.get(intent.id), intent)
    })
  )

  it.effect("semantics 35: a release is told once, and released_at never changes", () =>
    Effect.gen(function* () {
      const storage = yield* memoryStorage
      const engine = yield* engineOn(storage)
      const { id } = yield* engine.intents.create({ title: "t" })
      const lease = yield* engine.leases.acquire(id, { scope: "a" })
      const over = yield* engine.leases.release(id, lease.id)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* engine.leases.release(id, lease.id), over)
      assert.deepStrictEqual(yield* engine.leases.revoke(id, lease.id), over)
      assert.strictEqual((yield* Effect.flip(engine.leases.renew(id, lease.id)))._tag, "LeaseNotFound")
      assert.deepStrictEqual(yield* releases(storage), ["a released by local"])
      const other = yield* engine.intents.create({ title: "other" })
      for (const call of [engine.leases.release(other.id, lease.id), engine.leases.revoke(other.id, lease.id)]) {
        assert.strictEqual((yield* Effect.flip(call))._tag, "LeaseNotFound")
      }
      assert.strictEqual((yield* Effect.flip(engine.leases.release("none", lease.id)))._tag, "IntentNotFound")
    })
  )

  it.effect("semantics 3.5: renewing what the sweeper has ended is LeaseExpired, for its owner alone", () =>
    Effect.gen(function* () {
      const engine = yield* anEngine
      const { id } = yield* engine.intents.create({ title: "t" })
      const lease = yield* engine.leases.acquire(id, { scope: "a", duration: "1 second" })
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual((yield* Effect.flip(engine.leases.renew(id, lease.id)))._tag, "LeaseExpired")
      const renewal = OpenIntent.as("bo")(engine.leases.renew(id, lease.id))
      assert.strictEqual((yield* Effect.flip(renewal))._tag, "LeaseNotFound")
      assert.strictEqual((yield* engine.leases.release(id, lease.id)).status, "expired")
    })
  )
})

describe("withLease", () => {
  const setUp = Effect.gen(function* () {
    const watched = watch(yield* memoryStorage)
    const engine = yield* engineOn(watched.storage)
    const { id } = yield* engine.intents.create({ title: "t" })
    return { ...engine, id, watched, told: releases(watched.storage) }
  })

  const others = ({ id, leases }: Pick<OpenIntentShape, "leases"> & { readonly id: string }) =>
    Effect.flip(OpenIntent.as("bo")(leases.acquire(id, { scope: "a" })))

  it.effect("holds the scope as long as use runs, however long, and releases it with success", () =>
    Effect.gen(function* () {
      const setting = yield* setUp
      const working = yield* start(
        setting.leases.withLease(setting.id, "a", { ttl: "3 seconds" }, (lease) =>
          Effect.as(Effect.sleep("20 seconds"), lease.scope)
        )
      )
      for (let second = 0; second < 19; second++) {
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* others(setting))._tag, "LeaseConflict")
      }
      assert.isUndefined(working.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(working), "a")
      assert.deepStrictEqual(yield* setting.told, ["a released by local"])
    })
  )

  it.effect("releases with failure, defect and interruption, and hands on what use ended with", () =>
    Effect.gen(function* () {
      const { id, leases, told } = yield* setUp
      const hold = <A, E>(use: Effect.Effect<A, E>) => leases.withLease(id, "a", {}, () => use)
      assert.strictEqual(yield* Effect.flip(hold(Effect.fail("no"))), "no")
      assert.strictEqual((yield* told).length, 1)
      assert.isTrue(Exit.hasDies(yield* Effect.exit(hold(Effect.die("bug")))))
      assert.strictEqual((yield* told).length, 2)
      yield* Fiber.interrupt(yield* start(hold(Effect.never)))
      assert.deepStrictEqual(yield* told, Array(3).fill("a released by local"))
    })
  )

  it.effect("interrupts use and fails when the lease is lost, within a third of its time", () =>
    Effect.gen(function* () {
      const { id, leases, told } = yield* setUp
      let isInterrupted = false
      const working = yield* start(
        Effect.flip(
          leases.withLease(id, "a", { ttl: "3 seconds" }, () =>
            Effect.onInterrupt(Effect.never, () =>
              Effect.sync(() => {
                isInterrupted = true
              })
            )
          )
        )
      )
      const [lease] = (yield* leases.list(id)).items
      yield* OpenIntent.as("admin")(leases.revoke(id, lease!.id))
      yield* TestClock.adjust("1 second")
      const error = yield* Fiber.join(working)
      assert.strictEqual(error instanceof LeaseExpired && error.leaseId, lease!.id)
      assert.isTrue(isInterrupted)
      assert.deepStrictEqual(yield* told, ["a revoked by admin"])
    })
  )

  it.effect("survives a storage that is out for less than the lease lasts", () =>
    Effect.gen(function* () {
      const { id, leases, watched } = yield* setUp
      const working = yield* start(
        leases.withLease(id, "a", { ttl: "30 seconds" }, () => Effect.as(Effect.sleep("1 minute"), "done"))
      )
      yield* TestClock.adjust("5 seconds")
      watched.onCommit = () => Effect.fail(fault("io"))
      yield* TestClock.adjust("20 seconds")
      watched.onCommit = (_, go) => go
      yield* TestClock.adjust("35 seconds")
      assert.strictEqual(yield* Fiber.join(working), "done")
    })
  )

  it.effect("is lost before it is over, when the storage is out for longer", () =>
    Effect.gen(function* () {
      const { id, leases, watched } = yield* setUp
      const working = yield* start(Effect.flip(leases.withLease(id, "a", { ttl: "30 seconds" }, () => Effect.never)))
      watched.onCommit = () => Effect.fail(fault("io"))
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual((yield* Fiber.join(working))._tag, "LeaseExpired")
    })
  )

  /** Leases of a server that takes this long for its answers: a lease counts from when the server granted it. */
  const slow = (latency: Duration.Input, renewal: Effect.Effect<void, Busy>) => {
    const granted: Array<number> = []
    const answer = Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      granted.push(now)
      const lease: Lease = leaseOf("l", { expiresAt: DateTime.makeUnsafe(now + 3000) })
      yield* Effect.sleep(latency)
      return lease
    })
    return {
      granted,
      withLease: makeWithLease({
        acquire: () => answer,
        renew: () => Effect.andThen(renewal, answer),
        release: () => Effect.succeed(leaseOf("l"))
      })
    }
  }

  it.effect("counts from before the grant was asked for, so that use never outlives the lease", () =>
    Effect.gen(function* () {
      const { withLease } = slow("800 millis", Effect.fail(new Busy({ operation: "renew" })))
      const working = yield* start(Effect.flip(withLease("i", "a", { ttl: "3 seconds" }, () => Effect.never)))
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(working.pollUnsafe()?._tag, "Success")
    })
  )

  it.effect("and from before the renewal that succeeded", () =>
    Effect.gen(function* () {
      let isUp = true
      const { granted, withLease } = slow(
        "500 millis",
        Effect.suspend(() => (isUp ? Effect.void : Effect.fail(new Busy({ operation: "renew" }))))
      )
      const working = yield* start(Effect.flip(withLease("i", "a", { ttl: "3 seconds" }, () => Effect.never)))
      yield* TestClock.adjust("10 seconds")
      isUp = false
      yield* TestClock.adjust("500 millis")
      assert.isUndefined(working.pollUnsafe())
      const last = granted.at(-1)!
      const now = yield* Clock.currentTimeMillis
      yield* TestClock.adjust(last + 3000 - now)
      assert.strictEqual(working.pollUnsafe()?._tag, "Success")
    })
  )

  it.effect("the scope of use is its caller's: what use acquires in it lives on", () =>
    Effect.gen(function* () {
      const { id, leases, told } = yield* setUp
      const log: Array<string> = []
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* leases.withLease(id, "a", {}, () =>
            Effect.acquireRelease(Effect.void, () => Effect.sync(() => log.push("closed")))
          )
          assert.strictEqual((yield* told).length, 1)
          assert.deepStrictEqual(log, [])
        })
      )
      assert.deepStrictEqual(log, ["closed"])
    })
  )

  it.effect("use acts as its caller", () =>
    Effect.gen(function* () {
      const { id, leases } = yield* setUp
      assert.strictEqual(yield* OpenIntent.as("bo")(leases.withLease(id, "a", {}, () => CurrentAgent)), "bo")
    })
  )

  it.effect("a ttl that no lease has is a ValidationError, and use never runs", () =>
    Effect.gen(function* () {
      const { id, leases } = yield* setUp
      for (const ttl of ["nonsense", 1500, "2 days", Duration.infinity]) {
        const error = yield* Effect.flip(leases.withLease(id, "a", { ttl: ttl as never }, () => Effect.die("ran")))
        assert.strictEqual(error._tag, "ValidationError", String(ttl))
      }
      assert.strictEqual((yield* leases.list(id, { status: "all" })).total, 0)
    })
  )

  it.effect("a scope that is held is told at once, and use never runs", () =>
    Effect.gen(function* () {
      const { id, leases } = yield* setUp
      const lease = yield* leases.acquire(id, { scope: "a" })
      const error = yield* Effect.flip(leases.withLease(id, "a", {}, () => Effect.die("ran")))
      assert.strictEqual(error._tag === "LeaseConflict" && error.existing.id, lease.id)
    })
  )
})
