/** Connections that break: cut at random bytes by the client, and with the server that ends and comes back. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import type { LogEvent } from "../../src/core/event/LogEvent.ts"
import { OpenIntent, type OpenIntentShape } from "../../src/core/OpenIntent.ts"
import * as Remote from "../../src/http/remote.ts"
import { sqlite } from "../../src/layers/sqlite.ts"
import { randomOf } from "../crash/random.ts"
import { serving, type Serving } from "./serving.ts"
import { openSse } from "./sse.ts"

const drops = 200

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "openintent-drops-"))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A server that can be closed and opened again on the same file, and an engine beside it that writes to the file. */
const restartable = async (name: string) => {
  const layer = () => Layer.orDie(sqlite(join(folder, name)))
  const writer = ManagedRuntime.make(layer())
  let server: Serving | undefined = await serving({}, layer())
  return {
    run: <A>(use: (engine: OpenIntentShape) => Effect.Effect<A, unknown>): Promise<A> =>
      writer.runPromise(OpenIntent.use((engine) => Effect.orDie(use(engine)))),
    port: () => server!.port,
    url: () => server!.url,
    restart: async () => {
      await server?.close()
      server = await serving({}, layer())
    },
    [Symbol.asyncDispose]: async () => {
      await server?.close()
      await writer.dispose()
    }
  }
}

describe("streams that break", () => {
  it(`semantics 53: ${drops} drops at random bytes, half of them with a restart: what is seen is the log`, async () => {
    await using world = await restartable("drops.db")
    const random = randomOf(20_261_122)
    const intents = await world.run(({ intents }) =>
      Effect.forEach([0, 1, 2], () => intents.create({ title: "t" }), { concurrency: 3 })
    )
    const [first, second] = [intents[0]!.id, intents[1]!.id]
    const portfolio = await world.run(({ portfolios }) => portfolios.create({ name: "p" }))
    const scopes = [
      { path: `/api/v1/intents/${first}/subscribe`, query: { intentId: first } },
      { path: "/api/v1/agents/ann/subscribe", query: { agentId: "ann" } },
      { path: `/api/v1/portfolios/${portfolio.id}/subscribe`, query: { portfolioId: portfolio.id } }
    ]
    const seen = scopes.map(() => [] as Array<number>)
    /** A few changes, some of which move memberships. */
    const change = world.run.bind(world, (engine: OpenIntentShape) =>
      Effect.forEach(
        Array.from({ length: 1 + random.below(6) }, () => random.below(8)),
        (kind): Effect.Effect<unknown> => {
          const intentId = random.oneOf([first, second])
          switch (kind) {
            case 0:
              return Effect.ignore(engine.agents.assign(intentId, { agentId: "ann" }))
            case 1:
              return Effect.ignore(engine.agents.unassign(intentId, "ann"))
            case 2:
              return Effect.ignore(engine.portfolios.addIntent(portfolio.id, { intentId }))
            case 3:
              return Effect.ignore(engine.portfolios.removeIntent(portfolio.id, intentId))
            default:
              return Effect.ignore(
                engine.events.append(intentId, { type: "comment", payload: { text: "ü".repeat(random.below(300)) } })
              )
          }
        }
      )
    )
    const expectedOf = (query: object) =>
      world.run(({ events }) =>
        Effect.map(
          Stream.runCollect(Stream.interruptWhen(events.follow({ ...query, after: 0 }), Effect.sleep("150 millis"))),
          (all) => all.map(({ position }) => position)
        )
      )
    for (let drop = 0; drop < drops; drop++) {
      await change()
      if (drop % 20 === 10) await world.restart() // While nobody is connected.
      const own = seen[drop % 3]!
      const limit = 350 + random.below(3000)
      const stream = openSse(world.port(), scopes[drop % 3]!.path, { "Last-Event-ID": String(own.at(-1) ?? 0) }, limit)
      const changing = change()
      // The other half: the server goes away under it, if it has not been cut before.
      if (drop % 2 === 0) {
        await changing
        await world.restart()
      } else {
        const timer = setTimeout(stream.close, 15 + random.below(30))
        await changing
        await stream.ended
        clearTimeout(timer)
      }
      await stream.ended
      for (const { data, id } of stream.frames) {
        if (id === undefined) continue
        assert.strictEqual(Number(id), data.sequence)
        own.push(Number(id))
      }
    }
    for (const [i, { path, query }] of scopes.entries()) {
      const wanted = await expectedOf(query)
      const own = seen[i]!
      const last = openSse(world.port(), path, { "Last-Event-ID": String(own.at(-1) ?? 0) })
      while (own.length < wanted.length) {
        const { id } = await last.next()
        if (id !== undefined) own.push(Number(id))
      }
      last.close()
      assert.deepStrictEqual(own, wanted, path)
      assert.isAbove(wanted.length, 50)
    }
  }, 60_000)

  it("the remote engine goes on by itself, whatever the scope, and equals the embedded one", async () => {
    await using world = await restartable("remote.db")
    const { id } = await world.run(({ intents }) => intents.create({ title: "t", assign: "ann" }))
    const { id: portfolioId } = await world.run(({ portfolios }) => portfolios.create({ name: "p" }))
    await world.run(({ portfolios }) => portfolios.addIntent(portfolioId, { intentId: id }))
    const port = world.port()
    const remote = ManagedRuntime.make(
      Remote.layer({ url: `http://127.0.0.1:${port}`, apiKey: "dev-user-key", reconnectDelay: "5 millis" })
    )
    const queries = [{ intentId: id }, { agentId: "ann" }, { portfolioId }]
    const follow = (query: object, n: number) =>
      OpenIntent.use(({ events }) => Stream.runCollect(Stream.take(events.follow({ ...query, after: 0 }), n)))
    const counts = [42, 41, 40]
    const following = queries.map((query, i) => remote.runFork(follow(query, counts[i]!)))
    for (let n = 0; n < 40; n++) {
      await world.run(({ events }) => events.append(id, { type: "comment", payload: { n }, traceId: "t" }))
    }
    for (const [i, query] of queries.entries()) {
      const got = await Effect.runPromise(Fiber.join(following[i]!))
      const embedded: ReadonlyArray<LogEvent> = await world.run(() => Effect.succeed([]))
      assert.isEmpty(embedded)
      const wanted = await world.run((engine) =>
        Stream.runCollect(Stream.take(engine.events.follow({ ...query, after: 0 }), counts[i]!))
      )
      assert.deepStrictEqual(
        got,
        wanted.map((event) => ({ ...event, extra: null }))
      )
    }
    await remote.dispose()
  })

  it("the remote engine ends with the error where coming back is of no use, and waits where it is", async () => {
    await using server = await serving({ streamRefusalDelay: Duration.millis(1) })
    const ending = (apiKey: string, query: object, url = server.url) =>
      Effect.runPromise(
        OpenIntent.use(({ events }) => Effect.flip(Stream.runDrain(events.follow(query)))).pipe(
          Effect.provide(Remote.layer({ url, apiKey, reconnectDelay: "1 millis" })),
          Effect.timeoutOption("300 millis")
        )
      )
    const tagOf = async (found: ReturnType<typeof ending>) => {
      const error = await found
      return error._tag === "Some" ? error.value._tag : "still trying"
    }
    assert.strictEqual(await tagOf(ending("no", { agentId: "a" })), "Unauthorized")
    assert.strictEqual(await tagOf(ending("dev-user-key", { intentId: "none" })), "IntentNotFound")
    assert.strictEqual(await tagOf(ending("dev-user-key", { portfolioId: "none" })), "PortfolioNotFound")
    assert.strictEqual(await tagOf(ending("dev-user-key", {})), "ValidationError")
    assert.strictEqual(await tagOf(ending("dev-user-key", { agentId: "a" }, "http://127.0.0.1:1")), "still trying")
  })
})
