/**
 * Hostile input on every route of the contract, generated from its OpenAPI document (invariants 3, 12, 55, 56, 57, 60):
 * the answer is a 4xx in the form of http.md 1.6, and nothing has changed.
 */
import * as Record from "effect/Record"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { randomOf } from "../crash/random.ts"
import type { Field, JsonType, Operation } from "./hostile/operations.ts"
import { key, type Reply, type World, world } from "./hostile/world.ts"

const isJson = (type: string) => type === "application/json"

/** Holds for every answer, whatever was asked. */
const assertAnswer = (reply: Reply, asked: string) => {
  assert.isBelow(reply.status, 500, `${asked}: ${reply.text}`)
  assert.notInclude(reply.text, key, asked)
  if (reply.status < 400) return
  assert.isTrue(isJson(reply.type), `${asked}: ${reply.type}`)
  const body = JSON.parse(reply.text)
  assert.isString(body.message, asked)
  assert.isString(body.code, asked)
  assert.isTrue(reply.text.isWellFormed(), asked)
  if (body.code === "governance_violation") assert.strictEqual(body.detail.message, body.message)
  else assert.strictEqual(body.detail, body.message, asked)
  if (reply.status === 409) {
    const aboutLeases = String(body.code).startsWith("lease_")
    assert.strictEqual(reply.text.toLowerCase().includes("lease"), aboutLeases, `${asked}: ${reply.text}`)
  }
}

/** The answer is a refusal with this status; one of these names is a field at fault. */
const assertRefused = (reply: Reply, asked: string, status: number, ...names: ReadonlyArray<string>) => {
  assertAnswer(reply, asked)
  assert.strictEqual(reply.status, status, `${asked}: ${reply.text}`)
  if (names.length === 0) return
  const fields: ReadonlyArray<string> = JSON.parse(reply.text).errors?.map((error: any) => error.field) ?? []
  assert.isTrue(
    fields.some((field) => names.includes(/^[\w-]+/.exec(field)?.[0] ?? "")),
    `${asked} is about ${names.join()}: ${reply.text}`
  )
}

const samples: ReadonlyArray<readonly [type: JsonType, value: unknown]> = [
  ["string", "NaN"],
  ["number", 1.5],
  ["boolean", true],
  ["array", [[]]],
  ["object", { a: {} }]
]

/** Values that the field does not take. */
const wrongFor = ({ items, types, values }: Field): ReadonlyArray<unknown> => [
  ...samples.filter(([type]) => !types.has(type)).map(([, value]) => value),
  ...(types.has("array") && !types.has("object")
    ? samples.filter(([type]) => !items.has(type)).map(([, value]) => [value])
    : []),
  ...(values === undefined ? [] : ["banana", ""])
]

/** What no text may hold (decision 9). */
const badTexts = ["a\0b", "a\ud800b", "\udc00"]

let place: World
beforeAll(async () => {
  place = await world()
})
afterAll(() => place[Symbol.asyncDispose]())

/** The body of a policy is the policy: the document has no names for it. */
const policyKeys = ["completion_mode", "write_scope", "quorum_threshold", "allowed_agents", "max_cost"]

const withBody = () => place.operations.filter(({ fields }) => fields !== undefined)

/** Asks for all of it, some at the same time; nothing that can be read is another afterwards. */
const nothingChangesBy = async <A>(cases: ReadonlyArray<A>, ask: (one: A) => Promise<void>) => {
  const before = await place.everything()
  for (let at = 0; at < cases.length; at += 16) await Promise.all(cases.slice(at, at + 16).map(ask))
  assert.deepStrictEqual(await place.everything(), before)
}

describe("bodies", () => {
  it("the plain ones are fine: what is refused below is refused for what is wrong with it", async () => {
    await using own = await world()
    for (const operation of own.operations.filter(({ fields }) => fields !== undefined)) {
      if (operation.name === "governance.deny") continue // Approved by then.
      // Each changes the version; without a body they are refused for the version alone.
      const reply = await own.send(operation, { body: own.body(operation) })
      assertAnswer(reply, operation.name)
      if (operation.needsVersion) assert.include([200, 409], reply.status, `${operation.name}: ${reply.text}`)
      else assert.strictEqual(reply.status, 200, `${operation.name}: ${reply.text}`)
    }
  })

  it("that are no JSON objects", async () => {
    const deep = `${'{"x":['.repeat(500)}${"]}".repeat(500)}`
    const huge = JSON.stringify({ x: "y".repeat(2 * 1024 * 1024) })
    const cases = withBody().flatMap((operation) => [
      ...['{"title":', "NaN", "{'a':1}", '{"a":NaN}', '{"a":01}', "\ufeff{", "undefined"].map(
        (raw) => ({ operation, status: 400, raw }) as const
      ),
      ...["[]", "7", '"x"', "true", "null", deep, '{"x":1e999}', '{"x":9007199254740993}', '{"x":"\\u0000"}'].map(
        (raw) => ({ operation, status: 400, raw }) as const
      ),
      { operation, status: 400, raw: '{"x\\ud800":1}' } as const,
      { operation, status: 400, raw: Buffer.from([0x7b, 0xff, 0x7d]) } as const,
      { operation, status: 415, raw: "{}", headers: { "Content-Type": "text/plain" } } as const,
      { operation, status: 415, raw: "a=b", headers: { "Content-Type": "multipart/form-data; boundary=x" } } as const
    ])
    await nothingChangesBy(cases, async ({ operation, status, ...send }) =>
      assertRefused(await place.send(operation, send), `${operation.name} ${String(send.raw).slice(0, 40)}`, status)
    )
    await nothingChangesBy(withBody(), async (operation) =>
      assertRefused(
        await place.send(operation, { raw: huge }),
        `${operation.name}, 2 MB`,
        operation.name === "attachments.add" ? 400 : 413
      )
    )
  })

  it("with a field of the wrong type, or without one that is required", async () => {
    const cases = withBody().flatMap((operation) => {
      const base = place.body(operation)
      return (operation.fields ?? []).flatMap((field) => {
        const { [field.canonical]: _, ...rest } = base
        const texts = field.types.has("string") && field.values === undefined ? badTexts : []
        return [
          ...[...wrongFor(field), ...texts].map((value) => ({
            operation,
            body: { ...rest, [field.name]: value },
            field
          })),
          ...(field.isRequired
            ? [rest, { ...rest, [field.name]: null }].map((body) => ({ operation, body, field }))
            : [])
        ]
      })
    })
    assert.isAbove(cases.length, 400)
    await nothingChangesBy(cases, async ({ body, field, operation }) =>
      assertRefused(
        await place.send(operation, { body }),
        `${operation.name} ${JSON.stringify(body)}`,
        400,
        field.name,
        field.canonical
      )
    )
  })

  it("that are odd but whole are taken or refused, never more; no prototype is touched (invariant 12)", async () => {
    await using own = await world()
    const random = randomOf(56)
    const pool: ReadonlyArray<string> = [
      "null",
      '""',
      '" "',
      "0",
      "-1",
      "-0",
      "1e308",
      "5e-324",
      "0.1",
      "1000000000000",
      "9007199254740991",
      "true",
      "[]",
      "{}",
      "[null]",
      '["",""]',
      '{"__proto__":{"polluted":true}}',
      '{"constructor":{"prototype":{"polluted":true}}}',
      '"__proto__"',
      '"constructor"',
      '"\\u202e\\ufeff"',
      '"system"',
      '"javascript:alert(1)"',
      '"http://[::1]/"',
      '"2031-02-30"',
      '"9999-12-31T23:59:59.999999999Z"',
      '"../../etc/passwd"',
      '"*"',
      '"%00"',
      '"1 OR 1=1"',
      JSON.stringify("漢".repeat(20_000)),
      JSON.stringify(Array.from({ length: 1001 }, (_, n) => `n${n}`)),
      JSON.stringify({ a: "x".repeat(300_000) }),
      JSON.stringify("\u{1f9ff}".repeat(130))
    ]
    const operations = own.operations.filter(({ fields }) => fields !== undefined)
    const { intentId = "" } = own.ids
    const version = async () => (await own.server.ask("GET", `/api/v1/intents/${intentId}`, { key })).body.version
    for (let round = 0; round < 12 * operations.length; round++) {
      const operation = operations[round % operations.length]!
      const names = operation.name === "governance.setPolicy" ? policyKeys : operation.fields?.map(({ name }) => name)
      const members = new Map(
        Record.toEntries(own.body(operation)).map(([name, value]) => [name, JSON.stringify(value)])
      )
      for (const name of names ?? []) if (random.below(3) === 0) members.set(name, random.oneOf(pool))
      members.set(random.oneOf(["__proto__", "constructor", "toString", "x"]), random.oneOf(pool))
      const raw = `{${[...members].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join()}}`
      const headers = operation.needsVersion ? { "If-Match": String(await version()) } : {}
      const reply = await own.send(operation, { raw, headers })
      assertAnswer(reply, `${operation.name} ${raw.slice(0, 2000)}`)
      assert.isTrue(isJson(reply.type))
    }
    assert.notProperty({}, "polluted")
    // All of it can still be read: `everything` fails on an answer that is no success.
    assert.isAbove(Object.keys(await own.everything()).length, 30)
  })
})

describe("ids", () => {
  const odd = [
    "",
    ".",
    "..",
    "%2e%2e",
    "%00",
    "%ff",
    "%",
    "%zz",
    "a%2Fb",
    "a%5Cb",
    "%20",
    "+",
    "*",
    "__proto__",
    "constructor",
    "%F0%9F%A7%BF",
    "%ED%A0%80",
    "x".repeat(5000),
    "%C3%A9".repeat(300),
    "'%20OR%201=1",
    "00000000-0000-4000-8000-000000000000"
  ]

  it("that nothing has: 404 or no route, in the form of an error", async () => {
    const cases = place.operations.flatMap((operation) =>
      operation.params.flatMap((param) => odd.map((id) => ({ operation, param, id })))
    )
    await nothingChangesBy(cases, async ({ id, operation, param }) => {
      const body = operation.fields === undefined ? undefined : place.body(operation)
      const reply = await place.send(operation, { ids: { [param]: id }, body })
      const asked = `${operation.name} ${param}=${id.slice(0, 50)}`
      assertAnswer(reply, asked)
      // An agent needs no registration, so any name of one may be followed (http.md 12.1).
      const anyAgent = operation.isStream && operation.path.includes("agents")
      if (!(anyAgent && reply.status === 200)) assert.include([400, 404, 405], reply.status, `${asked}: ${reply.text}`)
    })
  })

  it("of something else, or of another intent, are not found", async () => {
    const cases = place.operations
      .filter(({ isStream }) => !isStream)
      .flatMap((operation) => operation.params.map((param) => ({ operation, param })))
    const { body: stranger } = await place.server.ask("GET", "/api/v1/portfolios", { key })
    const other = stranger.portfolios[0].id
    await nothingChangesBy(
      cases.filter(({ param }) => param !== "portfolioId"),
      async ({ operation, param }) => {
        const body = operation.fields === undefined ? undefined : place.body(operation)
        assertRefused(await place.send(operation, { ids: { [param]: other }, body }), `${operation.name} ${param}`, 404)
      }
    )
  })
})

describe("queries and headers", () => {
  it("that are not valid are refused, and the field is named", async () => {
    const cases = place.operations.flatMap((operation) =>
      operation.query.flatMap(({ isNumber, name, values }) => {
        const limits = name === "limit" ? ["0", "10001"] : name === "api_key" ? [] : ["-1"]
        const wrong = isNumber
          ? ["x", "", "1.5", "NaN", "Infinity", "1e400", "0x10", ...limits]
          : values
            ? ["banana", ""]
            : []
        return [...wrong, ...(name === "after" || name === "since" ? ["", "?", "%00", "x".repeat(3000)] : [])].map(
          (value) => ({ operation, name, query: `?${name}=${value}` })
        )
      })
    )
    assert.isAbove(cases.length, 200)
    await nothingChangesBy(cases, async ({ name, operation, query }) =>
      assertRefused(await place.send(operation, { query }), `${operation.name} ${query.slice(0, 50)}`, 400, name)
    )
  })

  it("that are odd never break anything", async () => {
    const cases = place.operations
      .filter(({ method }) => method === "GET")
      .flatMap((operation) =>
        [
          "?",
          "?=&&",
          "?__proto__=1&constructor=2",
          "?limit=1&limit=2",
          "?%00=%00",
          "?q=%ff&created_by=%00&agent_id=%ED%A0%80",
          `?q=${"x".repeat(5000)}`,
          "?intent_id=..&portfolio_id=%F0%9F%A7%BF",
          "?last_event_id=-1",
          "?last_event_id=1e999",
          "?last_event_id=9007199254740993",
          "?last_event_id=1&last_event_id=2", // Found by the fuzz: 500 on every stream.
          "?profile=2&profile=2",
          "?profile=banana",
          "?limit[]=1",
          "?include=all&include=all"
        ].map((query) => ({ operation, query }))
      )
    await nothingChangesBy(cases, async ({ operation, query }) =>
      assertAnswer(await place.send(operation, { query }), `${operation.name} ${query.slice(0, 50)}`)
    )
  })

  it("versions, agents, profiles and positions", async () => {
    const versions = ["", "*", "-1", "1e3", "99999999999999999999", '"1', "W/1", "1, 2", "\u00ff", "999"]
    const agents = ["system", "x".repeat(300), "\u00ff\u00fe", " "]
    const cases = place.operations.flatMap(
      (
        operation
      ): ReadonlyArray<{
        readonly operation: Operation
        readonly headers: { readonly [name: string]: string }
        readonly status: ReadonlyArray<number>
      }> => [
        ...(operation.needsVersion ? versions : []).map((version) => ({
          operation,
          headers: { "If-Match": version },
          status: version === "999" ? [409] : [400]
        })),
        ...agents.slice(0, 2).map((agent) => ({ operation, headers: { "X-Agent-ID": agent }, status: [400] })),
        ...(operation.isStream
          ? ["-1", "abc", "1e999", "9007199254740993", ""].map((position) => ({
              operation,
              headers: { "Last-Event-ID": position },
              status: [200]
            }))
          : []),
        ...(operation.method === "GET"
          ? [{ "X-Agent-ID": agents[2]! }, { "X-Agent-ID": agents[3]! }, { "X-OpenIntent-Profile": "banana" }].map(
              (headers) => ({ operation, headers, status: [200, 404] })
            )
          : [])
      ]
    )
    await nothingChangesBy(cases, async ({ headers, operation, status }) => {
      const body = operation.fields === undefined ? undefined : place.body(operation)
      const asked = `${operation.name} ${JSON.stringify(headers)}`
      const reply = await place.send(operation, { headers, body })
      assertAnswer(reply, asked)
      assert.include(status, reply.status, `${asked}: ${reply.text}`)
    })
  })

  it("methods that a path does not have are 405 and change nothing", async () => {
    const paths = Map.groupBy(place.operations, ({ path }) => path)
    const cases = [...paths.values()].flatMap((found) =>
      ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"]
        .filter((method) => found.every((operation) => operation.method !== method))
        .map((method) => ({ operation: found[0]!, method }))
    )
    await nothingChangesBy(cases, async ({ method, operation }) =>
      assertRefused(await place.send(operation, { method, body: {} }), `${method} ${operation.path}`, 405)
    )
  })
})

describe("keys", () => {
  it("without a right one every route answers the same 401, whether the ids exist or not (invariant 60)", async () => {
    const wrong = [
      { "X-API-Key": undefined },
      { "X-API-Key": "" },
      { "X-API-Key": `${key}x` },
      { "X-API-Key": undefined, Authorization: "Bearer nope" }
    ]
    const cases = place.operations.flatMap((operation) => wrong.map((headers) => ({ operation, headers })))
    const nobody = Object.fromEntries(place.operations.flatMap(({ params }) => params.map((param) => [param, "nope"])))
    await nothingChangesBy(cases, async ({ headers, operation }) => {
      for (const send of [{}, { ids: nobody }, { query: "?limit=x&api_key=wrong" }, { raw: "{nope" }]) {
        const reply = await place.send(operation, { ...send, headers })
        assertRefused(reply, operation.name, 401)
        assert.deepStrictEqual(JSON.parse(reply.text), {
          detail: "Invalid or missing API key",
          message: "Invalid or missing API key",
          code: "unauthorized"
        })
      }
    })
  })
})
