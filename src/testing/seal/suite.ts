/** The suite of seals: logs that grow while they are sealed. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { programsOf } from "../phases.ts"
import { type Act, type Pass as Passing, sceneSuite } from "../scene.ts"
import { Append, Assign, begin, type Command, finish, type Known, Pass, Patch, perform, type World } from "./acts.ts"
import { rules } from "./rules.ts"

const commands: Schema.Codec<Command | Passing> = Schema.Union([Append, Append, Append, Patch, Assign, Pass])

export const seals = sceneSuite<Command, Act, Known, World>({
  families: { sealed: programsOf(commands, 24, 6, [false, true, true]) },
  rules,
  begin,
  perform,
  read: () => Effect.succeed<World>(new Map()),
  finish,
  names: ({ intents }) => intents.map((id, i) => [id, `i${i}`] as const)
})
