import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { connect as connectSocket } from "node:net"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import { connect, Forbidden, LeaseHeld, StorageError, UnsupportedStorage } from "../../src/index.ts"
import { memory } from "../../src/layers/memory.ts"
import { remote } from "../../src/layers/remote.ts"
import { OpenIntentServer, startServer, type StartServerOptions } from "../../src/layers/server.ts"
import { newFolder } from "./processes.ts"

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => assert.fail("resolved"),
    (error: unknown) => error
  )

const start = async (options: Partial<StartServerOptions> = {}) => {
  const server = await startServer({ storage: "memory:", port: 0, ...options })
  onTestFinished(() => server.close())
  return server
}

describe("startServer", () => {
  it("serves until it is closed, and keeps the file", async () => {
    const storage = `sqlite:${join(newFolder(), "work.db")}`
    const first = await startServer({ storage, port: 0 })
    const before = await connect({ url: first.url, apiKey: "dev-user-key" })
    const intent = await before.intents.create({ title: "one" })
    await before.close()
    await first.close()
    await first[Symbol.asyncDispose]()
    assert.instanceOf(await rejection(fetch(`${first.url}/health`)), TypeError)
    const second = await start({ storage })
    const after = await connect({ url: second.url, apiKey: "dev-user-key" })
    assert.deepStrictEqual(await after.intents.get(intent.id), intent)
  })

  it("knows keys as texts, redacted, with agents, and as admin", async () => {
    const { url } = await start({
      apiKeys: ["plain", Redacted.make("redacted"), { key: "bound", agentIds: ["ann"] }, "both"],
      adminKeys: ["admin", "both"]
    })
    const as = (apiKey: string, agent?: string) => connect({ url, apiKey, ...(agent === undefined ? {} : { agent }) })
    const { id } = await (await as("plain")).intents.create({ title: "one" })
    assert.strictEqual((await (await as("bound")).intents.create({ title: "one" })).createdBy, "ann")
    assert.instanceOf(await rejection((await as("bound", "bob")).intents.create({ title: "one" })), Forbidden)
    for (const [apiKey, mayRevoke] of [
      ["redacted", false],
      ["admin", true],
      ["both", true]
    ] as const) {
      const engine = await as(apiKey)
      const lease = await engine.leases.acquire(id, { scope: apiKey })
      const revoked = engine.leases.revoke(id, lease.id)
      if (mayRevoke) assert.strictEqual((await revoked).status, "revoked")
      else assert.instanceOf(await rejection(revoked), Forbidden)
    }
  })

  it("hands switches to the engine and to the routes", async () => {
    const { url } = await start({ engine: { enforceLeases: false }, docs: false, maxBodyBytes: 300 })
    const engine = await connect({ url, apiKey: "dev-user-key" })
    const { id } = await engine.intents.create({ title: "one" })
    await engine.as("bob").leases.acquire(id, { scope: "*" })
    assert.strictEqual((await engine.intents.patchState(id, { version: 1, state: { a: 1 } })).version, 2)
    assert.strictEqual((await fetch(`${url}/docs`)).status, 404)
    const large = await fetch(`${url}/api/v1/intents`, {
      method: "POST",
      headers: { "x-api-key": "dev-user-key", "content-type": "application/json" },
      body: JSON.stringify({ title: "x".repeat(300) })
    })
    assert.strictEqual(large.status, 413)
  })

  it("enforces leases unless told", async () => {
    const { url } = await start()
    const engine = await connect({ url, apiKey: "dev-user-key" })
    const { id } = await engine.intents.create({ title: "one" })
    await engine.as("bob").leases.acquire(id, { scope: "*" })
    assert.instanceOf(await rejection(engine.intents.patchState(id, { version: 1, state: { a: 1 } })), LeaseHeld)
  })

  it("rejects what it cannot serve, and leaves nothing open", async () => {
    assert.propertyVal(
      await rejection(startServer({ storage: "memory:", port: 0, host: "0.0.0.0" })),
      "_tag",
      "KeysRequired"
    )
    assert.instanceOf(await rejection(startServer({ storage: "redis:", port: 0 })), UnsupportedStorage)
    assert.instanceOf(await rejection(startServer({ storage: "sqlite:/no/such/work.db", port: 0 })), StorageError)
    const first = await startServer({ storage: "memory:", port: 0 })
    const port = Number(new URL(first.url).port)
    assert.propertyVal(await rejection(startServer({ storage: "memory:", port })), "_tag", "ServeError")
    await first.close()
    const again = await startServer({ storage: "memory:", port })
    await again.close()
  })

  it("cuts a request that does not end in time", async () => {
    const server = await start({ shutdownTimeout: "300 millis" })
    const socket = connectSocket(Number(new URL(server.url).port), "127.0.0.1")
      .on("error", () => undefined)
      .resume()
    const closed = new Promise((resolve) => void socket.on("close", resolve))
    socket.write(
      "POST /api/v1/intents HTTP/1.1\r\nHost: localhost\r\nX-API-Key: dev-user-key\r\n" +
        "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    await new Promise((resolve) => void setTimeout(resolve, 100))
    const since = performance.now()
    await server.close()
    await closed
    assert.isBelow(performance.now() - since, 2_000)
  })
})

describe("OpenIntentServer.layer", () => {
  it.live("serves the engine that it is given, which its own process uses beside it", () =>
    Effect.gen(function* () {
      const here = yield* OpenIntent
      const { address } = yield* HttpServer.HttpServer
      const url = HttpServer.formatAddress(address)
      const there = yield* Effect.provide(OpenIntent, remote({ url, apiKey: "agent-synth-key" }))
      const { id } = yield* OpenIntent.as("ann")(here.intents.create({ title: "one" }))
      const patched = yield* OpenIntent.as("bob")(there.intents.patchState(id, { version: 1, state: { a: 1 } }))
      assert.deepStrictEqual(yield* here.intents.get(id), patched)
      const { items } = yield* here.events.list(id, { order: "asc" })
      assert.deepStrictEqual(
        items.map(({ actor }) => actor),
        ["ann", "bob"]
      )
    }).pipe(Effect.provide(OpenIntentServer.layer({ port: 0 }).pipe(Layer.provideMerge(memory()))))
  )
})
