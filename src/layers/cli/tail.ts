/** `openintent tail` */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { engineAt, targetOf } from "./engine.ts"
import { engineFlags, json, listOf } from "./flags.ts"

const natural = (name: string) =>
  Flag.Int(name).pipe(
    Flag.filter(
      (position) => position >= 0,
      (position) => `must be 0 or more, not ${position}`
    )
  )

const flags = {
  intents: Argument.String("intent").pipe(
    Argument.withDescription("Ids of intents; over --url at most one"),
    Argument.variadic()
  ),
  agent: Flag.String("agent").pipe(
    Flag.optional,
    Flag.withDescription("The agent's assignments, and events of intents as long as it is assigned")
  ),
  portfolio: Flag.String("portfolio").pipe(Flag.optional, Flag.withDescription("Events of the portfolio's members")),
  after: natural("after").pipe(
    Flag.withAlias("since"),
    Flag.optional,
    Flag.withDescription("Start after this position; 0 is the beginning. Default: what comes from now on")
  ),
  types: Flag.String("type").pipe(
    Flag.withDefault(""),
    Flag.map(listOf),
    Flag.withDescription("Comma-separated types of events, as in state_patched,status_changed")
  ),
  once: Flag.Boolean("once").pipe(
    Flag.withAlias("no-follow"),
    Flag.withoutNegation,
    Flag.withDefault(false),
    Flag.withDescription("Print what is there, from the beginning or --after, and end")
  ),
  ...engineFlags,
  json
}

const run = Effect.fnUntraced(function* (options: Command.Command.Config.Infer<typeof flags>) {
  const target = yield* targetOf(options)
  const { scopeOf, tail } = yield* Effect.promise(() => import("./tailing.ts"))
  const scope = yield* scopeOf(options, target)
  yield* tail({ ...options, scope, target, after: Option.getOrUndefined(options.after) }).pipe(
    Effect.provide(engineAt(target))
  )
})

export const tailCommand = Command.make("tail", flags, run).pipe(
  Command.withShortDescription("Follows events in the terminal"),
  Command.withDescription(
    "Follows the events of intents, of an agent, of a portfolio or of all, and prints the position, time, intent, type, " +
      "actor and payload of each. Connects again by itself; --after with the last position goes on without a gap. With " +
      "--json each line is an event in the form that it has over HTTP."
  ),
  Command.withExamples([
    { command: "openintent tail", description: "All events in ./openintent.db from now on" },
    {
      command: "openintent tail --after 0 --type status_changed",
      description: "Every change of status there ever was"
    },
    {
      command: "openintent tail --url http://127.0.0.1:8000 --agent writer --json",
      description: "What concerns an agent, from a server, for a program"
    },
    { command: "openintent tail 01a20431-7079-73c0-802f-4fa34af1cf89 --once", description: "The log of one intent" }
  ])
)
