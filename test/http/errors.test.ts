/** http.md 1.6: the body of every error, and which of several errors wins. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { Busy, StorageUnavailable } from "../../src/core/Errors.ts"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import { memory } from "../../src/layers/memory.ts"
import { type Answer, type Ask, serving, type Serving } from "./serving.ts"

let server: Serving
let id: string
const intents = "/api/v1/intents"

beforeAll(async () => {
  server = await serving()
  id = (await server.ask("POST", intents, { body: { title: "Release notes", state: { list: [1], text: "please" } } }))
    .body.id
})
afterAll(() => server.close())

/** http.md 1.6: `detail` and `message` are the same text, and there is a code (invariant 57). */
const assertError = (answer: Answer, status: number, code: string) => {
  assert.strictEqual(answer.status, status, answer.text)
  assert.strictEqual(answer.headers.get("content-type"), "application/json")
  assert.strictEqual(answer.body.code, code)
  assert.isString(answer.body.message)
  assert.strictEqual(answer.body.detail, answer.body.message)
}

const state = () => `${intents}/${id}/state`
const at = (version: number | string) => ({ "if-match": String(version) })

describe("errors", () => {
  const cases: ReadonlyArray<
    readonly [name: string, status: number, code: string, method: string, path: () => string, ask: Ask]
  > = [
    ["unknown route", 404, "route_not_found", "GET", () => "/api/v1/nothing", {}],
    ["unknown route outside the API", 404, "route_not_found", "GET", () => "/nothing", { key: null }],
    ["a trailing slash: the intent without a name", 404, "not_found", "GET", () => `${intents}/`, {}],
    ["a doubled slash", 404, "route_not_found", "GET", () => `/api//v1/intents`, {}],
    ["another case", 404, "route_not_found", "GET", () => "/API/V1/intents", { key: null }],
    ["NUL in the path", 404, "not_found", "GET", () => `${intents}/%00`, {}],
    ["a path that cannot be decoded", 404, "route_not_found", "GET", () => `${intents}/%zz`, {}],
    ["wrong method", 405, "method_not_allowed", "DELETE", () => `${intents}/${id}`, {}],
    ["wrong method, PUT", 405, "method_not_allowed", "PUT", state, { body: {} }],
    [
      "not JSON by its type",
      415,
      "unsupported_media_type",
      "POST",
      () => intents,
      { raw: "title=x", headers: { "content-type": "application/x-www-form-urlencoded" } }
    ],
    ["not JSON", 400, "invalid_json", "POST", () => intents, { raw: "{nope" }],
    [
      "not UTF-8",
      400,
      "invalid_json",
      "POST",
      () => intents,
      { raw: Uint8Array.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]) }
    ],
    ["an array", 400, "validation_error", "POST", () => intents, { body: [] }],
    ["no title", 400, "validation_error", "POST", () => intents, { body: {} }],
    ["no body at all", 400, "validation_error", "POST", () => intents, {}],
    ["wrong type", 400, "validation_error", "POST", () => intents, { body: { title: 7 } }],
    [
      "final status at creation",
      400,
      "validation_error",
      "POST",
      () => intents,
      { body: { title: "x", status: "completed" } }
    ],
    ["parent unknown", 404, "not_found", "POST", () => intents, { body: { title: "x", parent_id: "nope" } }],
    [
      "dependency unknown",
      400,
      "unknown_dependency",
      "POST",
      () => intents,
      { body: { title: "x", depends_on: ["nope"] } }
    ],
    ["unknown intent", 404, "not_found", "GET", () => `${intents}/nope`, {}],
    ["limit out of range", 400, "validation_error", "GET", () => `${intents}?limit=1001`, {}],
    ["empty limit", 400, "validation_error", "GET", () => `${intents}?limit=`, {}],
    ["negative offset", 400, "validation_error", "GET", () => `${intents}?offset=-1`, {}],
    ["unknown status", 400, "validation_error", "GET", () => `${intents}?status=banana`, {}],
    ["unknown order", 400, "validation_error", "GET", () => `${intents}?order=up`, {}],
    ["cursor of nobody", 400, "validation_error", "GET", () => `${intents}?after=%00nope`, {}],
    ["not a time", 400, "validation_error", "GET", () => `${intents}/${id}/events?since=yesterday`, {}],
    ["no If-Match", 400, "if_match_required", "POST", state, { body: { state: { a: 1 } } }],
    ["If-Match of anything", 400, "invalid_if_match", "POST", state, { body: {}, headers: at("*") }],
    ["If-Match of no number", 400, "invalid_if_match", "POST", state, { body: {}, headers: at('"x"') }],
    [
      "unknown operation",
      400,
      "validation_error",
      "POST",
      state,
      { body: { patches: [{ op: "move", path: "/a" }] }, headers: at(1) }
    ],
    [
      "path into the prototype",
      400,
      "validation_error",
      "POST",
      state,
      { body: { patches: [{ op: "set", path: "/__proto__/x", value: 1 }] }, headers: at(1) }
    ],
    [
      "crossing what is no object",
      400,
      "invalid_patch",
      "POST",
      state,
      { body: { patches: [{ op: "set", path: "/text/a", value: 1 }] }, headers: at(1) }
    ],
    ["stale", 409, "version_conflict", "POST", state, { body: { state: { a: 1 } }, headers: at(7) }],
    [
      "illegal transition",
      400,
      "invalid_transition",
      "POST",
      () => `${intents}/${id}/status`,
      { body: { status: "pending" }, headers: at(1) }
    ],
    [
      "unknown status set",
      400,
      "validation_error",
      "POST",
      () => `${intents}/${id}/status`,
      { body: { status: "banana" }, headers: at(1) }
    ],
    [
      "lease token of no number",
      400,
      "validation_error",
      "POST",
      state,
      { body: {}, headers: { ...at(1), "x-lease-token": "x" } }
    ],
    [
      "lease token that does not hold",
      409,
      "lease_expired",
      "POST",
      state,
      { body: { state: { a: 1 } }, headers: { ...at(1), "x-lease-token": "77" } }
    ],
    ["lease unknown", 404, "not_found", "PATCH", () => `${intents}/${id}/leases/nope`, {}],
    [
      "bad duration",
      400,
      "validation_error",
      "POST",
      () => `${intents}/${id}/leases`,
      { body: { scope: "a", duration_seconds: 0.5 } }
    ],
    ["assignment unknown", 404, "not_found", "DELETE", () => `${intents}/${id}/agents/nobody`, {}],
    [
      "event type unknown",
      400,
      "validation_error",
      "POST",
      () => `${intents}/${id}/events`,
      { body: { event_type: "made_up" } }
    ],
    ["include of anything", 400, "validation_error", "GET", () => `${intents}/${id}/events?include=some`, {}]
  ]
  for (const [name, status, code, method, path, ask] of cases) {
    it(`${status} ${code}: ${name}`, async () => assertError(await server.ask(method, path(), ask), status, code))
  }

  it("names what is at fault", async () => {
    const { body } = await server.ask("POST", intents, { body: { title: 7, depends_on: "x", state: [] } })
    assert.deepStrictEqual(
      body.errors.map((error: { readonly field: string }) => error.field),
      ["title", "state", "depends_on"]
    )
    const patch = await server.ask("POST", state(), { body: { patches: [{ op: "set", path: "" }] }, headers: at(1) })
    assert.strictEqual(patch.body.errors[0].field, "patches[0].path")
    const query = await server.ask("GET", `${intents}?limit=x`)
    assert.strictEqual(query.body.errors[0].field, "limit")
  })

  it("tells the methods of a path (405, OPTIONS)", async () => {
    const wrong = await server.ask("PUT", state(), { body: {} })
    assert.strictEqual(wrong.headers.get("allow"), "POST, PATCH, OPTIONS")
    const options = await server.ask("OPTIONS", `${intents}/${id}`, { key: null })
    assert.strictEqual(options.status, 204)
    assert.strictEqual(options.headers.get("allow"), "GET, HEAD, OPTIONS")
    assert.strictEqual((await server.ask("OPTIONS", "/nothing")).status, 404)
  })

  it("answers HEAD as GET without a body", async () => {
    const head = await server.ask("HEAD", `${intents}/${id}`)
    assert.strictEqual(head.status, 200)
    assert.strictEqual(head.headers.get("etag"), '"1"')
    assert.strictEqual(head.text, "")
  })

  it("a version conflict has no letters `lease` in it, a lease conflict has (invariants 5, 6)", async () => {
    const stale = await server.ask("POST", state(), { body: { state: { lease: "Release" } }, headers: at(9) })
    assert.strictEqual(stale.body.current_version, 1)
    assert.notInclude(stale.text.toLowerCase(), "lease")
    const path = `${intents}/${id}/leases`
    const { body: held } = await server.ask("POST", path, { body: { scope: "text" } })
    const conflict = await server.ask("POST", path, { body: { scope: "text" }, agent: "borea" })
    assertError(conflict, 409, "lease_conflict")
    assert.strictEqual(conflict.body.existing_lease.id, held.id)
    const blocked = await server.ask("POST", state(), {
      body: { state: { text: "x" } },
      headers: at(1),
      agent: "borea"
    })
    assertError(blocked, 409, "lease_held")
    assert.strictEqual(blocked.body.existing_lease.id, held.id)
    await server.ask("DELETE", `${path}/${held.id}`)
  })
})

describe("order of checks", () => {
  const missing = `${intents}/nope`
  const cases: ReadonlyArray<
    readonly [name: string, status: number, code: string, method: string, path: () => string, ask: Ask]
  > = [
    ["401 before everything", 401, "unauthorized", "POST", () => `${missing}/state`, { key: "wrong", raw: "{nope" }],
    ["401 before 404 of a route", 401, "unauthorized", "GET", () => "/api/v1/nothing", { key: null }],
    ["JSON before the intent", 400, "invalid_json", "POST", () => `${missing}/state`, { raw: "{nope" }],
    ["the intent before fields", 404, "not_found", "POST", () => `${missing}/state`, { body: { patches: "x" } }],
    ["the intent before If-Match", 404, "not_found", "POST", () => `${missing}/state`, { body: {} }],
    ["the intent before the query", 404, "not_found", "GET", () => `${missing}/events?limit=x`, {}],
    ["the intent before a NUL", 404, "not_found", "POST", () => `${missing}/events`, { body: { event_type: "\0" } }],
    [
      "the intent before an event type",
      404,
      "not_found",
      "POST",
      () => `${missing}/events`,
      { body: { event_type: "made_up" } }
    ],
    [
      "the intent before a duration",
      404,
      "not_found",
      "POST",
      () => `${missing}/leases`,
      { body: { scope: "a", duration_seconds: 0 } }
    ],
    ["fields before If-Match", 400, "validation_error", "POST", state, { body: { patches: "x" } }],
    [
      "fields before the version",
      400,
      "validation_error",
      "POST",
      state,
      { body: { patches: [{ op: "set", path: "/" }] }, headers: at(9) }
    ],
    [
      "the version before the rules",
      409,
      "version_conflict",
      "POST",
      () => `${intents}/${id}/status`,
      { body: { status: "pending" }, headers: at(9) }
    ]
  ]
  for (const [name, status, code, method, path, ask] of cases) {
    it(name, async () => assertError(await server.ask(method, path(), ask), status, code))
  }
})

describe("faults of the engine", () => {
  const faulty = (failure: Effect.Effect<never, StorageUnavailable | Busy>) =>
    Layer.effect(
      OpenIntent,
      Effect.map(OpenIntent, (engine) => ({
        ...engine,
        intents: { ...engine.intents, get: () => failure },
        health: { check: failure }
      }))
    ).pipe(Layer.provide(memory()))

  it("a storage fault is 503 with Retry-After, and nothing of the driver's text (decision 8)", async () => {
    const fault = new StorageUnavailable({ operation: "load", reason: "secret path", retryable: true })
    await using server = await serving({}, faulty(Effect.fail(fault)))
    const answer = await server.ask("GET", `${intents}/x`)
    assertError(answer, 503, "storage_unavailable")
    assert.isNotNull(answer.headers.get("retry-after"))
    assert.notInclude(answer.text, "secret")
    for (const path of ["/health", "/api/v1/health", "/health/ready"]) {
      const health = await server.ask("GET", path, { key: null })
      assert.strictEqual(health.status, 503)
      assert.strictEqual(health.body.status, "degraded")
    }
    assert.strictEqual((await server.ask("GET", "/health/live", { key: null })).status, 200)
  })

  it("a lost race is 503 busy with Retry-After", async () => {
    await using server = await serving({}, faulty(Effect.fail(new Busy({ operation: "commit" }))))
    const answer = await server.ask("GET", `${intents}/x`)
    assertError(answer, 503, "busy")
    assert.strictEqual(answer.headers.get("retry-after"), "1")
  })

  it("a defect is 500 and tells nothing outside; its cause is logged, without the key (invariant 55)", async () => {
    const logged: Array<string> = []
    await using server = await serving({}, faulty(Effect.die(new Error("secret"))), {
      log: (line) => logged.push(line)
    })
    const answer = await server.ask("GET", `${intents}/x`)
    assertError(answer, 500, "internal_error")
    assert.notInclude(answer.text, "secret")
    assert.strictEqual(logged.length, 1)
    assert.include(logged[0] ?? "", "secret")
    assert.notInclude(logged[0] ?? "", "dev-user-key")
  })
})
