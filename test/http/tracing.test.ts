import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import { makeTracing } from "../../src/http/observe/tracing.ts"
import { memory } from "../../src/layers/memory.ts"
import { remote } from "../../src/layers/remote.ts"
import { OpenIntentServer } from "../../src/layers/server.ts"

/** A tracer of an application: keeps the spans it is asked for. */
const recording = () => {
  const spans: Array<Tracer.Span> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  return { spans, layer: Layer.succeed(Tracer.Tracer, tracer) }
}

const server = Layer.provide(OpenIntentServer.layer({ port: 0 }), memory())

const urlOf = (context: Context.Context<HttpServer.HttpServer>) =>
  HttpServer.formatAddress(Context.get(context, HttpServer.HttpServer).address)

describe("spans", () => {
  it.live("are made by the tracer that the server is built with, in the trace of the remote caller", () =>
    Effect.gen(function* () {
      const { layer, spans } = recording()
      const url = urlOf(yield* Layer.build(Layer.provide(server, layer)))
      const engine = Context.get(yield* Layer.build(remote({ url, apiKey: "dev-user-key" })), OpenIntent)
      const caller = yield* Effect.makeSpan("the work of an agent")
      yield* Effect.withParentSpan(engine.intents.create({ title: "A" }), caller)
      yield* engine.intents.list({ q: "secret" })
      yield* Effect.exit(engine.intents.get("nobody"))
      assert.deepStrictEqual(
        spans.map(({ kind, name }) => [kind, name]),
        [
          ["server", "POST /api/v1/intents"],
          ["server", "GET /api/v1/intents"],
          ["server", "GET /api/v1/intents/{intentId}"]
        ]
      )
      const [create, list, get] = spans
      assert.strictEqual(create?.traceId, caller.traceId)
      assert.strictEqual(create?.parent.pipe(Option.getOrThrow).spanId, caller.spanId)
      assert.isTrue(list !== undefined && Option.isNone(list.parent)) // Nobody traces: no header is sent.
      assert.strictEqual(get?.attributes.get("openintent.refusal"), "not_found")
      for (const { attributes, status } of spans) {
        assert.strictEqual(status._tag, "Ended")
        for (const value of attributes.values()) assert.notMatch(String(value), /secret|dev-user-key/)
      }
    })
  )

  it.live("say what failed", () =>
    Effect.gen(function* () {
      const { layer, spans } = recording()
      const broken = Layer.effect(
        OpenIntent,
        Effect.map(OpenIntent, (engine) =>
          OpenIntent.of({ ...engine, intents: { ...engine.intents, get: () => Effect.die(new Error("a bug")) } })
        )
      ).pipe(Layer.provide(memory()))
      const served = OpenIntentServer.layer({ port: 0 }).pipe(
        Layer.provide(broken),
        Layer.provide([layer, Logger.layer([])])
      )
      const url = urlOf(yield* Layer.build(served))
      yield* Effect.promise(() => fetch(`${url}/api/v1/intents/one`, { headers: { "x-api-key": "dev-user-key" } }))
      const [span] = spans
      assert.strictEqual(span?.attributes.get("error.type"), "internal_error")
      assert.strictEqual(span?.attributes.get("http.response.status_code"), 500)
      assert.isTrue(span?.status._tag === "Ended" && span.status.exit._tag === "Failure")
    })
  )

  it("are not made where nobody asks for them", () => {
    assert.isUndefined(makeTracing(Context.empty()))
  })
})
