/** The routes of http.md 5, and the remote engine's `graph`. */
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import * as Remote from "../../src/http/remote.ts"
import { memory } from "../../src/layers/memory.ts"
import { serving, type Serving } from "./serving.ts"

let server: Serving
let embedded: ManagedRuntime.ManagedRuntime<OpenIntent, never>
let remote: ManagedRuntime.ManagedRuntime<OpenIntent, never>
beforeAll(async () => {
  server = await serving()
  embedded = ManagedRuntime.make(memory())
  remote = ManagedRuntime.make(Remote.layer({ url: server.url, apiKey: "dev-user-key" }))
})
afterAll(async () => {
  await Promise.all([embedded.dispose(), remote.dispose()])
  await server.close()
})

const post = (path: string, body: unknown, headers = {}) =>
  server.ask("POST", `/api/v1/intents${path}`, { body, headers })
const get = (path: string, headers = {}) => server.ask("GET", `/api/v1/intents${path}`, { headers })
const remove = (path: string, headers = {}) => server.ask("DELETE", `/api/v1/intents${path}`, { headers })
const created = async (body: object = {}): Promise<string> => (await post("", { title: "t", ...body })).body.id
const at = (version: number) => ({ "If-Match": `"${version}"` })

describe("http.md 5.1: children", () => {
  it("are created below the intent of the path, whatever the body names", async () => {
    const [p, other] = [await created(), await created()]
    const child = await post(`/${p}/children`, { title: "c", parent_intent_id: other, assign: "bo", state: { a: 1 } })
    assert.strictEqual(child.status, 200)
    assert.strictEqual(child.headers.get("etag"), '"1"')
    assert.deepInclude(child.body, { parent_intent_id: p, parent_id: p, state: { a: 1 }, version: 1 })
    const agents = await get(`/${child.body.id}/agents`)
    assert.strictEqual(agents.body.agents[0].agent_id, "bo")
  })

  it("a missing parent wins over what is wrong with the body, and malformed JSON over that", async () => {
    for (const body of [{ title: "c" }, { title: "" }, { title: 1, depends_on: 3 }, {}]) {
      const missing = await post("/nope/children", body)
      assert.strictEqual(missing.status, 404)
      assert.deepInclude(missing.body, { code: "not_found", message: "Parent intent not found" })
    }
    const malformed = await server.ask("POST", "/api/v1/intents/nope/children", { raw: "{" })
    assert.deepInclude(malformed.body, { code: "invalid_json" })
    const p = await created()
    assert.deepInclude((await post(`/${p}/children`, {})).body, { code: "validation_error" })
    assert.deepInclude((await post(`/${p}/children`, { title: "c", depends_on: [p] })).body, {
      code: "dependency_cycle"
    })
  })
})

describe("http.md 5.2: navigation", () => {
  const names = ["children", "descendants", "ancestors", "dependencies", "dependents", "ready", "blocked"]

  it("each list under its name, in pages with a total, a cursor and a link", async () => {
    const p = await created()
    const a = (await post(`/${p}/children`, { title: "a" })).body.id
    const b = (await post(`/${p}/children`, { title: "b", depends_on: [a] })).body.id
    const c = (await post(`/${p}/children`, { title: "c", dependsOn: [a, b] })).body.id
    const expected: { readonly [name: string]: readonly [string, ReadonlyArray<string>] } = {
      children: [p, [a, b, c]],
      descendants: [p, [a, b, c]],
      ancestors: [c, [p]],
      dependencies: [c, [a, b]],
      dependents: [a, [b, c]],
      ready: [p, [a]],
      blocked: [p, [b, c]]
    }
    const idsOf = (body: { readonly [name: string]: ReadonlyArray<{ readonly id: string }> }, name: string) =>
      body[name]?.map(({ id }) => id)
    for (const name of names) {
      const [of, ids] = expected[name] ?? ["", []]
      const { body, status } = await get(`/${of}/${name}`)
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(idsOf(body, name), ids)
      assert.deepInclude(body, { total: ids.length, limit: 1000, offset: 0 })
      assert.deepStrictEqual(body[name][0], (await get(`/${ids[0]}`)).body)
      const first = await get(`/${of}/${name}?limit=1`)
      assert.deepStrictEqual(idsOf(first.body, name), ids.slice(0, 1))
      if (ids.length > 1) {
        const link = first.headers.get("link") ?? ""
        const next = await server.ask("GET", /<(.*)>/.exec(link)?.[1] ?? "")
        assert.deepStrictEqual(idsOf(next.body, name), ids.slice(1, 2))
      }
      assert.deepStrictEqual(idsOf((await get(`/${of}/${name}?offset=1`)).body, name), ids.slice(1))
    }
  })

  it("404 for an unknown intent, also where the paging is wrong; 400 for wrong paging", async () => {
    const p = await created()
    for (const name of names) {
      for (const query of ["", "?limit=0", "?limit=x"]) {
        assert.deepInclude((await get(`/nope/${name}${query}`)).body, { code: "not_found" })
      }
      for (const query of ["?limit=1001", "?offset=-1", "?after=!"]) {
        const { body, status } = await get(`/${p}/${name}${query}`)
        assert.deepStrictEqual([status, body.code], [400, "validation_error"], name + query)
      }
    }
  })
})

describe("http.md 5.3: graph", () => {
  it("pending counts as active in the default profile, and as itself in profile 2", async () => {
    const d = await created()
    await post(`/${d}/status`, { status: "completed" }, at(1))
    const p = await created({ title: "root", depends_on: [d] })
    const one = (await get(`/${p}/graph`)).body
    assert.deepStrictEqual(one, {
      root_id: p,
      nodes: [
        {
          id: p,
          title: "root",
          status: "active",
          status_detail: "pending",
          parent_id: null,
          parent_intent_id: null,
          depends_on: [d]
        },
        {
          id: d,
          title: "t",
          status: "completed",
          status_detail: "completed",
          parent_id: null,
          parent_intent_id: null,
          depends_on: []
        }
      ],
      edges: [{ from: d, to: p, type: "dependency" }],
      aggregate_status: {
        total: 2,
        by_status: { draft: 0, active: 1, blocked: 0, completed: 1, abandoned: 0 },
        completion_percentage: 50,
        blocking_intents: [],
        ready_intents: []
      }
    })
    const two = (await get(`/${p}/graph`, { "X-OpenIntent-Profile": "2" })).body
    assert.strictEqual(two.nodes[0].status, "pending")
    assert.deepInclude(two.aggregate_status.by_status, { pending: 1, active: 0 })
    assert.strictEqual((await get("/nope/graph")).status, 404)
  })
})

describe("http.md 5.4 and 5.5: dependencies", () => {
  it("errors of an addition, in order", async () => {
    const [i, d] = [await created(), await created()]
    const add = async (of: string, body: unknown, headers = {}) => {
      const answer = await post(`/${of}/dependencies`, body, headers)
      return [answer.status, answer.body.code, answer.body.message]
    }
    assert.deepStrictEqual(await add("nope", { dependency_id: 1 }), [404, "not_found", "Intent not found"])
    assert.deepStrictEqual(await add("nope", { dependency_id: "none" }), [404, "not_found", "Intent not found"])
    assert.deepStrictEqual((await add(i, {})).slice(0, 2), [400, "validation_error"])
    const missing = [404, "not_found", "Dependency intent not found"]
    for (const headers of [{}, { "If-Match": "x" }, at(9), at(1)]) {
      assert.deepStrictEqual(await add(i, { dependency_id: "none" }, headers), missing)
    }
    assert.deepStrictEqual((await add(i, { dependency_id: d })).slice(0, 2), [400, "if_match_required"])
    assert.deepStrictEqual((await add(i, { dependency_id: d }, { "If-Match": "x" })).slice(0, 2), [
      400,
      "invalid_if_match"
    ])
    assert.deepStrictEqual((await add(i, { dependency_id: i }, at(2))).slice(0, 2), [409, "version_conflict"])
    assert.deepStrictEqual(await add(i, { dependency_id: i }, at(1)), [
      400,
      "dependency_cycle",
      `dependency cycle: ${i} -> ${i}`
    ])
    const added = await post(`/${i}/dependencies`, { dependency_id: d }, at(1))
    assert.strictEqual(added.headers.get("etag"), '"2"')
    assert.deepInclude(added.body, { depends_on: [d], status: "blocked", version: 2 })
    assert.deepStrictEqual(await add(i, { dependency_id: d }, at(2)), [
      400,
      "duplicate_dependency",
      "Dependency already exists"
    ])
    await post(`/${d}/status`, { status: "abandoned" }, at(1))
    assert.deepStrictEqual((await add(d, { dependency_id: await created() }, at(2))).slice(0, 2), [
      400,
      "intent_terminal"
    ])
  })

  it("errors of a removal, in order; what is removed once is gone", async () => {
    const [d, e] = [await created(), await created()]
    const i = await created({ depends_on: [d, e] })
    const removed = async (of: string, dependency: string, headers = {}) => {
      const { body, status } = await remove(`/${of}/dependencies/${dependency}`, headers)
      return [status, body.code ?? body.version]
    }
    assert.deepStrictEqual(await removed("nope", d), [404, "not_found"])
    for (const headers of [{}, { "If-Match": "x" }, at(9), at(1)]) {
      assert.deepStrictEqual(await removed(i, "none", headers), [404, "not_found"])
    }
    assert.deepStrictEqual(await removed(i, d), [400, "if_match_required"])
    assert.deepStrictEqual(await removed(i, d, at(2)), [409, "version_conflict"])
    assert.deepStrictEqual(await removed(i, d, at(1)), [200, 2])
    assert.deepStrictEqual(await removed(i, d, at(2)), [404, "not_found"])
    await post(`/${i}/status`, { status: "abandoned" }, at(2))
    assert.deepStrictEqual(await removed(i, e, at(3)), [400, "intent_terminal"])
  })
})

describe("remote graph", () => {
  /** What a script answers, with ids by the order in which they were made. */
  const told = async (runtime: ManagedRuntime.ManagedRuntime<OpenIntent, never>) => {
    const ids: Array<string> = []
    const answers = await runtime.runPromise(
      OpenIntent.use(({ graph, intents }) =>
        Effect.gen(function* () {
          const make = (input: object = {}) =>
            Effect.tap(intents.create({ title: "t", ...input }), ({ id }) => Effect.sync(() => ids.push(id)))
          const root = yield* make()
          const a = yield* make({ parentIntentId: root.id })
          const b = yield* make({ parentIntentId: root.id, dependsOn: [a.id] })
          const done = yield* make()
          yield* intents.setStatus(done.id, { version: 1, status: "completed" })
          const pending = yield* make({ parentIntentId: a.id, dependsOn: [done.id] })
          const failing = (effect: Effect.Effect<unknown, { readonly _tag: string }>) =>
            Effect.map(Effect.flip(effect), (error) => ({ ...error }))
          const changed = { version: 1, dependencyId: a.id }
          return [
            yield* graph.children(root.id),
            yield* graph.descendants(root.id, { limit: 2 }),
            yield* graph.descendants(root.id, {
              limit: 2,
              after: (yield* graph.descendants(root.id, { limit: 2 })).next
            }),
            yield* graph.ancestors(pending.id),
            yield* graph.dependencies(pending.id),
            yield* graph.dependents(a.id),
            yield* graph.ready(root.id),
            yield* graph.blocked(root.id),
            yield* graph.get(root.id),
            yield* failing(graph.get("nope")),
            yield* failing(graph.children("..")),
            yield* failing(graph.addDependency("nope", changed)),
            yield* failing(graph.addDependency(b.id, { ...changed, dependencyId: "nope" })),
            yield* failing(graph.addDependency(b.id, { ...changed, dependencyId: "" })),
            yield* failing(graph.addDependency(b.id, { ...changed, version: 9 })),
            yield* failing(graph.addDependency(b.id, changed)),
            yield* failing(graph.addDependency(a.id, { version: 1, dependencyId: b.id })),
            yield* failing(graph.addDependency(done.id, { version: 2, dependencyId: b.id })),
            yield* graph.addDependency(b.id, { version: 1, dependencyId: done.id }),
            yield* failing(graph.removeDependency("nope", changed)),
            yield* failing(graph.removeDependency(a.id, { version: 1, dependencyId: b.id })),
            yield* failing(graph.removeDependency(a.id, { version: 1, dependencyId: ".." })),
            yield* failing(graph.removeDependency(b.id, { version: 1, dependencyId: done.id })),
            yield* graph.removeDependency(b.id, { version: 2, dependencyId: done.id }),
            yield* graph.removeDependency(b.id, { version: 3, dependencyId: a.id })
          ]
        })
      )
    )
    const text = JSON.stringify(answers, (name, value) =>
      name === "createdAt" || name === "updatedAt" ? undefined : name === "message" ? undefined : value
    )
    return JSON.parse(
      ids.reduce((all, id, i) => all.replaceAll(id, `#${i}`), text).replaceAll(/"next":"[^"]*"/g, '"next":1')
    )
  }

  it("gives the answers and the errors that the embedded engine gives", async () => {
    const [expected, actual] = [await told(embedded), await told(remote)]
    // But for the words of validation errors, which may differ.
    assert.deepStrictEqual(actual, expected)
  })
})
