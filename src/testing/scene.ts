/**
 * Suites whose programs act on a small stage of their own: phases of commands, and a reading of everything before and
 * after each. Rules judge the trace of it.
 */
import type * as Arbitrary from "effect/Arbitrary"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { OpenIntent, type OpenIntentShape } from "../core/OpenIntent.ts"
import { Died } from "./Call.ts"
import type { AgentName } from "./commands.ts"
import { turn } from "./following.ts"
import { type CheckOptions, type Rule, type Suite, suite } from "./Suite.ts"

/** What a call ended with. */
export interface Ended {
  readonly _tag: string
  readonly message: string
}

/** A call and its answer. */
export interface Act {
  readonly _tag: string
  readonly agent: string
  /** The call in words, with the ids as they are. */
  readonly asks: string
  readonly result: Result.Result<unknown, Ended>
}

/** The same, of one kind. */
export type Acted<Tag extends string, R> = Act & { readonly _tag: Tag; readonly result: Result.Result<R, Ended> }

export const isAnswered = ({ result }: Act): boolean => Result.isSuccess(result)

/** A phase: its calls, in the order of the program, between two readings. No calls: time passed. */
export interface Scene<A extends Act, Snapshot> {
  readonly before: Snapshot
  readonly acts: ReadonlyArray<A>
  readonly after: Snapshot
}

export interface Trace<A extends Act, Snapshot> {
  readonly scenes: ReadonlyArray<Scene<A, Snapshot>>
  /** After the last scene, and after what comes in the background had its time. */
  readonly end: Snapshot
  /** Ids and the short names that they are printed with. */
  readonly names: ReadonlyArray<readonly [id: string, name: string]>
}

/** Lets time pass before the other commands of its phase. */
export interface Pass {
  readonly _tag: "Pass"
  readonly seconds: number
}

/** Where a program runs: agents that nobody else is. */
export interface Stage {
  readonly engine: OpenIntentShape
  readonly agents: { readonly [name in AgentName]: string }
  readonly options: CheckOptions
  /** How long what comes in the background may take, in milliseconds of real time. */
  readonly patienceMs: number
}

export interface SceneDefinition<Command extends { readonly _tag: string }, A extends Act, Known, Snapshot> {
  readonly families: { readonly [name: string]: Arbitrary.Arbitrary<ReadonlyArray<ReadonlyArray<Command | Pass>>> }
  readonly rules: ReadonlyArray<Rule<Trace<A, Snapshot>>>
  /** Makes what the commands speak of. What it knows grows while the program runs. */
  readonly begin: (stage: Stage) => Effect.Effect<Known, Ended, Scope.Scope>
  /** The call that a command is now; undefined if there is nothing that it could speak of. */
  readonly perform: (stage: Stage, known: Known, command: Command, seen: Snapshot) => Effect.Effect<A> | undefined
  /** Everything that the program has made, read while nothing of it runs. */
  readonly read: (stage: Stage, known: Known) => Effect.Effect<Snapshot, Ended>
  /** Waits for what comes in the background, and reads again. Default: `read`. */
  readonly finish?: (stage: Stage, known: Known) => Effect.Effect<Snapshot, Ended, Scope.Scope>
  readonly names: (known: Known) => ReadonlyArray<readonly [id: string, name: string]>
}

/** Makes the call as this agent, and tells how it ended, whatever the end. A defect is an end too. */
export const act = <Tag extends string, R, E extends Ended, More extends object>(
  tag: Tag,
  agent: string,
  asks: string,
  call: Effect.Effect<R, E>,
  more: More
) =>
  call.pipe(
    Effect.catchDefect((defect) => Effect.fail(new Died({ defect }))),
    Effect.result,
    OpenIntent.as(agent),
    Effect.map((result) => ({ _tag: tag, agent, asks, result, ...more }))
  )

/** How often a program lets real time pass: each costs one or two seconds. */
const realPassesMax = 2

const line = ({ agent, asks, result }: Act, name: string) =>
  `${name}. ${agent} ${asks} -> ${Result.isSuccess(result) ? "done" : `${result.failure._tag}: ${result.failure.message}`}`

const linesOf = <A extends Act>({ acts }: Scene<A, unknown>, number: number): string =>
  acts.length === 0
    ? "   time passes"
    : acts.length === 1
      ? acts.map((act) => line(act, `${number}`)).join("")
      : `at the same time:\n${acts.map((act, i) => `  ${line(act, `${number}${"abcdefgh"[i] ?? "z"}`)}`).join("\n")}`

const shortened = ({ names }: Pick<Trace<Act, unknown>, "names">, text: string): string =>
  names.reduce((text, [id, name]) => text.replaceAll(id, name), text)

/** A suite of such programs. */
export const sceneSuite = <Command extends { readonly _tag: string }, A extends Act, Known, Snapshot>({
  begin,
  families,
  finish,
  names,
  perform,
  read,
  rules
}: SceneDefinition<Command, A, Known, Snapshot>): Suite =>
  suite<ReadonlyArray<ReadonlyArray<Command | Pass>>, Trace<A, Snapshot>>({
    families,
    rules,
    run: (program, options, patienceMs) =>
      Effect.gen(function* () {
        const mark = crypto.randomUUID().slice(-12)
        const agents = { ann: `ann-${mark}`, bob: `bob-${mark}`, cid: `cid-${mark}` }
        const stage: Stage = { engine: yield* OpenIntent, agents, options, patienceMs }
        const known = yield* begin(stage).pipe(OpenIntent.as(agents.ann))
        const reading = <R>(how: (stage: Stage, known: Known) => Effect.Effect<Snapshot, Ended, R>) =>
          how(stage, known).pipe(OpenIntent.as(agents.ann))
        let snapshot = yield* reading(read)
        const scenes: Array<Scene<A, Snapshot>> = []
        const play = (acts: Effect.Effect<ReadonlyArray<A>>) =>
          Effect.gen(function* () {
            const before = snapshot
            const done = yield* acts
            snapshot = yield* reading(read)
            scenes.push({ before, acts: done, after: snapshot })
          })
        let passesLeft = options.advance === undefined ? realPassesMax : Infinity
        for (const phase of program) {
          const commands: Array<Command> = []
          for (const command of phase) {
            if (isCommand(command)) commands.push(command)
            else if (passesLeft-- > 0) yield* play(Effect.as(pass(options, command.seconds * 1_000), []))
          }
          const seen = snapshot
          const calls = commands.flatMap((command) => perform(stage, known, command, seen) ?? [])
          if (calls.length > 0) yield* play(Effect.all(calls, { concurrency: "unbounded" }))
        }
        const end = yield* reading(finish ?? read)
        const marks = [[`-${mark}`, ""] as const]
        return { scenes, end, names: [...names(known), ...marks] }
      }).pipe(Effect.scoped),
    describe: (trace) => shortened(trace, trace.scenes.map((scene, i) => linesOf(scene, i + 1)).join("\n")),
    shortened,
    answers: ({ scenes }) =>
      scenes.flatMap(({ acts }) =>
        acts.map(({ _tag, result }) => `${_tag} ${Result.isSuccess(result) ? "answered" : result.failure._tag}`)
      )
  })

const isCommand = <Command extends { readonly _tag: string }>(command: Command | Pass): command is Command =>
  command._tag !== "Pass"

/** Lets so many milliseconds pass for the engine. */
export const pass = ({ advance, clockToleranceMs = 100 }: CheckOptions, millis: number): Effect.Effect<void> =>
  advance === undefined
    ? Effect.sleep(millis + 2 * clockToleranceMs)
    : Effect.andThen(advance(Duration.millis(millis)), turn)
