/** `openintent why` */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { OpenIntent } from "../../core/OpenIntent.ts"
import { engineAt, notAnswered, targetOf } from "./engine.ts"
import { cannotLook } from "./failure.ts"
import { engineFlags, json } from "./flags.ts"
import { print } from "./output.ts"

const flags = {
  intent: Argument.String("intent").pipe(Argument.withDescription("Id of the intent")),
  ...engineFlags,
  json
}

const run = Effect.fnUntraced(function* (options: Command.Command.Config.Infer<typeof flags>) {
  const target = yield* targetOf(options)
  const [{ gather }, { explain }, { show }] = yield* Effect.promise(() =>
    Promise.all([import("../why/gather.ts"), import("../why/explain.ts"), import("../why/show.ts")])
  )
  const facts = yield* OpenIntent.use((engine) => gather(engine, options.intent)).pipe(
    Effect.catchTag("IntentNotFound", () => Effect.fail(cannotLook(`there is no intent ${options.intent}`))),
    Effect.mapError((error) => (error._tag === "CommandFailed" ? error : notAnswered(error, target))),
    Effect.provide(engineAt(target))
  )
  yield* print(options.json, show(explain(facts)))
})

export const whyCommand = Command.make("why", flags, run).pipe(
  Command.withShortDescription("Tells what an intent waits for"),
  Command.withDescription(
    "Tells what an intent waits for: dependencies and what they wait for in turn, a decision, an assignment, money, the " +
      "next attempt, the leases of others; and what keeps it from being completed: children, approvals. The first line " +
      "is the answer. With --json the reasons have codes."
  ),
  Command.withExamples([
    { command: "openintent why 01a20431-7079-73c0-802f-4fa34af1cf89", description: "Look into ./openintent.db" },
    {
      command: "openintent why 01a20431-7079-73c0-802f-4fa34af1cf89 --url http://127.0.0.1:8000 --json",
      description: "Ask a server, for a program"
    }
  ])
)
