/** How a storage is checked. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Commit, PageQuery, StorageError, StorageShape } from "../../core/Storage.ts"
import type { RecordOf, TableName } from "../../core/tables.ts"
import { canonical, isSame } from "../canonical.ts"

/** The storage does not do what the port promises. */
export class StorageViolated extends Data.TaggedError("StorageViolated")<{ readonly what: string }> {
  override get message() {
    return this.what
  }
}

/** One promise of the port, and the effect that fails where it is not kept. Any test runner can run it. */
export interface StorageCheck<E> {
  readonly name: string
  readonly effect: Effect.Effect<void, E | StorageViolated | StorageError>
}

export const violated = (what: string) => Effect.fail(new StorageViolated({ what }))

export const same = (what: string, actual: unknown, expected: unknown) =>
  isSame(actual, expected)
    ? Effect.void
    : violated(`${what}: expected ${canonical(expected)}, found ${canonical(actual)}`)

export const growing = (numbers: ReadonlyArray<number>) => numbers.every((n, i) => i === 0 || n > numbers[i - 1]!)

/** How a commit ends, by its tag. */
export const ending = (storage: StorageShape, commit: Commit) =>
  Effect.result(storage.commit(commit)).pipe(
    Effect.map((result) =>
      Result.isSuccess(result) ? "committed" : result.failure._tag === "StorageError" ? result.failure.reason : "stale"
    )
  )

export const commit = (storage: StorageShape, commit: Commit) =>
  storage.commit(commit).pipe(Effect.catchTag("StaleRevision", () => violated("a guard that holds was refused")))

/** Checks by their names, each on an empty storage. */
export interface Checks {
  readonly [name: string]: (storage: StorageShape) => Effect.Effect<void, StorageViolated | StorageError>
}

/** Reads a range page by page from both ends and in the middle, and compares with the rows it must have, in `asc`. */
export const pagesAre = <T extends TableName>(
  storage: StorageShape,
  range: Omit<PageQuery<T>, "direction" | "limit" | "offset" | "after">,
  idOf: (record: RecordOf<T>) => string,
  expected: ReadonlyArray<string>
) =>
  Effect.gen(function* () {
    const name = `${range.table}.${range.index} ${canonical(range.keys)}`
    for (const direction of ["asc", "desc"] as const) {
      const wanted = direction === "asc" ? expected : expected.toReversed()
      const all = yield* storage.page<T>({ ...range, direction, limit: 1_000 })
      yield* same(
        `${name} ${direction}`,
        all.map((row) => idOf(row.record)),
        wanted
      )
      for (const limit of [1, 2, 3]) {
        for (let offset = 0; offset <= wanted.length; offset++) {
          const page = yield* storage.page<T>({ ...range, direction, offset, limit })
          yield* same(
            `${name} ${direction}, ${limit} from ${offset}`,
            page.map((row) => idOf(row.record)),
            wanted.slice(offset, offset + limit)
          )
        }
      }
      for (const row of all) {
        const rest = all.filter((other) => (direction === "asc" ? other.order > row.order : other.order < row.order))
        const page = yield* storage.page<T>({ ...range, direction, after: row.order, limit: 1_000 })
        yield* same(`${name} ${direction} after ${row.order}`, page, rest)
        const second = yield* storage.page<T>({ ...range, direction, after: row.order, offset: 1, limit: 1 })
        yield* same(`${name} ${direction} after ${row.order}, 1 from 1`, second, rest.slice(1, 2))
        if (direction === "asc") {
          yield* same(
            `${name}: count after ${row.order}`,
            yield* storage.count<T>({ ...range, after: row.order }, 1_000),
            rest.length
          )
        }
      }
    }
    for (const max of [0, 1, expected.length, 1_000]) {
      yield* same(`${name}: count up to ${max}`, yield* storage.count<T>(range, max), Math.min(max, expected.length))
    }
  })

export const idOf = (record: { readonly id: string }) => record.id
