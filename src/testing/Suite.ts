/**
 * A part of the kit: random programs of some kinds, the rules that each program is judged by, and how a failure is shrunk
 * and told. Each part has its own commands and its own reading of what they did.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { OpenIntent } from "../core/OpenIntent.ts"

/** An engine broke an invariant. */
export class InvariantViolated extends Data.TaggedError("InvariantViolated")<{
  /** The number in section 10 of the semantics; a word (`order`, `fencing`, `reading`) for a promise that has none. */
  readonly id: string
  readonly title: string
  /** What was found, and what should have been. */
  readonly what: string
  /** The shrunk program with its answers, line by line. `i0` and `l0` are the first intent and the first lease. */
  readonly program: string
  /** Give it as `replay` to run the same program again. */
  readonly replay: string
}> {
  override get message() {
    return `invariant ${this.id} (${this.title}) is broken: ${this.what}\n${this.program}\nreplay: ${this.replay}`
  }
}

/** How the kit meets the engine's time. */
export interface TimeSettings {
  /** Moves the engine's clock on, as `TestClock.adjust` does. Without it the kit waits for real seconds. */
  readonly advance?: ((duration: Duration.Duration) => Effect.Effect<void>) | undefined
  /**
   * By how much the engine's clock may differ from the one here, in milliseconds. Default 0 with `advance`, else 100.
   */
  readonly clockToleranceMs?: number | undefined
}

/** A request that arrived at a sink of webhooks. */
export interface SinkRequest {
  readonly path: string
  /** Names in lower case. */
  readonly headers: { readonly [name: string]: unknown }
  /** As it came. */
  readonly body: string
  /** It was answered with 2xx. */
  readonly isAcknowledged: boolean
}

/** An endpoint for webhooks that the engine can reach and is allowed to. It may fail as often as retries make up for. */
export interface Sink {
  /** As in `http://127.0.0.1:9000`: each subscription gets a path of its own. */
  readonly url: string
  /** All that arrived so far, in their order. */
  readonly requests: () => ReadonlyArray<SinkRequest>
}

/**
 * How invariants are checked.
 *
 * **Details**
 *
 * With `advance` the kit owns the time: give `TestClock.adjust`, and build the engine under the same `TestClock`.
 * Without it the kit waits for real seconds where leases expire, so use few `runs`, and some `concurrency`.
 */
export interface CheckOptions extends TimeSettings {
  /** Random programs, for each kind of them. Default 100. */
  readonly runs?: number | undefined
  /** The same seed gives the same programs. Default: a random one, which a failure tells with its `replay`. */
  readonly seed?: string | number | undefined
  /** The token of a failure: runs that program again, and no other. */
  readonly replay?: string | undefined
  /** Programs that run at the same time, on intents of their own. Default 1; leave it so where you give `advance`. */
  readonly concurrency?: number | undefined
  /** How many smaller programs are tried after a failure. Default 500. */
  readonly maxShrinks?: number | undefined
  /** Where webhooks are to arrive. Without it the invariant of webhooks (54) is not checked. */
  readonly sink?: Sink | undefined
  /** How long what comes in the background may take, in milliseconds of real time: the streams. Default 5000. */
  readonly patienceMs?: number | undefined
}

/** What a check did. */
export interface Report {
  readonly programs: number
  readonly calls: number
  /** How often each kind of call had each end, as in `Acquire LeaseConflict`. What is not here has not been tried. */
  readonly answers: ReadonlyMap<string, number>
}

/** What is wrong with what a program did; nothing if the promise holds. */
export interface Rule<History> {
  /** The number in section 10 of the semantics, or a word for a promise that has none. */
  readonly id: string
  readonly title: string
  /** The programs that make its subject happen often. It must hold in all others of its suite too. */
  readonly family: string
  readonly judge: (history: History) => Iterable<string>
}

export interface SuiteDefinition<Program, History> {
  /** Kinds of programs by name. Names are unique over all suites: a `replay` begins with one. */
  readonly families: { readonly [name: string]: Arbitrary.Arbitrary<Program> }
  readonly rules: ReadonlyArray<Rule<History>>
  /** Runs a program on intents of its own. `patienceMs`: how long what comes in the background may take. */
  readonly run: (
    program: Program,
    settings: CheckOptions,
    patienceMs: number
  ) => Effect.Effect<History, { readonly _tag: string; readonly message: string }, OpenIntent>
  /** The program with its answers, line by line. */
  readonly describe: (history: History) => string
  /** Text about a history, with short names for its ids. */
  readonly shortened: (history: History, text: string) => string
  /** For each call its name and its end, as in `Acquire LeaseConflict`. */
  readonly answers: (history: History) => Iterable<string>
}

/** A part of the kit, whatever its programs and histories are. */
export interface Suite {
  readonly families: ReadonlyArray<string>
  readonly rules: ReadonlyArray<Pick<Rule<never>, "id" | "title" | "family">>
  /** Runs programs of a family, and judges them by one rule, or by all. */
  readonly check: (
    family: string,
    only: string | undefined,
    options: CheckOptions,
    tally: Tally
  ) => Effect.Effect<void, InvariantViolated, OpenIntent>
}

/** What a check did, while it does it. */
export class Tally {
  programs = 0
  calls = 0
  readonly answers = new Map<string, number>()

  add(answers: Iterable<string>): void {
    this.programs++
    for (const answer of answers) {
      this.calls++
      this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1)
    }
  }
}

/** What was found in one program. */
class Found extends Data.TaggedError("Found")<{
  readonly id: string
  readonly title: string
  readonly what: string
  readonly program: string
}> {}

const unreadable = { id: "reading", title: "what a program made can be read" }

/** Once a failure is known, or shrinking takes long. */
const patienceWhileShrinkingMs = 300

/** Between the family and the rest of a `replay`. */
export const separator = " "

export const suite = <Program, History>({
  answers,
  describe,
  families,
  rules,
  run,
  shortened
}: SuiteDefinition<Program, History>): Suite => {
  const judge = (history: History, judges: ReadonlyArray<Rule<History>>): Found | undefined => {
    for (const { id, judge, title } of judges) {
      for (const what of judge(history))
        return new Found({ id, title, what: shortened(history, what), program: describe(history) })
    }
    return undefined
  }
  return {
    families: Object.keys(families),
    rules,
    check: (family, only, options, tally) =>
      Effect.gen(function* () {
        const { concurrency = 1, maxShrinks = 500, patienceMs = 5_000, replay, runs = 100, seed } = options
        const judges = only === undefined ? rules : rules.filter((rule) => rule.id === only)
        const programs = families[family]
        if (programs === undefined) return
        // Shrinking stays with the invariant that was found broken first.
        let first: string | undefined
        const property = (program: Program) =>
          Effect.gen(function* () {
            const history = yield* run(
              program,
              options,
              first === undefined ? patienceMs : Math.min(patienceMs, patienceWhileShrinkingMs)
            ).pipe(
              Effect.mapError(
                (error) =>
                  new Found({
                    ...unreadable,
                    what: `${error._tag}: ${error.message}`,
                    program: JSON.stringify(program)
                  })
              )
            )
            tally.add(answers(history))
            const found = judge(history, first === undefined ? judges : judges.filter((rule) => rule.id === first))
            if (found === undefined) return true
            first = found.id
            return yield* found
          })
        const token = replay?.slice(family.length + separator.length)
        const settings = token === undefined ? { runs, concurrency, maxShrinks, size: 30, seed } : { replay: token }
        const result = yield* Arbitrary.checkEffect(programs, property, settings)
        if (result._tag === "Passed") return
        if (result._tag === "Falsified" && result.failure._tag === "PropertyError") {
          const { id, program, title, what } = result.failure.error
          return yield* new InvariantViolated({
            id,
            title,
            what,
            program,
            replay: `${family}${separator}${result.replay}`
          })
        }
        const what = Arbitrary.formatCheckFailure(result) ?? ""
        return yield* new InvariantViolated({ ...unreadable, what, program: "", replay: replay ?? "" })
      })
  }
}
