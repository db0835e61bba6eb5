/** http.md 1.3: no page of another origin may ask, unless configured; and never with credentials. */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { isOrigin } from "../../src/http/cors.ts"
import { memory } from "../../src/layers/memory.ts"
import { startServer } from "../../src/layers/server.ts"
import { type Answer, serving, type Serving } from "./serving.ts"

const intents = "/api/v1/intents"
const open = "https://app.example"

let server: Serving
let closed: Serving
beforeAll(async () => {
  server = await serving({ keys: [{ key: "k" }], corsOrigins: [open, "http://localhost:3000"] })
  closed = await serving()
})
afterAll(async () => {
  await server.close()
  await closed.close()
})

const cors = ({ headers }: Answer) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith("access-control-") || name === "vary"))

const allowed = (origin: string) => ({
  vary: "Origin",
  "access-control-allow-origin": origin,
  "access-control-expose-headers": "ETag, Link, RateLimit, RateLimit-Policy, Retry-After"
})

const preflight = (on: Serving, origin: string, path = intents, method = "PATCH") =>
  on.ask("OPTIONS", path, {
    key: null,
    agent: "",
    headers: { origin, "access-control-request-method": method, "access-control-request-headers": "x-api-key" }
  })

describe("by default", () => {
  it("no answer speaks of origins", async () => {
    assert.deepStrictEqual(cors(await closed.ask("GET", intents, { headers: { origin: open } })), {})
    const answer = await preflight(closed, open)
    assert.deepStrictEqual(cors(answer), {})
    assert.strictEqual(answer.headers.get("allow"), "POST, GET, HEAD, OPTIONS")
  })
})

describe("origins that are open", () => {
  for (const origin of [open, "http://localhost:3000"]) {
    it(`${origin} may ask, and reads what went wrong`, async () => {
      for (const [method, path, options, status] of [
        ["GET", intents, { key: "k" }, 200],
        ["GET", `${intents}/nope`, { key: "k" }, 404],
        ["POST", intents, { key: "k", raw: "{" }, 400],
        ["GET", intents, { key: "wrong" }, 401],
        ["GET", intents, { key: null }, 401],
        ["GET", "/nope", { key: "k" }, 404],
        ["PUT", intents, { key: "k" }, 405],
        ["GET", "/health", { key: null }, 200]
      ] as const) {
        const answer = await server.ask(method, path, { ...options, headers: { origin } })
        assert.strictEqual(answer.status, status, `${method} ${path}`)
        assert.deepStrictEqual(cors(answer), allowed(origin), `${method} ${path}`)
      }
    })

    it(`${origin} may ask whether it may, without a key and for any path`, async () => {
      for (const [path, method] of [
        [intents, "POST"],
        [`${intents}/x/state`, "PATCH"],
        ["/nope", "GET"],
        ["/api/v1/agents/ann/subscribe", "GET"]
      ] as const) {
        const answer = await preflight(server, origin, path, method)
        assert.strictEqual(answer.status, 204)
        assert.deepStrictEqual(cors(answer), {
          ...allowed(origin),
          "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
          "access-control-allow-headers":
            "X-API-Key, X-Agent-ID, If-Match, Content-Type, Last-Event-ID, X-OpenIntent-Profile, Idempotency-Key, X-Lease-Token",
          "access-control-max-age": "600"
        })
      }
    })
  }

  it("may follow streams, left open or not", async () => {
    for (const asBodies of [false, true]) {
      await using own = await serving({ keys: [{ key: "k" }], corsOrigins: [open] }, memory(), { asBodies })
      const abort = new AbortController()
      const { headers } = await fetch(`${own.url}/api/v1/agents/ann/subscribe?api_key=k`, {
        headers: { origin: open },
        signal: abort.signal
      })
      abort.abort()
      assert.strictEqual(headers.get("access-control-allow-origin"), open)
    }
  })
})

describe("origins that are not open", () => {
  for (const origin of [
    "https://evil.example",
    `${open}.evil.example`,
    `${open}:8443`,
    "http://app.example",
    "https://sub.app.example",
    "https://APP.example",
    `${open}/`,
    "app.example",
    "null",
    "*"
  ]) {
    it(`${origin} is told nothing, before and when it asks`, async () => {
      assert.deepStrictEqual(cors(await server.ask("GET", intents, { key: "k", headers: { origin } })), {
        vary: "Origin"
      })
      const answer = await preflight(server, origin)
      assert.strictEqual(answer.status, 204)
      assert.deepStrictEqual(cors(answer), { vary: "Origin" })
    })
  }

  it("nor who sends none", async () => {
    assert.deepStrictEqual(cors(await server.ask("GET", intents, { key: "k" })), { vary: "Origin" })
  })
})

describe("configuration", () => {
  const refusal = (options: object): Promise<unknown> =>
    startServer({ storage: "memory:", port: 0, ...options }).then(
      () => assert.fail("served"),
      (error: unknown) => error
    )

  it("is refused while everybody knows the keys", async () => {
    const error = await refusal({ corsOrigins: [open] })
    assert.deepInclude(Object(error), { _tag: "OriginsNeedKeys" })
  })

  it("takes origins only as browsers send them", async () => {
    for (const origin of [
      "*",
      "null",
      "https://app.example/",
      "https://App.example",
      "https://app.example:443",
      "app",
      ""
    ]) {
      assert.isFalse(isOrigin(origin), origin)
      assert.deepInclude(Object(await refusal({ apiKeys: ["k"], corsOrigins: [origin] })), {
        _tag: "InvalidOrigin",
        origin
      })
    }
    for (const origin of [
      "https://app.example",
      "http://[::1]:3000",
      "https://app.example:8443",
      "moz-extension://0-a"
    ])
      assert.isTrue(isOrigin(origin), origin)
  })
})
