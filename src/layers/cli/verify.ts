/** `openintent verify` */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { targetOf } from "./engine.ts"
import { cannotLook, CommandFailed } from "./failure.ts"
import { engineFlags, json } from "./flags.ts"

const flags = {
  intents: Argument.String("intent").pipe(
    Argument.withDescription("Ids of intents; default: all there are"),
    Argument.variadic()
  ),
  expect: Flag.String("expect").pipe(
    Flag.optional,
    Flag.withDescription("SEQUENCE:HASH, a head of the one intent that was noted earlier: the chain must hold it still")
  ),
  ...engineFlags,
  json
}

const pointForm = /^(\d{1,15}):(sha256:[A-Za-z0-9_-]{43})$/

const run = Effect.fnUntraced(function* (options: Command.Command.Config.Infer<typeof flags>) {
  const target = yield* targetOf(options)
  const given = Option.getOrUndefined(options.expect)
  const [, sequence, hash] = given === undefined ? [] : (pointForm.exec(given) ?? [])
  if (given !== undefined && hash === undefined)
    return yield* cannotLook("--expect must be SEQUENCE:HASH, as in 1042:sha256: and 43 characters of base64url")
  if (given !== undefined && options.intents.length !== 1)
    return yield* cannotLook("--expect is a point in the log of one intent: name it")
  const { verifyAt } = yield* Effect.promise(() => import("./verifying.ts"))
  const expect = hash === undefined ? undefined : { sequence: Number(sequence), hash }
  const isWhole = yield* verifyAt(target, { intents: options.intents, expect, json: options.json })
  if (!isWhole) return yield* new CommandFailed({ message: "" }) // It is told already.
})

export const verifyCommand = Command.make("verify", flags, run).pipe(
  Command.withShortDescription("Checks the log against its seals"),
  Command.withDescription(
    "Recomputes the chain of hashes over the events of intents and compares it with what was sealed: finds events that " +
      "were changed, removed or put in behind the engine, and a log whose end was cut. Writes nothing; a server may be " +
      "running. Tells the first break of each intent, and up to where it is sealed. The exit code is 0 if all is as it " +
      "was sealed, 1 if not, 2 if it could not look."
  ),
  Command.withExamples([
    { command: "openintent verify", description: "Check ./openintent.db" },
    {
      command: "openintent verify 01a20431-7079-73c0-802f-4fa34af1cf89 --url http://127.0.0.1:8000 --json",
      description: "Ask a server for one intent, for a program"
    }
  ])
)
