/** The suite of retries: policies that are replaced while failures are recorded. */
import * as Schema from "effect/Schema"
import { programsOf } from "../phases.ts"
import { sceneSuite } from "../scene.ts"
import { begin, type Command, Fail, perform, read, SetPolicy } from "./acts.ts"
import { rules } from "./rules.ts"

const commands: Schema.Codec<Command> = Schema.Union([SetPolicy, Fail, Fail, Fail])

export const retries = sceneSuite({
  families: { retries: programsOf(commands, 20, 3, [false, false, true]) },
  rules,
  begin,
  perform,
  read,
  names: ({ intentId }) => [[intentId, "i0"]]
})
