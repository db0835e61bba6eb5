/** Writes the end of leases that are over, within a second and once, whoever else sweeps (semantics 3.7, decision 19). */
import * as Effect from "effect/Effect"
import type { CommandsShape } from "../Commands.ts"
import type { EngineOptions } from "../EngineOptions.ts"
import type { StorageShape } from "../Storage.ts"
import { forEachDue, readDue, sweepForever } from "../sweeping.ts"
import { decideExpire } from "./rules.ts"

export const sweepingLeases = (
  storage: StorageShape,
  commands: CommandsShape,
  owner: string,
  { sweepInterval: interval }: EngineOptions
): Effect.Effect<never> =>
  sweepForever<string>({
    commands,
    owner,
    interval,
    work: "leases",
    due: Effect.map(readDue(storage, { table: "leases", index: "due", keys: [["active"]] }), (leases) => [
      ...new Set(leases.map((lease) => lease.intentId))
    ]),
    handle: (intentIds) => forEachDue(intentIds, (intentId) => commands.execute({ intentId, decide: decideExpire }))
  })
