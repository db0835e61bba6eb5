/** http.md 13 over a real server: wire forms, order of errors, and the remote engine beside the embedded one. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { OpenIntent, type OpenIntentShape } from "../../src/core/OpenIntent.ts"
import * as Remote from "../../src/http/remote.ts"
import { memory } from "../../src/layers/memory.ts"
import { type Ask, serving, type Serving } from "./serving.ts"

const scope = Scope.makeUnsafe()
let server: Serving
let embedded: OpenIntentShape
let remote: OpenIntentShape

const build = (layer: Layer.Layer<OpenIntent>) =>
  Effect.runPromise(Effect.map(Layer.buildWithScope(layer, scope), Context.get(OpenIntent)))

beforeAll(async () => {
  embedded = await build(memory())
  server = await serving({}, Layer.succeed(OpenIntent, embedded))
  remote = await build(Remote.layer({ url: server.url, apiKey: "dev-user-key" }))
})
afterAll(async () => {
  await server.close()
  await Effect.runPromise(Scope.close(scope, Exit.void))
})

const ask = (method: string, path: string, body?: unknown, more: Ask = {}) =>
  server.ask(method, `/api/v1${path}`, body === undefined ? more : { ...more, body })

const newIntent = async (body: object = {}): Promise<string> =>
  (await ask("POST", "/intents", { title: "t", ...body })).body.id
const newPortfolio = async (body: object = {}): Promise<string> =>
  (await ask("POST", "/portfolios", { name: "p", ...body })).body.id

describe("portfolios over HTTP", () => {
  it("a portfolio has the fields of both spellings (http.md 2.12)", async () => {
    const made = await ask("POST", "/portfolios", {
      name: "p",
      description: null,
      createdBy: "zoe",
      governancePolicy: { max_cost: 5 },
      metadata: { a: 1 }
    })
    assert.strictEqual(made.status, 200, made.text)
    const { body } = made
    const fields = "id name description created_by createdBy status metadata governance_policy"
    const times = "created_at createdAt updated_at updatedAt aggregate_status"
    assert.hasAllKeys(body, `${fields} ${times}`.split(" "))
    assert.deepInclude(body, {
      created_by: "zoe",
      createdBy: "zoe",
      governance_policy: { max_cost: 5 },
      description: ""
    })
    assert.deepStrictEqual([body.created_at, body.updated_at], [body.createdAt, body.updatedAt])
    const found = await ask("GET", `/portfolios/${body.id}`)
    assert.deepStrictEqual(found.body, { ...body, intents: [] })
    assert.deepStrictEqual((await ask("GET", `/portfolios/${body.id}?intents=false`)).body, body)
    const listed = await ask("GET", "/portfolios?created_by=zoe")
    assert.deepStrictEqual([listed.body.portfolios, listed.body.total], [[body], 1])
  })

  it("members are intents with role and priority; `pending` counts as active in the default profile (2.13)", async () => {
    const first = await newIntent({ status: "active" })
    await ask("POST", `/intents/${first}/status`, { status: "completed" }, { headers: { "if-match": "1" } })
    const pending = await newIntent({ depends_on: [first] })
    const active = await newIntent({ status: "active" })
    const id = await newPortfolio()
    for (const intent_id of [first, pending, active]) {
      const { body } = await ask("POST", `/portfolios/${id}/intents`, { intent_id })
      assert.deepInclude(body, { intent_id, portfolio_id: id, role: "member", priority: 0 })
      assert.strictEqual(body.id, body.membership_id)
    }
    const by = { draft: 0, active: 2, blocked: 0, completed: 1, abandoned: 0 }
    const expected = { total: 3, by_status: by, completion_percentage: 33 }
    const { body } = await ask("GET", `/portfolios/${id}/intents?limit=2`)
    assert.deepStrictEqual(body.aggregate_status, expected)
    assert.deepStrictEqual(
      body.intents.map((intent: any) => [intent.id, intent.role, intent.priority, intent.portfolio_ids]),
      [first, pending].map((intent) => [intent, "member", 0, [id]])
    )
    assert.deepInclude(body, { total: 3, limit: 2, offset: 0 })
    const next = await ask("GET", `/portfolios/${id}/intents?limit=2&after=${body.after}`)
    assert.deepStrictEqual(
      next.body.intents.map((intent: any) => intent.id),
      [active]
    )
    const second = await ask("GET", `/portfolios/${id}`, undefined, { headers: { "x-openintent-profile": "2" } })
    assert.deepStrictEqual(second.body.aggregate_status.by_status, { ...by, active: 1, pending: 1 })
    assert.strictEqual(second.body.intents.length, 3)
    const changed = await ask("PATCH", `/portfolios/${id}/status`, { status: "abandoned" })
    assert.deepInclude(changed.body, { status: "abandoned", aggregate_status: expected })
    assert.strictEqual(changed.body.intents.length, 3)
    assert.strictEqual((await ask("GET", `/intents/${active}/portfolios`)).body.portfolios[0].id, id)
  })

  it("refuses in the order of http.md 1.6: what the path names, then the body, then what the body names", async () => {
    const [id, intent_id] = [await newPortfolio(), await newIntent()]
    const cases: ReadonlyArray<readonly [string, string, unknown, number, string, string?]> = [
      ["GET", "/portfolios/nope", undefined, 404, "not_found", "Portfolio not found"],
      ["GET", "/portfolios/nope?intents=2", undefined, 404, "not_found", "Portfolio not found"],
      ["GET", `/portfolios/${id}?intents=2`, undefined, 400, "validation_error"],
      ["GET", "/portfolios/nope/intents", undefined, 404, "not_found", "Portfolio not found"],
      ["GET", "/portfolios/nope/intents?limit=0", undefined, 404, "not_found", "Portfolio not found"],
      ["GET", `/portfolios/${id}/intents?limit=0`, undefined, 400, "validation_error"],
      ["GET", "/portfolios?status=draft", undefined, 400, "validation_error"],
      ["GET", "/intents/nope/portfolios?limit=0", undefined, 404, "not_found", "Intent not found"],
      ["POST", "/portfolios", {}, 400, "validation_error"],
      [
        "POST",
        "/portfolios",
        { name: "p", governance_policy: { auto_complete_threshold: 101 } },
        400,
        "validation_error"
      ],
      ["POST", "/portfolios", { name: "p", created_by: "system" }, 400, "validation_error"],
      ["PATCH", "/portfolios/nope/status", {}, 404, "not_found", "Portfolio not found"],
      ["PATCH", `/portfolios/${id}/status`, {}, 400, "validation_error"],
      ["PATCH", `/portfolios/${id}/status`, { status: "paused" }, 400, "validation_error"],
      ["POST", "/portfolios/nope/intents", { role: "junk" }, 404, "not_found", "Portfolio not found"],
      ["POST", "/portfolios/nope/intents", { intent_id }, 404, "not_found", "Portfolio not found"],
      ["POST", `/portfolios/${id}/intents`, { role: "junk", intent_id: "nope" }, 400, "validation_error"],
      ["POST", `/portfolios/${id}/intents`, { priority: 2e9, intent_id: "nope" }, 400, "validation_error"],
      ["POST", `/portfolios/${id}/intents`, { intent_id: "nope" }, 404, "not_found", "Intent not found"],
      ["DELETE", `/portfolios/nope/intents/${intent_id}`, undefined, 404, "not_found", "Portfolio not found"],
      ["DELETE", `/portfolios/${id}/intents/nope`, undefined, 404, "not_found", "Membership not found"],
      ["DELETE", `/portfolios/${id}/intents/${intent_id}`, undefined, 404, "not_found", "Membership not found"]
    ]
    for (const [method, path, body, status, code, message] of cases) {
      const answer = await ask(method, path, body)
      const what = `${method} ${path} ${JSON.stringify(body)}: ${answer.text}`
      assert.strictEqual(answer.status, status, what)
      assert.strictEqual(answer.body.code, code, what)
      if (message !== undefined) assert.strictEqual(answer.body.message, message, what)
    }
    const policy = await ask("POST", "/portfolios", { name: "p", governancePolicy: { max_cost: -1 } })
    assert.strictEqual(policy.body.errors[0].field, "governance_policy.max_cost")
  })

  it("the gate tells how many members are in the way", async () => {
    const id = await newPortfolio({ governance_policy: { require_all_completed: true } })
    await ask("POST", `/portfolios/${id}/intents`, { intentId: await newIntent() })
    const { body, status } = await ask("PATCH", `/portfolios/${id}/status`, { status: "completed" })
    assert.deepStrictEqual([status, body.code, body.errors[0].value], [400, "portfolio_incomplete", 1])
  })
})

describe("portfolios, remote = embedded", () => {
  const both = async <A, E>(use: (engine: OpenIntentShape) => Effect.Effect<A, E>): Promise<A> => {
    const [near, far] = [await Effect.runPromise(use(embedded)), await Effect.runPromise(use(remote))]
    assert.deepStrictEqual(far, near)
    return near
  }
  const bothFail = async (use: (engine: OpenIntentShape) => Effect.Effect<unknown, object>) => {
    const [near, far] = [
      await Effect.runPromise(Effect.flip(use(embedded))),
      await Effect.runPromise(Effect.flip(use(remote)))
    ]
    assert.deepStrictEqual({ ...far }, { ...near })
    return near
  }

  it("records and pages", async () => {
    const portfolio = await Effect.runPromise(
      OpenIntent.as("agent:é")(
        remote.portfolios.create({
          name: "Ünï",
          metadata: { a: [1] },
          governancePolicy: { auto_complete_threshold: 60 }
        })
      )
    )
    const { id } = portfolio
    assert.strictEqual(portfolio.createdBy, "agent:é")
    assert.deepStrictEqual(await both(({ portfolios }) => portfolios.get(id)), portfolio)
    const first = await Effect.runPromise(remote.intents.create({ title: "a" }))
    const next = await Effect.runPromise(remote.intents.create({ title: "b", dependsOn: [first.id] }))
    const membership = await Effect.runPromise(
      remote.portfolios.addIntent(id, { intentId: first.id, role: "primary", priority: -3 })
    )
    await Effect.runPromise(remote.portfolios.addIntent(id, { intentId: next.id }))
    assert.deepStrictEqual(
      await both(({ portfolios }) => portfolios.addIntent(id, { intentId: first.id, role: "primary", priority: -3 })),
      membership
    )
    await Effect.runPromise(remote.intents.setStatus(first.id, { version: 1, status: "completed" }))
    assert.deepInclude(await both(({ portfolios }) => portfolios.aggregate(id)), { total: 2, completionPercentage: 50 })
    assert.strictEqual((await both(({ portfolios }) => portfolios.aggregate(id))).byStatus.pending, 1)
    const page = await both(({ portfolios }) => portfolios.members(id, { limit: 1 }))
    await both(({ portfolios }) => portfolios.members(id, { after: page.next }))
    await both(({ portfolios }) => portfolios.list({ createdBy: "agent:é", status: "active" }))
    await both(({ portfolios }) => portfolios.ofIntent(next.id))
    await Effect.runPromise(remote.portfolios.removeIntent(id, next.id))
    assert.strictEqual((await both(({ portfolios }) => portfolios.members(id))).total, 1)
    const done = await both(({ portfolios }) => portfolios.setStatus(id, { status: "completed" }))
    assert.strictEqual(done.status, "completed")
  })

  it("errors with their data", async () => {
    const { id } = await Effect.runPromise(
      remote.portfolios.create({ name: "p", governancePolicy: { require_all_completed: true } })
    )
    const intent = await Effect.runPromise(remote.intents.create({ title: "a" }))
    await Effect.runPromise(remote.portfolios.addIntent(id, { intentId: intent.id }))
    for (const missing of ["nope", "", ".", "a/b"]) {
      await bothFail(({ portfolios }) => portfolios.get(missing))
      await bothFail(({ portfolios }) => portfolios.removeIntent(id, missing))
      await bothFail(({ portfolios }) => portfolios.ofIntent(missing))
      await bothFail(({ portfolios }) => portfolios.addIntent(id, { intentId: missing }))
      await bothFail(({ portfolios }) => portfolios.addIntent(missing, { intentId: intent.id }))
      await bothFail(({ portfolios }) => portfolios.removeIntent(missing, intent.id))
      await bothFail(({ portfolios }) => portfolios.members(missing))
      await bothFail(({ portfolios }) => portfolios.aggregate(missing))
      await bothFail(({ portfolios }) => portfolios.setStatus(missing, { status: "active" }))
    }
    const refused = await bothFail(({ portfolios }) => portfolios.setStatus(id, { status: "completed" }))
    assert.deepInclude(refused, { _tag: "PortfolioIncomplete", portfolioId: id, incomplete: 1 })
    const wrong = await Effect.runPromise(
      Effect.flip(remote.portfolios.create({ name: "", governancePolicy: { max_cost: "much" } }))
    )
    assert.isTrue(
      wrong._tag === "ValidationError" &&
        wrong.issues.map(({ field }) => field).join() === "governancePolicy.max_cost,name"
    )
    const large = { text: "x".repeat(300_000) }
    await bothFail(({ portfolios }) => portfolios.create({ name: "p", metadata: large }))
  })
})
