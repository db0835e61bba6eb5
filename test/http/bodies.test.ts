/** http.md 1.7, 1.8, 1.9 and 2: what answers look like. */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { serving, type Serving } from "./serving.ts"

const intents = "/api/v1/intents"
const profile2 = { "x-openintent-profile": "2" }
let server: Serving
beforeAll(async () => {
  server = await serving()
})
afterAll(() => server.close())

const create = async (body: object = {}) => (await server.ask("POST", intents, { body: { title: "x", ...body } })).body

describe("profiles", () => {
  it("times: six digits, and a `Z` in profile 2; the same instant (invariant 14)", async () => {
    const { created_at, id } = await create()
    assert.match(created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/)
    const { body } = await server.ask("GET", `${intents}/${id}`, { headers: profile2 })
    assert.strictEqual(body.created_at, `${created_at}Z`)
  })

  it("`pending` is shown as `active` by default, and both are found as active", async () => {
    await using server = await serving()
    const ask = async (path: string, headers = {}) => (await server.ask("GET", path, { headers })).body
    const { body: first } = await server.ask("POST", intents, { body: { title: "a" } })
    await server.ask("POST", `${intents}/${first.id}/status`, {
      body: { status: "completed" },
      headers: { "if-match": "1" }
    })
    const { body: second } = await server.ask("POST", intents, { body: { title: "b", depends_on: [first.id] } })
    assert.deepInclude(second, { status: "active", status_detail: "pending" })
    assert.deepInclude(await ask(`${intents}/${second.id}`, profile2), { status: "pending", status_detail: "pending" })
    assert.strictEqual((await ask(`${intents}?status=active`)).total, 1)
    assert.strictEqual((await ask(`${intents}?status=active`, profile2)).total, 0)
    assert.strictEqual((await ask(`${intents}?status=pending`)).total, 1)
    assert.strictEqual((await ask(`${intents}?status=pending&status=completed`)).total, 2)
  })

  it("hidden events are seen in profile 2 and with include=all; the switch hides later ones", async () => {
    await using old = await serving({ hideLaterEventTypes: true })
    for (const [on, byDefault] of [
      [server, ["task.created", "intent_created"]],
      [old, ["intent_created"]]
    ] as const) {
      const { body } = await on.ask("POST", intents, { body: { title: "x" } })
      const path = `${intents}/${body.id}/events`
      for (const event_type of ["task.created", "x.mine"]) {
        assert.strictEqual((await on.ask("POST", path, { body: { event_type } })).status, 200)
      }
      const types = async (query: string, headers = {}) =>
        (await on.ask("GET", path + query, { headers })).body.events.map((event: any) => event.event_type)
      assert.deepStrictEqual(await types(""), byDefault)
      assert.deepStrictEqual(await types("?include=all"), ["x.mine", "task.created", "intent_created"])
      assert.deepStrictEqual(await types("", profile2), ["x.mine", "task.created", "intent_created"])
    }
  })
})

describe("single intents", () => {
  it("carry their version as ETag, which is accepted as If-Match in each of its forms", async () => {
    const { id } = await create()
    let etag = (await server.ask("GET", `${intents}/${id}`)).headers.get("etag") ?? ""
    assert.strictEqual(etag, '"1"')
    for (const form of [(tag: string) => tag, (tag: string) => `W/${tag}`, (tag: string) => tag.replaceAll('"', "")]) {
      const answer = await server.ask("PATCH", `${intents}/${id}/state`, {
        body: { state: { seen: etag } },
        headers: { "if-match": form(etag) }
      })
      assert.strictEqual(answer.status, 200, answer.text)
      etag = answer.headers.get("etag") ?? ""
    }
    assert.strictEqual(etag, '"4"')
  })

  it("aliases give the same intent (invariant 59)", async () => {
    const parent = await create()
    const body = await create({
      creator: "zoe",
      initial_state: { a: 1 },
      parentIntentId: parent.id,
      dependsOn: [],
      constraints: ["be kind"]
    })
    assert.deepInclude(body, {
      created_by: "zoe",
      state: { a: 1 },
      parent_intent_id: parent.id,
      parent_id: parent.id,
      constraints: { rules: ["be kind"] }
    })
  })

  it("PATCH of the state: patches before state before status (http.md 4.5)", async () => {
    const { id } = await create()
    const patch = async (body: object, version: number) =>
      (await server.ask("PATCH", `${intents}/${id}/state`, { body, headers: { "if-match": String(version) } })).body
    const patches = [{ op: "set", path: "a", value: 1 }]
    assert.deepInclude(await patch({ patches, state: { b: 1 }, status: "active" }, 1), {
      state: { a: 1 },
      status: "draft"
    })
    assert.deepInclude(await patch({ state: { b: 1 }, status: "active" }, 2), {
      state: { a: 1, b: 1 },
      status: "draft"
    })
    assert.deepInclude(await patch({ status: "active" }, 3), { status: "active", version: 4 })
  })
})

describe("lists", () => {
  it("pages by `after` and Link join to the whole list, of every noun (decision 11, invariant 16)", async () => {
    const { id } = await create()
    for (let i = 0; i < 5; i++) {
      await create({ title: `child ${i}`, parent_id: id })
      await server.ask("POST", `${intents}/${id}/leases`, { body: { scope: `s${i}` } })
      await server.ask("POST", `${intents}/${id}/agents`, { body: { agent_id: `a${i}` } })
    }
    for (const [plural, path] of [
      ["intents", `${intents}?parent_intent_id=${id}&order=asc`],
      ["events", `${intents}/${id}/events?order=asc`],
      ["leases", `${intents}/${id}/leases?status=all`],
      ["agents", `${intents}/${id}/agents?q=1`]
    ] as const) {
      const { body: whole } = await server.ask("GET", path)
      assert.isAtLeast(whole.total, 5)
      assert.strictEqual(whole.total, whole[plural].length)
      const found: Array<unknown> = []
      let next: string | undefined = `${path}&limit=2`
      for (let page = 0; next !== undefined && page < 20; page++) {
        const { body, headers } = await server.ask("GET", next)
        found.push(...body[plural])
        assert.strictEqual(body.total, whole.total)
        next = /<([^>]+)>; rel="next"/.exec(headers.get("link") ?? "")?.[1]
        assert.strictEqual(next === undefined, body.after === undefined)
      }
      assert.deepStrictEqual(found, whole[plural])
    }
  })

  it("time filters take offsets, also with the + that became a space (http.md 1.7)", async () => {
    const { id } = await create()
    const total = async (since: string) =>
      (await server.ask("GET", `${intents}/${id}/events?since=${since}`)).body.total
    assert.strictEqual(await total("2999-01-01T00:00:00+02:00"), 0)
    assert.strictEqual(await total("2999-01-01T00:00:00%2B02:00"), 0)
    assert.strictEqual(await total("2000-01-01T00:00:00.123456789Z"), 1)
  })
})
