/** The invariants of the protocol as properties that can be checked against any engine (semantics 10). */
import * as Effect from "effect/Effect"
import type { OpenIntent } from "../core/OpenIntent.ts"
import { suites } from "./suites.ts"
import { type CheckOptions, type InvariantViolated, type Report, separator, type Suite, Tally } from "./Suite.ts"

/** A promise of the protocol, and the property that checks it. */
export interface Invariant {
  /** The number in section 10 of the semantics, or a word for a promise that has none. */
  readonly id: string
  readonly title: string
  /** The kind of programs that exercise it. Some invariants are checked by programs of more than one kind. */
  readonly programs: string
  /** Runs programs that exercise this invariant, and judges them by it alone. */
  readonly check: (options?: CheckOptions) => Effect.Effect<Report, InvariantViolated, OpenIntent>
}

const check = (
  wanted: ReadonlyArray<readonly [suite: Suite, families: ReadonlyArray<string>]>,
  only: string | undefined,
  options: CheckOptions
): Effect.Effect<Report, InvariantViolated, OpenIntent> =>
  Effect.gen(function* () {
    const tally = new Tally()
    const { replay } = options
    for (const [suite, names] of wanted) {
      const families =
        replay === undefined ? names : suite.families.filter((family) => replay.startsWith(`${family}${separator}`))
      for (const family of families) yield* suite.check(family, only, options, tally)
    }
    return { programs: tally.programs, calls: tally.calls, answers: tally.answers }
  })

/** Every invariant of the kit, by the numbers of the semantics. */
export const invariants: ReadonlyArray<Invariant> = suites.flatMap((suite) =>
  suite.rules.map(({ family, id, title }) => ({
    id,
    title,
    programs: family,
    check: (options = {}) => check([[suite, [family]]], id, options)
  }))
)

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
  check(
    suites.map((suite) => [suite, suite.families] as const),
    undefined,
    options
  )
