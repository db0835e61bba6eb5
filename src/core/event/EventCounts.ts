/**
 * How many events of each kind an intent has (decision 11). Nothing is counted on the path of a commit: a stored count
 * goes up to a position, what came after it is tallied from the index, and a folder moves the count on now and then.
 */
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Write } from "../Aggregate.ts"
import { makeBacklog } from "../Backlog.ts"
import type { StorageError, StorageShape } from "../Storage.ts"
import { Storage } from "../Storage.ts"
import type { EventCount } from "../tables.ts"
import type { NewEvent } from "./LogEvent.ts"

/** Intents whose counts one transaction moves on. */
const foldMax = 64

const sum = (stored: EventCount | undefined, tail: ReadonlyMap<string, number>) => {
  const byKind: { [kind: string]: number } = { ...stored?.byKind }
  for (const [kind, n] of tail) byKind[kind] = (byKind[kind] ?? 0) + n
  return byKind
}

export interface EventCountsShape {
  readonly of: (intentId: string) => Effect.Effect<EventCount["byKind"], StorageError>
  /** Takes note of committed events. */
  readonly added: (events: ReadonlyArray<NewEvent>) => void
  /** Moves the counts on that have fallen behind. Runs in the background; losing its work costs nothing. */
  readonly fold: Effect.Effect<void, StorageError>
}

export class EventCounts extends Context.Service<EventCounts, EventCountsShape>()("openintent/core/event/EventCounts") {
  /** Needs `Storage`. */
  static readonly layer = Layer.effect(
    EventCounts,
    Effect.gen(function* () {
      const storage = yield* Storage
      const backlog = makeBacklog()

      const read = (storage: StorageShape, intentId: string) =>
        Effect.flatMap(storage.get("eventCounts", [intentId]), ([stored]) =>
          Effect.map(
            storage.tally({
              table: "events",
              index: "byIntent",
              keys: [[intentId]],
              after: stored?.through ?? 0
            }),
            (tail) => ({ stored, tail })
          )
        )

      /** As one transaction, so that no event comes between the tallies and the position they go up to. */
      const foldSome = (intentIds: ReadonlyArray<string>) =>
        storage
          .exclusively((on) =>
            Effect.gen(function* () {
              const through = yield* on.lastPosition
              const writes: Array<Write> = []
              for (const intentId of intentIds) {
                const { stored, tail } = yield* read(on, intentId)
                const record: EventCount = { intentId, through, byKind: sum(stored, tail) }
                writes.push({ _tag: "Put", table: "eventCounts", record, before: stored })
              }
              yield* on.commit({ guards: [], writes, events: [], counters: new Map() })
            })
          )
          .pipe(
            Effect.catchTag("StaleRevision", Effect.die), // It has no guards.
            Effect.tap(() =>
              Effect.sync(() => {
                for (const intentId of intentIds) backlog.folded(intentId)
              })
            )
          )

      return EventCounts.of({
        of: (intentId) =>
          Effect.map(read(storage, intentId), ({ stored, tail }) => {
            let n = 0
            for (const count of tail.values()) n += count
            backlog.found(intentId, n)
            return sum(stored, tail)
          }),
        added: (events) => {
          for (const { intentId } of events) backlog.added(intentId)
        },
        fold: Effect.suspend(() => Effect.forEach(Arr.chunksOf(backlog.keys, foldMax), foldSome, { discard: true }))
      })
    })
  )
}
