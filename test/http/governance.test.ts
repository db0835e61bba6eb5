/** http.md 9 and appendix A over a real server, and the remote engine beside the embedded one. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import type { OpenIntentShape } from "../../src/core/OpenIntent.ts"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import * as Remote from "../../src/http/remote.ts"
import { memory } from "../../src/layers/memory.ts"
import { canonical } from "../../src/testing/canonical.ts"
import { type Ask, serving, type Serving } from "./serving.ts"

let server: Serving
beforeAll(async () => {
  server = await serving({ keys: [{ key: "open" }, { key: "bound", agentIds: ["ann"] }] })
})
afterAll(() => server.close())

const ask = (method: string, path: string, options: Ask = {}) =>
  server.ask(method, `/api/v1/intents${path}`, { key: "open", ...options })

const newIntent = async (body: object = {}): Promise<string> => {
  const { body: intent } = await ask("POST", "", { body: { title: "t", ...body } })
  return String(intent.id)
}

const microseconds = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/

describe("arbitrations and decisions", () => {
  it("answer in every vocabulary, whatever they were asked in (http.md 2.5, 2.6)", async () => {
    const id = await newIntent()
    const options = [{ label: "a", rationale: "first" }]
    const asked = await ask("POST", `/${id}/arbitrate`, { agent: "bob", body: { reason: "r", options } })
    assert.match(asked.body.created_at, microseconds)
    assert.deepEqual(asked.body, {
      id: asked.body.id,
      intent_id: id,
      requester_id: "bob",
      requested_by: "bob",
      requestor: "bob",
      reason: "r",
      context: {},
      options,
      status: "pending",
      resolution: null,
      created_at: asked.body.created_at,
      resolved_at: null,
      message: "Arbitration requested"
    })
    const outcome = { winner: "a" }
    const seed = await ask("POST", `/${id}/decisions`, {
      body: { decision: outcome, reasoning: "why", decision_maker_id: "cid", evidence: [1] }
    })
    assert.deepEqual(seed.body, {
      id: seed.body.id,
      decision_id: seed.body.id,
      intent_id: id,
      decision_maker_id: "cid",
      decided_by: "cid",
      decision_type: "arbitration",
      outcome,
      decision: outcome,
      reasoning: "why",
      rationale: "why",
      evidence: [1],
      arbitration_id: asked.body.id,
      created_at: seed.body.created_at,
      message: "Decision recorded"
    })
    // The canonical name wins over its alias.
    const both = await ask("POST", `/${id}/decisions`, {
      body: { outcome: "o", decision: "d", rationale: "r1", reasoning: "r2", decided_by: "x", decision_maker_id: "y" }
    })
    assert.deepInclude(both.body, { outcome: "o", rationale: "r1", decided_by: "x", arbitration_id: null })
    for (const path of ["arbitrations", "arbitration", "arbitrations?status=resolved"]) {
      const { body } = await ask("GET", `/${id}/${path}`)
      assert.deepInclude(body, { total: 1, limit: 1000, offset: 0 })
      assert.deepInclude(body.arbitrations[0], { id: asked.body.id, status: "resolved", resolution: outcome })
    }
    assert.deepEqual((await ask("GET", `/${id}/arbitrations?status=pending`)).body.arbitrations, [])
    const page = await ask("GET", `/${id}/decisions?limit=1`)
    assert.deepEqual(page.body.decisions, [seed.body])
    const link = /<([^>]+)>; rel="next"/.exec(page.headers.get("link") ?? "")?.[1] ?? ""
    assert.deepEqual((await server.ask("GET", link, { key: "open" })).body.decisions, [both.body])
  })

  it("hidden events are seen by those who ask for all (semantics 8.2)", async () => {
    const id = await newIntent()
    const { body: asked } = await ask("POST", `/${id}/arbitrate`, { body: { reason: "r" } })
    const { body: made } = await ask("POST", `/${id}/decisions`, { body: { outcome: "o" } })
    const types = async (query: string) =>
      (await ask("GET", `/${id}/events?order=asc${query}`)).body.events.map((event: any) => event.event_type)
    assert.deepEqual(await types(""), ["intent_created", "arbitration_requested", "decision_recorded"])
    assert.deepEqual((await types("&include=all")).at(-1), "arbitration_resolved")
    const { body } = await ask("GET", `/${id}/events?event_type=arbitration_resolved&include=all`)
    assert.deepEqual(body.events[0].payload, { arbitration_id: asked.id, decision_id: made.id, resolution: "o" })
  })

  it("refusals, in the order of http.md 1.6", async () => {
    const id = await newIntent()
    const failing = async (path: string, body: unknown) => {
      const answer = await ask("POST", path, { body })
      return [answer.status, answer.body.code, answer.body.errors?.map((issue: any) => issue.field)]
    }
    const bad = { reason: " ", options: [1], context: [] }
    assert.deepEqual(await failing("/nope/arbitrate", bad), [404, "not_found", ["intent_id"]])
    assert.deepEqual(await failing(`/${id}/arbitrate`, bad), [400, "validation_error", ["context", "options[0]"]])
    assert.deepEqual(await failing(`/${id}/arbitrate`, { reason: " " }), [400, "validation_error", ["reason"]])
    assert.deepEqual(await failing(`/${id}/arbitrate`, {}), [400, "validation_error", ["reason"]])
    assert.deepEqual(await failing(`/${id}/decisions`, { outcome: 1 }), [400, "validation_error", ["outcome"]])
    assert.deepEqual(await failing(`/${id}/decisions`, { decision: {} }), [400, "validation_error", ["outcome"]])
    assert.deepEqual(await failing("/nope/decisions", {}), [404, "not_found", ["intent_id"]])
    const { body: asked } = await ask("POST", `/${await newIntent()}/arbitrate`, { body: { reason: "r" } })
    const elsewhere = { outcome: "o", arbitration_id: asked.id }
    assert.deepEqual(await failing(`/${id}/decisions`, elsewhere), [404, "not_found", ["arbitration_id"]])
    assert.deepEqual(await failing(`/${id}/decisions`, { ...elsewhere, arbitration_id: "" }), [
      404,
      "not_found",
      ["arbitration_id"]
    ])
    assert.strictEqual((await ask("GET", `/${id}/arbitrations?status=open`)).status, 400)
    assert.strictEqual((await ask("GET", "/nope/arbitrations?status=open")).status, 404)
    assert.strictEqual((await ask("GET", "/nope/decisions")).status, 404)
  })

  it("a bound key speaks for its own agents only", async () => {
    const id = await newIntent()
    const bound = { key: "bound", agent: "ann" }
    for (const [path, body] of [
      ["arbitrate", { reason: "r", requested_by: "bob" }],
      ["decisions", { outcome: "o", decided_by: "bob" }],
      ["approvals", { action: "a", requested_by: "bob" }]
    ] as const) {
      const refused = await ask("POST", `/${id}/${path}`, { ...bound, body })
      assert.deepEqual([refused.status, refused.body.code], [403, "forbidden"])
      const [name] = Object.keys(body).slice(1)
      const { status } = await ask("POST", `/${id}/${path}`, { ...bound, body: { ...body, [name!]: "ann" } })
      assert.strictEqual(status, 200)
    }
  })
})

describe("policies", () => {
  it("PUT, GET and DELETE (appendix A), 400 where the reference answers 422", async () => {
    const id = await newIntent()
    const put = (body: unknown, version?: string) =>
      ask("PUT", `/${id}/governance`, { body, headers: version === undefined ? {} : { "If-Match": version } })
    assert.deepEqual((await ask("GET", `/${id}/governance`)).body, {
      intent_id: id,
      governance_policy: {},
      effective_policy: {
        completion_mode: "auto",
        write_scope: "any",
        quorum_threshold: 0.6,
        allowed_agents: [],
        max_cost: null,
        require_status_reason: false
      }
    })
    const wrong = await put({ completion_mode: "x", quorum_threshold: 2 })
    assert.deepEqual([wrong.status, wrong.body.code], [400, "validation_error"])
    assert.deepEqual(
      wrong.body.errors.map((issue: any) => issue.field),
      ["completion_mode", "quorum_threshold"]
    )
    assert.strictEqual((await put({})).body.code, "if_match_required")
    assert.strictEqual((await put({}, "x")).body.code, "invalid_if_match")
    assert.deepInclude((await put({}, "7")).body, { code: "version_conflict", current_version: 1 })
    const policy = { completion_mode: "quorum", own: [1] }
    const set = await put(policy, '"1"')
    assert.deepInclude(set.body, { version: 2, governance_policy: policy })
    assert.strictEqual(set.headers.get("etag"), '"2"')
    const { body: read } = await ask("GET", `/${id}/governance`)
    assert.deepEqual([read.governance_policy, read.effective_policy.completion_mode], [policy, "quorum"])
    assert.strictEqual((await ask("DELETE", `/${id}/governance`)).body.code, "if_match_required")
    const removed = await ask("DELETE", `/${id}/governance`, { headers: { "If-Match": "2" } })
    assert.deepInclude(removed.body, { version: 3, governance_policy: null })
    for (const [method, body] of [
      ["PUT", { max_cost: -1 }],
      ["GET", undefined],
      ["DELETE", undefined]
    ] as const)
      assert.strictEqual((await ask(method, "/nope/governance", body === undefined ? {} : { body })).status, 404)
    const { body: log } = await ask("GET", `/${id}/events?order=asc`)
    assert.deepEqual(
      log.events.map((event: any) => event.event_type),
      ["intent_created", "governance.policy_set", "governance.policy_removed"]
    )
  })

  it("at creation: bad values are named", async () => {
    const { body, status } = await ask("POST", "", { body: { title: "t", governance_policy: { write_scope: "all" } } })
    assert.deepEqual(
      [status, body.code, body.errors[0].field],
      [400, "validation_error", "governance_policy.write_scope"]
    )
    const other = await ask("POST", "", { body: { title: "t", governance_policy: "strict" } })
    assert.deepEqual([other.status, other.body.errors[0].field], [400, "governance_policy"])
  })

  it("a violation is 403 with an object as detail, the one exception to invariant 57", async () => {
    const id = await newIntent({ governance_policy: { completion_mode: "quorum", allowed_agents: ["atlas"] } })
    const headers = { "If-Match": "1" }
    const write = await ask("POST", `/${id}/state`, { agent: "bob", headers, body: { state: { a: 1 } } })
    const message = "bob is not among the allowed agents"
    assert.strictEqual(write.status, 403)
    assert.deepEqual(write.body, {
      detail: { error: "governance_violation", rule: "allowed_agents", message },
      message,
      code: "governance_violation"
    })
    const done = await ask("PATCH", `/${id}/state`, { headers, body: { status: "completed" } })
    assert.deepInclude(done.body.detail, { rule: "completion_mode", mode: "quorum" })
    const assigned = await ask("POST", `/${id}/agents`, { body: { agent_id: "bob" } })
    assert.deepInclude(assigned.body.detail, { rule: "allowed_agents" })
    const late = await ask("POST", `/${id}/status`, { headers: { "If-Match": "2" }, body: { status: "completed" } })
    assert.strictEqual(late.body.code, "version_conflict")
    const { body } = await ask("GET", `/${id}/events?event_type=governance.violation&order=asc`)
    assert.deepEqual(
      body.events.map((event: any) => [event.actor, event.payload]),
      [
        ["bob", { rule: "allowed_agents", detail: message }],
        ["atlas", { rule: "allowed_agents", detail: message }]
      ]
    )
  })
})

describe("approvals", () => {
  it("are asked for, listed, read and decided once", async () => {
    const id = await newIntent()
    const asked = await ask("POST", `/${id}/approvals`, { body: { action: "complete", context: { n: 1 } } })
    assert.deepEqual(asked.body, {
      id: asked.body.id,
      intent_id: id,
      requested_by: "atlas",
      action: "complete",
      reason: "",
      context: { n: 1 },
      status: "pending",
      created_at: asked.body.created_at
    })
    const path = `/${id}/approvals/${asked.body.id}`
    assert.deepEqual((await ask("GET", path)).body, asked.body)
    const granted = await ask("POST", `${path}/approve`, { agent: "ann" })
    assert.deepInclude(granted.body, { status: "approved", decided_by: "ann" })
    assert.match(granted.body.decided_at, microseconds)
    assert.notProperty(granted.body, "decision_notes")
    assert.deepEqual((await ask("GET", `/${id}/approvals?status=approved`)).body.approvals, [granted.body])
    for (const how of ["approve", "deny"]) {
      const again = await ask("POST", `${path}/${how}`, { body: { notes: "n" } })
      assert.deepEqual([again.status, again.body.code], [409, "approval_not_pending"])
      // Python clients take a 409 with these letters for a conflict of leases (http.md 1.6).
      assert.notMatch(again.text.toLowerCase(), /lease/)
      assert.strictEqual((await ask("POST", `/${id}/approvals/nope/${how}`)).status, 404)
      assert.strictEqual((await ask("POST", `/nope/approvals/nope/${how}`)).body.message, "Intent not found")
    }
    const { body: other } = await ask("POST", `/${id}/approvals`, { body: { action: "Release please" } })
    const denied = await ask("POST", `/${id}/approvals/${other.id}/deny`, { body: { decision_notes: "lease" } })
    assert.deepInclude(denied.body, { status: "denied", decision_notes: "lease" })
    assert.notMatch((await ask("POST", `/${id}/approvals/${other.id}/deny`)).text.toLowerCase(), /lease/)
    const elsewhere = `/${await newIntent()}/approvals/${other.id}`
    assert.strictEqual((await ask("GET", elsewhere)).body.message, "Approval not found")
    assert.deepEqual((await ask("POST", `/${id}/approvals`, { body: {} })).body.errors[0].field, "action")
    assert.strictEqual((await ask("GET", `/${id}/approvals?status=open`)).status, 400)
  })

  it("completing by agreement, from the request to the status", async () => {
    const id = await newIntent({ governance_policy: { completion_mode: "require_approval" } })
    const complete = () => ask("POST", `/${id}/status`, { headers: { "If-Match": "1" }, body: { status: "completed" } })
    assert.strictEqual((await complete()).status, 403)
    const { body } = await ask("POST", `/${id}/approvals`, { body: { action: "complete" } })
    assert.strictEqual((await complete()).status, 403)
    await ask("POST", `/${id}/approvals/${body.id}/approve`)
    assert.deepInclude((await complete()).body, { status: "completed", version: 2 })
  })
})

/** Everything the noun does and refuses, as one list of answers. */
const scenario = (engine: OpenIntentShape) =>
  Effect.gen(function* () {
    const { agents, events, governance, intents } = engine
    const answers: Array<unknown> = []
    const does = <A, E>(call: Effect.Effect<A, E>) =>
      Effect.matchEffect(call, {
        onSuccess: (value) => Effect.sync(() => (answers.push(value), value)),
        onFailure: (error) => Effect.sync(() => (answers.push({ ...error, name: String(error) }), undefined))
      })
    const { id } = yield* intents.create({ title: "t", governancePolicy: { own: 1 } })
    const asked = yield* does(
      governance.requestArbitration(id, { reason: "r", context: { a: [1] }, options: [{ label: "x" }] })
    )
    yield* does(governance.requestArbitration(id, { reason: "", requestedBy: "bob" }))
    yield* does(governance.requestArbitration("nope", { reason: "r" }))
    yield* does(governance.arbitrations(id, { status: "pending", limit: 1 }))
    yield* does(governance.recordDecision(id, { outcome: "o", arbitrationId: "nope" }))
    yield* does(governance.recordDecision("nope", { outcome: "o", arbitrationId: "nope" }))
    yield* does(governance.recordDecision(id, {}))
    const decided = {
      outcome: { a: 1 },
      reasoning: "w",
      arbitrationId: asked?.id,
      evidence: [{ b: null }],
      decidedBy: "b"
    }
    yield* does(governance.recordDecision(id, decided))
    yield* does(governance.recordDecision(id, { ...decided, outcome: "x" }))
    yield* does(governance.recordDecision(id, { outcome: { a: "x".repeat(70_000) } }))
    yield* does(governance.decisions(id))
    yield* does(governance.arbitrations(id))
    yield* does(governance.setPolicy(id, { version: 1, policy: { max_cost: -1, write_scope: "x" } }))
    yield* does(governance.setPolicy(id, { version: 9, policy: {} }))
    yield* does(governance.setPolicy("nope", { version: 9, policy: {} }))
    yield* does(intents.create({ title: "t", governancePolicy: { completion_mode: 1 } }))
    const policy = {
      completion_mode: "require_approval",
      write_scope: "assigned_only",
      allowed_agents: ["local"],
      max_cost: 2.5
    }
    yield* does(governance.setPolicy(id, { version: 1, policy }))
    yield* does(governance.policy(id))
    yield* does(intents.patchState(id, { version: 2, state: { a: 1 } }))
    yield* does(agents.assign(id, { agentId: "bob" }))
    yield* agents.assign(id, { agentId: "local" })
    yield* does(intents.setStatus(id, { version: 2, status: "completed" }))
    yield* does(governance.requestApproval(id, { action: "" }))
    const approval = yield* does(governance.requestApproval(id, { action: "complete", reason: "r", requestedBy: "b" }))
    yield* does(governance.approve(id, "nope"))
    yield* does(governance.approval(id, ""))
    yield* does(governance.approve(id, approval?.id ?? "", { notes: "n" }))
    yield* does(governance.deny(id, approval?.id ?? ""))
    yield* does(governance.approval(id, approval?.id ?? ""))
    yield* does(governance.approvals(id, { status: "approved" }))
    yield* does(intents.setStatus(id, { version: 2, status: "completed" }))
    yield* does(governance.removePolicy(id, { version: 2 }))
    yield* does(governance.removePolicy(id, { version: 3 }))
    const log = yield* events.list(id, { order: "asc", visibility: "all" })
    answers.push(log.items.map(({ actor, payload, source, type }) => ({ actor, payload, source, type })))
    return answers
  })

/** Ids by when they are first seen, and no times or positions in the log. */
const comparable = (answers: ReadonlyArray<unknown>) => {
  const ids = new Map<string, string>()
  const text = canonical(answers)
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, (id) => {
      const known = ids.get(id) ?? `id ${ids.size}`
      ids.set(id, known)
      return known
    })
    .replaceAll(/"\d{4}-\d\d-\d\dT[^"]*"/g, '"time"')
    .replaceAll(/"position":\d+/g, '"position":0')
  return JSON.parse(text)
}

describe("remote", () => {
  it("answers and refuses as the embedded engine does", () =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const [here, there] = yield* Effect.forEach(
            [memory(), Remote.layer({ url: server.url, apiKey: "open" })],
            (layer) => Effect.map(Layer.build(Layer.fresh(layer)), Context.get(OpenIntent))
          )
          const [embedded, remote] = [yield* scenario(here!), yield* scenario(there!)]
          assert.isAbove(embedded.length, 30)
          assert.deepEqual(comparable(remote), comparable(embedded))
        })
      )
    ))
})
