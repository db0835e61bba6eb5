/** Hands out attempts that are due and that no run holds, each once, whoever else sweeps (decisions 19 and 27). */
import * as Effect from "effect/Effect"
import type { CommandsShape } from "../Commands.ts"
import type { EngineOptions } from "../EngineOptions.ts"
import type { StorageShape } from "../Storage.ts"
import { forEachDue, readDue, sweepForever } from "../sweeping.ts"
import { assignmentKey } from "../tables.ts"
import { decideHandOut } from "./dueRetries.ts"
import { gatherDue } from "./facts.ts"
import type { DueRetry } from "./tables.ts"

const handOut = ({ executeWide }: CommandsShape, { agentId, id, intentId }: DueRetry) =>
  executeWide({
    intentId,
    gather: (on) =>
      Effect.zipWith(
        gatherDue(on, intentId, id),
        on.get("assignments", [assignmentKey(intentId, agentId)]),
        (facts, [known]) => ({ ...facts, known })
      ),
    decide: decideHandOut
  })

export const handingOut = (
  storage: StorageShape,
  commands: CommandsShape,
  owner: string,
  { sweepInterval: interval }: EngineOptions
): Effect.Effect<never> =>
  sweepForever({
    commands,
    owner,
    interval,
    work: "retries",
    due: readDue(storage, { table: "retries", index: "due", keys: [[]] }),
    handle: (due) => forEachDue(due, (retry) => handOut(commands, retry))
  })
