/** http.md 1.3 (Host) and 1.4 (keys, identity); invariants 55 and 60. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { createServer, request } from "node:http"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import * as Server from "../../src/http/server.ts"
import { memory } from "../../src/layers/memory.ts"
import { serving, type Serving } from "./serving.ts"

const intents = "/api/v1/intents"
let server: Serving
beforeAll(async () => {
  server = await serving()
})
afterAll(() => server.close())

const create = (options: Parameters<Serving["ask"]>[2], on = server) =>
  on.ask("POST", intents, { ...options, body: { title: "x", ...Object(options?.body) } })

describe("keys", () => {
  it("a missing or unknown key is 401 on every route and tells nothing of ids", async () => {
    const { body } = await create({})
    for (const key of [null, "", "nope", "dev-user-ke", "DEV-USER-KEY"]) {
      for (const path of [
        intents,
        `${intents}/${body.id}`,
        `${intents}/nope`,
        `${intents}/${body.id}/events?limit=x`
      ]) {
        const answer = await server.ask("GET", path, { key })
        assert.strictEqual(answer.status, 401)
        assert.deepStrictEqual(answer.body, {
          detail: "Invalid or missing API key",
          message: "Invalid or missing API key",
          code: "unauthorized"
        })
      }
    }
  })

  it("`Authorization: Bearer` is another way to present it", async () => {
    const answer = await server.ask("GET", intents, { key: null, headers: { authorization: "Bearer dev-user-key" } })
    assert.strictEqual(answer.status, 200)
  })

  it("configured keys take the place of the development keys", async () => {
    await using own = await serving({ keys: [{ key: "mine" }] })
    assert.strictEqual((await own.ask("GET", intents)).status, 401)
    const { body, text } = await create({ key: "mine", agent: "" }, own)
    assert.match(body.created_by, /^key_[0-9a-f]{12}$/)
    assert.notInclude(text, "mine")
  })

  it("a bound key acts for its own agents only: 403", async () => {
    await using own = await serving({ keys: [{ key: "k", agentIds: ["ann", "bob"] }] })
    assert.strictEqual((await create({ key: "k", agent: "" }, own)).body.created_by, "ann")
    assert.strictEqual((await create({ key: "k", agent: "bob" }, own)).body.created_by, "bob")
    for (const options of [
      { key: "k", agent: "eve" },
      { key: "k", agent: "ann", body: { created_by: "eve" } }
    ]) {
      const answer = await create(options, own)
      assert.strictEqual(answer.status, 403)
      assert.strictEqual(answer.body.code, "forbidden")
    }
    const { body } = await create({ key: "k", agent: "ann" }, own)
    const path = `${intents}/${body.id}`
    const event = { key: "k", agent: "ann", body: { event_type: "comment", actor: "eve" } }
    assert.strictEqual((await own.ask("POST", `${path}/events`, event)).status, 403)
    const lease = (agent_id: string) =>
      own.ask("POST", `${path}/leases`, { key: "k", agent: "ann", body: { scope: agent_id, agent_id } })
    assert.strictEqual((await lease("eve")).status, 403)
    assert.strictEqual((await lease("bob")).body.agent_id, "bob")
  })

  it("a lease is revoked with an admin key only", async () => {
    const { body } = await create({})
    const path = `${intents}/${body.id}/leases`
    const { body: lease } = await server.ask("POST", path, { body: { scope: "a" } })
    const revoke = (key: string) => server.ask("POST", `${path}/${lease.id}/revoke`, { key, body: { reason: "stuck" } })
    assert.strictEqual((await revoke("agent-research-key")).status, 403)
    assert.strictEqual((await revoke("dev-user-key")).body.status, "revoked")
  })

  it("an address that others can reach needs keys", async () => {
    const exit = await Server.layer.pipe(
      Layer.provide(NodeHttpServer.layer(() => createServer(), { host: "0.0.0.0", port: 0 })),
      Layer.provide(memory()),
      Layer.build,
      Effect.scoped,
      Effect.flip,
      Effect.runPromise
    )
    assert.strictEqual(exit._tag, "KeysRequired")
  })
})

describe("identity", () => {
  it("the header, else the name of the key", async () => {
    assert.strictEqual((await create({ agent: "  agent:dev  " })).body.created_by, "agent:dev")
    assert.strictEqual((await create({ agent: "" })).body.created_by, "dev-user")
    assert.strictEqual((await create({ agent: "", key: "agent-synth-key" })).body.created_by, "agent-synth")
    assert.strictEqual((await create({ agent: "atlas", body: { creator: "zoe" } })).body.created_by, "zoe")
  })

  it("`system` is nobody's name", async () => {
    const { body } = await create({})
    const path = `${intents}/${body.id}`
    const answers = await Promise.all([
      create({ agent: "system" }),
      create({ body: { created_by: "system" } }),
      server.ask("POST", `${path}/events`, { body: { event_type: "comment", actor: "system" } }),
      server.ask("POST", `${path}/agents`, { body: { agent_id: "system" } }),
      create({ agent: "a".repeat(256) })
    ])
    for (const answer of answers) assert.strictEqual(answer.body.code, "validation_error", answer.text)
  })
})

describe("Host", () => {
  const ask = (host: string | undefined, port = server.port) =>
    new Promise<number>((resolve, reject) => {
      request(
        { port, host: "127.0.0.1", path: "/health", setHost: false, headers: host === undefined ? {} : { host } },
        (answer) => {
          answer.resume()
          resolve(answer.statusCode ?? 0)
        }
      )
        .on("error", reject)
        .end()
    })

  it("names of this machine are answered, others are 421", async () => {
    for (const host of [`127.0.0.1:${server.port}`, "localhost", "LOCALHOST:80", "[::1]:8000", "app.localhost"]) {
      assert.strictEqual(await ask(host), 200, host)
    }
    for (const host of ["evil.com", "evil.com:80", "localhost.evil.com", "127.0.0.1.evil.com", "0x7f.1"]) {
      assert.strictEqual(await ask(host), 421, host)
    }
  })

  it("further names by configuration", async () => {
    await using own = await serving({ allowedHosts: ["Proxy.Example"] })
    assert.strictEqual(await ask("proxy.example:443", own.port), 200)
    assert.strictEqual(await ask("other.example", own.port), 421)
  })
})
