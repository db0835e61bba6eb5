/** What is in the path of a request is what it is about, and nothing else. */
import { connect } from "node:net"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { isTooLong, withoutSemicolons } from "../../src/http/paths.ts"
import { serving, type Serving } from "./serving.ts"

let server: Serving
beforeAll(async () => {
  server = await serving()
})
afterAll(() => server.close())

/** The status of a request whose target is sent as it is. */
const statusOf = (target: string, headers: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port: server.port, host: "127.0.0.1" }, () =>
      socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\n${headers}Connection: close\r\n\r\n`)
    )
    let text = ""
    socket.on("data", (chunk) => (text += chunk.toString("latin1"))).on("error", reject)
    socket.on("close", () => resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1])))
  })

describe("a semicolon in a path", () => {
  it.each([
    ["/a/b", "/a/b"],
    ["/a;b/c;d", "/a%3Bb/c%3Bd"],
    ["/a?b=c;d", "/a?b=c;d"],
    ["/a;b?c;d", "/a%3Bb?c;d"],
    ["/a#b;c", "/a#b;c"],
    [";", "%3B"]
  ])("%s is read as %s", (url, read) => assert.strictEqual(withoutSemicolons(url), read))

  it("is a part of a name: what is asked of `a;b` is not done to `a`", async () => {
    const { body } = await server.ask("POST", "/api/v1/intents", { body: { title: "x" } })
    const agents = `/api/v1/intents/${body.id}/agents`
    for (const agent_id of ["a", "a;b"]) await server.ask("POST", agents, { body: { agent_id } })
    const names = async () =>
      (await server.ask("GET", agents)).body.agents.map((found: { readonly agent_id: string }) => found.agent_id)
    assert.strictEqual((await server.ask("DELETE", `${agents}/a;c`)).status, 404)
    assert.deepStrictEqual(await names(), ["a", "a;b"])
    assert.strictEqual((await server.ask("DELETE", `${agents}/a;b`)).status, 204)
    assert.deepStrictEqual(await names(), ["a"])
  })

  it("makes no other name of a route, which a proxy before the server would not know", async () => {
    for (const path of ["/metrics;x", "/docs;x", "/health;x", "/api/v1/intents;x?limit=1"]) {
      assert.strictEqual((await server.ask("GET", path)).status, 404, path)
    }
  })
})

describe("a path that is longer than any route's", () => {
  it("is told from a long query", () => {
    assert.isTrue(isTooLong(`/${"a".repeat(5000)}`))
    assert.isFalse(isTooLong(`/${"a".repeat(4999)}`))
    assert.isFalse(isTooLong(`/a?${"b".repeat(10_000)}`))
  })

  it("names nothing, and is refused without being read", async () => {
    for (const path of [`/${"%25".repeat(4000)}`, `/api/v1/intents/${"%25".repeat(4000)}`]) {
      assert.strictEqual(await statusOf(path, "X-API-Key: dev-user-key\r\n"), 404)
    }
    assert.strictEqual(await statusOf(`/api/v1/intents/${"%25".repeat(4000)}`, ""), 401)
  })

  it("leaves room for the longest names that there are", async () => {
    const { body } = await server.ask("POST", "/api/v1/intents", { body: { title: "x" } })
    const agent_id = "\u{d7ff}".repeat(255)
    const path = `/api/v1/intents/${body.id}/agents`
    assert.strictEqual((await server.ask("POST", path, { body: { agent_id } })).status, 200)
    assert.strictEqual((await server.ask("DELETE", `${path}/${encodeURIComponent(agent_id)}`)).status, 204)
  })
})

describe("the way that a target is written", () => {
  it("in its absolute form names the host that counts", async () => {
    const key = "X-API-Key: dev-user-key\r\n"
    assert.strictEqual(await statusOf("http://evil.example/api/v1/intents", key), 421)
    assert.strictEqual(await statusOf(`http://127.0.0.1:${server.port}/api/v1/intents`, key), 200)
  })

  it("does not get around the key", async () => {
    for (const path of ["/api/v1/%69ntents", "/api/v1/intents/", "/api/v1//intents", "/api/v1/../v1/intents"]) {
      assert.strictEqual(await statusOf(path, ""), 401, path)
    }
    for (const path of ["//api/v1/intents", "/API/v1/intents", "/%61pi/v1/intents", "/x/../api/v1/intents", "*"]) {
      assert.include([401, 404], await statusOf(path, ""), path)
    }
  })
})
