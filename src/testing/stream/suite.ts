/** The suite of streams: membership that comes and goes under those who follow. */
import * as Schema from "effect/Schema"
import { programsOf } from "../phases.ts"
import { type Act, sceneSuite } from "../scene.ts"
import {
  Append,
  Assign,
  begin,
  type Command,
  finish,
  Join,
  type Known,
  Leave,
  perform,
  read,
  Unassign,
  type World
} from "./acts.ts"
import { rules } from "./rules.ts"

const commands: Schema.Codec<Command> = Schema.Union([
  Append,
  Append,
  Append,
  Assign,
  Assign,
  Unassign,
  Join,
  Join,
  Leave
])

export const streams = sceneSuite<Command, Act, Known, World>({
  families: { streams: programsOf(commands, 24, 4, [false, true, true]) },
  rules,
  begin,
  perform,
  read,
  finish,
  names: ({ intents, portfolioId }) => [
    ...intents.map((id, i) => [id, `i${i}`] as const),
    [portfolioId, "portfolio"] as const
  ]
})
