/** No key is ever in an answer, an event, the log, a metric, a span or the database, wherever a client puts it. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { readdirSync, readFileSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { inspect } from "node:util"
import { assert, describe, it } from "vitest"
import { OpenIntentServer } from "../../src/layers/server.ts"
import { sqlite } from "../../src/layers/sqlite.ts"
import { newFolder } from "../layers/processes.ts"
import { keyed } from "./keyring.ts"

const configured = "configured-recognisable-4711-key"

/** Sends bytes as they are, and takes what comes until the end. */
const raw = (port: number, text: string) =>
  new Promise<string>((resolve) => {
    let answer = ""
    const socket = connect(port, "127.0.0.1", () => socket.end(text))
    socket.on("data", (bytes) => (answer += bytes.toString("latin1")))
    socket.on("close", () => resolve(answer)).on("error", () => resolve(answer))
  })

/** A server that tells all it can, and all that it told. */
const telling = async () => {
  const folder = newFolder()
  const logged: Array<string> = []
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  const engine = await keyed(Layer.orDie(sqlite(join(folder, "work.db"))))
  const { key: stored } = await engine.make({ role: "admin" })
  const { key: revoked, stored: old } = await engine.make()
  await Effect.runPromise(engine.keys.revoke(old.id))
  const scope = Scope.makeUnsafe()
  const context = await OpenIntentServer.layer({
    port: 0,
    adminKeys: [configured],
    logRequests: true,
    streamRefusalDelay: Duration.zero
  }).pipe(
    Layer.provide(engine.layer),
    Layer.provide(Logger.layer([Logger.make((entry) => void logged.push(inspect(entry, { depth: 8 })))])),
    Layer.provide(Layer.succeed(References.MinimumLogLevel, "All")),
    Layer.provide(Layer.succeed(Tracer.Tracer, tracer)),
    Layer.buildWithScope(scope),
    Effect.runPromise
  )
  const { address } = Context.get(context, HttpServer.HttpServer)
  const port = address._tag === "UnixPathAddress" ? 0 : address.port
  return {
    folder,
    keys: { configured, stored, revoked },
    logged,
    spans,
    port,
    close: async () => {
      await Effect.runPromise(Scope.close(scope, Exit.void))
      await engine[Symbol.asyncDispose]()
    }
  }
}

type Ask = readonly [method: string, path: string, headers?: { readonly [name: string]: string }, body?: unknown]

/** Where a client may put a key, by mistake or by design. `id` is an intent. */
const placesOf = (id: string, key: string, right: { readonly [name: string]: string }): ReadonlyArray<Ask> => {
  const intents = "/api/v1/intents"
  const one = `${intents}/${id}`
  return [
    // Where it belongs.
    ["GET", intents, { "x-api-key": key }],
    ["GET", intents, { authorization: `Bearer ${key}` }],
    ["POST", intents, { "x-api-key": key }, { title: "made" }],
    ["POST", `${one}/events`, { "x-api-key": key }, { event_type: "comment" }],
    ["POST", `${one}/leases`, { "x-api-key": key }, { scope: `${key.length}` }],
    ["GET", `${one}/subscribe?api_key=${key}`],
    ["GET", `/api/v1/subscribe/agents/x?api_key=${key}`],
    // Where nobody looks for it.
    ["GET", `${intents}?api_key=${key}&limit=1`, right],
    ["GET", `${intents}?api_key=${key}`],
    ["GET", intents, { authorization: key }],
    ["GET", intents, { authorization: `Basic ${key}` }],
    ["GET", intents, { "x-api-key": `${key}, ${key}` }],
    ["GET", intents, { "x-api-key": `${key}x` }],
    ["GET", intents, { cookie: `key=${key}` }],
    // As somebody's name.
    ["POST", intents, { ...right, "x-agent-id": key }, { title: "x" }],
    ["POST", intents, right, { title: "x", created_by: key }],
    ["POST", intents, right, { title: "x", creator: key }],
    ["POST", `${one}/events`, right, { event_type: "comment", actor: key }],
    ["POST", `${one}/agents`, right, { agent_id: "ann", delegated_by: key }],
    ["POST", `${one}/leases`, right, { scope: "named", agent_id: key }],
    ["POST", `${one}/costs`, right, { cost_type: "x", amount: 1, unit: "USD", agent_id: key }],
    ["POST", `${one}/failures`, right, { attempt_number: 1, error_code: "x", agent_id: key }],
    ["POST", `${one}/decisions`, right, { outcome: "x", rationale: "y", decided_by: key }],
    ["POST", `${one}/approvals`, right, { action: "x", requested_by: key }],
    ["POST", `${one}/subscriptions`, right, { webhook_url: "https://example.com", subscriber_id: key }],
    ["POST", "/api/v1/portfolios", right, { name: "x", created_by: key }],
    // Where the request cannot be read.
    ["POST", intents, { "x-api-key": key }, `{"title": "x", `],
    ["POST", intents, { "x-api-key": key, "content-type": "text/plain" }, "x"],
    ["POST", `${one}/state`, { "x-api-key": key, "if-match": "x" }, { state: {} }],
    ["PUT", intents, { "x-api-key": key }, {}],
    ["GET", "/api/v1/nope", { "x-api-key": key }],
    ["GET", "/metrics", { "x-api-key": key }]
  ]
}

/** A stored key is known for one wherever it is; what a configured one looks like nobody knows. */
const placesOfStored = (id: string, key: string, right: { readonly [name: string]: string }): ReadonlyArray<Ask> => {
  const intents = "/api/v1/intents"
  const one = `${intents}/${id}`
  return [
    ["GET", `${intents}/${key}`, right],
    ["GET", `/${key}`, right],
    ["GET", `/api/v1/${key}`],
    ["DELETE", `${one}/agents/${key}`, right],
    ["POST", `${one}/agents`, right, { agent_id: key }],
    ["POST", intents, right, { title: "x", assign: key }],
    ["POST", intents, right, { title: "x", depends_on: [key] }],
    ["POST", intents, right, { title: "x", parent_intent_id: key }],
    ["POST", intents, right, { title: "x", status: key }],
    ["POST", intents, right, { title: "x", [key]: key }],
    ["POST", intents, right, `{"title": "x", "${key}`],
    ["POST", `${one}/retry-policy`, right, { fallback_agent_id: key }],
    ["GET", `/api/v1/agents/${key}/subscribe`, right],
    ["GET", `${intents}?limit=${key}`, right],
    ["GET", `${intents}?after=${key}`, right],
    ["GET", `${intents}?status=${key}`, right],
    ["GET", `${intents}?agent_id=${key}&limit=1`, right],
    ["GET", `${one}/events?event_type=${key}&since=${key}&after_sequence=${key}`, right],
    ["GET", intents, { ...right, "x-request-id": key }],
    ["GET", `${one}/subscribe`, { ...right, "last-event-id": key }],
    ["POST", `${one}/state`, { ...right, "if-match": key }, { state: {} }],
    ["POST", `${one}/state`, { ...right, "if-match": "1", "x-lease-token": key }, { state: {} }],
    ["POST", intents, { ...right, "idempotency-key": key }, { title: "x" }],
    ["POST", intents, { ...right, "content-type": key }, "x"],
    ["GET", intents, { ...right, "user-agent": key, referer: `http://x/${key}`, origin: `http://${key}` }],
    ["GET", intents, { ...right, traceparent: key, tracestate: key }]
  ]
}

describe("keys", () => {
  it("are told by nothing that the server tells", { timeout: 20_000 }, async () => {
    const server = await telling()
    const { keys, logged, port, spans } = server
    const answers: Array<readonly [told: string, text: string]> = []
    const url = `http://127.0.0.1:${port}`

    const ask = async ([method, path, headers = {}, body]: Ask): Promise<any> => {
      const content = typeof body === "string" || body === undefined ? body : JSON.stringify(body)
      const response = await fetch(url + path, {
        method,
        headers: { "content-type": "application/json", "x-agent-id": "ann", ...headers },
        ...(content === undefined ? undefined : { body: content })
      })
      const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true
      if (isStream) await response.body?.cancel()
      const text = isStream ? "" : await response.text()
      const told = `${method} ${path} ${JSON.stringify(headers)} ${JSON.stringify(body)}: ${response.status}`
      answers.push([told, JSON.stringify([...response.headers]) + text])
      return text.startsWith("{") ? JSON.parse(text) : undefined
    }

    const right = { "x-api-key": keys.stored }
    const { id } = await ask(["POST", "/api/v1/intents", right, { title: "first" }])
    await ask(["POST", "/api/v1/intents", right, { title: "second" }])
    for (const key of Object.values(keys)) for (const one of placesOf(id, key, right)) await ask(one)
    for (const key of [keys.stored, keys.revoked]) for (const one of placesOfStored(id, key, right)) await ask(one)
    for (const key of Object.values(keys)) {
      for (const bytes of [
        `${key}\r\n\r\n`,
        `GET / HTTP/1.1\r\n${key}\r\n\r\n`,
        `GET /${key} HTTP/9.9\r\nX: ${key}\r\n\r\n`
      ])
        answers.push(["raw", await raw(port, bytes)])
    }

    // What it did is there to be read: this looks at something.
    const events = await ask(["GET", `/api/v1/intents/${id}/events?limit=1000&include=all`, right])
    assert.isAtLeast(events.events.length, 5)
    const metrics = await fetch(`${url}/metrics`, { headers: right })
    answers.push(["metrics", await metrics.text()])
    await server.close()
    assert.isAbove(logged.length, 50)
    assert.isAbove(spans.length, 50)

    const files = readdirSync(server.folder).map((name) => readFileSync(join(server.folder, name)).toString("latin1"))
    assert.isTrue(files.some((bytes) => bytes.includes("second")))
    for (const [name, key] of Object.entries(keys)) {
      // Also not the most of one.
      const most = key.slice(4, -4)
      for (const [told, text] of answers)
        assert.isFalse(text.includes(most), `${name} key in the answer to ${told}: ${text}`)
      for (const line of logged) assert.isFalse(line.includes(most), `${name} key in the log: ${line}`)
      for (const { attributes, events: told, name: title } of spans)
        assert.notInclude(inspect([title, [...attributes], told], { depth: 8 }), most)
      for (const bytes of files) assert.isFalse(bytes.includes(most), `${name} key in the database`)
      assert.notInclude(process.title, most)
    }
  })
})
