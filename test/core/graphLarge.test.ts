/** Deep chains and wide fans of 10,000: no recursion, nothing read twice, time in proportion to what is asked for. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { limits } from "../../src/core/validate.ts"
import type { StorageShape } from "../../src/core/Storage.ts"
import { engineOn } from "./engines.ts"
import { create, idsOf, seed, storages } from "./graphs.ts"

const size = 10_000
const numbers = Array.from({ length: size }, (_, i) => i)

/** Counts the calls, and the records that they give. */
const counting = (storage: StorageShape) => {
  const asked = { calls: 0, records: 0 }
  const count = (records: number) => {
    asked.calls++
    asked.records += records
  }
  const counted: StorageShape = {
    ...storage,
    get: (table, keys) => Effect.tap(storage.get(table, keys), () => Effect.sync(() => count(keys.length))),
    page: (query) => Effect.tap(storage.page(query), (rows) => Effect.sync(() => count(rows.length))),
    reachable: (...walk) => Effect.tap(storage.reachable(...walk), () => Effect.sync(() => count(0)))
  }
  return { storage: counted, asked }
}

for (const [name, storage] of Object.entries(storages)) {
  describe(`graphs of ${size}: ${name}`, () => {
    it.live("a chain of parents", () =>
      Effect.gen(function* () {
        const { asked, storage: on } = counting(yield* storage)
        yield* seed(
          on,
          numbers.map((i) => ({ id: `i${i}`, parentIntentId: i === 0 ? null : `i${i - 1}` }))
        )
        const { graph } = yield* engineOn(on)
        asked.calls = 0
        const above = yield* graph.ancestors(`i${size - 1}`, { limit: 2 })
        assert.deepStrictEqual([idsOf(above), above.total], [[`i${size - 2}`, `i${size - 3}`], size - 1])
        const below = yield* graph.descendants("i0", { offset: size - 3 })
        assert.deepStrictEqual([idsOf(below), below.total], [[`i${size - 2}`, `i${size - 1}`], size - 1])
        assert.isAtMost(asked.calls, 4)
        const { aggregateStatus, nodes, truncated } = yield* graph.get("i0")
        assert.deepStrictEqual([nodes.length, aggregateStatus.total, truncated], [size, size, false])
        const last = `i${size - 1}`
        const up = yield* Effect.flip(graph.addDependency(last, { dependencyId: "i0", version: 1 }))
        assert.isTrue(up._tag === "DependencyCycle" && up.path.length === size + 1)
      })
    )

    it.live("a chain of dependencies", () =>
      Effect.gen(function* () {
        const on = yield* storage
        yield* seed(
          on,
          numbers.map((i) => ({
            id: `i${i}`,
            dependsOn: i === 0 ? [] : [`i${i - 1}`],
            status: i === 0 ? "draft" : "blocked"
          }))
        )
        const engine = yield* engineOn(on)
        const refused = yield* Effect.flip(
          engine.graph.addDependency("i0", { dependencyId: `i${size - 1}`, version: 1 })
        )
        assert.isTrue(refused._tag === "DependencyCycle" && refused.path.length === size + 1)
        const { aggregateStatus, edges } = yield* engine.graph.get(`i${size - 1}`)
        assert.deepStrictEqual([edges.length, aggregateStatus.readyIntents], [size - 1, ["i0"]])
        // Unblocking does not chain (semantics 1.5).
        yield* engine.intents.setStatus("i0", { version: 1, status: "completed" })
        const [one, two] = yield* on.get("intents", ["i1", "i2"])
        assert.deepStrictEqual([one?.status, two?.status], ["pending", "blocked"])
      })
    )

    it.live("a fan of dependents, each with others: completing reads each of them once, and few of the others", () =>
      Effect.gen(function* () {
        const { asked, storage: on } = counting(yield* storage)
        const others = Array.from({ length: 100 }, (_, i) => `other${i}`)
        yield* seed(on, [
          { id: "hub" },
          ...others.map((id, i) => ({ id, status: i === 7 ? ("draft" as const) : ("completed" as const) })),
          // One in a hundred waits for another, too, which it names early among many.
          ...numbers.map((i) => ({
            id: `i${i}`,
            status: "blocked" as const,
            dependsOn: i % 100 === 0 ? ["hub", ...others] : ["hub"]
          }))
        ])
        const engine = yield* engineOn(on)
        asked.calls = asked.records = 0
        yield* engine.intents.setStatus("hub", { version: 1, status: "completed" })
        // The edges and the dependents, once each; of the others no more than sixteen.
        assert.isAtMost(asked.records, 2 * size + 100)
        assert.isAtMost(asked.calls, 50)
        const counts = yield* on.counters(["intents/status/pending", "intents/status/blocked"])
        assert.deepStrictEqual(counts, [size - size / 100, size / 100])
        const [freed, waiting] = yield* on.get("intents", ["i1", "i100"])
        assert.deepStrictEqual([freed?.status, freed?.version, waiting?.status], ["pending", 2, "blocked"])
        const page = yield* engine.graph.dependents("hub", { offset: size - 1 })
        assert.deepStrictEqual([idsOf(page), page.total], [[`i${size - 1}`], size])
      })
    )

    it.live("a fan of children: lists in few calls, a graph beyond its limit is cut off", () =>
      Effect.gen(function* () {
        const { asked, storage: on } = counting(yield* storage)
        const engine = yield* engineOn(on)
        const root = yield* create(engine)
        const dependency = yield* create(engine)
        const wide = limits.graphNodes
        yield* seed(
          on,
          Array.from({ length: wide }, (_, i) => ({
            id: `i${i}`,
            parentIntentId: root.id,
            ...(i % 100 === 0 ? { dependsOn: [dependency.id], status: "blocked" as const } : undefined)
          }))
        )
        asked.calls = 0
        const children = yield* engine.graph.children(root.id, { limit: 3 })
        assert.deepStrictEqual([idsOf(children), children.total], [["i0", "i1", "i2"], wide])
        const ready = yield* engine.graph.ready(root.id, { limit: 1 })
        assert.deepStrictEqual([idsOf(ready), ready.total, ready.totalCapped], [["i1"], limits.total, true])
        const blocked = yield* engine.graph.blocked(root.id, { limit: 2, offset: 10 })
        assert.deepStrictEqual([idsOf(blocked), blocked.total], [["i1000", "i1100"], wide / 100])
        assert.isAtMost(asked.calls, 20)
        const { aggregateStatus, edges, nodes, truncated } = yield* engine.graph.get(root.id)
        assert.deepStrictEqual([nodes.length, aggregateStatus.total, truncated], [wide, wide, true])
        const known = new Set(nodes.map(({ id }) => id))
        assert.strictEqual(known.size, wide)
        assert.isTrue(edges.every(({ from, to }) => known.has(from) && known.has(to)))
        assert.deepStrictEqual(
          Object.values(aggregateStatus.byStatus).reduce((sum, n) => sum + n, 0),
          wide
        )
      })
    )

    it.live("a graph whose intents have too many dependencies together is cut off", () =>
      Effect.gen(function* () {
        const on = yield* storage
        const engine = yield* engineOn(on)
        const dependsOn = Array.from({ length: limits.dependencies }, (_, i) => `d${i}`)
        const enough = limits.graphDependencies / dependsOn.length
        yield* seed(on, [
          { id: "root" },
          ...dependsOn.map((id) => ({ id })),
          ...Array.from({ length: enough + 9 }, (_, i) => ({ id: `i${i}`, parentIntentId: "root", dependsOn }))
        ])
        const { nodes, truncated } = yield* engine.graph.get("root")
        assert.isTrue(truncated)
        const dependencies = nodes.reduce((sum, node) => sum + node.dependsOn.length, 0)
        assert.strictEqual(dependencies, limits.graphDependencies + dependsOn.length)
      })
    )
  })
}
