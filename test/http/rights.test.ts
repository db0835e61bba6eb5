/** Every operation of the contract, tried with every kind of key; `docs/rights.md` has the same table. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { HttpApi, HttpApiEndpoint } from "effect/http-api"
import { readFileSync } from "node:fs"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { time } from "../../src/core/storedForms.ts"
import { Api } from "../../src/http/Api.ts"
import { rightOf } from "../../src/http/api/rights.ts"
import { keyed, type Keyed } from "./keyring.ts"
import { serving, type Serving } from "./serving.ts"

/** What a request is refused with; `yes`: it is not refused for its key. */
const columns = [
  "no key",
  "unknown",
  "malformed",
  "revoked",
  "expired",
  "read-only",
  "agent",
  "admin",
  "bound, other agent in `X-Agent-ID`",
  "bound, other actor in the body"
] as const
type Column = (typeof columns)[number]

const matrix = {
  public: ["yes", "yes", "yes", "yes", "yes", "yes", "yes", "yes", "yes", "yes"],
  read: ["401", "401", "401", "401", "401", "yes", "yes", "yes", "403", "yes"],
  write: ["401", "401", "401", "401", "401", "403", "yes", "yes", "403", "yes"],
  "write, and name who acts": ["401", "401", "401", "401", "401", "403", "yes", "yes", "403", "403"],
  admin: ["401", "401", "401", "401", "401", "403", "403", "yes", "403", "yes"]
} as const

/** Every operation whose body may name who acts, and the names that it reads. */
const actors: { readonly [operation: string]: ReadonlyArray<string> } = {
  "agents.assign": ["delegated_by"],
  "costs.record": ["agent_id"],
  "costs.reserve": ["agent_id"],
  "costs.settle": ["agent_id"],
  "events.append": ["actor"],
  "governance.approve": ["decided_by"],
  "governance.deny": ["decided_by"],
  "governance.recordDecision": ["decided_by", "decision_maker_id"],
  "governance.requestApproval": ["requested_by"],
  "governance.requestArbitration": ["requested_by"],
  "graph.createChild": ["created_by", "creator"],
  "intents.create": ["created_by", "creator"],
  "leases.acquire": ["agent_id"],
  "portfolios.create": ["created_by", "createdBy"],
  "retries.recordFailure": ["agent_id"],
  "subscriptions.create": ["subscriber_id"],
  "subscriptions.createOfIntent": ["subscriber_id"]
}

/** Names of agents in bodies that do not act: something is done about them. */
const objects: { readonly [operation: string]: ReadonlyArray<string> } = { "agents.assign": ["agent_id"] }

/** What only an administrator may do. */
const administrative = ["leases.revoke"]

interface Operation {
  readonly name: string
  readonly right: string
  readonly method: string
  readonly path: string
}

const declared: ReadonlyArray<Operation> = (() => {
  const found: Array<Operation> = []
  HttpApi.reflect(Api, {
    onGroup: () => undefined,
    onEndpoint: ({ endpoint, group }) => {
      const { method, path } = endpoint
      found.push({ name: `${group.identifier}.${endpoint.identifier}`, right: rightOf(endpoint), method, path })
    }
  })
  return found
})()

/** Routes of the server that are not in the contract. */
const beside: ReadonlyArray<Operation> = [
  { name: "openapi", right: "public", method: "GET", path: "/openapi.json" },
  { name: "docs", right: "public", method: "GET", path: "/docs" },
  { name: "metrics", right: "read", method: "GET", path: "/metrics" }
]
const operations = [...declared, ...beside]

const rowOf = ({ name, right }: Operation): keyof typeof matrix => {
  const row = right === "write" && name in actors ? "write, and name who acts" : right
  return row in matrix ? (row as keyof typeof matrix) : assert.fail(`no row for ${row}`)
}

let engine: Keyed
let server: Serving
/** Of an intent, a portfolio and an agent that there are. */
let params: { readonly [name: string]: string }
let headersOf: { readonly [column in Column]: { readonly [name: string]: string } }

/** Every name by which a body says who acts, and another than the key may be. */
const foreign = Object.fromEntries(Object.values(actors).flatMap((names) => names.map((name) => [name, "eve"])))

beforeAll(async () => {
  engine = await keyed()
  const [readOnly, agent, admin, bound, revoked, expired] = await Promise.all([
    engine.make({ role: "read-only" }),
    engine.make(),
    engine.make({ role: "admin" }),
    engine.make({ role: "admin", agentIds: ["ann", "bob"] }),
    engine.make({ role: "admin" }),
    engine.make({ role: "admin", expiresAt: time(Date.now() - 1) })
  ])
  await Effect.runPromise(engine.keys.revoke(revoked.stored.id))
  server = await serving({ streamRefusalDelay: Duration.zero }, engine.layer)
  const made = { key: agent.key, agent: "ann" }
  const intent = await server.ask("POST", "/api/v1/intents", { ...made, body: { title: "x" } })
  const portfolio = await server.ask("POST", "/api/v1/portfolios", { ...made, body: { name: "x" } })
  params = { intentId: intent.body.id, id: intent.body.id, portfolioId: portfolio.body.id, agentId: "ann" }
  const headers = (key: string, agentId = "ann") => ({ "x-api-key": key, "x-agent-id": agentId })
  headersOf = {
    "no key": {},
    unknown: headers("nope"),
    malformed: headers(`${admin.key.slice(0, -1)}!`),
    revoked: headers(revoked.key),
    expired: headers(expired.key),
    "read-only": headers(readOnly.key),
    agent: headers(agent.key),
    admin: headers(admin.key),
    "bound, other agent in `X-Agent-ID`": headers(bound.key, "eve"),
    "bound, other actor in the body": headers(bound.key, "bob")
  }
})
afterAll(async () => {
  await server.close()
  await engine[Symbol.asyncDispose]()
})

/** The answer, of a stream its beginning. */
const ask = async (
  { method, path }: Pick<Operation, "method" | "path">,
  headers: { readonly [name: string]: string },
  { body, ids = params }: { readonly body?: object | undefined; readonly ids?: typeof params } = {}
) => {
  const response = await fetch(server.url + path.replaceAll(/:(\w+)/g, (_, name: string) => ids[name] ?? "missing"), {
    method,
    headers: { ...headers, "content-type": "application/json" },
    ...(method === "GET" || method === "DELETE" ? undefined : { body: JSON.stringify(body ?? {}) })
  })
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true
  if (isStream) await response.body?.cancel()
  return { status: response.status, headers: response.headers, text: isStream ? "" : await response.text() }
}

describe("the matrix", () => {
  for (const operation of operations) {
    it(`${operation.method} ${operation.path}`, async () => {
      const row = matrix[rowOf(operation)]
      for (const [at, column] of columns.entries()) {
        const body = column === "bound, other actor in the body" ? foreign : undefined
        const { status, text } = await ask(operation, headersOf[column], { body })
        const told = `${column}: ${status} ${text.slice(0, 200)}`
        if (row[at] === "yes") {
          assert.notInclude([401, 403, 405, 421, 429, 500, 503], status, told)
          assert.notInclude(text, '"code":"route_not_found"', told)
        } else assert.strictEqual(String(status), row[at], told)
      }
    })
  }

  it("401 is the same whatever there is", async () => {
    const unknown: Array<Operation> = [
      { name: "", right: "", method: "GET", path: "/api/v1/nope" },
      { name: "", right: "", method: "DELETE", path: "/api/v1/intents" }
    ]
    const seen = new Set<string>()
    for (const operation of [...operations, ...unknown]) {
      if (operation.right === "public") continue
      for (const headers of [headersOf["no key"], headersOf.unknown, headersOf.revoked]) {
        for (const ids of [params, {}]) {
          const answer = await ask(operation, headers, { ids })
          const own = [...answer.headers].filter(([name]) => name !== "date" && name !== "x-request-id")
          seen.add(JSON.stringify([answer.status, own, answer.text]))
        }
      }
    }
    assert.strictEqual(seen.size, 1, [...seen].join("\n"))
    assert.include([...seen][0], '\\"code\\":\\"unauthorized\\"')
  })

  it("each name of an actor counts by itself, and comes before what else is wrong", async () => {
    for (const operation of declared) {
      for (const name of actors[operation.name] ?? []) {
        const { status, text } = await ask(operation, headersOf["bound, other actor in the body"], {
          body: { [name]: "eve" }
        })
        assert.strictEqual(status, 403, `${operation.name} ${name}: ${text}`)
        assert.strictEqual(JSON.parse(text).code, "forbidden")
        const own = await ask(operation, headersOf["bound, other actor in the body"], { body: { [name]: "ann" } })
        assert.notStrictEqual(own.status, 403, `${operation.name} ${name}: ${own.text}`)
      }
    }
  })

  it("a key in the query of a stream is judged alike", async () => {
    const stream = declared.find(({ name }) => name === "streams.intent")
    const path = stream?.path ?? assert.fail("no stream")
    const statuses = await Promise.all(
      columns.slice(0, 8).map(async (column) => {
        const key = headersOf[column]["x-api-key"]
        const query = key === undefined ? "" : `?api_key=${encodeURIComponent(key)}`
        return (await ask({ method: "GET", path: path + query }, {})).status
      })
    )
    assert.deepStrictEqual(statuses, [401, 401, 401, 401, 401, 200, 200, 200])
  })

  it("who may not write is told so before what is wrong with the request, and before what is missing", async () => {
    const create = { method: "POST", path: "/api/v1/intents/:intentId/status" }
    for (const ids of [params, {}]) {
      const { text } = await ask(create, { ...headersOf["read-only"], "x-agent-id": "a".repeat(300) }, { ids })
      assert.strictEqual(JSON.parse(text).code, "forbidden")
    }
    const missing = await ask({ method: "GET", path: "/api/v1/nope" }, headersOf["read-only"])
    assert.strictEqual(JSON.parse(missing.text).code, "route_not_found")
  })
})

describe("the contract", () => {
  it("is read with GET, is written with all else, and what is for administrators is named", () => {
    for (const { method, name, path, right } of declared) {
      const isPublic = !path.startsWith("/api/v1/") || name === "discovery.healthAlias"
      const expected = isPublic
        ? "public"
        : administrative.includes(name)
          ? "admin"
          : method === "GET"
            ? "read"
            : "write"
      assert.strictEqual(right, expected, name)
    }
  })

  it("says the right of each operation in its document", async () => {
    const { body } = await server.ask("GET", "/openapi.json", { key: null })
    for (const { method, name, path, right } of declared) {
      const operation = body.paths[path.replaceAll(/:(\w+)/g, "{$1}")][method.toLowerCase()]
      assert.strictEqual(operation["x-openintent-right"], right, name)
    }
  })

  it("names nobody in a body who is not in the table above", async () => {
    const { body } = await server.ask("GET", "/openapi.json", { key: null })
    const resolve = (schema: any): any =>
      schema?.$ref === undefined ? schema : body.components.schemas[schema.$ref.split("/").at(-1)]
    const names = new Set([
      ...Object.values(actors).flat(),
      "uploaded_by",
      "resolved_by",
      "responded_by",
      "requester_id"
    ])
    for (const { method, name, path } of declared) {
      const operation = body.paths[path.replaceAll(/:(\w+)/g, "{$1}")][method.toLowerCase()]
      const schema = resolve(operation.requestBody?.content["application/json"]?.schema)
      for (const property of Object.keys(schema?.properties ?? {})) {
        if (!names.has(property)) continue
        assert.include([...(actors[name] ?? []), ...(objects[name] ?? [])], property, name)
      }
    }
  })

  it("does not serve a route that declares no right", () => {
    assert.throws(() => rightOf(HttpApiEndpoint.get("open", "/open")), /declares no right/)
  })
})

describe("docs/rights.md", () => {
  const page = readFileSync(new URL("../../docs/rights.md", import.meta.url), "utf8")
  const table = (first: string): ReadonlyArray<ReadonlyArray<string>> => {
    const [found] = page.match(new RegExp(`^\\| ${first} .*\\|\\n(?:\\|.*\\|\\n)+`, "m")) ?? assert.fail(`no ${first}`)
    const lines = found.trim().split("\n").toSpliced(1, 1)
    return lines.map((line) =>
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim())
    )
  }

  it("has the matrix", () => {
    const own = Object.entries(matrix).map(([right, cells]) => [right, ...cells])
    assert.deepStrictEqual(table("To"), [["To", ...columns], ...own])
  })

  it("has the names of those who act", () => {
    const named = table("Operation").slice(1)
    assert.deepStrictEqual(
      named.map(([operation = "", names = ""]) => [
        operation.replaceAll("`", ""),
        names.replaceAll("`", "").split(", ")
      ]),
      Object.entries(actors).map(([operation, names]) => [operation, [...names]])
    )
  })

  it("names what is for administrators", () => {
    for (const name of administrative) assert.include(page, `\`${name}\``)
  })
})
