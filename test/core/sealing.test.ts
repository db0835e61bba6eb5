import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { hash } from "node:crypto"
import { eventDigest, hashOf } from "../../src/core/seal/hash.ts"
import { Sha256 } from "../../src/core/seal/Sha256.ts"
import type { OpenIntentShape } from "../../src/core/OpenIntent.ts"
import type { StorageShape } from "../../src/core/Storage.ts"
import { engineOn, fault, interleaved, logOf, watch } from "./engines.ts"
import { storages } from "./storages.ts"

const sha256 = (text: string) => hash("sha256", text, "base64url")

/** Events at the end of the log that are not sealed yet. */
const unsealed = (storage: StorageShape) =>
  Effect.zipWith(
    storage.get("sealed", ["events"]),
    storage.lastPosition,
    ([record], last) => last - (record?.through ?? 0)
  )

/** An engine that seals. */
const sealing = (storage: StorageShape, options?: Parameters<typeof engineOn>[1]) =>
  Effect.provideService(engineOn(storage, options), Sha256, sha256)

const settle = Effect.gen(function* () {
  // Waits between the steps of a commit are turns of the event loop, not time.
  for (let i = 0; i < 50; i++) yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
})

/** So much time passes, in steps, in which all that is due is done. */
const pass = (millis: number) =>
  Effect.gen(function* () {
    for (let passed = 0; passed < millis; passed += 100) {
      yield* TestClock.adjust(100)
      yield* settle
    }
  })

const comments = (engine: OpenIntentShape, intentId: string, count: number) =>
  Effect.forEach(
    Array.from({ length: count }, (_, n) => n),
    (n) =>
      engine.events.append(intentId, { type: "comment", payload: { z: n, 10: "b", 9: "a", a: { y: [n], x: null } } }),
    { concurrency: "unbounded" }
  )

/** The hash of the last event of an intent, from the log alone. */
const headOf = (storage: StorageShape, intentId: string) =>
  Effect.map(logOf(storage), (log) => {
    let previous: string | null = null
    for (const event of log)
      if (event.intentId === intentId) previous = eventDigest(sha256, event, event.position, previous)
    return previous === null ? null : hashOf(previous)
  })

for (const [name, empty] of storages) {
  describe(`sealing: ${name}`, () => {
    it.effect("covers every event within a second of its commit, in chains of each intent", () =>
      Effect.gen(function* () {
        const storage = yield* empty
        const engine = yield* sealing(storage)
        const [one, two] = [yield* engine.intents.create({ title: "1" }), yield* engine.intents.create({ title: "2" })]
        yield* comments(engine, one.id, 100)
        assert.deepInclude(yield* engine.events.verify(one.id), {
          valid: true,
          eventCount: 101,
          unsealedCount: 101,
          sealedThrough: 0,
          head: null
        })
        yield* pass(1000)
        yield* comments(engine, two.id, 3)
        yield* pass(1000)
        assert.strictEqual(yield* unsealed(storage), 0)
        const last = yield* storage.lastPosition
        assert.deepStrictEqual(yield* engine.events.verify(two.id), {
          intentId: two.id,
          valid: true,
          eventCount: 4,
          firstSequence: 2,
          lastSequence: last,
          sealedThrough: last,
          unsealedCount: 0,
          head: { sequence: last, hash: (yield* headOf(storage, two.id)) ?? "" },
          break: null,
          next: undefined
        })
        const found = yield* engine.events.verify(one.id)
        assert.deepInclude(found, { valid: true, eventCount: 101, unsealedCount: 0 })
        assert.strictEqual(found.head?.hash, yield* headOf(storage, one.id))
      })
    )

    it.effect("goes on where another engine on the storage ended, and takes over from one that died", () =>
      Effect.gen(function* () {
        const storage = interleaved(yield* empty)
        const firstScope = yield* Scope.make()
        const first = yield* Scope.provide(sealing(storage), firstScope)
        const { id } = yield* first.intents.create({ title: "t" })
        yield* comments(first, id, 40)
        yield* pass(600)
        assert.strictEqual(yield* unsealed(storage), 0)
        const second = yield* sealing(storage)
        yield* comments(first, id, 40)
        yield* comments(second, id, 40)
        yield* Scope.close(firstScope, Exit.void) // Its claim stays, as after a crash.
        yield* comments(second, id, 40)
        yield* pass(4000)
        assert.strictEqual(yield* unsealed(storage), 0)
        assert.deepInclude(yield* second.events.verify(id), { valid: true, eventCount: 161, unsealedCount: 0 })
      })
    )

    it.effect("is done by one of two engines at a time, and right whoever does it", () =>
      Effect.gen(function* () {
        const storage = interleaved(yield* empty)
        const [one, two] = [yield* sealing(storage), yield* sealing(storage)]
        const { id } = yield* one.intents.create({ title: "t" })
        for (let round = 0; round < 20; round++) {
          yield* Effect.all([comments(one, id, 7), comments(two, id, 7)], { concurrency: "unbounded" })
          yield* pass(200)
        }
        yield* pass(1000)
        assert.deepInclude(yield* two.events.verify(id), { valid: true, eventCount: 281, unsealedCount: 0 })
      })
    )

    it.effect("lets the guard decide, when an engine takes over from one that still works", () =>
      Effect.gen(function* () {
        const inner = yield* empty
        const watched = watch(inner)
        const slow = yield* sealing(watched.storage)
        const { id } = yield* slow.intents.create({ title: "t" })
        let isHeld = true
        watched.onCommit = (commit, go) =>
          commit.guards.some(({ table }) => table === "sealed") && isHeld
            ? Effect.andThen(Effect.sleep("5 seconds"), go)
            : go
        yield* pass(1000)
        isHeld = false
        const quick = yield* sealing(inner)
        yield* comments(slow, id, 3)
        yield* pass(10_000)
        assert.deepInclude(yield* quick.events.verify(id), { valid: true, eventCount: 4, unsealedCount: 0 })
        assert.strictEqual(
          (yield* inner.page({ table: "sealHeads", index: "all", keys: [[]], direction: "asc", limit: 9 })).length,
          1
        )
      })
    )

    it.effect("is off where it is switched off, and others' seals are verified all the same", () =>
      Effect.gen(function* () {
        const storage = yield* empty
        const engine = yield* sealing(storage, { sealEvents: false })
        const { id } = yield* engine.intents.create({ title: "t" })
        yield* pass(3000)
        assert.deepInclude(yield* engine.events.verify(id), { valid: true, eventCount: 1, unsealedCount: 1 })
        yield* sealing(storage)
        yield* pass(1000)
        assert.deepInclude(yield* engine.events.verify(id), { valid: true, eventCount: 1, unsealedCount: 0 })
      })
    )

    it.effect("goes on by itself after a fault of the storage", () =>
      Effect.gen(function* () {
        const watched = watch(yield* empty)
        const engine = yield* sealing(watched.storage)
        const { id } = yield* engine.intents.create({ title: "t" })
        watched.onCommit = (commit, go) =>
          commit.guards.some(({ table }) => table === "sealed") ? Effect.fail(fault("full")) : go
        yield* pass(3000)
        assert.isAbove(yield* unsealed(watched.storage), 0)
        watched.onCommit = (_, go) => go
        yield* comments(engine, id, 50)
        yield* pass(7000)
        assert.deepInclude(yield* engine.events.verify(id), { valid: true, eventCount: 51, unsealedCount: 0 })
      })
    )

    it.effect("holds for more intents than are remembered, and looks at a part where it is asked to", () =>
      Effect.gen(function* () {
        const storage = yield* empty
        const engine = yield* sealing(storage)
        const intents = yield* Effect.forEach(Array.from({ length: 2500 }), () => engine.intents.create({ title: "t" }))
        yield* pass(1500)
        const [first] = intents
        const id = first?.id ?? ""
        yield* comments(engine, id, 600)
        yield* pass(1000)
        assert.strictEqual(yield* unsealed(storage), 0)
        const whole = yield* engine.events.verify(id)
        assert.deepInclude(whole, { valid: true, eventCount: 601, unsealedCount: 0 })
        const sizes: Array<number> = []
        for (let after: number | undefined = 0; after !== undefined;) {
          const part: typeof whole = yield* engine.events.verify(id, { after, limit: 250 })
          assert.isTrue(part.valid)
          sizes.push(part.eventCount)
          if (part.next === undefined) assert.deepStrictEqual(part.head, whole.head)
          after = part.next
        }
        assert.deepStrictEqual(sizes, [250, 250, 101])
      })
    )
  })
}
