/** Every method of the Python clients against the real server (client.md 3), what it raises (2), and 9.1. */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { agent, get, type Made, on, post, put, remove, type Request, sections, v1 } from "./python/methods.ts"
import * as python from "./python/classes.ts"
import { type Reads, several, under } from "./python/classes.ts"
import { type Answer, serving, type Serving } from "./serving.ts"

/** Sent with every request, also without a body (client.md 1). */
const headers = { "Content-Type": "application/json" }

let server: Serving
const made: Made = {
  intent: "",
  version: 0,
  parent: "",
  dependency: "",
  lease: "",
  attachment: "",
  subscription: "",
  portfolio: ""
}
beforeAll(async () => {
  server = await serving()
})
afterAll(() => server.close())

const send = ({ body, method, path, version }: Request, more: { readonly agent?: string } = {}) =>
  server.ask(method, path, {
    agent,
    body,
    headers: version === undefined ? headers : { ...headers, "If-Match": String(version) },
    ...more
  })

for (const [section, rows] of Object.entries(sections)) {
  describe(section, () => {
    for (const [method, form, request, reads, keep] of rows) {
      it(`${method} (${form})`, async () => {
        const answer = await send(request(made))
        assert.include([200, 204], answer.status, answer.text)
        if (answer.status === 204) assert.strictEqual(answer.text, "")
        reads(answer.body)
        keep?.(answer.body, made)
      })
    }
  })
}

/** What the clients raise for an answer, and what they take from its body (client.md 1.1). */
const raisedBy = ({ body, status, text }: Answer): readonly [string, ...ReadonlyArray<unknown>] => {
  const decoded = text === "" ? {} : body
  if (status === 404) return ["NotFoundError"]
  if (status === 409)
    return JSON.stringify(decoded).toLowerCase().includes("lease")
      ? ["LeaseConflictError", decoded.message, decoded.existing_lease?.scope]
      : ["ConflictError", decoded.message, decoded.current_version]
  if (status === 400) return ["ValidationError", decoded.message, decoded.errors?.[0]?.field]
  return status >= 400 ? ["OpenIntentError", status] : ["nothing"]
}

describe("2 exceptions", () => {
  const cases: ReadonlyArray<
    readonly [name: string, raised: ReadonlyArray<unknown>, request: (made: Made) => Request, more?: object]
  > = [
    ["an unknown intent", ["NotFoundError"], () => get("/intents/nope")],
    ["no retry policy is None", ["NotFoundError"], ({ parent }) => get(`/intents/${parent}/retry-policy`)],
    ["an unknown agent to unassign", ["NotFoundError"], (made) => remove(`${on(made)}/agents/nobody`)],
    [
      "a stale version",
      ["ConflictError", "Version conflict", 1],
      ({ dependency }) => post(`/intents/${dependency}/state`, { state: { Release: "please" } }, 9)
    ],
    ["no title", ["ValidationError", "title is required", "title"], () => post("/intents", { description: "" })],
    [
      "a scope that is taken",
      ["LeaseConflictError", "Lease already held for this scope", "*"],
      ({ dependency }) => post(`/intents/${dependency}/leases`, { scope: "a", duration_seconds: 300 })
    ],
    [
      "a path that is leased",
      ["LeaseConflictError", "/a is covered by a lease on * held by mail-bot", "*"],
      ({ dependency }) => post(`/intents/${dependency}/state`, { state: { a: 1 } }, 1),
      { agent: "another" }
    ],
    ["a wrong key", ["OpenIntentError", 401], () => get("/intents"), { key: "nope" }]
  ]
  beforeAll(async () => {
    await send(post(`/intents/${made.dependency}/leases`, { scope: "*", duration_seconds: 300 }))
  })
  for (const [name, raised, request, more] of cases) {
    it(`${String(raised[0])}: ${name}`, async () => {
      assert.deepStrictEqual(raisedBy(await send(request(made), more)), raised)
    })
  }
})

describe("9.1 values that must not reach them", () => {
  it("whatever others have done with the whole vocabulary, every list can be read", async () => {
    const { dependency, intent, parent } = made
    const sent = async (request: Request) => {
      const answer = await send(request)
      assert.strictEqual(answer.status, 200, answer.text)
      return answer.body
    }
    for (const event_type of ["x.mine", "x.lease", "task.created"])
      await sent(post(`${on(made)}/events`, { event_type }))
    const held = await sent(post(`${on(made)}/leases`, { scope: "z" }))
    await sent(post(`${on(made)}/leases/${held.id}/revoke`, {}))
    await sent(post(`${on(made)}/costs/reservations`, { amount: 1 }))
    const { body: policy } = await send({
      ...put(`${on(made)}/governance`, { completion_mode: "auto" }),
      version: made.version
    })
    assert.isAbove(policy.version, made.version)
    // Its dependents are `pending` from here on, which is in no enum.
    await sent(post(`/intents/${dependency}/status`, { status: "completed" }, 1))
    const { body: unblocked } = await send(get(`/intents/${parent}`))
    assert.deepInclude(unblocked, { status: "active", status_detail: "pending" })

    const lists: ReadonlyArray<readonly [path: string, reads: Reads]> = [
      ["/intents", python.intents("intents")],
      ["/intents?status=active", python.intents("intents")],
      [`/intents/${parent}/children`, python.intents("children")],
      [`/intents/${parent}/dependencies`, python.intents("dependencies")],
      [`/intents/${dependency}/dependents`, python.intents("dependents")],
      [`/intents/${intent}/events?limit=1000`, under({ events: several(python.Event) })],
      [`/intents/${parent}/events?limit=1000`, under({ events: several(python.LegacyEvent) })],
      [`/intents/${intent}/leases?status=all`, under({ leases: several(python.Lease) })],
      ["/portfolios", under({ portfolios: several(python.Portfolio) })]
    ]
    for (const [path, reads] of lists) {
      const { body } = await send(get(path))
      reads(body, path)
      assert.isAbove(body.total, 0, path)
    }
    const { body: found } = await send(get(`/intents/${dependency}/graph`))
    for (const { status } of found.nodes) assert.notStrictEqual(status, "pending")
    assert.notProperty(found.aggregate_status.by_status, "pending")
  })

  it("with the switch, clients before 0.17 can read every event too", async () => {
    await using old = await serving({ hideLaterEventTypes: true })
    const { body: intent } = await old.ask("POST", `${v1}/intents`, { body: { title: "x" } })
    const path = `${v1}/intents/${intent.id}`
    for (const event_type of ["task.created", "x.mine", "comment"])
      await old.ask("POST", `${path}/events`, { body: { event_type } })
    await old.ask("PUT", `${path}/governance`, { body: {}, headers: { "If-Match": "1" } })
    const { body } = await old.ask("GET", `${path}/events`)
    under({ events: several(python.LegacyEvent) })(body)
    assert.lengthOf(body.events, 2)
  })
})
