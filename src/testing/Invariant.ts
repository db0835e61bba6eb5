/** The invariants of the protocol as properties that can be checked against any engine (semantics 10). */
import * as Arbitrary from "effect/Arbitrary"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { OpenIntent } from "../core/OpenIntent.ts"
import { allCalls, type History, refusalOf } from "./Call.ts"
import { eventRules } from "./invariants/events.ts"
import { intentRules } from "./invariants/intents.ts"
import { leaseRules } from "./invariants/leases.ts"
import { orderRules } from "./invariants/order.ts"
import type { Rule } from "./invariants/Rule.ts"
import { statusRules } from "./invariants/statuses.ts"
import { describe, shortened } from "./print.ts"
import { families, type Family, familyNames, type Program } from "./programs.ts"
import { runProgram, type TimeSettings } from "./run.ts"

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
}

/** What a check did. */
export interface Report {
  readonly programs: number
  readonly calls: number
  /** How often each kind of call had each end, as in `Acquire LeaseConflict`. What is not here has not been tried. */
  readonly answers: ReadonlyMap<string, number>
}

/** A promise of the protocol, and the property that checks it. */
export interface Invariant {
  /** The number in section 10 of the semantics, or a word for a promise that has none. */
  readonly id: string
  readonly title: string
  /** Runs programs that exercise this invariant, and judges them by it alone. */
  readonly check: (options?: CheckOptions) => Effect.Effect<Report, InvariantViolated, OpenIntent>
}

/** What was found in one program. */
class Found extends Data.TaggedError("Found")<{
  readonly id: string
  readonly title: string
  readonly what: string
  readonly program: string
}> {}

const rules: ReadonlyArray<Rule> = [...intentRules, ...statusRules, ...eventRules, ...leaseRules, ...orderRules]

const judge = (history: History, rules: ReadonlyArray<Rule>): Found | undefined => {
  for (const { id, judge, title } of rules) {
    for (const what of judge(history))
      return new Found({ id, title, what: shortened(history, what), program: describe(history) })
  }
  return undefined
}

class Tally {
  programs = 0
  calls = 0
  readonly answers = new Map<string, number>()

  add(history: History): void {
    this.programs++
    for (const call of allCalls(history)) {
      this.calls++
      const end = `${call._tag} ${refusalOf(call)?._tag ?? "answered"}`
      this.answers.set(end, (this.answers.get(end) ?? 0) + 1)
    }
  }
}

const unreadable = { id: "reading", title: "what a program made can be read" }

/** Real time that a follower has for events that are in the log. Shorter once a failure is known, or shrinking takes long. */
const patienceMs = 5_000
const patienceWhileShrinkingMs = 300

const separator = " "

const checkFamily = (
  family: Family,
  rules: ReadonlyArray<Rule>,
  options: CheckOptions,
  tally: Tally
): Effect.Effect<void, InvariantViolated, OpenIntent> =>
  Effect.gen(function* () {
    const { concurrency = 1, maxShrinks = 500, replay, runs = 100, seed } = options
    // Shrinking stays with the invariant that was found broken first.
    let first: string | undefined
    const property = (program: Program) =>
      Effect.gen(function* () {
        const history = yield* runProgram(
          program,
          options,
          first === undefined ? patienceMs : patienceWhileShrinkingMs
        ).pipe(
          Effect.mapError(
            (error) =>
              new Found({ ...unreadable, what: `${error._tag}: ${error.message}`, program: JSON.stringify(program) })
          )
        )
        tally.add(history)
        const found = judge(history, first === undefined ? rules : rules.filter((rule) => rule.id === first))
        if (found === undefined) return true
        first = found.id
        return yield* found
      })
    const token = replay?.slice(family.length + separator.length)
    const settings = token === undefined ? { runs, concurrency, maxShrinks, size: 30, seed } : { replay: token }
    const result = yield* Arbitrary.checkEffect(families[family], property, settings)
    if (result._tag === "Passed") return
    if (result._tag === "Falsified" && result.failure._tag === "PropertyError") {
      const { id, program, title, what } = result.failure.error
      return yield* new InvariantViolated({ id, title, what, program, replay: `${family}${separator}${result.replay}` })
    }
    const what = Arbitrary.formatCheckFailure(result) ?? ""
    return yield* new InvariantViolated({ ...unreadable, what, program: "", replay: replay ?? "" })
  })

const check = (rules: ReadonlyArray<Rule>, names: ReadonlyArray<Family>, options: CheckOptions) =>
  Effect.gen(function* () {
    const tally = new Tally()
    const { replay } = options
    const wanted =
      replay === undefined ? names : familyNames.filter((family) => replay.startsWith(`${family}${separator}`))
    for (const family of wanted) yield* checkFamily(family, rules, options, tally)
    return { programs: tally.programs, calls: tally.calls, answers: tally.answers }
  })

/** Every invariant that concerns intents, state, events, leases and agents, by the numbers of the semantics. */
export const invariants: ReadonlyArray<Invariant> = rules.map((rule) => ({
  id: rule.id,
  title: rule.title,
  check: (options = {}) => check([rule], [rule.family], options)
}))

/**
 * Checks all invariants: each program is judged by every one of them.
 *
 * **Example**
 *
 * ```ts
 * it.effect("keeps the invariants", () =>
 *   checkAll({ runs: 50, advance: TestClock.adjust }).pipe(Effect.provide(myEngine)))
 * ```
 */
export const checkAll = (options: CheckOptions = {}): Effect.Effect<Report, InvariantViolated, OpenIntent> =>
  check(rules, familyNames, options)
