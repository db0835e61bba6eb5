/** Engines on a memory storage that a test can watch, hold and break. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { CommandsShape } from "../../src/core/Commands.ts"
import { Commands } from "../../src/core/Commands.ts"
import { Engine } from "../../src/core/Engine.ts"
import type { EngineOptions } from "../../src/core/EngineOptions.ts"
import { EventCounts } from "../../src/core/event/EventCounts.ts"
import { Hub, type HubShape } from "../../src/core/event/Hub.ts"
import type { LogEvent } from "../../src/core/event/LogEvent.ts"
import type { OpenIntentShape } from "../../src/core/OpenIntent.ts"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import { RunningFigures } from "../../src/core/RunningFigure.ts"
import type { Commit, StorageShape } from "../../src/core/Storage.ts"
import { type StaleRevision, Storage, StorageError } from "../../src/core/Storage.ts"
import { MemoryStorage } from "../../src/storage/memory/MemoryStorage.ts"
import { intentOf } from "./records.ts"

/** An empty storage. */
export const memoryStorage: Effect.Effect<StorageShape, never, Scope.Scope> = Effect.map(
  Layer.build(Layer.fresh(MemoryStorage.layer)),
  Context.get(Storage)
)

export const engineOn = (
  storage: StorageShape,
  options?: Partial<EngineOptions>
): Effect.Effect<OpenIntentShape, never, Scope.Scope> =>
  Effect.map(
    Layer.build(Layer.fresh(Engine.layer(options)).pipe(Layer.provide(Layer.succeed(Storage, storage)))),
    Context.get(OpenIntent)
  )

export const anEngine = Effect.flatMap(memoryStorage, (storage) => engineOn(storage))

export interface Parts {
  readonly commands: CommandsShape
  readonly hub: HubShape
  readonly counts: EventCounts["Service"]
}

/** The machinery below the nouns, without what runs in the background. */
export const partsOn = (storage: StorageShape): Effect.Effect<Parts, never, Scope.Scope> =>
  Effect.map(
    Layer.build(
      Layer.fresh(Commands.layer.pipe(Layer.provideMerge([EventCounts.layer, RunningFigures.layer, Hub.layer]))).pipe(
        Layer.provide(Layer.succeed(Storage, storage))
      )
    ),
    (context) => ({
      commands: Context.get(context, Commands),
      hub: Context.get(context, Hub),
      counts: Context.get(context, EventCounts)
    })
  )

export const fault = (reason: StorageError["reason"]) =>
  new StorageError({ operation: "commit", reason, retryable: true, cause: new Error("a disk told this") })

type Committed = Effect.Effect<ReadonlyArray<number>, StaleRevision | StorageError>

/** A storage whose commits can be watched and put off, and how often it was asked. */
export interface Watched {
  readonly storage: StorageShape
  /** Commits asked for, also those that fail. */
  readonly commits: Array<Commit>
  readonly loads: Array<string>
  exclusive: number
  /** Stands between the engine and the storage; `go` commits. */
  onCommit: (commit: Commit, go: Committed) => Committed
}

export const watch = (inner: StorageShape): Watched => {
  const watching = (storage: StorageShape): StorageShape => ({
    ...storage,
    load: (intentId) =>
      Effect.suspend(() => {
        watched.loads.push(intentId)
        return storage.load(intentId)
      }),
    commit: (commit) =>
      Effect.suspend(() => {
        watched.commits.push(commit)
        return watched.onCommit(commit, storage.commit(commit))
      }),
    exclusively: (work) =>
      Effect.suspend(() => {
        watched.exclusive++
        return storage.exclusively(work)
      })
  })
  const watched: Watched = {
    storage: watching(inner),
    commits: [],
    loads: [],
    exclusive: 0,
    onCommit: (_, go) => go
  }
  return watched
}

/** The same storage, where others go on before each of its answers, as with a database. */
export const interleaved = (storage: StorageShape): StorageShape => {
  const after = <A, E>(effect: Effect.Effect<A, E>) => Effect.andThen(Effect.yieldNow, effect)
  return {
    ...storage,
    now: after(storage.now),
    load: (intentId) => after(storage.load(intentId)),
    get: (table, keys) => after(storage.get(table, keys)),
    revisions: (table, keys) => after(storage.revisions(table, keys)),
    page: (query) => after(storage.page(query)),
    count: (range, max) => after(storage.count(range, max)),
    tally: (range) => after(storage.tally(range)),
    counters: (keys) => after(storage.counters(keys)),
    reachable: (steps, from, limit) => after(storage.reachable(steps, from, limit)),
    commit: (commit) => after(storage.commit(commit))
  }
}

/** Stores an intent as it is, at revision 1, past all rules. */
export const stored = (storage: StorageShape, id: string, fields: Parameters<typeof intentOf>[1] = {}) =>
  Effect.orDie(
    storage.commit({
      guards: [{ table: "intents", key: id, expected: 0, next: 1 }],
      writes: [{ _tag: "Put", table: "intents", record: intentOf(id, fields), before: undefined }],
      events: [],
      counters: new Map()
    })
  )

/** The whole log, oldest first. */
export const logOf = (storage: StorageShape): Effect.Effect<ReadonlyArray<LogEvent>> =>
  Effect.orDie(
    Effect.map(
      storage.page({ table: "events", index: "all", keys: [[]], direction: "asc", limit: 1_000_000 }),
      (rows) => rows.map((row) => row.record)
    )
  )
