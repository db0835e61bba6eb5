/** Every answer and every line of a log has the id of its request. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import { assert, describe, it } from "vitest"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import { isRequestId, requestIds } from "../../src/http/requestIds.ts"
import { memory } from "../../src/layers/memory.ts"
import { OpenIntentServer } from "../../src/layers/server.ts"
import { serving } from "./serving.ts"

const intents = "/api/v1/intents"

describe("ids that are made", () => {
  it("sort by the time they were made in, and are of the form that is kept", () => {
    const [early, late] = [requestIds(1_790_000_000_000, 0.99), requestIds(1_790_000_000_001, 0)]
    const made = [...Array.from({ length: 2000 }, early), ...Array.from({ length: 10 }, late)]
    assert.deepStrictEqual(made, made.toSorted())
    assert.strictEqual(new Set(made).size, made.length)
    assert.isTrue(made.every(isRequestId))
  })
})

describe("X-Request-ID", () => {
  it("of the client is kept if it is harmless, else another one is made", async () => {
    await using server = await serving()
    const ask = async (id: string) =>
      (await server.ask("GET", intents, { headers: { "x-request-id": id } })).headers.get("x-request-id")
    for (const id of ["a", "8f0c-41.x:y_z", "x".repeat(128)]) assert.strictEqual(await ask(id), id)
    for (const id of ["", "a b", "x".repeat(129), "a,b", "<b>", "é"]) {
      const made = await ask(id)
      assert.notStrictEqual(made, id)
      assert.isTrue(isRequestId(made ?? undefined))
    }
  })

  it("is on answers of each kind, of the routes and before them", async () => {
    await using server = await serving({ allowedHosts: [] })
    const { body: intent } = await server.ask("POST", intents, { body: { title: "x" } })
    const answers = await Promise.all([
      server.ask("GET", "/health", { key: null }),
      server.ask("GET", "/openapi.json", { key: null }),
      server.ask("GET", "/docs", { key: null }),
      server.ask("GET", `${intents}/${intent.id}`),
      server.ask("GET", `${intents}/nope`),
      server.ask("POST", intents, { raw: "{" }),
      server.ask("GET", intents, { key: null }),
      server.ask("GET", "/nope"),
      server.ask("POST", "/health"),
      server.ask("OPTIONS", intents),
      server.ask("GET", "/api/v1/agents/ann/subscribe", { key: null })
    ])
    assert.deepStrictEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200, 404, 400, 401, 404, 405, 204, 401]
    )
    const ids = answers.map(({ headers }) => headers.get("x-request-id"))
    assert.isTrue(ids.every((id) => isRequestId(id ?? undefined)))
    assert.strictEqual(new Set(ids).size, ids.length)
  })

  it("is on streams, left open or not", async () => {
    for (const asBodies of [false, true]) {
      await using server = await serving({}, memory(), { asBodies })
      const abort = new AbortController()
      const { headers } = await fetch(`${server.url}/api/v1/agents/ann/subscribe`, {
        headers: { "x-api-key": "dev-user-key", "x-request-id": "stream-1" },
        signal: abort.signal
      })
      abort.abort()
      assert.strictEqual(headers.get("x-request-id"), "stream-1")
    }
  })

  it("is in what is logged of the request, and of no other", async () => {
    const lines: Array<string> = []
    const failing = Layer.effect(
      OpenIntent,
      Effect.map(OpenIntent, (engine) => ({
        ...engine,
        intents: { ...engine.intents, get: (id: string) => Effect.andThen(Effect.logWarning(id), Effect.die("broken")) }
      }))
    ).pipe(Layer.provide(memory()))
    await using server = await serving({}, failing, { log: (line) => lines.push(line) })
    await Promise.all(
      ["one", "two"].map((id) => server.ask("GET", `${intents}/${id}`, { headers: { "x-request-id": `r-${id}` } }))
    )
    const logged = lines.map((line) => JSON.parse(line) as { annotations: { requestId: string }; message: unknown })
    for (const id of ["one", "two"]) {
      const own = logged.filter(({ annotations }) => annotations.requestId === `r-${id}`)
      assert.strictEqual(own.length, 2)
      assert.strictEqual(own[0]?.message, id)
    }
  })
})

it("the request log has it too, also where no engine was asked", async () => {
  const lines: Array<string> = []
  const scope = Scope.makeUnsafe()
  const context = await OpenIntentServer.layer({ port: 0, logRequests: true }).pipe(
    Layer.provide(memory()),
    Layer.provide(Logger.layer([Logger.map(Logger.formatJson, (line) => lines.push(line))])),
    Layer.buildWithScope(scope),
    Effect.provideService(References.MinimumLogLevel, "Debug"),
    Effect.runPromise
  )
  const url = HttpServer.formatAddress(Context.get(context, HttpServer.HttpServer).address)
  const asked = ["kept-1", "not kept"].map((id) => fetch(`${url}/health`, { headers: { "x-request-id": id } }))
  const ids = (await Promise.all(asked)).map(({ headers }) => headers.get("x-request-id"))
  await Effect.runPromise(Scope.close(scope, Exit.void))
  const logged = lines.map((line) => JSON.parse(line) as { annotations: { requestId?: string } })
  assert.includeMembers(
    logged.map(({ annotations }) => annotations.requestId),
    ids
  )
  assert.strictEqual(ids[0], "kept-1")
})
