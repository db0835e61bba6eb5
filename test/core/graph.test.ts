/** `graph` of the embedded engine, on each storage (http.md 5, semantics 4). */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type { ListNeighbours } from "../../src/core/graph/Graph.ts"
import type { Intent, Status } from "../../src/core/intent/Intent.ts"
import type { OpenIntentShape } from "../../src/core/OpenIntent.ts"
import { engineOn, logOf } from "./engines.ts"
import { create, idsOf, seed, storages } from "./graphs.ts"

const move = ({ intents }: OpenIntentShape, { id, version }: Pick<Intent, "id" | "version">, status: Status) =>
  intents.setStatus(id, { version, status })

const lists = ["children", "descendants", "ancestors", "dependencies", "dependents", "ready", "blocked"] as const

/** The rest of a list, page by page. */
const allPages = ({ graph }: OpenIntentShape, list: (typeof lists)[number], id: string, limit: number) =>
  Effect.gen(function* () {
    const found: Array<string> = []
    let query: ListNeighbours = { limit }
    for (;;) {
      const page = yield* graph[list](id, query)
      found.push(...idsOf(page))
      if (page.next === undefined) return found
      query = { limit, after: page.next }
    }
  })

for (const [name, storage] of Object.entries(storages)) {
  describe(`graph: ${name}`, () => {
    it.effect("http.md 5.2: each list has its content and its order", () =>
      Effect.gen(function* () {
        const on = yield* storage
        const engine = yield* engineOn(on)
        const { graph } = engine
        const root = yield* create(engine)
        const a = yield* create(engine, { parentIntentId: root.id })
        yield* TestClock.adjust("1 second")
        const b = yield* create(engine, { parentIntentId: root.id, dependsOn: [a.id] })
        const a1 = yield* create(engine, { parentIntentId: a.id })
        const b1 = yield* create(engine, { parentIntentId: b.id, dependsOn: [a1.id, a.id] })
        const a11 = yield* create(engine, { parentIntentId: a1.id })
        yield* TestClock.adjust("1 second")
        const c = yield* create(engine, { parentIntentId: root.id, dependsOn: [b.id] })
        // Dependents come by their own creation, not in the order in which they came to depend.
        yield* graph.addDependency(a11.id, { dependencyId: c.id, version: 1 })
        yield* graph.addDependency(a1.id, { dependencyId: c.id, version: 1 })
        assert.deepStrictEqual(idsOf(yield* graph.children(root.id)), [a.id, b.id, c.id])
        assert.deepStrictEqual(idsOf(yield* graph.descendants(root.id)), [a.id, a1.id, a11.id, b.id, b1.id, c.id])
        assert.deepStrictEqual(idsOf(yield* graph.descendants(a.id)), [a1.id, a11.id])
        assert.deepStrictEqual(idsOf(yield* graph.ancestors(a11.id)), [a1.id, a.id, root.id])
        assert.deepStrictEqual(idsOf(yield* graph.ancestors(root.id)), [])
        assert.deepStrictEqual(idsOf(yield* graph.dependencies(b1.id)), [a1.id, a.id])
        assert.deepStrictEqual(idsOf(yield* graph.dependents(a.id)), [b.id, b1.id])
        assert.deepStrictEqual(new Set(idsOf(yield* graph.dependents(c.id))), new Set([a1.id, a11.id]))
        assert.deepStrictEqual(idsOf(yield* graph.ready(root.id)), [a.id])
        assert.deepStrictEqual(idsOf(yield* graph.blocked(root.id)), [b.id, c.id])
        assert.deepStrictEqual((yield* graph.children(root.id)).items[1], yield* engine.intents.get(b.id))
        for (const list of lists) {
          assert.strictEqual((yield* Effect.flip(graph[list]("none")))._tag, "IntentNotFound")
          assert.strictEqual((yield* Effect.flip(graph[list](root.id, { limit: 0 })))._tag, "ValidationError")
          for (const { id } of [root, a, b1]) {
            const whole = yield* graph[list](id)
            assert.strictEqual(whole.total, whole.items.length)
            for (const limit of [1, 2, 3])
              assert.deepStrictEqual(yield* allPages(engine, list, id, limit), idsOf(whole))
            const rest = yield* graph[list](id, { offset: 1 })
            assert.deepStrictEqual(idsOf(rest), idsOf(whole).slice(1))
            assert.deepInclude(rest, { offset: 1, limit: 1000, total: whole.total, next: undefined })
          }
        }
      })
    )

    it.effect("dependents come by the creation of the intent, whenever they came to depend", () =>
      Effect.gen(function* () {
        const engine = yield* engineOn(yield* storage)
        const of = yield* create(engine)
        const first = yield* create(engine)
        yield* TestClock.adjust("1 second")
        const second = yield* create(engine, { dependsOn: [of.id] })
        yield* engine.graph.addDependency(first.id, { dependencyId: of.id, version: 1 })
        assert.deepStrictEqual(idsOf(yield* engine.graph.dependents(of.id)), [first.id, second.id])
      })
    )

    it.effect("semantics 10.25: ready and blocked share the open children, those blocked by hand are ready", () =>
      Effect.gen(function* () {
        const engine = yield* engineOn(yield* storage)
        const { graph } = engine
        const root = yield* create(engine)
        const child = (dependsOn: ReadonlyArray<string> = []) => create(engine, { parentIntentId: root.id, dependsOn })
        const done = yield* child()
        yield* move(engine, done, "completed")
        const gone = yield* child()
        yield* move(engine, gone, "abandoned")
        const draft = yield* child()
        const byHand = yield* child()
        yield* move(engine, byHand, "blocked")
        const pending = yield* child([done.id])
        const waiting = yield* child([done.id, draft.id])
        const never = yield* child([gone.id])
        // Completed after its dependent was blocked by hand.
        const handled = yield* child([done.id])
        yield* move(engine, handled, "blocked")
        const ready = yield* graph.ready(root.id)
        assert.deepStrictEqual(idsOf(ready), [draft.id, byHand.id, pending.id, handled.id])
        assert.strictEqual(ready.total, 4)
        const blocked = yield* graph.blocked(root.id)
        assert.deepStrictEqual(idsOf(blocked), [waiting.id, never.id])
        assert.strictEqual(blocked.total, 2)
      })
    )

    it.effect("http.md 5.3: the graph, its edges and what it comes to", () =>
      Effect.gen(function* () {
        const engine = yield* engineOn(yield* storage)
        const above = yield* create(engine)
        const root = yield* create(engine, { parentIntentId: above.id })
        const stranger = yield* create(engine, { title: "stranger" })
        const done = yield* create(engine, { parentIntentId: root.id })
        yield* move(engine, done, "completed")
        const pending = yield* create(engine, { parentIntentId: root.id, dependsOn: [done.id] })
        const waiting = yield* create(engine, { parentIntentId: pending.id, dependsOn: [stranger.id, done.id] })
        const graph = yield* engine.graph.get(root.id)
        assert.strictEqual(graph.rootId, root.id)
        assert.isFalse(graph.truncated)
        // Reached by way of a dependency; what is above is not.
        assert.deepStrictEqual(
          graph.nodes.map(({ id }) => id),
          [root.id, done.id, pending.id, waiting.id, stranger.id]
        )
        assert.deepStrictEqual(graph.nodes[4], {
          id: stranger.id,
          title: "stranger",
          status: "draft",
          parentIntentId: null,
          dependsOn: []
        })
        assert.sameDeepMembers(
          [...graph.edges],
          [
            { from: root.id, to: done.id, type: "parent" },
            { from: root.id, to: pending.id, type: "parent" },
            { from: pending.id, to: waiting.id, type: "parent" },
            { from: done.id, to: pending.id, type: "dependency" },
            { from: stranger.id, to: waiting.id, type: "dependency" },
            { from: done.id, to: waiting.id, type: "dependency" }
          ]
        )
        assert.deepStrictEqual(graph.aggregateStatus, {
          total: 5,
          byStatus: { draft: 2, pending: 1, active: 0, blocked: 1, completed: 1, abandoned: 0 },
          completionPercentage: 20,
          blockingIntents: [stranger.id],
          readyIntents: [pending.id, stranger.id]
        })
        assert.strictEqual((yield* Effect.flip(engine.graph.get("none")))._tag, "IntentNotFound")
      })
    )

    it.effect("semantics 10.26: adding then removing restores the dependencies, two versions on", () =>
      Effect.gen(function* () {
        const on = yield* storage
        const engine = yield* engineOn(on)
        const [d, e] = [yield* create(engine), yield* create(engine)]
        const { id } = yield* create(engine, { dependsOn: [e.id], status: "active" })
        const added = yield* engine.graph.addDependency(id, { dependencyId: d.id, version: 1 })
        assert.deepInclude(added, { dependsOn: [e.id, d.id], version: 2, status: "blocked" })
        const removed = yield* engine.graph.removeDependency(id, { dependencyId: d.id, version: 2 })
        assert.deepInclude(removed, { dependsOn: [e.id], version: 3, status: "blocked" })
        assert.deepStrictEqual(yield* engine.intents.get(id), removed)
        assert.deepStrictEqual(idsOf(yield* engine.graph.dependents(d.id)), [])
        const last = yield* engine.graph.removeDependency(id, { dependencyId: e.id, version: 3 })
        assert.deepInclude(last, { dependsOn: [], version: 4, status: "pending" })
        const log = (yield* logOf(on)).filter((event) => event.intentId === id)
        assert.deepStrictEqual(
          log.map(({ actor, payload, type }) => [type, actor, payload["version"]]),
          [
            ["intent_created", "local", 1],
            ["dependency_added", "local", 2],
            ["dependency_removed", "local", 3],
            ["dependency_removed", "local", 4],
            ["status_changed", "system", 4]
          ]
        )
      })
    )

    it.effect(
      "the other ends: what an edge is removed from frees nobody, and what it is added to frees them later",
      () =>
        Effect.gen(function* () {
          const engine = yield* engineOn(yield* storage)
          const [d, e] = [yield* create(engine), yield* create(engine)]
          const { id } = yield* create(engine)
          yield* engine.graph.addDependency(id, { dependencyId: d.id, version: 1 })
          yield* engine.graph.addDependency(id, { dependencyId: e.id, version: 2 })
          yield* move(engine, d, "completed")
          assert.strictEqual((yield* engine.intents.get(id)).status, "blocked")
          yield* move(engine, e, "completed")
          assert.deepInclude(yield* engine.intents.get(id), { status: "pending", version: 4 })
          assert.deepInclude(
            yield* engine.graph.addDependency((yield* create(engine)).id, { dependencyId: d.id, version: 1 }),
            {
              status: "draft",
              version: 2
            }
          )
        })
    )

    it.effect("cycles of every length are refused with the way back, and so are ancestors", () =>
      Effect.gen(function* () {
        const engine = yield* engineOn(yield* storage)
        const refusal = (id: string, dependencyId: string, version = 1) =>
          Effect.map(Effect.flip(engine.graph.addDependency(id, { dependencyId, version })), (error) =>
            error._tag === "DependencyCycle" ? error.path : error._tag
          )
        const last = (yield* create(engine)).id
        assert.deepStrictEqual(yield* refusal(last, last), [last, last])
        let first = last
        const ids = [last]
        for (let length = 2; length <= 5; length++) {
          first = (yield* create(engine, { dependsOn: [first] })).id
          ids.unshift(first)
          assert.deepStrictEqual(yield* refusal(last, first), [last, ...ids])
        }
        const above = yield* create(engine)
        const middle = yield* create(engine, { parentIntentId: above.id })
        const below = yield* create(engine, { parentIntentId: middle.id })
        assert.deepStrictEqual(yield* refusal(below.id, above.id), [below.id, middle.id, above.id, below.id])
        assert.strictEqual(yield* refusal(below.id, "none"), "DependencyIntentNotFound")
        assert.strictEqual(yield* refusal("none", below.id), "IntentNotFound")
        assert.strictEqual(yield* refusal(below.id, last, 2), "VersionConflict")
        // A parent may wait for its child, and nothing was changed by what was refused.
        yield* engine.graph.addDependency(above.id, { dependencyId: below.id, version: 1 })
        assert.deepInclude(yield* engine.intents.get(below.id), { version: 1, dependsOn: [] })
      })
    )

    it.effect("without the parent gate an ancestor may be a dependency", () =>
      Effect.gen(function* () {
        const engine = yield* engineOn(yield* storage, { enforceParentGate: false })
        const above = yield* create(engine)
        const below = yield* create(engine, { parentIntentId: above.id })
        const added = yield* engine.graph.addDependency(below.id, { dependencyId: above.id, version: 1 })
        assert.deepStrictEqual(added.dependsOn, [above.id])
      })
    )

    it.effect("http.md 1.10: at most 1,000 dependencies", () =>
      Effect.gen(function* () {
        const on = yield* storage
        const engine = yield* engineOn(on)
        const dependsOn = Array.from({ length: 999 }, (_, i) => `d${i}`)
        yield* seed(on, [...dependsOn.map((id) => ({ id })), { id: "i", dependsOn, status: "blocked" }])
        const [a, b] = [yield* create(engine), yield* create(engine)]
        yield* engine.graph.addDependency("i", { dependencyId: a.id, version: 1 })
        const refused = yield* Effect.flip(engine.graph.addDependency("i", { dependencyId: b.id, version: 2 }))
        assert.isTrue(refused._tag === "ValidationError" && refused.issues[0].field === "dependencyId")
      })
    )
  })
}
