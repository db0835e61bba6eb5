/** The suite of the graph: edges that come and go while intents are created and completed. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { programsOf } from "../phases.ts"
import { sceneSuite } from "../scene.ts"
import {
  AddAndRemove,
  AddDependency,
  type Command,
  Create,
  perform,
  read,
  RemoveDependency,
  SetStatus
} from "./acts.ts"
import { rules } from "./rules.ts"

const commands: Schema.Codec<Command> = Schema.Union([
  AddDependency,
  AddDependency,
  AddDependency,
  RemoveDependency,
  AddAndRemove,
  Create,
  Create,
  SetStatus,
  SetStatus
])

export const graph = sceneSuite({
  families: { edges: programsOf(commands, 24, 4, [false, true, true]) },
  rules,
  begin: ({ engine }) =>
    Effect.map(
      Effect.forEach([1, 2, 3, 4], (number) => engine.intents.create({ title: `intent ${number}` })),
      (made) => ({ intents: made.map((intent) => intent.id) })
    ),
  perform,
  read,
  names: ({ intents }) => intents.map((id, i) => [id, `i${i}`] as const)
})
