/** http.md 1.9: every body in both profiles (invariants 14, 15); and every alias for its field (invariant 59). */
import * as Record from "effect/Record"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { key, type World, world } from "./hostile/world.ts"

let place: World
beforeAll(async () => {
  place = await world()
})
afterAll(() => place[Symbol.asyncDispose]())

const ask = async (method: string, path: string, body?: unknown, headers: { readonly [name: string]: string } = {}) => {
  const answer = await place.server.ask(method, `/api/v1${path}`, { key, body, headers })
  assert.strictEqual(answer.status, 200, `${path}: ${answer.text}`)
  return answer.body
}

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/
const timeField = /(?:_at|At)$/

/** What the default profile shows for a body of profile 2: no `Z`, and `pending` intents as active ones. */
const byDefault = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(byDefault)
  if (typeof value === "string") return time.test(value) ? value.slice(0, -1) : value
  if (typeof value !== "object" || value === null) return value
  const shown: { [name: string]: unknown } = Record.map({ ...value }, byDefault)
  if (shown["status_detail"] === "pending") shown["status"] = "active"
  const byStatus: any = shown["by_status"]
  if (byStatus?.pending !== undefined) {
    const { active, pending, ...others } = byStatus
    shown["by_status"] = { ...others, active: active + pending }
  }
  return shown
}

/** The values of fields that are times. Payloads are what was logged, the same for everybody. */
const timesIn = (value: unknown, name = ""): ReadonlyArray<unknown> => {
  if (Array.isArray(value)) return value.flatMap((item) => timesIn(item))
  if (typeof value === "object" && value !== null)
    return Object.entries(value).flatMap(([inner, item]) => (inner === "payload" ? [] : timesIn(item, inner)))
  return timeField.test(name) && value !== null ? [value] : []
}

/** Statuses of intents: those that have a detail. */
const statusesIn = (value: unknown): ReadonlyArray<unknown> => {
  if (Array.isArray(value)) return value.flatMap(statusesIn)
  if (typeof value !== "object" || value === null) return []
  const own = "status_detail" in value && "status" in value ? [value.status] : []
  return [...own, ...Object.values(value).flatMap(statusesIn)]
}

describe("profiles", () => {
  it("differ by the `Z` of times and by `pending`, in every body that can be read", async () => {
    const { approvalId, dependencyId, intentId } = place.ids
    await ask("POST", `/intents/${dependencyId}/status`, { status: "completed" }, { "If-Match": "1" })
    await ask("POST", `/intents/${intentId}/arbitrate`, { reason: "once more" })
    await ask("POST", `/intents/${intentId}/decisions`, { decision: "the second release" })
    await ask("POST", `/intents/${intentId}/approvals/${approvalId}/approve`, { notes: "fine" })
    const shown = Record.map(await place.everything(), (text) => text)
    const second = await place.everything({ "X-OpenIntent-Profile": "2" })
    let [times, pending] = [0, 0]
    for (const [name, text] of Object.entries(second)) {
      if (name === "attachments.content") continue
      const [first, later] = [JSON.parse(shown[name] ?? ""), JSON.parse(text)]
      for (const value of timesIn(later)) assert.match(String(value), time, name)
      assert.deepStrictEqual(first, byDefault(later), name)
      for (const status of statusesIn(first)) assert.notStrictEqual(status, "pending", name)
      times += timesIn(later).length
      pending += statusesIn(later).filter((status) => status === "pending").length
    }
    assert.isAbove(times, 80)
    assert.isAtLeast(pending, 5)
  })

  it("in answers to what is made, too", async () => {
    for (const operation of place.operations) {
      if (operation.fields === undefined || operation.needsVersion) continue
      if (/acquire|approve|deny|settle/.test(operation.name)) continue // Once only.
      const answers = []
      for (const profile of ["1", "2"]) {
        const headers = { "X-OpenIntent-Profile": profile }
        const { status, text } = await place.send(operation, { body: place.body(operation), headers })
        assert.strictEqual(status, 200, text)
        answers.push(JSON.parse(text))
      }
      const [first, later] = answers
      for (const value of timesIn(later)) assert.match(String(value), time, operation.name)
      for (const value of timesIn(first)) assert.match(`${String(value)}Z`, time, operation.name)
      assert.sameMembers(Object.keys(first), Object.keys(later), operation.name)
    }
  })
})

describe("aliases", () => {
  const url = "https://files.example/a"
  const file = { filename: "a", mime_type: "text/plain", storage_url: url }
  const spent = { cost_type: "tokens", amount: 1, unit: "USD" }
  const cases: ReadonlyArray<readonly [method: string, path: string, fields: object, aliases: object]> = [
    [
      "POST",
      "/children",
      { title: "x", created_by: "zoe", state: { a: 1 } },
      { title: "x", creator: "zoe", initial_state: { a: 1 } }
    ],
    [
      "POST",
      "/decisions",
      { outcome: "a", rationale: "b", decided_by: "zoe" },
      { decision: "a", reasoning: "b", decision_maker_id: "zoe" }
    ],
    ["POST", "/decisions", { outcome: { a: 1 } }, { decision: { a: 1 }, outcome: null }],
    ["POST", "/attachments", { ...file, size: 3 }, { filename: "a", content_type: "text/plain", url, size_bytes: 3 }],
    ["POST", "/costs", { ...spent, metadata: { a: 1 } }, { ...spent, cost_metadata: { a: 1 } }],
    ["PUT", "/retry-policy", { max_retries: 4 }, { max_attempts: 5 }],
    [
      "PUT",
      "/retry-policy",
      { base_delay_ms: 500, max_delay_ms: 2500 },
      { base_delay_seconds: 0.5, max_delay_seconds: 2.5 }
    ],
    [
      "PUT",
      "/retry-policy",
      { max_retries: 4, base_delay_ms: 7 },
      { max_retries: 4, max_attempts: 9, base_delay_ms: 7, base_delay_seconds: 1 }
    ],
    [
      "POST",
      "/failures",
      { attempt_number: 2, error_code: "E", will_retry: false },
      { attempt: 2, error_type: "E", recoverable: false }
    ],
    [
      "POST",
      "/subscriptions",
      { webhook_url: url, expires_at: "2999-01-01T00:00:00Z" },
      { callback_url: url, expiresAt: "2999-01-01T02:00:00+02:00" }
    ]
  ]

  /** What differs between any two of them. */
  const { id: _, ...masks } = {
    id: "",
    decision_id: "*",
    created_at: "*",
    createdAt: "*",
    updated_at: "*",
    updatedAt: "*",
    recorded_at: "*",
    recordedAt: "*",
    occurred_at: "*",
    secret: "*",
    membership_id: "*",
    added_at: "*"
  }
  const masked = ({ id, ...body }: any) => {
    assert.isString(id)
    return Record.map(body, (value, name) => (Object.hasOwn(masks, name) ? "*" : value))
  }

  for (const [method, path, fields, aliases] of cases) {
    it(`${method} ${path}: ${Object.keys(aliases).join(", ")}`, async () => {
      const { id } = await ask("POST", "/intents", { title: "x" })
      const at = `/intents/${id}${path}`
      const made = await ask(method, at, fields)
      assert.deepStrictEqual(masked(await ask(method, at, aliases)), masked(made))
    })
  }

  it("POST /portfolios and its members", async () => {
    const made = await ask("POST", "/portfolios", { name: "p", created_by: "zoe", governance_policy: { a: 1 } })
    const again = await ask("POST", "/portfolios", { name: "p", createdBy: "zoe", governancePolicy: { a: 1 } })
    assert.deepStrictEqual(masked(again), masked(made))
    const { id: intentId } = await ask("POST", "/intents", { title: "x" })
    const added = await ask("POST", `/portfolios/${made.id}/intents`, { intent_id: intentId, priority: 2 })
    assert.deepStrictEqual(await ask("POST", `/portfolios/${made.id}/intents`, { intentId, priority: 2 }), added)
  })

  it("POST /subscriptions is POST /intents/{id}/subscriptions", async () => {
    const { id } = await ask("POST", "/intents", { title: "x" })
    const made = await ask("POST", "/subscriptions", { intent_id: id, portfolio_id: null })
    assert.deepStrictEqual(masked(await ask("POST", `/intents/${id}/subscriptions`, {})), masked(made))
    assert.strictEqual((await ask("GET", `/intents/${id}/subscriptions`)).total, 2)
    assert.deepStrictEqual(
      await ask("GET", `/intents/${id}/subscriptions`),
      await ask("GET", `/subscriptions?intent_id=${id}`)
    )
  })

  it("GET /arbitration is GET /arbitrations", async () => {
    const { intentId } = place.ids
    assert.deepStrictEqual(
      await ask("GET", `/intents/${intentId}/arbitration`),
      await ask("GET", `/intents/${intentId}/arbitrations`)
    )
  })
})
