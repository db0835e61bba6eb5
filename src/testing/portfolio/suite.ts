/** The suite of portfolios: members that come and go and are completed, under each policy. */
import * as Schema from "effect/Schema"
import { programsOf } from "../phases.ts"
import { sceneSuite } from "../scene.ts"
import { AddIntent, begin, type Command, EndIntent, perform, read, RemoveIntent, SetPortfolioStatus } from "./acts.ts"
import { rules } from "./rules.ts"

const commands: Schema.Codec<Command> = Schema.Union([
  AddIntent,
  AddIntent,
  AddIntent,
  RemoveIntent,
  EndIntent,
  EndIntent,
  SetPortfolioStatus
])

export const portfolios = sceneSuite({
  families: { members: programsOf(commands, 24, 4, [false, true, true]) },
  rules,
  begin,
  perform,
  read,
  names: ({ intents, portfolios }) => [
    ...intents.map((id, i) => [id, `i${i}`] as const),
    ...portfolios.map((id, i) => [id, `p${i}`] as const)
  ]
})
