/** Two engines on one storage change one graph at the same time (semantics 10.22, 10.23, 10.27). */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { Intent } from "../../src/core/intent/Intent.ts"
import { isTerminal } from "../../src/core/intent/Intent.ts"
import type { OpenIntentShape } from "../../src/core/OpenIntent.ts"
import { StaleRevision } from "../../src/core/Storage.ts"
import { engineOn, interleaved, memoryStorage, watch } from "./engines.ts"
import { create, idsOf, pairs, seed, storages } from "./graphs.ts"

type Engines = readonly [OpenIntentShape, OpenIntentShape]

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

/** The orders of so many. */
const orders = (n: number): ReadonlyArray<ReadonlyArray<number>> =>
  n === 0
    ? [[]]
    : orders(n - 1).flatMap((order) => upTo(n).map((place) => [...order.slice(0, place), n - 1, ...order.slice(place)]))

/** All that the invariants say of dependencies and statuses. */
const assertSound = (intents: ReadonlyArray<Intent>) => {
  const byId = new Map(intents.map((intent) => [intent.id, intent]))
  const sound = new Set<string>()
  const visit = (id: string, path: ReadonlyArray<string>): void => {
    assert.notInclude(path, id, "a cycle (semantics 10.22)")
    if (sound.has(id)) return
    for (const next of byId.get(id)?.dependsOn ?? []) visit(next, [...path, id])
    sound.add(id)
  }
  for (const { dependsOn, id, status } of intents) {
    visit(id, [])
    const waits = dependsOn.some((dependency) => byId.get(dependency)?.status !== "completed")
    if (isTerminal(status)) continue
    // Nobody blocks by hand here, so an intent is blocked exactly while it waits.
    assert.strictEqual(status === "blocked", waits, "semantics 10.23")
  }
}

const allOf = (engine: OpenIntentShape) => Effect.map(engine.intents.list({ limit: 1000 }), ({ items }) => items)

/** Depends at the version that the intent has then, until no other is quicker. */
const depend = (engine: OpenIntentShape, id: string, dependencyId: string): Effect.Effect<string> =>
  Effect.gen(function* () {
    const { version } = yield* engine.intents.get(id)
    return yield* engine.graph.addDependency(id, { dependencyId, version })
  }).pipe(
    Effect.as("added"),
    Effect.catch((error) =>
      error._tag === "VersionConflict" ? depend(engine, id, dependencyId) : Effect.succeed(error._tag)
    )
  )

for (const [name, pair] of Object.entries(pairs)) {
  const engines = Effect.flatMap(pair, ([one, two]) => Effect.all([engineOn(one), engineOn(two)]))

  describe(`races in a graph: ${name}`, () => {
    it.live("edges that would close a cycle together: all but one come to be, in every order", () =>
      Effect.gen(function* () {
        const both: Engines = yield* engines
        for (const length of [2, 3, 4, 5]) {
          for (const order of orders(length)) {
            const ring = yield* Effect.forEach(upTo(length), () => create(both[0]))
            const answers = yield* Effect.forEach(
              order,
              (i) => depend(both[i % 2 === 0 ? 0 : 1], ring[i]?.id ?? "", ring[(i + 1) % length]?.id ?? ""),
              { concurrency: "unbounded" }
            )
            assert.deepStrictEqual(answers.toSorted(), ["DependencyCycle", ...upTo(length - 1).map(() => "added")])
          }
        }
        assertSound(yield* allOf(both[1]))
      })
    )

    it.live("whatever is added, removed and completed at once, no cycle is closed and nobody waits for ever", () =>
      Effect.gen(function* () {
        const both: Engines = yield* engines
        for (let round = 0; round < 8; round++) {
          const ids = (yield* Effect.forEach(upTo(6), () => create(both[0]))).map(({ id }) => id)
          yield* Effect.forEach(
            upTo(40),
            (n) =>
              Effect.gen(function* () {
                const engine = both[n % 2 === 0 ? 0 : 1]
                const [at, to] = [yield* Random.nextIntBetween(0, 5), yield* Random.nextIntBetween(0, 5)]
                const { dependsOn, id, version } = yield* engine.intents.get(ids[at] ?? "")
                const kind = yield* Random.nextIntBetween(0, 9)
                const [first] = dependsOn
                yield* Effect.ignore(
                  kind < 6
                    ? engine.graph.addDependency(id, { dependencyId: ids[to] ?? "", version })
                    : kind < 8 && first !== undefined
                      ? engine.graph.removeDependency(id, { dependencyId: first, version })
                      : engine.intents.setStatus(id, { version, status: "completed" })
                )
              }),
            { concurrency: 12 }
          )
        }
        const intents = yield* allOf(both[0])
        assertSound(intents)
        for (const { dependsOn, id } of intents) {
          assert.deepStrictEqual(idsOf(yield* both[1].graph.dependencies(id)), dependsOn)
          for (const dependent of (yield* both[1].graph.dependents(id)).items) assert.include(dependent.dependsOn, id)
        }
      }).pipe(Random.withSeed("graph"))
    )

    it.live("semantics 10.27: a dependency that completes while it is added or another is removed frees once", () =>
      Effect.gen(function* () {
        const both: Engines = yield* engines
        for (let round = 0; round < 20; round++) {
          const [d, e] = [yield* create(both[0]), yield* create(both[0])]
          const waiting = yield* create(both[0], { dependsOn: [d.id, e.id] })
          const fresh = yield* create(both[0])
          yield* Effect.all(
            [
              both[0].intents.setStatus(d.id, { version: 1, status: "completed" }),
              both[1].graph.removeDependency(waiting.id, { dependencyId: e.id, version: 1 }),
              both[1].graph.addDependency(fresh.id, { dependencyId: d.id, version: 1 })
            ],
            { concurrency: "unbounded", mode: "result" }
          )
          for (const id of [waiting.id, fresh.id]) {
            const { items } = yield* both[0].events.list(id, { type: "status_changed" })
            assert.isAtMost(items.filter((event) => event.payload["to"] === "pending").length, 1)
          }
        }
        assertSound(yield* allOf(both[0]))
      })
    )
  })
}

describe("completing", () => {
  for (const [name, storage] of Object.entries(storages)) {
    it.effect(`many dependents are freed inside the write transaction too, where races were lost: ${name}`, () =>
      Effect.gen(function* () {
        const watched = watch(yield* storage)
        const engine = yield* engineOn(watched.storage)
        const dependents = upTo(1200).map((i) => ({ id: `i${i}`, dependsOn: ["hub"], status: "blocked" as const }))
        yield* seed(watched.storage, [{ id: "hub" }, ...dependents])
        let toLose = 2
        watched.onCommit = (_, go) => (toLose-- > 0 ? Effect.fail(new StaleRevision()) : go)
        yield* engine.intents.setStatus("hub", { version: 1, status: "completed" })
        assert.strictEqual(watched.exclusive, 1)
        assert.deepStrictEqual(yield* watched.storage.counters(["intents/status/pending"]), [1200])
      })
    )
  }
})

describe("how additions are committed", () => {
  it.effect("without a walk, unless both ends have an edge on their far side", () =>
    Effect.gen(function* () {
      const watched = watch(yield* memoryStorage)
      const engine = yield* engineOn(watched.storage)
      const add = (id: string, dependencyId: string) =>
        Effect.map(engine.graph.addDependency(id, { dependencyId, version: 1 }), () => watched.exclusive)
      const [a, b, c, d, e] = yield* Effect.all([
        create(engine),
        create(engine),
        create(engine),
        create(engine),
        create(engine)
      ])
      assert.strictEqual(yield* add(a.id, b.id), 0)
      assert.strictEqual(yield* add(b.id, c.id), 0) // b has a dependent, c no dependency.
      assert.strictEqual(yield* add(d.id, a.id), 0) // d has no dependent, a has dependencies.
      const f = yield* create(engine, { dependsOn: [e.id] })
      assert.strictEqual(yield* add(c.id, f.id), 1) // Both.
    })
  )
})

describe("refusals", () => {
  it.effect("semantics 2.5: open children that were read after the intent moved on are no reason to refuse", () =>
    Effect.gen(function* () {
      const storage = yield* memoryStorage
      const other = yield* engineOn(storage)
      const parent = yield* create(other)
      let isRacing = true
      // While one engine gathers what a status needs, another completes the intent and gives it a child.
      const engine = yield* engineOn({
        ...interleaved(storage),
        page: (query) =>
          Effect.suspend(() => {
            if (!isRacing || query.index !== "byParentAndStatus") return storage.page(query)
            isRacing = false
            return Effect.andThen(
              Effect.orDie(
                Effect.andThen(
                  other.intents.setStatus(parent.id, { version: 1, status: "completed" }),
                  create(other, { parentIntentId: parent.id })
                )
              ),
              storage.page(query)
            )
          })
      })
      const refused = yield* Effect.flip(engine.intents.setStatus(parent.id, { version: 1, status: "completed" }))
      assert.isFalse(isRacing)
      assert.strictEqual(refused._tag, "VersionConflict")
    })
  )
})
