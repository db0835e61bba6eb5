/** The embedded engine: the nouns over the commands, and what runs in the background. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { makeAgents } from "./agent/Agents.ts"
import { Commands } from "./Commands.ts"
import type { EngineOptions } from "./EngineOptions.ts"
import { defaultOptions } from "./EngineOptions.ts"
import { EventCounts } from "./event/EventCounts.ts"
import { makeEvents } from "./event/Events.ts"
import { makeIntents } from "./intent/Intents.ts"
import { makeLeases } from "./lease/Leases.ts"
import { sweeping } from "./lease/sweeper.ts"
import { OpenIntent } from "./OpenIntent.ts"
import { Storage } from "./Storage.ts"
import { told } from "./storageFaults.ts"
import { Wakeups } from "./Wakeups.ts"

/** Moves the counts of events on, now and then; what fails is tried again at the next turn. */
const folding = (fold: EventCounts["Service"]["fold"], { sweepInterval }: EngineOptions) =>
  told(fold).pipe(
    Effect.catchCause((cause) => Effect.logWarning("counts were not folded", cause)),
    Effect.andThen(Effect.sleep(sweepInterval)),
    Effect.forever
  )

const make = (options: EngineOptions) =>
  Effect.gen(function* () {
    const storage = yield* Storage
    const commands = yield* Commands
    const counts = yield* EventCounts
    const wakeups = yield* Wakeups
    const owner = commands.newId((yield* storage.now).epochMilliseconds)
    yield* Effect.forkScoped(sweeping(storage, commands, owner, options))
    yield* Effect.forkScoped(folding(counts.fold, options))
    return OpenIntent.of({
      intents: makeIntents(storage, commands, options),
      events: makeEvents(storage, commands, counts, wakeups),
      leases: makeLeases(storage, commands, options),
      agents: makeAgents(storage, commands),
      health: { check: told(storage.check) }
    })
  })

export const Engine = {
  /** The engine over a storage. Its background work (expiry of leases, counts) ends with the layer. */
  layer: (options: Partial<EngineOptions> = {}): Layer.Layer<OpenIntent, never, Storage> =>
    Layer.effect(OpenIntent, make({ ...defaultOptions, ...options })).pipe(
      Layer.provide(Commands.layer),
      Layer.provide([EventCounts.layer, Wakeups.layer])
    )
}
