/** The suite of costs: what is recorded, reserved, settled and given back under two caps. */
import * as Schema from "effect/Schema"
import { programsOf } from "../phases.ts"
import { type Pass as PassCommand, sceneSuite } from "../scene.ts"
import { begin, type Command, Pass, perform, read, RecordCost, RecordTenths, Release, Reserve, Settle } from "./acts.ts"
import { rules } from "./rules.ts"

const commands: Schema.Codec<Command | PassCommand> = Schema.Union([
  Reserve,
  Reserve,
  Reserve,
  RecordCost,
  RecordCost,
  RecordTenths,
  Settle,
  Release,
  Pass
])

export const costs = sceneSuite({
  families: { costs: programsOf(commands, 24, 4, [false, true, true]) },
  rules,
  begin,
  perform,
  read,
  names: ({ intents, portfolioId, reservations }) => [
    ...["root", "child", "leaf", "free"].map((name, i) => [intents[i] ?? "", name] as const),
    [portfolioId, "portfolio"] as const,
    ...reservations.map(({ id }, i) => [id, `r${i}`] as const)
  ]
})
