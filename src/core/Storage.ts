/** The port: what the engine asks of a storage. It knows no rule of the protocol (design.md 3 and 4). */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import * as Data from "effect/Data"
import type * as Stream from "effect/Stream"
import type { Aggregate, Guard, Write } from "./Aggregate.ts"
import type { NewEvent } from "./event/LogEvent.ts"
import type { ColumnValue } from "./Table.ts"
import type { IndexName, RecordOf, TableName } from "./tables.ts"

/** What went wrong below. Stays in the engine and the logs: `cause` holds the driver's own words. */
export class StorageError extends Data.TaggedError("StorageError")<{
  readonly operation: string
  readonly reason:
    | "busy"
    | "full"
    | "readonly"
    | "corrupt"
    | "io"
    | "unreachable"
    | "closed"
    | "constraint"
    | "unsupported"
  readonly retryable: boolean
  readonly cause: unknown
}> {
  override get message() {
    return this.cause instanceof Error ? this.cause.message : `storage fault (${this.reason}) during ${this.operation}`
  }
}

/** A guard did not hold: decide again on a fresh load. Nothing was written. */
export class StaleRevision extends Data.TaggedError("StaleRevision") {}

/** Records and events stored together or not at all. */
export interface Commit {
  /** All must hold. None: a plain append, which contends with nobody. */
  readonly guards: ReadonlyArray<Guard>
  readonly writes: ReadonlyArray<Write>
  readonly events: ReadonlyArray<NewEvent>
  /** Running figures: what is added to each (negative: taken away). */
  readonly counters: ReadonlyMap<string, number>
}

/** One intent with all that its rules need, read at one instant. */
export interface Loaded {
  readonly aggregate: Aggregate | undefined
  readonly now: DateTime.Utc
}

/** A range of an index, or several that are merged. Rows come in the order of the index's `order` column. */
export interface Range<T extends TableName> {
  readonly table: T
  readonly index: IndexName<T>
  /**
   * Values of the index's columns, one list per range. A list that is shorter stands for every value of the columns
   * after it, at the cost of one range for each value there is.
   */
  readonly keys: ReadonlyArray<ReadonlyArray<ColumnValue>>
  /** Only rows beyond this value of the `order` column: greater in `asc`, smaller in `desc`. */
  readonly after?: number | undefined
}

export interface PageQuery<T extends TableName> extends Range<T> {
  readonly direction: "asc" | "desc"
  readonly offset?: number
  readonly limit: number
}

/** A record and where it stands in its table (position) and in the index asked for (order). */
export interface Row<R> {
  readonly record: R
  readonly position: number
  readonly order: number
}

/** From an intent to its neighbours, in the order in which they came to be that. */
export type Step = "parent" | "children" | "dependencies" | "dependents"

/** An intent that a walk came to, and the one from which it was reached first. */
export interface Reached {
  readonly id: string
  readonly from: string
}

export interface StorageShape {
  /** The clock that all nodes share, and that never goes back: `Clock` in one process, else the database's. */
  readonly now: Effect.Effect<DateTime.Utc>
  /** One intent with all that its rules need, as of one instant: one round trip. */
  readonly load: (intentId: string) => Effect.Effect<Loaded, StorageError>
  /** Records by key, in the order of the keys; undefined where there is none. */
  readonly get: <T extends TableName>(
    table: T,
    keys: ReadonlyArray<string>
  ) => Effect.Effect<ReadonlyArray<RecordOf<T> | undefined>, StorageError>
  /** The revisions of guarded records; 0 where there is none. */
  readonly revisions: (
    table: Guard["table"],
    keys: ReadonlyArray<string>
  ) => Effect.Effect<ReadonlyArray<number>, StorageError>
  readonly page: <T extends TableName>(
    query: PageQuery<T>
  ) => Effect.Effect<ReadonlyArray<Row<RecordOf<T>>>, StorageError>
  /** How many rows, counting no further than `max`. `after` counts upwards only. */
  readonly count: <T extends TableName>(range: Range<T>, max: number) => Effect.Effect<number, StorageError>
  /** How many rows there are of each value of the index's `tally` column, after `after` (upwards). */
  readonly tally: <T extends TableName>(range: Range<T>) => Effect.Effect<ReadonlyMap<string, number>, StorageError>
  /** Running figures kept by commits; 0 where there is none. */
  readonly counters: (keys: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<number>, StorageError>
  /** What is reached along these steps, without the start, nearest first, at most `limit`. Safe on cycles. */
  readonly reachable: (
    steps: ReadonlyArray<Step>,
    from: string,
    limit: number
  ) => Effect.Effect<ReadonlyArray<Reached>, StorageError>
  /** Position of the last committed event; 0 for an empty log. */
  readonly lastPosition: Effect.Effect<number, StorageError>
  /** Writes all of it or nothing; completes when it is durable. Answers the positions of the events, in their order. */
  readonly commit: (commit: Commit) => Effect.Effect<ReadonlyArray<number>, StaleRevision | StorageError>
  /**
   * Runs `work` as one write transaction: nobody else commits between its reads and its commit. `work` uses the storage
   * it is given, and does nothing else that waits. What it fails with rolls back all of it.
   */
  readonly exclusively: <A, E>(
    work: (storage: StorageShape) => Effect.Effect<A, E>
  ) => Effect.Effect<A, E | StorageError>
  /** An element whenever somebody else may have committed events (other process, other node). Polls only while it is read. */
  readonly changedElsewhere: Stream.Stream<void>
  /** Fails while the storage could not serve a read and a write. */
  readonly check: Effect.Effect<void, StorageError>
}

export class Storage extends Context.Service<Storage, StorageShape>()("openintent/core/Storage") {}
