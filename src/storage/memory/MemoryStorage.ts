/** The storage as plain maps: for tests, for work that need not survive, and the model that other storages equal. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { Guard } from "../../core/Aggregate.ts"
import { deepFreeze } from "../../core/json.ts"
import type { LogEvent } from "../../core/event/LogEvent.ts"
import {
  type Commit,
  type Reached,
  StaleRevision,
  type Step,
  Storage,
  StorageError,
  type StorageShape
} from "../../core/Storage.ts"
import { makeSteadyTime } from "../../core/steadyTime.ts"
import { type RecordOf, type StoredTable, type TableName, tables } from "../../core/tables.ts"
import { ConstraintViolated, MemoryTable, type Undo } from "./MemoryTable.ts"

type MemoryTables = { readonly [T in TableName]: MemoryTable<RecordOf<T>> }

const emptyTables = (): MemoryTables => ({
  intents: new MemoryTable(tables.intents),
  dependencies: new MemoryTable(tables.dependencies),
  events: new MemoryTable<LogEvent>(tables.events),
  leases: new MemoryTable(tables.leases),
  assignments: new MemoryTable(tables.assignments),
  eventCounts: new MemoryTable(tables.eventCounts),
  claims: new MemoryTable(tables.claims),
  apiKeys: new MemoryTable(tables.apiKeys),
  retryPolicies: new MemoryTable(tables.retryPolicies),
  failures: new MemoryTable(tables.failures),
  retries: new MemoryTable(tables.retries),
  attachments: new MemoryTable(tables.attachments),
  attachmentContents: new MemoryTable(tables.attachmentContents),
  llmFigures: new MemoryTable(tables.llmFigures),
  portfolios: new MemoryTable(tables.portfolios),
  memberships: new MemoryTable(tables.memberships),
  arbitrations: new MemoryTable(tables.arbitrations),
  decisions: new MemoryTable(tables.decisions),
  approvals: new MemoryTable(tables.approvals),
  costs: new MemoryTable(tables.costs),
  costFigures: new MemoryTable(tables.costFigures),
  reservations: new MemoryTable(tables.reservations),
  accounts: new MemoryTable(tables.accounts),
  receipts: new MemoryTable(tables.receipts),
  subscriptions: new MemoryTable(tables.subscriptions),
  deliveries: new MemoryTable(tables.deliveries),
  seals: new MemoryTable(tables.seals),
  sealHeads: new MemoryTable(tables.sealHeads),
  sealed: new MemoryTable(tables.sealed)
})

const undoAll = (undos: Array<Undo>): void => {
  for (const undo of undos.splice(0).toReversed()) undo()
}

class Store {
  readonly tables = emptyTables()
  readonly #counters = new Map<string, number>()
  lastPosition = 0

  counter(key: string): number {
    return this.#counters.get(key) ?? 0
  }

  revision(table: Guard["table"], key: string): number {
    return this.tables[table].row(key)?.revision ?? 0
  }

  guardsHold(guards: ReadonlyArray<Guard>): boolean {
    return guards.every((guard) => this.revision(guard.table, guard.key) === guard.expected)
  }

  /** Writes all of a commit whose guards hold, or throws `ConstraintViolated` and has written nothing. */
  write({ counters, events, guards, writes }: Commit, undos: Array<Undo>): ReadonlyArray<number> {
    const own: Array<Undo> = []
    try {
      for (const write of writes) {
        if (write._tag === "Put") own.push(this.#put(write))
        else own.push(this.#remove(write))
      }
    } catch (error) {
      undoAll(own)
      throw error
    }
    for (const guard of guards) own.push(this.#moveOn(guard))
    for (const [key, delta] of counters) own.push(this.#count(key, delta))
    const positions = events.map((event) => {
      const before = this.lastPosition
      const position = this.tables.events.nextPosition
      own.push(
        this.tables.events.put(
          Object.freeze({ ...event, payload: deepFreeze(event.payload), extra: deepFreeze(event.extra), position }),
          false
        ),
        () => {
          this.lastPosition = before
        }
      )
      this.lastPosition = position
      return position
    })
    for (const undo of own) undos.push(undo) // May be too many for the arguments of one call.
    return positions
  }

  /** Nearest first. */
  reachable(steps: ReadonlyArray<Step>, start: string, limit: number): ReadonlyArray<Reached> {
    const seen = new Set([start])
    const reached: Array<Reached> = []
    // A set keeps its order and is walked while it grows: breadth first.
    for (const from of seen) {
      for (const step of steps) {
        for (const id of this.#neighbours(step, from)) {
          if (reached.length >= limit) return reached
          if (seen.has(id)) continue
          seen.add(id)
          reached.push({ id, from })
        }
      }
    }
    return reached
  }

  *#neighbours(step: Step, id: string): Generator<string> {
    switch (step) {
      case "parent": {
        const parent = this.tables.intents.row(id)?.record.parentIntentId ?? null
        if (parent !== null) yield parent
        return
      }
      case "children":
        for (const child of this.tables.intents.records("byParent", id)) yield child.id
        return
      case "dependencies":
        for (const { dependencyId } of this.tables.dependencies.records("byIntent", id)) yield dependencyId
        return
      case "dependents":
        for (const { intentId } of this.tables.dependencies.records("byDependency", id)) yield intentId
    }
  }

  #put<T extends StoredTable>(write: {
    readonly table: T
    readonly record: RecordOf<T>
    readonly before: RecordOf<T> | undefined
  }): Undo {
    return this.tables[write.table].put(write.record, write.before !== undefined)
  }

  #remove<T extends StoredTable>(write: { readonly table: T; readonly before: RecordOf<T> }): Undo {
    return this.tables[write.table].remove(write.before)
  }

  #moveOn({ key, next, table }: Guard): Undo {
    const row = this.tables[table].row(key)
    if (row === undefined) return () => {}
    const before = row.revision
    row.revision = next
    return () => {
      row.revision = before
    }
  }

  #count(key: string, delta: number): Undo {
    const before = this.counter(key)
    this.#counters.set(key, before + delta)
    return () => {
      this.#counters.set(key, before)
    }
  }
}

const unsupported = (operation: string, cause: string) =>
  new StorageError({ operation, reason: "unsupported", retryable: false, cause: new Error(cause) })

/** The port over a store; within `exclusively` also the list that takes its commits back. */
const makeStorage = (store: Store, now: Effect.Effect<DateTime.Utc>, undos: Array<Undo> | undefined): StorageShape => {
  const commit: StorageShape["commit"] = (commit) =>
    Effect.suspend((): Effect.Effect<ReadonlyArray<number>, StaleRevision | StorageError> => {
      if (!store.guardsHold(commit.guards)) return Effect.fail(new StaleRevision())
      try {
        return Effect.succeed(store.write(commit, undos ?? []))
      } catch (cause) {
        if (!(cause instanceof ConstraintViolated)) throw cause
        return Effect.fail(new StorageError({ operation: "commit", reason: "constraint", retryable: false, cause }))
      }
    })

  return Storage.of({
    now,
    load: (intentId) =>
      Effect.map(now, (now) => {
        const row = store.tables.intents.row(intentId)
        if (row === undefined) return { aggregate: undefined, now }
        const leases = [...store.tables.leases.records("byStatus", intentId, "active")]
        return { aggregate: { intent: row.record, revision: row.revision, leases }, now }
      }),
    get: <T extends TableName>(table: T, keys: ReadonlyArray<string>) =>
      Effect.suspend(() =>
        tables[table].appendOnly
          ? Effect.fail(unsupported("get", `${table} is not kept by key`))
          : Effect.succeed(keys.map((key) => store.tables[table].row(key)?.record))
      ),
    revisions: (table, keys) => Effect.sync(() => keys.map((key) => store.revision(table, key))),
    page: (query) =>
      Effect.sync(() => store.tables[query.table].page(query, query.direction, query.offset ?? 0, query.limit)),
    count: (range, max) => Effect.sync(() => store.tables[range.table].count(range, max)),
    tally: (range) => Effect.sync(() => store.tables[range.table].tally(range)),
    counters: (keys) => Effect.sync(() => keys.map((key) => store.counter(key))),
    reachable: (steps, from, limit) => Effect.sync(() => store.reachable(steps, from, limit)),
    lastPosition: Effect.sync(() => store.lastPosition),
    commit,
    exclusively: (work) => exclusively(store, now, undos, work),
    changedElsewhere: Stream.never,
    check: Effect.void
  })
}

/** Runs `work` at once, so that nobody else can come between; one inside another is a part of it. */
const exclusively = <A, E>(
  store: Store,
  now: Effect.Effect<DateTime.Utc>,
  outer: Array<Undo> | undefined,
  work: (storage: StorageShape) => Effect.Effect<A, E>
): Effect.Effect<A, E | StorageError> =>
  Effect.contextWith((context) =>
    Effect.suspend(() => {
      const undos: Array<Undo> = []
      const exit = Effect.runSyncExitWith(context)(Effect.suspend(() => work(makeStorage(store, now, undos))))
      if (Exit.isSuccess(exit)) {
        for (const undo of undos) outer?.push(undo)
        return exit
      }
      undoAll(undos)
      for (const reason of exit.cause.reasons) {
        if (!Cause.isDieReason(reason) || !Cause.isAsyncFiberError(reason.defect)) continue
        return Effect.andThen(
          Fiber.interrupt(reason.defect.fiber),
          Effect.die(new Error("work within `exclusively` must not wait for anything but its storage"))
        )
      }
      return exit
    })
  )

/** An empty store for each layer that is built; its time is the `Clock` that the build found, made steady. */
const layer: Layer.Layer<Storage> = Layer.effect(
  Storage,
  Effect.map(Clock.Clock, (clock) => makeStorage(new Store(), Effect.sync(makeSteadyTime(clock)), undefined))
)

/** The storage in memory. */
export const MemoryStorage = { layer }
