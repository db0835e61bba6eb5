import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { LogEvent } from "../../src/core/event/LogEvent.ts"
import type { OpenIntentShape } from "../../src/core/OpenIntent.ts"
import { anEngine, engineOn, fault, interleaved, logOf, memoryStorage, watch } from "./engines.ts"

const start = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1)

const say = ({ events }: OpenIntentShape, intentId: string, n: number) =>
  events.append(intentId, { type: "comment", payload: { n } })

const numbers = (events: ReadonlyArray<LogEvent>) => events.map((event) => event.payload.n)

/** The first `n` events after a position (undefined: from now on), taken by a fiber that waits for them. */
const taking = (engine: OpenIntentShape, n: number, after?: number, intentId?: string) =>
  start(Stream.runCollect(Stream.take(engine.events.follow({ after, intentId }), n)))

/** Lets everybody go on who can. */
const settle = Effect.forEach(upTo(50), () => Effect.yieldNow, { discard: true })

describe("Events.follow", () => {
  it.effect("gives what is in the log, then what comes, each once and in order", () =>
    Effect.gen(function* () {
      const engine = yield* anEngine
      const { id } = yield* engine.intents.create({ title: "t" })
      yield* Effect.forEach(upTo(3), (n) => say(engine, id, n))
      const following = yield* taking(engine, 7, 0, id)
      yield* settle
      assert.isUndefined(following.pollUnsafe())
      yield* Effect.forEach([4, 5, 6], (n) => say(engine, id, n))
      const events = yield* Fiber.join(following)
      assert.deepStrictEqual(numbers(events), [undefined, 1, 2, 3, 4, 5, 6])
    })
  )

  it.effect("without a position it gives what is committed from now on", () =>
    Effect.gen(function* () {
      const engine = yield* anEngine
      const { id } = yield* engine.intents.create({ title: "t" })
      yield* say(engine, id, 1)
      const following = yield* taking(engine, 2)
      yield* settle
      yield* say(engine, id, 2)
      yield* say(engine, id, 3)
      assert.deepStrictEqual(numbers(yield* Fiber.join(following)), [2, 3])
    })
  )

  it.effect("of one intent it gives no event of another; of all, every event", () =>
    Effect.gen(function* () {
      const engine = yield* anEngine
      const [a, b] = [yield* engine.intents.create({ title: "a" }), yield* engine.intents.create({ title: "b" })]
      const ofA = yield* taking(engine, 2, undefined, a.id)
      const ofAll = yield* taking(engine, 4)
      yield* settle
      yield* Effect.forEach(upTo(4), (n) => say(engine, n % 2 === 0 ? a.id : b.id, n))
      assert.deepStrictEqual(numbers(yield* Fiber.join(ofA)), [2, 4])
      assert.deepStrictEqual(numbers(yield* Fiber.join(ofAll)), [1, 2, 3, 4])
    })
  )

  it.effect("hidden and custom types are followed too (semantics 9.4)", () =>
    Effect.gen(function* () {
      const engine = yield* anEngine
      const { id } = yield* engine.intents.create({ title: "t" })
      const following = yield* taking(engine, 4, 0, id)
      const lease = yield* engine.leases.acquire(id, { scope: "a" })
      yield* engine.leases.renew(id, lease.id)
      yield* engine.events.append(id, { type: "x.mine" })
      assert.deepStrictEqual(
        (yield* Fiber.join(following)).map((event) => event.type),
        ["intent_created", "lease_acquired", "lease_renewed", "x.mine"]
      )
    })
  )

  it.effect("semantics 53: resumes after the last one seen, wherever that was", () =>
    Effect.gen(function* () {
      const engine = yield* anEngine
      const { id } = yield* engine.intents.create({ title: "t" })
      yield* Effect.forEach(upTo(10), (n) => say(engine, id, n))
      const all = yield* Stream.runCollect(Stream.take(engine.events.follow({ after: 0, intentId: id }), 11))
      for (let seen = 0; seen < all.length - 1; seen++) {
        const rest = yield* Stream.runCollect(
          Stream.take(engine.events.follow({ after: all[seen]!.position, intentId: id }), all.length - 1 - seen)
        )
        assert.deepStrictEqual(rest, all.slice(seen + 1))
      }
    })
  )

  it.effect("an unknown intent is told", () =>
    Effect.gen(function* () {
      const engine = yield* anEngine
      const error = yield* Effect.flip(Stream.runHead(engine.events.follow({ intentId: "none" })))
      assert.strictEqual(error._tag, "IntentNotFound")
    })
  )

  it.effect("a position that is none is told", () =>
    Effect.gen(function* () {
      const engine = yield* anEngine
      for (const after of [-1, 1.5, Number.NaN, "5" as never]) {
        const error = yield* Effect.flip(Stream.runHead(engine.events.follow({ after })))
        assert.strictEqual(error._tag, "ValidationError")
      }
    })
  )

  it.effect("a backlog of several pages is given whole", () =>
    Effect.gen(function* () {
      const engine = yield* anEngine
      const { id } = yield* engine.intents.create({ title: "t" })
      yield* Effect.forEach(upTo(1203), (n) => say(engine, id, n), { discard: true })
      const events = yield* Stream.runCollect(Stream.take(engine.events.follow({ after: 1, intentId: id }), 1203))
      assert.deepStrictEqual(numbers(events), upTo(1203))
    })
  )

  it.effect("many writers and slow readers: no gap, no duplicate, the order of the log", () =>
    Effect.gen(function* () {
      const storage = yield* memoryStorage
      const engine = yield* engineOn(interleaved(storage))
      const { id } = yield* engine.intents.create({ title: "t" })
      const readers = yield* Effect.forEach([0, 3, 20], (pauses) =>
        start(
          engine.events.follow({ after: 0, intentId: id }).pipe(
            Stream.tap(() => Effect.forEach(upTo(pauses), () => Effect.yieldNow, { discard: true })),
            Stream.take(301),
            Stream.runCollect
          )
        )
      )
      yield* Effect.forEach(
        upTo(10),
        (writer) => Effect.forEach(upTo(30), (n) => say(engine, id, writer * 100 + n), { discard: true }),
        { concurrency: "unbounded", discard: true }
      )
      const log = yield* logOf(storage)
      for (const reader of readers) assert.deepStrictEqual(yield* Fiber.join(reader), log)
    })
  )

  it.effect("issue 2: a follower is woken after the commit and never before", () =>
    Effect.gen(function* () {
      const watched = watch(yield* memoryStorage)
      const engine = yield* engineOn(watched.storage)
      const { id } = yield* engine.intents.create({ title: "t" })
      const open = Deferred.makeUnsafe<void>()
      let isCommitted = false
      watched.onCommit = (_, go) =>
        Deferred.await(open).pipe(
          Effect.andThen(go),
          Effect.tap(() => {
            isCommitted = true
            return settle // The commit is there, its caller is not told yet: nor is anybody else.
          })
        )
      const following = yield* taking(engine, 1, undefined, id)
      const patching = yield* start(engine.intents.patchState(id, { version: 1, state: { a: 1 } }))
      yield* settle
      assert.isUndefined(following.pollUnsafe())
      assert.isFalse(isCommitted)
      yield* Deferred.succeed(open, undefined)
      const [event] = yield* Fiber.join(following)
      assert.isTrue(isCommitted)
      assert.strictEqual(event?.type, "state_patched")
      yield* Fiber.join(patching)
    })
  )

  it.effect("a commit that fails wakes nobody and leaves no event", () =>
    Effect.gen(function* () {
      const watched = watch(yield* memoryStorage)
      const engine = yield* engineOn(watched.storage)
      const { id } = yield* engine.intents.create({ title: "t" })
      const following = yield* taking(engine, 1, undefined, id)
      watched.onCommit = () => Effect.fail(fault("io"))
      yield* Effect.flip(say(engine, id, 1))
      yield* Effect.flip(engine.intents.patchState(id, { version: 1, state: { a: 1 } }))
      yield* settle
      assert.isUndefined(following.pollUnsafe())
      watched.onCommit = (_, go) => go
      yield* say(engine, id, 2)
      assert.deepStrictEqual(numbers(yield* Fiber.join(following)), [2])
    })
  )

  it.effect(
    "decision 19: of another engine's commits followers hear by the storage, which is asked only while somebody follows",
    () =>
      Effect.gen(function* () {
        const storage = yield* memoryStorage
        const changes = yield* Queue.unbounded<void>()
        let listening = 0
        const changedElsewhere = Stream.unwrap(
          Effect.acquireRelease(
            Effect.sync(() => {
              listening++
              return Stream.fromQueue(changes)
            }),
            () => Effect.sync(() => void listening--)
          )
        )
        const here = yield* engineOn({ ...storage, changedElsewhere })
        const there = yield* engineOn(storage)
        const { id } = yield* there.intents.create({ title: "t" })
        assert.strictEqual(listening, 0)
        const ofOne = yield* taking(here, 3, 0, id)
        const ofAll = yield* taking(here, 2)
        yield* settle
        assert.strictEqual(listening, 1)
        yield* say(there, id, 1)
        yield* say(there, id, 2)
        yield* settle
        assert.isUndefined(ofOne.pollUnsafe(), "nothing has told of it yet")
        yield* Queue.offer(changes, undefined)
        assert.deepStrictEqual(numbers(yield* Fiber.join(ofOne)), [undefined, 1, 2])
        assert.deepStrictEqual(numbers(yield* Fiber.join(ofAll)), [1, 2])
        yield* settle
        assert.strictEqual(listening, 0)
      })
  )

  it.effect("a page that cannot be read ends the stream with the fault, and it can be resumed", () =>
    Effect.gen(function* () {
      const storage = yield* memoryStorage
      const changes = yield* Queue.unbounded<void>()
      let isBroken = false
      const engine = yield* engineOn({
        ...storage,
        changedElsewhere: Stream.fromQueue(changes),
        page: (query) => Effect.suspend(() => (isBroken ? Effect.fail(fault("io")) : storage.page(query)))
      })
      const { id } = yield* engine.intents.create({ title: "t" })
      const seen: Array<LogEvent> = []
      const following = yield* start(
        Effect.flip(
          Stream.runForEach(engine.events.follow({ after: 0 }), (event) => Effect.sync(() => seen.push(event)))
        )
      )
      yield* settle
      yield* say(engine, id, 1)
      yield* settle
      isBroken = true
      yield* say(yield* engineOn(storage), id, 2)
      yield* Queue.offer(changes, undefined)
      assert.strictEqual((yield* Fiber.join(following))._tag, "StorageUnavailable")
      isBroken = false
      const rest = yield* Stream.runCollect(Stream.take(engine.events.follow({ after: seen.at(-1)!.position }), 1))
      assert.deepStrictEqual(numbers(seen), [undefined, 1])
      assert.deepStrictEqual(numbers(rest), [2])
    })
  )
})
