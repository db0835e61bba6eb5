/** A page is bounded in bytes too, so that no list of large records is more than a server can hold. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import type { Page, PageOptions } from "../../src/core/Page.ts"
import { limits } from "../../src/core/validate.ts"
import { memory } from "../../src/layers/memory.ts"
import { sqlite } from "../../src/layers/sqlite.ts"

const large = "x".repeat(limits.stateBytes - 100)
const count = Math.ceil((1.5 * limits.pageBytes) / large.length)

/** Every page is within the bound, one record more or less; together they have all, in their order. */
const concatenates = <A extends object, E>(
  list: (page: PageOptions) => Effect.Effect<Page<A>, E>,
  expected: ReadonlyArray<string>,
  idOf: (item: A) => string
) =>
  Effect.gen(function* () {
    const found: Array<string> = []
    let pages = 0
    let after: string | undefined
    do {
      const page = yield* list({ limit: 1000, after })
      assert.isAtMost(page.items.length, limits.pageBytes / large.length + 2)
      assert.isNotEmpty(page.items)
      assert.deepStrictEqual([page.total, page.limit], [expected.length, 1000])
      found.push(...page.items.map(idOf))
      after = page.next
      pages++
    } while (after !== undefined)
    assert.strictEqual(pages, 2)
    assert.deepStrictEqual(found, expected)
    // What is asked for with a small limit is not cut.
    assert.lengthOf((yield* list({ limit: 3 })).items, 3)
  })

describe.each([
  ["memory", memory()],
  ["sqlite", sqlite(":memory:")]
] as const)("pages of large records, kept in %s", (_, layer) => {
  it.live("end early and go on after their cursor, whatever they are lists of", () =>
    Effect.gen(function* () {
      const { agents, events, graph, intents, portfolios } = yield* OpenIntent
      const root = yield* intents.create({ title: "root" })
      const first = yield* intents.create({ title: "first" })
      const portfolio = yield* portfolios.create({ name: "p" })
      const ids: Array<string> = []
      for (let i = 0; i < count; i++) {
        const { id } = yield* intents.create({
          title: "x",
          parentIntentId: root.id,
          dependsOn: [first.id],
          state: { large }
        })
        yield* agents.assign(id, { agentId: "ann" })
        yield* portfolios.addIntent(portfolio.id, { intentId: id })
        yield* events.append(root.id, { type: "comment", payload: { large } })
        ids.push(id)
      }
      const idOf = ({ id }: { readonly id: string }) => id
      const all = yield* intents.create({ title: "all", dependsOn: ids })
      yield* concatenates((page) => intents.list({ ...page, parentIntentId: root.id, order: "asc" }), ids, idOf)
      yield* concatenates(
        (page) => intents.list({ ...page, q: "x", createdBy: root.createdBy, order: "asc" }),
        ids,
        idOf
      )
      yield* concatenates((page) => intents.list({ ...page, agentId: "ann", order: "asc" }), ids, idOf)
      yield* concatenates((page) => graph.children(root.id, page), ids, idOf)
      yield* concatenates((page) => graph.descendants(root.id, page), ids, idOf)
      yield* concatenates((page) => graph.dependents(first.id, page), ids, idOf)
      yield* concatenates((page) => graph.dependencies(all.id, page), ids, idOf)
      yield* concatenates(
        (page) => portfolios.members(portfolio.id, page),
        ids,
        ({ intent }) => intent.id
      )
      const logged: Array<string> = []
      for (let after = 0; ;) {
        const page = yield* events.list(root.id, { type: "comment", order: "asc", afterPosition: after, limit: 20 })
        logged.push(...page.items.map(idOf))
        const last = page.items.at(-1)
        if (last === undefined) break
        after = last.position
      }
      yield* concatenates((page) => events.list(root.id, { ...page, type: "comment", order: "asc" }), logged, idOf)
    }).pipe(Effect.provide(layer))
  )
})
