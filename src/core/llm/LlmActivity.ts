/** `llm` of the embedded engine. */
import * as Effect from "effect/Effect"
import * as Struct from "effect/Struct"
import type { CommandsShape } from "../Commands.ts"
import type { Costs, Events, Llm } from "../OpenIntent.ts"
import type { FigureDeclaration, RunningFigure } from "../RunningFigure.ts"
import { told } from "../storageFaults.ts"
import { makeLlmLogging } from "./logging.ts"
import { addUsage, type LlmFigure, noUsage, usageTypes } from "./usage.ts"

/** What is kept of the usage of each intent. */
export const llmFigure: FigureDeclaration<"events", LlmFigure> = {
  rows: (intentId) => ({ table: "events", index: "byIntent", keys: usageTypes.map((type) => [intentId, type]) }),
  zero: noUsage,
  add: addUsage,
  stored: (storage, intentId) => Effect.map(storage.get("llmFigures", [intentId]), ([stored]) => stored),
  put: (record, before) => ({ _tag: "Put", table: "llmFigures", record, before }),
  eventTypes: usageTypes
}

export const makeLlm = (
  events: Events,
  costs: Costs,
  usage: RunningFigure<LlmFigure>,
  { mustExist }: CommandsShape
): Llm => ({
  ...makeLlmLogging(events),
  summary: (intentId) =>
    Effect.andThen(
      mustExist(intentId),
      Effect.zipWith(told(usage(intentId)), costs.summary(intentId), (figure, cost) => ({
        ...Struct.omit(figure, ["streaming"]),
        cost
      }))
    )
})
