/** design.md 6: no new requests, those in flight finish, then the server ends. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Agent, request } from "node:http"
import { assert, it } from "vitest"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import { memory } from "../../src/layers/memory.ts"
import { serving } from "./serving.ts"

interface Got {
  readonly status: number
  readonly connection: string | undefined
}

const get = (agent: Agent, port: number, path: string) =>
  new Promise<Got>((resolve, reject) => {
    request({ agent, port, path, headers: { "x-api-key": "dev-user-key" } }, (answer) => {
      answer.resume()
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, connection: answer.headers.connection }))
    })
      .on("error", reject)
      .end()
  })

/** An engine whose `intents.list` waits for `released`. */
const slowEngine = () => {
  const arrived = Deferred.makeUnsafe<void>()
  const released = Deferred.makeUnsafe<void>()
  const engine = Layer.effect(
    OpenIntent,
    Effect.map(OpenIntent, (engine) => ({
      ...engine,
      intents: {
        ...engine.intents,
        list: () =>
          Deferred.succeed(arrived, undefined).pipe(
            Effect.andThen(Deferred.await(released)),
            Effect.andThen(engine.intents.list())
          )
      }
    }))
  ).pipe(Layer.provide(memory()))
  return { arrived, released, engine }
}

it("lets a request in flight finish, closes kept connections, refuses new ones", async () => {
  const { arrived, engine, released } = slowEngine()
  const server = await serving({}, engine)
  const [kept, busy] = [new Agent({ keepAlive: true }), new Agent({ keepAlive: true })]
  assert.strictEqual((await get(kept, server.port, "/health")).connection, "keep-alive")
  const inFlight = get(busy, server.port, "/api/v1/intents")
  await Effect.runPromise(Deferred.await(arrived))
  const started = performance.now()
  const closed = server.close()
  // Waits until the server has stopped listening.
  let late: Got | "refused" = { status: 200, connection: undefined }
  while (late !== "refused" && late.status === 200)
    late = await get(new Agent(), server.port, "/health").catch(() => "refused" as const)
  assert.isTrue(late === "refused" || late.status === 503)
  await Effect.runPromise(Deferred.succeed(released, undefined))
  assert.deepStrictEqual(await inFlight, { status: 200, connection: "close" })
  await closed
  assert.isBelow(performance.now() - started, 2000)
  kept.destroy()
  busy.destroy()
})

it("a request that takes too long is cut with 503", async () => {
  const { arrived, engine } = slowEngine()
  const server = await serving({}, engine, { patience: "20 millis" })
  const inFlight = get(new Agent(), server.port, "/api/v1/intents")
  await Effect.runPromise(Deferred.await(arrived))
  const [{ status }] = await Promise.all([inFlight, server.close()])
  assert.strictEqual(status, 503)
})
