/** The suite of webhooks. It needs a `sink` to deliver to; without one its programs hold for nothing. */
import * as Schema from "effect/Schema"
import { programsOf } from "../phases.ts"
import { type Act, sceneSuite } from "../scene.ts"
import { Join, Leave } from "../stream/acts.ts"
import { Append, Assign, begin, type Command, finish, type Known, perform, read, type World } from "./acts.ts"
import { rules } from "./rules.ts"

const commands: Schema.Codec<Command> = Schema.Union([Append, Append, Append, Assign, Join, Join, Leave])

export const webhooks = sceneSuite<Command, Act, Known, World>({
  families: { webhooks: programsOf(commands, 16, 3, [false, true, true]) },
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
