/** http.md 1.10 and decision 9: what a body may be. */
import { connect } from "node:net"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { serving, type Serving } from "./serving.ts"

const intents = "/api/v1/intents"
let server: Serving
beforeAll(async () => {
  server = await serving({ maxBodyBytes: 10_000, maxJsonDepth: 10 })
})
afterAll(() => server.close())

describe("size", () => {
  it("a body over the limit is 413, by its announced length", async () => {
    const answer = await server.ask("POST", intents, { body: { title: "x", description: "y".repeat(10_000) } })
    assert.strictEqual(answer.status, 413)
    assert.strictEqual(answer.body.code, "payload_too_large")
  })

  it("and without a length, as soon as it is over; the rest is not read", async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(server.port, "127.0.0.1")
      let text = ""
      socket.on("data", (chunk) => (text += String(chunk)))
      socket.on("close", () => resolve(text))
      socket.on("error", () => resolve(text))
      socket.setTimeout(5000, () => reject(new Error("no answer")))
      socket.write(
        `POST ${intents} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: dev-user-key\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`
      )
      const chunk = `1000\r\n${" ".repeat(0x1000)}\r\n`
      const send = () => {
        // Never ends by itself: the server has to.
        while (!socket.destroyed && socket.write(chunk)) if (text.includes("payload_too_large")) return socket.destroy()
        if (!socket.destroyed) socket.once("drain", send)
        return undefined
      }
      send()
    })
    assert.include(answer, "HTTP/1.1 413")
    assert.include(answer, "payload_too_large")
  })

  it("a body within the limit is fine in chunks", async () => {
    const raw = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"title":'))
        controller.enqueue(new TextEncoder().encode('"x"}'))
        controller.close()
      }
    })
    assert.strictEqual((await server.ask("POST", intents, { raw })).status, 200)
  })

  it("ids in paths may be long", async () => {
    const { body } = await server.ask("POST", intents, { body: { title: "x" } })
    const agent = "é".repeat(255)
    const path = `${intents}/${body.id}/agents`
    assert.strictEqual((await server.ask("POST", path, { body: { agent_id: agent } })).status, 200)
    assert.strictEqual((await server.ask("DELETE", `${path}/${encodeURIComponent(agent)}`)).status, 204)
  })
})

describe("values (decision 9)", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth)
  const cases: ReadonlyArray<readonly [name: string, json: string, field: string]> = [
    ["no finite number", '{"title":"x","state":{"a":[1e999]}}', "state.a[0]"],
    ["an integer beyond 2^53", '{"title":"x","state":{"a":9007199254740993}}', "state.a"],
    ["NUL in a value", '{"title":"x","state":{"a":"\\u0000"}}', "state.a"],
    ["NUL in a key", '{"title":"x","state":{"\\u0000":1}}', "state.\0"],
    ["a lone surrogate", '{"title":"\\ud800"}', "title"],
    ["too deep", `{"title":"x","constraints":${nested(12)}}`, "constraints"],
    ["far too deep", `{"title":"x","unknown":${nested(4000)}}`, "unknown"]
  ]
  for (const [name, raw, field] of cases) {
    it(`${name} is 400 with its place`, async () => {
      const answer = await server.ask("POST", intents, { raw })
      assert.strictEqual(answer.status, 400, answer.text)
      assert.strictEqual(answer.body.code, "validation_error")
      assert.isTrue(answer.body.errors[0].field.startsWith(field), answer.text)
    })
  }

  it("`__proto__` inside a value is plain data (invariant 12)", async () => {
    const raw = '{"title":"x","__proto__":{"title":"y"},"state":{"__proto__":{"polluted":1},"a":{"__proto__":2}}}'
    const { body, text } = await server.ask("POST", intents, { raw })
    assert.strictEqual(body.title, "x")
    assert.include(text, '"state":{"__proto__":{"polluted":1},"a":{"__proto__":2}}')
    assert.isUndefined(Object.prototype["polluted" as keyof object])
  })

  it("`__proto__` as a key of a state patch is refused (http.md 4.4)", async () => {
    const { body } = await server.ask("POST", intents, { body: { title: "x" } })
    const raw = '{"state":{"__proto__":{"polluted":1}}}'
    const answer = await server.ask("POST", `${intents}/${body.id}/state`, { raw, headers: { "if-match": "1" } })
    assert.strictEqual(answer.body.code, "validation_error")
  })
})

describe("empty bodies", () => {
  it("count as {} where every field is optional, with any content type on GET and DELETE", async () => {
    const { body } = await server.ask("POST", intents, { body: { title: "x" } })
    const path = `${intents}/${body.id}`
    const json = { "content-type": "application/json" }
    assert.strictEqual((await server.ask("GET", path, { headers: json })).status, 200)
    assert.strictEqual((await server.ask("POST", `${path}/state`, { headers: { "if-match": "1" } })).body.version, 1)
    const { body: lease } = await server.ask("POST", `${path}/leases`, { body: { scope: "a" } })
    assert.strictEqual((await server.ask("PATCH", `${path}/leases/${lease.id}`, { headers: json })).status, 200)
    assert.strictEqual((await server.ask("POST", `${path}/leases/${lease.id}/revoke`)).body.status, "revoked")
    assert.strictEqual((await server.ask("DELETE", `${path}/leases/${lease.id}`, { headers: json })).status, 200)
  })
})
