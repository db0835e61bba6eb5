import { describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { OpenIntent, type OpenIntentShape } from "../../src/core/OpenIntent.ts"
import { sqlite } from "../../src/layers/sqlite.ts"
import { temporaryFile } from "../storage/sqliteFiles.ts"
import { holdAll } from "./kit.ts"
import { delivering, sink } from "./sink.ts"

/** An engine whose calls go to one of two in turn, as those of clients behind a load balancer do. */
const alternating = (one: OpenIntentShape, two: OpenIntentShape): OpenIntentShape => {
  let calls = 0
  const inTurn = <Noun extends object>(first: Noun, second: Noun): Noun =>
    new Proxy(first, { get: (_, name): unknown => Reflect.get(calls++ % 2 === 0 ? first : second, name) })
  return {
    intents: inTurn(one.intents, two.intents),
    events: inTurn(one.events, two.events),
    leases: inTurn(one.leases, two.leases),
    agents: inTurn(one.agents, two.agents),
    graph: inTurn(one.graph, two.graph),
    governance: inTurn(one.governance, two.governance),
    portfolios: inTurn(one.portfolios, two.portfolios),
    attachments: inTurn(one.attachments, two.attachments),
    subscriptions: inTurn(one.subscriptions, two.subscriptions),
    costs: inTurn(one.costs, two.costs),
    retries: inTurn(one.retries, two.retries),
    llm: inTurn(one.llm, two.llm),
    health: inTurn(one.health, two.health)
  }
}

/** Two engines on one file, each with a connection of its own, as two processes have it. */
const twoEngines = Layer.effect(
  OpenIntent,
  Effect.gen(function* () {
    const path = yield* temporaryFile
    const open = Effect.map(
      Layer.build(Layer.fresh(sqlite(path, { synchronous: "NORMAL", ...delivering }))),
      (context) => Context.get(context, OpenIntent)
    )
    return OpenIntent.of(alternating(yield* open, yield* open))
  })
)

describe("invariants: two engines on one SQLite file", () => {
  it.live(
    "all hold",
    () =>
      Effect.flatMap(sink, (sink) => holdAll({ runs: 30, concurrency: 30, sink })).pipe(
        Effect.provide(twoEngines),
        Effect.scoped
      ),
    600_000
  )
})
