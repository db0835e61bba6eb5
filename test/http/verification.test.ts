/** GET /api/v1/intents/{id}/events/verify, and the remote engine that walks along it. */
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Predicate from "effect/Predicate"
import { hash } from "node:crypto"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import * as Remote from "../../src/http/remote.ts"
import { serving, type Serving } from "./serving.ts"

let server: Serving
let runtime: ManagedRuntime.ManagedRuntime<OpenIntent, never>
let id = ""
let path = ""

const run = <A, E>(use: (engine: OpenIntent["Service"]) => Effect.Effect<A, E>) =>
  runtime.runPromise(OpenIntent.use(use))

const nothing = "sha256:0000000000000000000000000000000000000000000"

beforeAll(async () => {
  server = await serving()
  runtime = ManagedRuntime.make(Remote.layer({ url: server.url, apiKey: "dev-user-key" }))
  id = (await server.ask("POST", "/api/v1/intents", { body: { title: "t" } })).body.id
  path = `/api/v1/intents/${id}/events`
  for (let n = 0; n < 40; n++)
    await server.ask("POST", path, { body: { event_type: "comment", payload: { z: n, é: [1e-7], 10: "b", 9: null } } })
  for (;;) {
    const { body, status } = await server.ask("GET", `${path}/verify`)
    assert.strictEqual(status, 200)
    if (body.unsealed_count === 0) break
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
})
afterAll(async () => {
  await runtime.dispose()
  await server.close()
})

/** RFC 8785, as short as a client would have it. */
const canonical = (value: unknown): string =>
  Array.isArray(value)
    ? `[${value.map(canonical).join(",")}]`
    : Predicate.isObject(value)
      ? `{${Object.entries(value)
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, item]) => `${JSON.stringify(name)}:${canonical(item)}`)
          .join(",")}}`
      : JSON.stringify(value)

describe("GET /intents/{id}/events/verify", () => {
  it("answers with the head that a client computes from the events alone", async () => {
    const { body, status } = await server.ask("GET", `${path}/verify`)
    const { events } = (
      await server.ask("GET", `${path}?order=asc&limit=1000&include=all`, { headers: { "x-openintent-profile": "2" } })
    ).body
    let previous: string | null = null
    for (const event of events)
      previous = `sha256:${hash("sha256", canonical({ ...event, previous_event_hash: previous }), "base64url")}`
    const [first, last] = [events[0].sequence, events.at(-1).sequence]
    assert.strictEqual(status, 200)
    assert.deepStrictEqual(body, {
      intent_id: id,
      valid: true,
      chain_valid: true,
      event_count: 41,
      first_sequence: first,
      last_sequence: last,
      sealed_through: last,
      unsealed_count: 0,
      head: { sequence: last, hash: previous },
      break: null
    })
  })

  it("looks at a part, and tells where to go on", async () => {
    const { body } = await server.ask("GET", `${path}/verify?limit=40`)
    assert.deepInclude(body, { valid: true, event_count: 40, next_after_sequence: body.last_sequence })
    const rest = await server.ask("GET", `${path}/verify?limit=40&after_sequence=${body.next_after_sequence}`)
    assert.deepInclude(rest.body, { valid: true, event_count: 1 })
    assert.notProperty(rest.body, "next_after_sequence")
  })

  it("finds a head that the chain does not hold", async () => {
    const { body } = await server.ask("GET", `${path}/verify`)
    const { hash: head, sequence } = body.head
    assert.isTrue((await server.ask("GET", `${path}/verify?expect=${sequence}:${head}`)).body.valid)
    const other = await server.ask("GET", `${path}/verify?expect=${sequence}:${nothing}`)
    assert.strictEqual(other.status, 200)
    assert.deepInclude(other.body, { valid: false, chain_valid: false })
    assert.deepInclude(other.body.break, { kind: "chain", sequence, expected: nothing, found: head })
    const later = await server.ask("GET", `${path}/verify?expect=${sequence + 1}:${nothing}`)
    assert.deepStrictEqual(later.body.break, { kind: "tail_removed", sequence: sequence + 1, expected: nothing })
  })

  it.each([
    ["limit=0", "limit"],
    ["limit=10001", "limit"],
    ["limit=x", "limit"],
    ["after_sequence=-1", "after_sequence"],
    ["expect=7", "expect.hash"],
    [`expect=x:${nothing}`, "expect.sequence"],
    [`expect=0:${nothing}`, "expect.sequence"],
    [`expect=:${nothing}`, "expect.sequence"]
  ])("refuses ?%s", async (query, field) => {
    const { body, status } = await server.ask("GET", `${path}/verify?${query}`)
    assert.deepStrictEqual([status, body.code], [400, "validation_error"])
    assert.include(
      body.errors.map((error: { field: string }) => error.field),
      field
    )
  })

  it("knows no intent that there is not, and needs a key", async () => {
    assert.strictEqual((await server.ask("GET", "/api/v1/intents/nope/events/verify")).status, 404)
    assert.strictEqual((await server.ask("GET", "/api/v1/intents/nope/events/verify?limit=0")).status, 404)
    assert.strictEqual((await server.ask("GET", `${path}/verify`, { key: null })).status, 401)
  })
})

describe("events.verify of the remote engine", () => {
  it("is that of the server", async () => {
    const found = await run(({ events }) => events.verify(id))
    assert.deepInclude(found, { intentId: id, valid: true, eventCount: 41, unsealedCount: 0, next: undefined })
    const parts = await run(({ events }) => events.verify(id, { limit: 7 }))
    assert.deepInclude(parts, { valid: true, eventCount: 7, next: parts.sealedThrough })
    const expect = found.head ?? undefined
    assert.isTrue((await run(({ events }) => events.verify(id, { expect }))).valid)
    const broken = await run(({ events }) => events.verify(id, { expect: { sequence: 1, hash: nothing } }))
    assert.deepInclude(broken.break, { kind: "chain", sequence: 1, expected: nothing })
  })

  it("refuses what the embedded engine refuses", async () => {
    const refused = await run(({ events }) =>
      Effect.flip(events.verify(id, { limit: 0, expect: { sequence: 0, hash: "" } }))
    )
    assert.strictEqual(refused._tag, "ValidationError")
    assert.strictEqual((await run(({ events }) => Effect.flip(events.verify("nope"))))._tag, "IntentNotFound")
  })
})
