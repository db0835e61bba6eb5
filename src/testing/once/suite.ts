/** The suite of calls with keys: twins, at once and later. */
import * as Schema from "effect/Schema"
import { programsOf } from "../phases.ts"
import { sceneSuite } from "../scene.ts"
import { begin, Change, type Command, perform, read, Send } from "./acts.ts"
import { rules } from "./rules.ts"

const commands: Schema.Codec<Command> = Schema.Union([Send, Send, Send, Change])

export const once = sceneSuite({
  families: { once: programsOf(commands, 24, 4, [false, true, true]) },
  rules,
  begin,
  perform,
  read,
  names: ({ intentId }) => [[intentId, "i0"]]
})
