/** Work whose time comes: done in the background within a second of it, by one process at a time (decision 19). */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { claim } from "./claim.ts"
import type { CommandsShape } from "./Commands.ts"
import type { EngineError } from "./Errors.ts"
import type { Range, StorageShape } from "./Storage.ts"
import { told } from "./storageFaults.ts"
import type { RecordOf, TableName } from "./tables.ts"

/** Records looked at in one go. */
const sweepMax = 500

/** Longest pause of background work while the storage is at fault, hence how long it may take to go on afterwards. */
const faultPauseMaxMs = 2000

/** Records of an index by time whose time has come, the latest first. What is not due is not read. */
export const readDue = <T extends TableName>(
  storage: StorageShape,
  range: Pick<Range<T>, "table" | "index" | "keys">
): Effect.Effect<ReadonlyArray<RecordOf<T>>, EngineError> =>
  Effect.flatMap(storage.now, (now) =>
    Effect.map(
      told(storage.page({ ...range, direction: "desc", after: now.epochMilliseconds + 1, limit: sweepMax })),
      (rows) => rows.map((row) => row.record)
    )
  )

/** Does something about each: one that cannot be done is no reason to leave the others. Fails if any did. */
export const forEachDue = <Due, A>(
  due: ReadonlyArray<Due>,
  handle: (one: Due) => Effect.Effect<A, EngineError>
): Effect.Effect<ReadonlyArray<A>, EngineError> =>
  Effect.flatMap(
    Effect.forEach(due, (one) => Effect.result(handle(one)), { concurrency: 64 }),
    (ended) => Effect.fromResult(Result.all(ended))
  )

export interface Sweeping<Due> {
  readonly commands: CommandsShape
  /** Names the claim. */
  readonly work: string
  /** This process. */
  readonly owner: string
  readonly interval: Duration.Duration
  readonly due: Effect.Effect<ReadonlyArray<Due>, EngineError>
  readonly handle: (due: ReadonlyArray<Due>) => Effect.Effect<unknown, EngineError>
}

/** One pass: whether something is due, whether this process has the claim, and the work. */
const sweep = <Due>(sweeping: Sweeping<Due>): Effect.Effect<void, EngineError> =>
  Effect.gen(function* () {
    const { commands, handle, interval, owner, work } = sweeping
    const due = yield* sweeping.due
    if (due.length === 0 || !(yield* claim(commands, work, owner, interval))) return
    yield* handle(due)
    if (due.length === sweepMax) yield* sweep(sweeping)
  })

/**
 * Does `turn` for ever, `interval` apart. A fault of the storage is told in the log and tried again, after pauses that
 * grow while it lasts: a disk that is full for days must not be filled with lines that say so.
 */
export const everAgain = <E>(
  what: string,
  interval: Duration.Duration,
  turn: Effect.Effect<unknown, E>
): Effect.Effect<never> => {
  const pauseMin = Duration.toMillis(interval)
  let pause = pauseMin
  let isFailing = false
  return Effect.matchCauseEffect(turn, {
    onSuccess: () => {
      pause = pauseMin
      if (!isFailing) return Effect.void
      isFailing = false
      return Effect.logInfo(`${what} goes on`)
    },
    onFailure: (cause) => {
      pause = Math.max(pauseMin, Math.min(pause * 2, faultPauseMaxMs))
      isFailing = true
      return Effect.logWarning(`${what} was interrupted`, cause)
    }
  }).pipe(Effect.andThen(Effect.suspend(() => Effect.sleep(pause))), Effect.forever)
}

/** Sweeps for ever. */
export const sweepForever = <Due>(sweeping: Sweeping<Due>): Effect.Effect<never> =>
  everAgain(`the sweep of ${sweeping.work}`, sweeping.interval, sweep(sweeping))
