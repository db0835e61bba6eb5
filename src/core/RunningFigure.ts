/**
 * Figures that would take a scan: sums over rows that are only ever added. Nothing is summed on the path of a commit: a
 * stored figure goes up to a position, what came after it is added when asked, and a folder moves it on now and then.
 * (`event/EventCounts.ts` is the same for counts, which the index gives without reading a row.)
 */
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Write } from "./Aggregate.ts"
import { makeBacklog } from "./Backlog.ts"
import type { NewEvent } from "./event/LogEvent.ts"
import type { StoredFigure } from "./figureTable.ts"
import type { Range, StorageError, StorageShape } from "./Storage.ts"
import { Storage } from "./Storage.ts"
import type { RecordOf, TableName } from "./tables.ts"

/** Rows taken from the storage at a time; rows may be large. */
const pageSize = 256
/** Figures that one transaction moves on, each by at most a page. */
const foldMax = 4

/** What is added up, and where the figure is kept. Pure but for `stored`, which names the figure's own table. */
export interface FigureDeclaration<T extends TableName, F> {
  /** The rows of a key, in the order of their positions. None of them is ever changed or removed. */
  readonly rows: (key: string) => Omit<Range<T>, "after">
  readonly zero: F
  readonly add: (figure: F, row: RecordOf<T>) => F
  readonly stored: (storage: StorageShape, key: string) => Effect.Effect<StoredFigure<F> | undefined, StorageError>
  readonly put: (record: StoredFigure<F>, before: StoredFigure<F> | undefined) => Write
  /** Types of the events that are committed with the rows. Their intent is the key of the figure. */
  readonly eventTypes: ReadonlyArray<string>
}

/** The figure of a key as of now: at most a few hundred rows are read for it, however many there are. */
export type RunningFigure<F> = (key: string) => Effect.Effect<F, StorageError>

interface Kept {
  readonly added: (key: string) => void
  readonly fold: Effect.Effect<void, StorageError>
}

const keeping = <T extends TableName, F>(
  storage: StorageShape,
  { add, put, rows, stored, zero }: FigureDeclaration<T, F>
): Kept & { readonly of: RunningFigure<F> } => {
  const backlog = makeBacklog()

  /** The figure moved on by a page of the rows after it. */
  const next = (on: StorageShape, key: string, { figure, through }: Omit<StoredFigure<F>, "key">) =>
    Effect.map(on.page({ ...rows(key), direction: "asc", after: through, limit: pageSize }), (page) => ({
      key,
      through: page.at(-1)?.position ?? through,
      figure: page.reduce((sum, row) => add(sum, row.record), figure),
      rows: page.length
    }))

  const of = Effect.fnUntraced(function* (key: string) {
    let found = yield* Effect.map(stored(storage, key), (kept) => ({
      figure: kept?.figure ?? zero,
      through: kept?.through ?? 0
    }))
    let behind = 0
    for (;;) {
      const { rows, ...moved } = yield* next(storage, key, found)
      found = moved
      behind += rows
      if (rows < pageSize) break
      yield* Effect.yieldNow
    }
    backlog.found(key, behind)
    return found.figure
  })

  /** As one transaction, so that two folders do not write the same figure for the first time. */
  const foldSome = (keys: ReadonlyArray<string>) =>
    storage
      .exclusively((on) =>
        Effect.gen(function* () {
          const writes: Array<Write> = []
          const folded: Array<string> = []
          for (const key of keys) {
            const before = yield* stored(on, key)
            const { rows, ...record } = yield* next(on, key, before ?? { figure: zero, through: 0 })
            if (rows > 0) writes.push(put(record, before))
            if (rows < pageSize) folded.push(key)
          }
          yield* on.commit({ guards: [], writes, events: [], counters: new Map() })
          return folded
        })
      )
      .pipe(
        Effect.catchTag("StaleRevision", Effect.die), // It has no guards.
        Effect.map((folded) => {
          for (const key of folded) backlog.folded(key)
        })
      )

  /** A turn moves each of those behind on by a page, until none is left. */
  const fold: Effect.Effect<void, StorageError> = Effect.suspend(() =>
    backlog.keys.size === 0
      ? Effect.void
      : Effect.andThen(Effect.forEach(Arr.chunksOf(backlog.keys, foldMax), foldSome, { discard: true }), fold)
  )

  return { of, added: backlog.added, fold }
}

export interface RunningFiguresShape {
  /** Keeps the figure from now on. */
  readonly keep: <T extends TableName, F>(declaration: FigureDeclaration<T, F>) => RunningFigure<F>
  /** Takes note of committed events. */
  readonly added: (events: ReadonlyArray<NewEvent>) => void
  /** Moves the figures on that have fallen behind. Runs in the background; losing its work costs nothing. */
  readonly fold: Effect.Effect<void, StorageError>
}

export class RunningFigures extends Context.Service<RunningFigures, RunningFiguresShape>()(
  "openintent/core/RunningFigures"
) {
  /** Needs `Storage`. */
  static readonly layer = Layer.effect(
    RunningFigures,
    Effect.map(Storage, (storage) => {
      const kept: Array<Kept> = []
      const byType = new Map<string, ReadonlyArray<Kept>>()
      return RunningFigures.of({
        keep: (declaration) => {
          const figure = keeping(storage, declaration)
          kept.push(figure)
          for (const type of declaration.eventTypes) byType.set(type, [...(byType.get(type) ?? []), figure])
          return figure.of
        },
        added: (events) => {
          for (const { intentId, type } of events) {
            const figures = byType.get(type) // Of most types there is none.
            if (figures !== undefined) for (const figure of figures) figure.added(intentId)
          }
        },
        fold: Effect.suspend(() => Effect.forEach(kept, (figure) => figure.fold, { discard: true }))
      })
    })
  )
}
