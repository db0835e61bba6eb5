/** Work whose time comes: done in the background within a second of it, by one process at a time (decision 19). */
import type * as Duration from "effect/Duration"
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

/** Sweeps for ever. A fault of the storage is told in the log and tried again at the next turn. */
export const sweepForever = <Due>(sweeping: Sweeping<Due>): Effect.Effect<never> =>
  sweep(sweeping).pipe(
    Effect.catchCause((cause) => Effect.logWarning(`${sweeping.work}: not swept`, cause)),
    Effect.andThen(Effect.sleep(sweeping.interval)),
    Effect.forever
  )
