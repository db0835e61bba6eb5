/** The storage in one SQLite file, by `node:sqlite`. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { type MeasureTransaction, measureTransactions } from "../../core/metrics.ts"
import { Storage, StorageError, type StorageShape } from "../../core/Storage.ts"
import { Aggregates } from "./Aggregates.ts"
import { makeChanges } from "./changes.ts"
import type { Connection } from "./Connection.ts"
import { Counters } from "./Counters.ts"
import { over, runAtOnce } from "./exclusively.ts"
import { failure, isCorrupt } from "./faults.ts"
import { Graph } from "./Graph.ts"
import { GroupCommit } from "./GroupCommit.ts"
import { attempt, busyMaxMsOf, open, type SqliteOptions } from "./open.ts"
import { Ranges } from "./ranges.ts"
import { openReadOnly } from "./readOnly.ts"
import { makeTables } from "./SqliteTables.ts"
import { makeTime } from "./time.ts"

export type { SqliteOptions } from "./open.ts"

/** Runs reads: outside of transactions again while the file is busy, within one at once. */
type Read = <A>(operation: string, body: () => A) => Effect.Effect<A, StorageError>

const makeStorage = (connection: Connection, clock: Clock.Clock, busyMaxMs: number, measure: MeasureTransaction) => {
  const tables = makeTables(connection)
  const counters = new Counters(connection)
  const aggregates = new Aggregates(connection, tables)
  const ranges = new Ranges(connection, tables)
  const graph = new Graph(connection)
  const { keep, now } = makeTime(connection, tables, clock)
  const commits = new GroupCommit(connection, tables, counters, busyMaxMs, keep, measure)
  const lastPosition = connection.statement(`SELECT max("position") FROM "events"`)
  const changedElsewhere = makeChanges(connection)

  const forgetIfCorrupt = (cause: unknown) => {
    if (isCorrupt(cause)) connection.forget()
  }

  const counts = (keys: ReadonlyArray<string>) => keys.map((key) => counters.read(key))

  const make = (
    read: Read,
    { check, commit, exclusively }: Pick<StorageShape, "check" | "commit" | "exclusively">
  ): StorageShape => ({
    now: Effect.sync(now),
    load: (intentId) => read("load", () => ({ aggregate: aggregates.load(intentId), now: now() })),
    get: (table, keys) =>
      tables[table].declared.appendOnly ? Effect.fail(notKeyed(table)) : read("get", () => tables[table].byKeys(keys)),
    revisions: (table, keys) => read("revisions", () => tables[table].revisions(keys)),
    page: (query) => read("page", () => ranges.page(query)),
    count: (range, max) => read("count", () => ranges.count(range, max)),
    tally: (range) => read("tally", () => ranges.tally(range)),
    counters: (keys) =>
      read("counters", () => (keys.length > 1 ? connection.snapshot(() => counts(keys)) : counts(keys))),
    reachable: (steps, from, limit) => read("reachable", () => graph.reachable(steps, from, limit)),
    lastPosition: read("lastPosition", () => lastPosition.number()),
    commit,
    exclusively,
    changedElsewhere,
    check
  })

  /** The storage within one transaction, until `end`. `fault` is what ended the transaction before its time. */
  const within = () => {
    let isOver = false
    let fault: Exit.Exit<never, StorageError> | undefined
    const now = <A, E>(operation: string, body: () => Exit.Exit<A, E>): Effect.Effect<A, E | StorageError> =>
      Effect.suspend((): Exit.Exit<A, E | StorageError> => {
        if (isOver) return Exit.fail(over(operation))
        if (fault !== undefined) return fault
        try {
          return body()
        } catch (cause) {
          forgetIfCorrupt(cause)
          const failed = failure(operation, cause)
          if (!connection.isInTransaction) fault = failed
          return failed
        }
      })
    const storage: StorageShape = make((operation, body) => now(operation, () => Exit.succeed(body())), {
      commit: (commit) => now("commit", () => commits.apart("commit", () => commits.writeNow(commit))),
      exclusively: (work) =>
        Effect.contextWith((context) =>
          now("exclusively", () => commits.apart("exclusively", () => runAtOnce(context, work(storage))))
        ),
      check: now("check", () => Exit.void)
    })
    const end = <A, E>(exit: Exit.Exit<A, E>): Exit.Exit<A, E | StorageError> => {
      isOver = true
      return fault ?? exit
    }
    return { storage, end }
  }

  const storage = make((operation, body) => attempt(operation, busyMaxMs, body, forgetIfCorrupt), {
    commit: commits.commit,
    exclusively: (work) =>
      Effect.contextWith((context) =>
        commits.transaction("exclusively", () => {
          const { end, storage } = within()
          return end(
            runAtOnce(
              context,
              Effect.suspend(() => work(storage))
            )
          )
        })
      ),
    // A write that changes nothing that is read, but is written and synced: it finds a full disk and a lost one.
    check: commits.transaction("check", () => {
      counters.add(new Map([["storage.checks", 1]]))
      return Exit.asVoid(Exit.succeed(lastPosition.number()))
    })
  })
  return { storage, close: commits.close }
}

const notKeyed = (table: string) =>
  new StorageError({
    operation: "get",
    reason: "unsupported",
    retryable: false,
    cause: new Error(`${table} is not kept by key`)
  })

/**
 * One file, one connection. Commits of one turn of the event loop share a transaction; several processes may use the
 * file. Time is the `Clock` that the build found. On close, what was handed over is written first.
 */
const layer = (options: SqliteOptions): Layer.Layer<Storage, StorageError> =>
  Layer.effect(
    Storage,
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const connection = yield* open(options)
      const busyMaxMs = busyMaxMsOf(options)
      const measure = measureTransactions(yield* Effect.context())
      const { close, storage } = yield* attempt("open", busyMaxMs, () =>
        makeStorage(connection, clock, busyMaxMs, measure)
      )
      yield* Effect.addFinalizer(() => close)
      return storage
    })
  )

/** A file of this version's schema, to be read as it is, whoever has it open. Every write fails. */
const layerReadOnly = (path: string): Layer.Layer<Storage, StorageError> =>
  Layer.effect(
    Storage,
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const measure = measureTransactions(yield* Effect.context())
      const connection = yield* Effect.acquireRelease(
        attempt("open", 0, () => openReadOnly(path)),
        (connection) => Effect.sync(() => connection.close())
      )
      return (yield* attempt("open", 0, () => makeStorage(connection, clock, 0, measure))).storage
    })
  )

/** The storage in a file, with the defaults. */
const layerFile = (path: string): Layer.Layer<Storage, StorageError> => layer({ path })

/** The storage in SQLite, in memory: ends with the layer. */
const layerMemory: Layer.Layer<Storage, StorageError> = layer({ path: ":memory:" })

export const SqliteStorage = { layer, layerFile, layerMemory, layerReadOnly }
