import { describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { OpenIntent, type OpenIntentShape } from "../../src/core/OpenIntent.ts"
import { sqlite } from "../../src/layers/sqlite.ts"
import { temporaryFile } from "../storage/sqliteFiles.ts"
import { holdAll } from "./kit.ts"

/** An engine whose calls go to one of two in turn, as those of clients behind a load balancer do. */
const alternating = (one: OpenIntentShape, two: OpenIntentShape): OpenIntentShape => {
  let calls = 0
  const next = () => (calls++ % 2 === 0 ? one : two)
  return {
    intents: {
      create: (...args) => next().intents.create(...args),
      get: (...args) => next().intents.get(...args),
      list: (...args) => next().intents.list(...args),
      patchState: (...args) => next().intents.patchState(...args),
      setStatus: (...args) => next().intents.setStatus(...args)
    },
    events: {
      append: (...args) => next().events.append(...args),
      list: (...args) => next().events.list(...args),
      follow: (...args) => next().events.follow(...args)
    },
    leases: {
      acquire: (...args) => next().leases.acquire(...args),
      renew: (...args) => next().leases.renew(...args),
      release: (...args) => next().leases.release(...args),
      revoke: (...args) => next().leases.revoke(...args),
      list: (...args) => next().leases.list(...args),
      withLease: (...args) => next().leases.withLease(...args)
    },
    agents: {
      assign: (...args) => next().agents.assign(...args),
      list: (...args) => next().agents.list(...args),
      unassign: (...args) => next().agents.unassign(...args)
    },
    health: { check: Effect.suspend(() => next().health.check) }
  }
}

/** Two engines on one file, each with a connection of its own, as two processes have it. */
const twoEngines = Layer.effect(
  OpenIntent,
  Effect.gen(function* () {
    const path = yield* temporaryFile
    const open = Effect.map(Layer.build(Layer.fresh(sqlite(path, { synchronous: "NORMAL" }))), (context) =>
      Context.get(context, OpenIntent)
    )
    return OpenIntent.of(alternating(yield* open, yield* open))
  })
)

describe("invariants: two engines on one SQLite file", () => {
  it.live("all hold", () => holdAll({ runs: 30, concurrency: 30 }).pipe(Effect.provide(twoEngines)), 600_000)
})
