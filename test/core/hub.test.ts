import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import type { HubShape } from "../../src/core/event/Hub.ts"
import type { LogEvent, NewEvent } from "../../src/core/event/LogEvent.ts"
import type { StorageShape } from "../../src/core/Storage.ts"
import { eventOf } from "../../src/testing/storageRecords.ts"
import { randomOf } from "../crash/random.ts"
import { fault, memoryStorage, partsOn } from "./engines.ts"

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1)
const settle = Effect.forEach(upTo(20), () => Effect.yieldNow, { discard: true })

/** Puts an event into the log, past the hub. */
const write = (storage: StorageShape, event: NewEvent) =>
  Effect.orDie(storage.commit({ guards: [], writes: [], events: [event], counters: new Map() }))

/** Whom the hub gives everything. */
const receiving = (hub: HubShape) => {
  const taken: Array<LogEvent> = []
  const errors: Array<unknown> = []
  const receiver = {
    take: (events: ReadonlyArray<LogEvent>) => void taken.push(...events),
    fail: (error: unknown) => void errors.push(error)
  }
  hub.join({ _tag: "Everything" }, [], receiver)
  return { taken, errors, receiver, positions: () => taken.map(({ position }) => position) }
}

/** A storage whose reads of the log are counted and can be broken, with a hub that listens. */
const listening = Effect.gen(function* () {
  const inner = yield* memoryStorage
  const reads = { count: 0, broken: false }
  const storage: StorageShape = {
    ...inner,
    page: (query) =>
      Effect.suspend(() => {
        reads.count++
        return reads.broken ? Effect.fail(fault("io")) : inner.page(query)
      })
  }
  const { hub } = yield* partsOn(storage)
  yield* Effect.orDie(hub.listen)
  return { hub, storage, reads }
})

const event = (n: number) => eventOf(`e${n}`, `i${n % 3}`)

describe("Hub", () => {
  it.effect("gives events in the order of the log, however their commits tell of them, and reads nothing", () =>
    Effect.gen(function* () {
      for (const seed of upTo(20)) {
        const random = randomOf(seed)
        const { hub, reads, storage } = yield* listening
        const { positions } = receiving(hub)
        const told: Array<readonly [NewEvent, number]> = []
        for (const n of upTo(30)) {
          const [position] = yield* write(storage, event(n))
          told.splice(random.below(told.length + 1), 0, [event(n), position!])
        }
        for (const [one, position] of told) hub.publish([one], [position])
        assert.strictEqual(hub.position(), 30)
        yield* settle
        assert.deepStrictEqual(positions(), upTo(30), `seed ${seed}`)
        assert.strictEqual(reads.count, 0)
      }
    })
  )

  it.effect("what nobody tells of is read from the log when something after it is told", () =>
    Effect.gen(function* () {
      const { hub, reads, storage } = yield* listening
      const { positions, taken } = receiving(hub)
      for (const n of upTo(5)) yield* write(storage, event(n))
      hub.publish([event(3)], [3])
      hub.publish([event(5)], [5])
      assert.deepStrictEqual(positions(), [])
      yield* settle
      assert.deepStrictEqual(positions(), upTo(5))
      assert.strictEqual(reads.count, 1)
      assert.deepStrictEqual(
        taken.map(({ id }) => id),
        ["e1", "e2", "e3", "e4", "e5"]
      )
    })
  )

  it.effect("what was read already is given once when its commit tells of it at last", () =>
    Effect.gen(function* () {
      const { hub, storage } = yield* listening
      const { positions } = receiving(hub)
      for (const n of upTo(2)) yield* write(storage, event(n))
      yield* Effect.orDie(hub.readOn)
      hub.publish([event(2)], [2])
      hub.publish([event(1)], [1])
      yield* settle
      assert.deepStrictEqual(positions(), [1, 2])
    })
  )

  it.effect("what is told in one turn is given together", () =>
    Effect.gen(function* () {
      const { hub, storage } = yield* listening
      const chunks: Array<ReadonlyArray<LogEvent>> = []
      hub.join({ _tag: "Everything" }, [], { take: (events) => void chunks.push(events), fail: () => undefined })
      for (const n of upTo(3)) yield* write(storage, event(n))
      hub.publish([event(1), event(2)], [1, 2])
      hub.publish([event(3)], [3])
      yield* settle
      assert.deepStrictEqual(
        chunks.map((chunk) => chunk.map(({ position }) => position)),
        [[1, 2, 3]]
      )
    })
  )

  it.effect("a log that cannot be read ends those who follow; who comes later is served", () =>
    Effect.gen(function* () {
      const { hub, reads, storage } = yield* listening
      const before = receiving(hub)
      for (const n of upTo(2)) yield* write(storage, event(n))
      reads.broken = true
      hub.publish([event(2)], [2])
      yield* settle
      assert.strictEqual(before.errors.length, 1)
      hub.leave({ _tag: "Everything" }, before.receiver)
      reads.broken = false
      const after = receiving(hub)
      yield* write(storage, event(3))
      hub.publish([event(3)], [3])
      yield* settle
      assert.deepStrictEqual(after.positions(), [1, 2, 3])
    })
  )

  it.effect("keeps recent events only while somebody is about to join, and no more than a few thousand", () =>
    Effect.gen(function* () {
      const { hub, storage } = yield* listening
      const tell = (n: number) =>
        Effect.map(write(storage, event(n)), (positions) => hub.publish([event(n)], positions))
      yield* tell(1)
      assert.isUndefined(hub.since(0))
      assert.deepStrictEqual(hub.since(1), [])
      const { release } = hub.hold()
      yield* tell(2)
      yield* tell(3)
      const kept = (position: number) => hub.since(position)?.map((one) => one.position)
      assert.deepStrictEqual([kept(1), kept(2), kept(3), kept(0)], [[2, 3], [3], [], undefined])
      yield* Effect.forEach(upTo(5000), (n) => tell(n + 3), { discard: true })
      assert.isUndefined(hub.since(3))
      assert.strictEqual(kept(4990)?.length, 13)
      release()
      release()
      assert.isUndefined(hub.since(4990))
    })
  )

  it.effect("while nobody listens it takes no note of anything", () =>
    Effect.gen(function* () {
      const storage = yield* memoryStorage
      const { commands, hub } = yield* partsOn(storage)
      const listened = yield* Effect.forkChild(Effect.scoped(Effect.andThen(hub.listen, Effect.never)))
      yield* settle
      yield* commands.append(() => event(1))
      assert.strictEqual(hub.position(), 1)
      yield* Fiber.interrupt(listened)
      yield* commands.append(() => event(2))
      const { positions } = receiving(hub)
      yield* settle
      assert.deepStrictEqual(positions(), [])
      yield* Effect.orDie(hub.listen)
      assert.strictEqual(hub.position(), 2)
    })
  )

  it.effect("commits that come while it begins to listen count as before its beginning or after it, and once", () =>
    Effect.gen(function* () {
      for (const pauses of upTo(6)) {
        const inner = yield* memoryStorage
        const pause = Effect.forEach(upTo(pauses), () => Effect.yieldNow)
        const { commands, hub } = yield* partsOn({
          ...inner,
          lastPosition: Effect.tap(Effect.andThen(pause, inner.lastPosition), () => pause)
        })
        const listening = yield* Effect.forkChild(hub.listen)
        let began: { readonly at: number; readonly positions: () => ReadonlyArray<number> } | undefined
        listening.addObserver(() => {
          began = { at: hub.position(), positions: receiving(hub).positions }
        })
        yield* Effect.forEach(upTo(20), (n) =>
          Effect.tap(
            commands.append(() => event(n)),
            () => Effect.yieldNow
          )
        )
        yield* Fiber.join(listening)
        yield* settle
        const { at, positions } = began!
        assert.deepStrictEqual(
          positions(),
          upTo(20).filter((position) => position > at)
        )
      }
    })
  )

  it.effect("an end of `changedElsewhere` does not end it", () =>
    Effect.gen(function* () {
      const inner = yield* memoryStorage
      const { commands, hub } = yield* partsOn({ ...inner, changedElsewhere: Stream.empty })
      yield* Effect.orDie(hub.listen)
      const { positions } = receiving(hub)
      yield* settle
      yield* commands.append(() => event(1))
      yield* settle
      assert.deepStrictEqual(positions(), [1])
    })
  )
})
