import { Effect } from "effect"
import { OpenIntent } from "openintent"
import { sqlite } from "openintent/sqlite"

const program = Effect.gen(function* () {
  const { intents, leases } = yield* OpenIntent
  const { id, version } = yield* intents.create({ title: "Report on tides" })
  const patch = intents.patchState(id, { version, state: { sections: ["Findings"] } })
  return yield* leases.withLease(id, "sections", { ttl: "30 seconds" }, () => patch)
})

const engine = sqlite("./work.db")
console.log(await Effect.runPromise(program.pipe(OpenIntent.as("writer"), Effect.provide(engine))))
