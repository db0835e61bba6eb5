/** The suite of what is recorded on an intent: arbitration with its decisions, and attachments. */
import * as Schema from "effect/Schema"
import { programsOf } from "../phases.ts"
import { sceneSuite } from "../scene.ts"
import { Attach, begin, type Command, Decide, Detach, perform, read, Request } from "./acts.ts"
import { rules } from "./rules.ts"

const commands: Schema.Codec<Command> = Schema.Union([Request, Request, Decide, Decide, Decide, Attach, Attach, Detach])

export const records = sceneSuite({
  families: { records: programsOf(commands, 24, 4, [false, true, true]) },
  rules,
  begin,
  perform,
  read,
  names: ({ arbitrations, attachments, intents }) => [
    ...intents.map((id, i) => [id, `i${i}`] as const),
    ...arbitrations.map(({ id }, i) => [id, `arbitration ${i}`] as const),
    ...attachments.map(({ attachment: { id } }, i) => [id, `attachment ${i}`] as const)
  ]
})
