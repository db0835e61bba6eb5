/** Attacks that belong to no single route: docs/security.md names them. */
import { connect } from "node:net"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { withoutKeys } from "../../src/core/apiKey/form.ts"
import { isRequestId } from "../../src/http/requestIds.ts"
import { keyed } from "./keyring.ts"
import { type Answer, type Ask, serving, type Serving } from "./serving.ts"
import { openSse } from "./sse.ts"

const intents = "/api/v1/intents"
const alice = { key: "alice-key", agent: "ann" }

let server: Serving
beforeAll(async () => {
  server = await serving({
    keys: [
      { key: "alice-key" },
      { key: "other-key" },
      { key: "bound-key", agentIds: ["ann"] },
      { key: "reader-key", role: "read-only" }
    ]
  })
})
afterAll(() => server.close())

const post = (path: string, body: object, more: Ask = {}) => server.ask("POST", path, { ...alice, body, ...more })
const newIntent = async (more: object = {}) => (await post(intents, { title: "x", ...more })).body

/** What is sent is not what a client would send, so a socket does. */
const exchange = (text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port: server.port, host: "127.0.0.1" }, () => socket.write(text))
    let answer = ""
    socket.on("data", (chunk) => (answer += chunk.toString("latin1"))).on("error", reject)
    socket.on("close", () => resolve(answer))
  })

describe("what others keep of an answer", () => {
  it("is nothing: no cache stores it, and no browser takes it for something else", async () => {
    const { id } = await newIntent()
    const answers: ReadonlyArray<Answer> = [
      await server.ask("GET", `${intents}/${id}`, alice),
      await server.ask("GET", intents, alice),
      await post("/api/v1/subscriptions", { event_types: [], webhook_url: "https://example.com/" }),
      await server.ask("GET", intents, { key: null }),
      await server.ask("GET", `${intents}/nope`, alice),
      await server.ask("PUT", intents, alice),
      await server.ask("GET", "/nope"),
      await server.ask("OPTIONS", intents),
      ...(await Promise.all(
        ["/health", "/openapi.json", "/docs", "/.well-known/openintent.json"].map((path) => server.ask("GET", path))
      )),
      await server.ask("GET", "/metrics", alice)
    ]
    for (const { headers, status } of answers) {
      assert.strictEqual(headers.get("cache-control"), "no-store", `${status}`)
      assert.strictEqual(headers.get("x-content-type-options"), "nosniff", `${status}`)
    }
    const stream = openSse(server.port, `${intents}/${id}/subscribe`, { "X-API-Key": "alice-key" })
    await stream.next()
    assert.match(stream.head(), /cache-control: no-cache\r\n/i)
    assert.match(stream.head(), /x-content-type-options: nosniff/i)
    stream.close()
  })

  it("the page at /docs is shown inside no other page", async () => {
    const { headers } = await server.ask("GET", "/docs")
    assert.match(headers.get("content-security-policy") ?? "", /default-src 'none';.*frame-ancestors 'none'/)
  })
})

describe("an answer that was kept for a key", () => {
  it("is told to no other API key, though it asks as the same agent: the secret of a webhook stays with who made it", async () => {
    const subscribe = (key: string) =>
      post(
        "/api/v1/subscriptions",
        { event_types: ["x.a"], webhook_url: "https://example.com/" },
        { key, headers: { "idempotency-key": "same" } }
      )
    const first = await subscribe("alice-key")
    assert.match(first.body.secret, /^whsec_/)
    for (const key of ["other-key", "bound-key"]) {
      const { body, headers } = await subscribe(key)
      assert.isNull(headers.get("idempotency-replayed"))
      assert.notStrictEqual(body.id, first.body.id)
      assert.notStrictEqual(body.secret, first.body.secret)
    }
    assert.strictEqual((await subscribe("reader-key")).status, 403)
    assert.strictEqual((await subscribe("alice-key")).body.secret, first.body.secret)
    const shown = await server.ask("GET", "/api/v1/subscriptions", { key: "reader-key" })
    assert.isAtLeast(shown.body.total, 3)
    assert.notInclude(shown.text, "secret")
  })
})

describe("fields that the server alone sets", () => {
  it("are not taken from a body, whatever it calls them", async () => {
    const forged = {
      id: "forged",
      version: 99_999,
      created_at: "2001-01-01T00:00:00Z",
      updated_at: "2001-01-01T00:00:00Z",
      sequence: 99_999,
      position: 99_999,
      source: "engine",
      fencing_token: 99_999,
      uploaded_by: "eve",
      seal: "forged",
      total_cost: 1e9
    }
    const bound = { key: "bound-key" }
    const { body: intent } = await post(intents, { ...forged, title: "x" }, bound)
    const path = `${intents}/${intent.id}`
    const made = [
      intent,
      (await post(`${path}/events`, { ...forged, event_type: "comment" }, bound)).body,
      (await post(`${path}/leases`, { ...forged, scope: "a" }, bound)).body,
      (
        await post(
          `${path}/attachments`,
          { ...forged, filename: "a", mime_type: "text/plain", content_base64: "" },
          bound
        )
      ).body,
      (await post(`${path}/costs`, { ...forged, cost_type: "api", amount: 1, unit: "USD" }, bound)).body,
      (await post("/api/v1/portfolios", { ...forged, name: "p" }, bound)).body,
      (await post("/api/v1/subscriptions", { ...forged, event_types: [], webhook_url: "https://example.com/" }, bound))
        .body
    ]
    assert.strictEqual(intent.version, 1)
    for (const record of made) {
      assert.match(record.id, /^[0-9a-f-]{36}$/, JSON.stringify(record))
      for (const value of Object.values(record)) assert.notInclude(Object.values(forged), value, JSON.stringify(record))
    }
  })
})

describe("what is copied into a header", () => {
  it("ends no line: ids of requests, names of files, links of pages", async () => {
    const splitting = "a\r\nSet-Cookie: stolen=1"
    const { id } = await newIntent()
    await newIntent()
    const { body } = await post(`${intents}/${id}/attachments`, {
      filename: splitting,
      mime_type: "text/plain",
      content_base64: "aGk="
    })
    const answers = [
      await server.ask("GET", `${intents}/${id}/attachments/${body.id}/content`, alice),
      await server.ask("GET", `${intents}?limit=1&q=&x=${encodeURIComponent(splitting)}`, alice)
    ]
    for (const { headers, status } of answers) {
      assert.strictEqual(status, 200)
      assert.isNull(headers.get("set-cookie"))
    }
    assert.match(answers[1]?.headers.get("link") ?? "", /^<\/api\/v1\/intents\?[^<>\s]*>; rel="next"$/)
    const mime = { filename: "a", mime_type: `text/plain${splitting}`, content_base64: "" }
    assert.strictEqual((await post(`${intents}/${id}/attachments`, mime)).status, 400)
    for (const id of [splitting, "a\rb", "a\nb", "a b", "ä", "a,b", "<a>"]) assert.isFalse(isRequestId(id))
  })

  it("a folded or broken header is no request", async () => {
    for (const line of ["X-Request-ID: a\r\n b", "X-Request-ID: a\rSet-Cookie: x=1", "X-Request-ID : a"]) {
      const answer = await exchange(`GET /health HTTP/1.1\r\nHost: localhost\r\n${line}\r\nConnection: close\r\n\r\n`)
      assert.match(answer, /^HTTP\/1\.1 400 /)
      assert.notMatch(answer, /set-cookie/i)
    }
  })
})

describe("a key in the query of a stream", () => {
  it("is in no line of the log, nor in an answer", async () => {
    const lines: Array<string> = []
    await using engine = await keyed()
    const { key } = await engine.make()
    await using own = await serving({}, engine.layer, { log: (line) => lines.push(line) })
    const stream = openSse(own.port, `/api/v1/agents/ann/subscribe?api_key=${key}`, { "X-API-Key": undefined })
    await stream.next()
    stream.close()
    const { body, head } = await stream.ended
    const list = await own.ask("GET", `${intents}?limit=1&api_key=${key}`, { key })
    for (const text of [head, body, list.text, JSON.stringify([...list.headers]), ...lines])
      assert.notInclude(text, key)
    assert.strictEqual(withoutKeys(`?api_key=${key}&x`), "?api_key=oi_***&x")
  })
})

describe("numbers", () => {
  it("of positions, pages and versions are refused where they are beyond those that are exact", async () => {
    const { id } = await newIntent()
    for (const beyond of ["9007199254740993", "1e300", "-1", "0x10", "NaN", "1.5"]) {
      for (const query of [`?limit=${beyond}`, `?offset=${beyond}`, `?after_sequence=${beyond}`]) {
        const answer = await server.ask("GET", `${intents}/${id}/events${query}`, alice)
        assert.strictEqual(answer.status, 400, query)
      }
      const verify = await server.ask("GET", `${intents}/${id}/events/verify?after_sequence=${beyond}`, alice)
      assert.strictEqual(verify.status, 400, beyond)
      const patch = { body: { patches: [] }, headers: { "if-match": beyond } }
      const patched = await server.ask("POST", `${intents}/${id}/state`, { ...alice, ...patch })
      assert.strictEqual(patched.status, 400, beyond)
    }
  })
})

describe("what one request may cost", () => {
  it("a page ends before it is too large, and says how it goes on", async () => {
    const large = "x".repeat(255 * 1024)
    await using own = await serving()
    for (let i = 0; i < 70; i++) await own.ask("POST", intents, { body: { title: "x", state: { large } } })
    const page = await own.ask("GET", `${intents}?limit=1000`)
    assert.isBelow(page.text.length, 18 * 1024 * 1024)
    assert.isBelow(page.body.intents.length, 70)
    const next = /^<([^>]+)>; rel="next"/.exec(page.headers.get("link") ?? "")?.[1] ?? assert.fail("no next page")
    const rest = await own.ask("GET", next)
    assert.strictEqual(page.body.intents.length + rest.body.intents.length, 70)
  })

  it("one that looks at the seals of a whole log asks for a part at a time", async () => {
    const { id } = await newIntent()
    const ask = (limit: number) => server.ask("GET", `${intents}/${id}/events/verify?limit=${limit}`, alice)
    assert.strictEqual((await ask(10_000)).status, 200)
    assert.strictEqual((await ask(10_001)).status, 400)
  })
})
