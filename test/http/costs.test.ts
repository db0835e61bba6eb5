/** http.md 14, 13.9 and decision 26 on the wire; and the remote engine as the embedded one. */
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import * as Remote from "../../src/http/remote.ts"
import { serving, type Serving } from "./serving.ts"

let server: Serving
let runtime: ManagedRuntime.ManagedRuntime<OpenIntent, never>
beforeAll(async () => {
  server = await serving()
  runtime = ManagedRuntime.make(Remote.layer({ url: server.url, apiKey: "dev-user-key" }))
})
afterAll(async () => {
  await runtime.dispose()
  await server.close()
})

const run = <A, E>(use: (engine: OpenIntent["Service"]) => Effect.Effect<A, E>) =>
  runtime.runPromise(OpenIntent.use(use))
const failing = <A, E>(use: (engine: OpenIntent["Service"]) => Effect.Effect<A, E>) =>
  run((engine) => Effect.flip(use(engine)))

const created = async (body: object = {}): Promise<string> => {
  const answer = await server.ask("POST", "/api/v1/intents", { body: { title: "t", ...body } })
  return answer.body.id
}

describe("costs over HTTP", () => {
  it("are recorded under every name, and shown under every name", async () => {
    const id = await created()
    const path = `/api/v1/intents/${id}/costs`
    const body = { cost_type: "tokens", amount: 0.1, unit: "USD", agent_id: "bob" }
    const first = await server.ask("POST", path, { body: { ...body, metadata: { a: 1 } } })
    assert.strictEqual(first.status, 200)
    const { id: costId, recordedAt, ...rest } = first.body
    assert.deepStrictEqual(rest, {
      intent_id: id,
      agent_id: "bob",
      cost_type: "tokens",
      amount: 0.1,
      unit: "USD",
      provider: null,
      metadata: { a: 1 },
      cost_metadata: { a: 1 },
      recorded_at: recordedAt
    })
    assert.isString(costId)
    const second = await server.ask("POST", path, { body: { ...body, amount: 0.2, cost_metadata: { a: 1 } } })
    assert.deepStrictEqual(second.body.metadata, { a: 1 })
    const list = await server.ask("GET", `${path}?limit=1`)
    assert.deepInclude(list.body, { costs: [first.body], total: 2, limit: 1, offset: 0 })
    assert.deepInclude(list.body.summary, { total: 0.3, count: 2, by_agent: { bob: 0.3 } })
    assert.match(list.headers.get("link") ?? "", /rel="next"/)
    assert.deepStrictEqual((await server.ask("GET", `${path}/summary`)).body, list.body.summary)
    const events = await server.ask("GET", `/api/v1/intents/${id}/events`)
    assert.notInclude(events.text, "cost_recorded")
    const hidden = await server.ask("GET", `/api/v1/intents/${id}/events?include=all`)
    assert.include(hidden.text, "cost_recorded")
  })

  it("what is wrong is 400 with the names of the wire; a missing intent comes first", async () => {
    const id = await created()
    const path = `/api/v1/intents/${id}/costs`
    for (const [body, field] of [
      [{ amount: 1, unit: "USD" }, "cost_type"],
      [{ cost_type: "x", unit: "USD" }, "amount"],
      [{ cost_type: "x", amount: "1", unit: "USD" }, "amount"],
      [{ cost_type: "x", amount: -0.5, unit: "USD" }, "amount"],
      [{ cost_type: "x", amount: 1e-13, unit: "USD" }, "amount"],
      [{ cost_type: "x", amount: 1, unit: "" }, "unit"],
      [{ cost_type: "x", amount: 1, unit: "USD", metadata: "m" }, "metadata"],
      [{ cost_type: "x", amount: 1, unit: "USD", agent_id: "system" }, "agent_id"]
    ] as const) {
      const answer = await server.ask("POST", path, { body })
      assert.strictEqual(answer.status, 400, answer.text)
      assert.deepStrictEqual([answer.body.code, answer.body.errors[0].field], ["validation_error", field])
    }
    for (const ttl of [0, 86_401, 1.5]) {
      const answer = await server.ask("POST", `${path}/reservations`, { body: { amount: 1, ttl_seconds: ttl } })
      assert.deepStrictEqual([answer.status, answer.body.errors[0].field], [400, "ttl_seconds"])
    }
    assert.strictEqual((await server.ask("POST", "/api/v1/intents/nope/costs", { body: {} })).status, 404)
    assert.strictEqual((await server.ask("GET", "/api/v1/portfolios/nope/costs")).status, 404)
  })

  it("reservations: held, settled, given back; a budget says 403, what has ended 409 without the letters of a lock", async () => {
    const id = await created({ constraints: { max_cost: 5 } })
    const path = `/api/v1/intents/${id}/costs/reservations`
    const held = await server.ask("POST", path, { body: { amount: 4, ttl_seconds: 60 } })
    assert.strictEqual(held.status, 200, held.text)
    assert.deepInclude(held.body, { amount: 4, unit: "USD", status: "held", remaining: 1, ended_at: null })
    const refused = await server.ask("POST", path, { body: { amount: 2 } })
    assert.deepStrictEqual([refused.status, refused.body.code], [403, "budget_exceeded"])
    assert.strictEqual(refused.body.detail, refused.body.message)
    assert.deepStrictEqual(refused.body.errors[0].value, {
      holder: { kind: "intent", id },
      limit_on: "total",
      currency: "USD",
      limit: 5,
      spent: 0,
      held: 4,
      amount: 2
    })
    const settled = await server.ask("POST", `${path}/${held.body.id}/settle`, {
      body: { amount: 4.5, cost_type: "tokens", cost_metadata: { a: 1 } }
    })
    assert.deepInclude(settled.body, { amount: 4.5, cost_type: "tokens", reserved: 4, excess: 0.5 })
    assert.deepStrictEqual(settled.body.metadata, { a: 1 })
    const other = await server.ask("POST", path, { body: { amount: 0.5 } })
    const gone = await server.ask("DELETE", `${path}/${other.body.id}`)
    assert.deepStrictEqual([gone.status, gone.body.status], [200, "cancelled"])
    assert.deepStrictEqual((await server.ask("DELETE", `${path}/${other.body.id}`)).body, gone.body)
    for (const answer of [
      await server.ask("POST", `${path}/${other.body.id}/settle`, { body: { amount: 1 } }),
      await server.ask("POST", `${path}/${held.body.id}/settle`, { body: { amount: 1 } }),
      await server.ask("DELETE", `${path}/${held.body.id}`)
    ]) {
      assert.deepStrictEqual([answer.status, answer.body.code], [409, "reservation_ended"])
      // Python clients take a 409 with these letters anywhere in it for one of a lease (http.md 1.6).
      assert.notMatch(answer.text, /lease/i)
    }
    const list = await server.ask("GET", path)
    assert.deepStrictEqual(
      list.body.reservations.map(({ status }: { readonly status: string }) => status),
      ["settled", "cancelled"]
    )
    assert.strictEqual((await server.ask("DELETE", `${path}/nope`)).status, 404)
  })

  it("what a policy forbids is 403 governance_violation", async () => {
    const id = await created({ governance_policy: { max_cost: 1 } })
    const body = { cost_type: "x", amount: 2, unit: "USD" }
    const answer = await server.ask("POST", `/api/v1/intents/${id}/costs`, { body })
    assert.deepStrictEqual(
      [answer.status, answer.body.code, answer.body.detail.rule],
      [403, "governance_violation", "max_cost"]
    )
  })
})

describe("costs of the remote engine", () => {
  it("keep their records whole, and every error with its data", async () => {
    const intent = await run(({ intents }) => intents.create({ title: "t", constraints: { max_cost: 10 } }))
    const { id } = intent
    const cost = await run(({ costs }) =>
      OpenIntent.as("agent:é")(
        costs.record(id, { costType: "tokens", amount: 0.1, unit: "USD", provider: "p", metadata: { a: [1] } })
      )
    )
    assert.deepInclude(cost, { agentId: "agent:é", amount: 0.1, provider: "p", metadata: { a: [1] } })
    assert.deepStrictEqual((await run(({ costs }) => costs.list(id))).items, [cost])
    const summary = await run(({ costs }) => costs.summary(id))
    assert.deepInclude(summary, { total: 0.1, count: 1, byProvider: { p: 0.1 } })
    const { remaining, ...held } = await run(({ costs }) =>
      costs.reserve(id, { amount: 4, ttl: "1 minute", agentId: "bob" })
    )
    assert.strictEqual(remaining, 5.9)
    assert.deepStrictEqual((await run(({ costs }) => costs.reservations(id))).items, [held])
    assert.deepInclude(await failing(({ costs }) => costs.reserve(id, { amount: 6 })), {
      _tag: "BudgetExceeded",
      limitOn: "total",
      currency: "USD",
      limit: 10,
      spent: 0.1,
      held: 4,
      amount: 6
    })
    const settled = await run(({ costs }) => costs.settle(id, held.id, { amount: 5 }))
    assert.deepInclude(settled, { agentId: "bob", reservationId: held.id, reserved: 4, excess: 1 })
    assert.deepInclude(await failing(({ costs }) => costs.release(id, held.id)), {
      _tag: "ReservationEnded",
      intentId: id,
      reservationId: held.id,
      status: "settled"
    })
    const other = await run(({ costs }) => costs.reserve(id, { amount: 1 }))
    assert.strictEqual((await run(({ costs }) => costs.release(id, other.id))).status, "cancelled")
    for (const reservationId of ["nope", "", ".."]) {
      assert.deepInclude(await failing(({ costs }) => costs.settle(id, reservationId, { amount: 1 })), {
        _tag: "ReservationNotFound",
        intentId: id,
        reservationId
      })
    }
    assert.deepInclude(await failing(({ costs }) => costs.settle("nope", held.id, { amount: 1 })), {
      _tag: "IntentNotFound",
      intentId: "nope"
    })
    const wrong = await failing(({ costs }) => costs.reserve(id, { amount: -1, ttl: "2 days" }))
    assert.deepStrictEqual(wrong._tag === "ValidationError" && wrong.issues.map(({ field }) => field), ["ttl"])
    const portfolio = await run(({ portfolios }) => portfolios.create({ name: "p" }))
    await run(({ portfolios }) => portfolios.addIntent(portfolio.id, { intentId: id }))
    const { byIntent, summary: all } = await run(({ costs }) => costs.ofPortfolio(portfolio.id))
    assert.deepStrictEqual(byIntent, { [id]: 5.1 })
    assert.deepStrictEqual(all, await run(({ costs }) => costs.summary(id)))
    assert.strictEqual((await failing(({ costs }) => costs.ofPortfolio("nope")))._tag, "PortfolioNotFound")
    // What is spent moves neither the version nor the time of the intent.
    assert.deepStrictEqual(await run(({ intents }) => intents.get(id)), {
      ...intent,
      portfolioIds: [portfolio.id]
    })
  })
})
