/** Pages of lists: what a caller may ask for, cursors, and filters that no index answers (decisions 11 and 12). */
import * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import type { ValidationError } from "./Errors.ts"
import type { Page, PageOptions } from "./Page.ts"
import type { PageQuery, Range, Row, StorageError, StorageShape } from "./Storage.ts"
import type { RecordOf, TableName } from "./tables.ts"
import { Checks, limits } from "./validate.ts"

/** What every list takes, checked. */
export interface PageRequest {
  readonly limit: number
  readonly offset: number
  readonly after: Cursor | undefined
}

/** Where a page ended: order and position of its last row. */
export interface Cursor {
  readonly order: number
  readonly position: number
}

const cursorForm = /^([0-9a-z]+)\.([0-9a-z]+)$/

const writeCursor = ({ order, position }: Cursor) => `${order.toString(36)}.${position.toString(36)}`

export const readPageRequest = (
  checks: Checks,
  { after, limit, offset }: PageOptions,
  limitDefault: number
): PageRequest => {
  const parts = after === undefined ? undefined : cursorForm.exec(after)
  const cursor = parts ? { order: Number.parseInt(parts[1]!, 36), position: Number.parseInt(parts[2]!, 36) } : undefined
  const isWrong =
    parts === null ||
    (cursor !== undefined && !(Number.isSafeInteger(cursor.order) && Number.isSafeInteger(cursor.position)))
  if (isWrong) checks.add("after", "is no cursor of this list", after)
  return {
    limit: checks.readInt("limit", limit, limitDefault, 1, limits.pageSize),
    offset: checks.readInt("offset", offset, 0, 0, Number.MAX_SAFE_INTEGER),
    after: cursor
  }
}

/** The page of a list that takes nothing else. */
export const readPageOptions = (query: PageOptions): Result.Result<PageRequest, ValidationError> => {
  const checks = new Checks()
  return checks.finish(readPageRequest(checks, query, limits.pageSize))
}

/** Rows of a range, with what no index answers as a predicate. */
export interface Listing<T extends TableName> extends Pick<PageQuery<T>, "table" | "index" | "keys" | "direction"> {
  readonly matches?: ((record: RecordOf<T>) => boolean) | undefined
  /** The same, where other records have to be read for it. */
  readonly matchesAll?:
    | ((records: ReadonlyArray<RecordOf<T>>) => Effect.Effect<ReadonlyArray<boolean>, StorageError>)
    | undefined
  /** Begins beyond this value of the order. */
  readonly from?: number | undefined
  /** Ends with this value of the order. */
  readonly upTo?: number | undefined
}

/** Rows that one look of a filtered listing takes from the storage. */
const scanSize = 500

/** The same for a page, whose rows may be large: they are weighed before there are more of them. */
const lookSize = 128

type Found<T extends TableName> = ReadonlyArray<Row<RecordOf<T>>>

/** About as many bytes as a record takes as JSON. */
const weigh = (value: unknown): number => {
  if (typeof value === "string") return value.length
  if (typeof value !== "object" || value === null) return 8
  let bytes = 0
  for (const [name, inside] of Object.entries(value)) bytes += name.length + weigh(inside)
  return bytes
}

const isBeyond = (cursor: Cursor, direction: "asc" | "desc") => (row: Cursor) =>
  direction === "asc"
    ? row.order > cursor.order || (row.order === cursor.order && row.position > cursor.position)
    : row.order < cursor.order || (row.order === cursor.order && row.position < cursor.position)

/**
 * At most `limit` matching rows after a cursor and one more, and no more of them after `bytesMax`. Rows of the cursor's
 * own order value are read again and passed over, so that none is lost where an order has ties. Lets others go on
 * between two looks.
 */
const collect = <T extends TableName>(
  storage: StorageShape,
  { direction, from, index, keys, matches, matchesAll, table, upTo }: Listing<T>,
  { after, limit, offset }: PageRequest,
  bytesMax = Number.POSITIVE_INFINITY
): Effect.Effect<{ readonly rows: Found<T>; readonly isMore: boolean }, StorageError> =>
  Effect.gen(function* () {
    let bytes = 0
    const found: Array<Row<RecordOf<T>>> = []
    const isFiltered = matches !== undefined || matchesAll !== undefined
    const skipped = !isFiltered && after === undefined ? offset : 0
    let toSkip = after === undefined ? offset - skipped : 0
    let cursor = after
    // One more tells whether there is a next page, and the row of the cursor is read again.
    let size = isFiltered ? scanSize : Math.min(lookSize, limit + (cursor === undefined ? 1 : 2))
    for (;;) {
      const ascending = direction === "asc"
      const beyond =
        cursor === undefined
          ? ascending
            ? from
            : upTo === undefined
              ? undefined
              : upTo + 1
          : ascending
            ? cursor.order - 1
            : cursor.order + 1
      const rows: Found<T> = yield* storage.page({
        table,
        index,
        keys,
        direction,
        limit: size,
        offset: cursor === undefined ? skipped : 0,
        ...(beyond === undefined ? undefined : { after: beyond })
      })
      const fresh = cursor === undefined ? rows : rows.filter(isBeyond(cursor, direction))
      const kept = yield* matchesAll?.(fresh.map((row) => row.record)) ?? Effect.void
      for (const [i, row] of fresh.entries()) {
        if (direction === "asc" && upTo !== undefined && row.order > upTo) return { rows: found, isMore: false }
        if (direction === "desc" && from !== undefined && row.order <= from) return { rows: found, isMore: false }
        if (kept?.[i] === false || (matches !== undefined && !matches(row.record))) continue
        if (toSkip > 0) toSkip--
        else if (found.push(row) > limit || bytes > bytesMax) return { rows: found, isMore: true }
        else if (bytesMax < Number.POSITIVE_INFINITY) bytes += weigh(row.record)
      }
      if (rows.length < size) return { rows: found, isMore: false }
      const last = fresh.at(-1)
      if (last === undefined) size *= 2 // More ties than a look takes.
      else cursor = { order: last.order, position: last.position }
      yield* Effect.yieldNow
    }
  })

/** Every record of a range, in its order; read in looks of a bounded size. */
export const readAll = <T extends TableName>(
  storage: StorageShape,
  range: Listing<T>
): Effect.Effect<ReadonlyArray<RecordOf<T>>, StorageError> =>
  Effect.map(
    collect(
      storage,
      { ...range, matches: range.matches ?? (() => true) },
      { limit: Number.POSITIVE_INFINITY, offset: 0, after: undefined }
    ),
    ({ rows }) => rows.map((row) => row.record)
  )

/** The page, with one row more than it has looked at to know whether there is a next one. */
export const readPage = <T extends TableName>(
  storage: StorageShape,
  listing: Listing<T>,
  request: PageRequest,
  total: Effect.Effect<number, StorageError>
): Effect.Effect<Page<RecordOf<T>>, StorageError> =>
  Effect.zipWith(collect(storage, listing, request, limits.pageBytes), total, ({ isMore, rows }, counted) => {
    const { limit, offset } = request
    const own = isMore ? rows.slice(0, -1) : rows
    const last = own.at(-1)
    return {
      items: own.map((row) => row.record),
      // Counted after the rows were read, so some of them may be gone.
      total: counted === overTotal ? limits.total : Math.max(counted, own.length),
      totalCapped: counted === overTotal,
      limit,
      offset: request.after === undefined ? offset : 0,
      next: isMore && last !== undefined ? writeCursor(last) : undefined
    }
  })

/**
 * A page of what the items of another list stand for, which may be larger: it ends where that is too much. `pageOf`
 * answers the page of the other list with so many items at most; what `read` does not find is left out.
 */
export const expandPage = <A, B, E>(
  pageOf: (limit: number) => Effect.Effect<Page<A>, E>,
  limit: number,
  read: (items: ReadonlyArray<A>) => Effect.Effect<ReadonlyArray<B | undefined>, E>
): Effect.Effect<Page<B>, E> =>
  Effect.gen(function* () {
    const page = yield* pageOf(limit)
    const found: Array<B> = []
    let bytes = 0
    let taken = 0
    while (taken < page.items.length && bytes <= limits.pageBytes) {
      for (const item of yield* read(page.items.slice(taken, taken + lookSize))) {
        if (bytes > limits.pageBytes) break
        taken++
        if (item === undefined) continue
        bytes += weigh(item)
        found.push(item)
      }
    }
    const { next } = taken < page.items.length ? yield* pageOf(taken) : page
    return { ...page, items: found, next }
  })

/** A page of a list that is known as a whole. Its cursor is a place in the list. */
export const pageOfIds = (
  ids: ReadonlyArray<string>,
  { after, limit, offset }: PageRequest,
  isCapped = false
): Page<string> => {
  const from = after?.position ?? offset
  const end = from + limit
  return {
    items: ids.slice(from, end),
    total: ids.length,
    totalCapped: isCapped,
    limit,
    offset: after === undefined ? offset : 0,
    next: end < ids.length ? writeCursor({ order: 0, position: end }) : undefined
  }
}

/** Stands for "more than `limits.total`" where rows are counted and no counter is kept. */
const overTotal = Number.POSITIVE_INFINITY

/** How many rows a range has; counts no further than `limits.total`. */
export const countRange = <T extends TableName>(
  storage: StorageShape,
  range: Range<T>
): Effect.Effect<number, StorageError> =>
  Effect.map(storage.count(range, limits.total + 1), (n) => (n > limits.total ? overTotal : n))

/** How many rows match; looks at no more than it takes to find `limits.total` of them. */
export const countMatches = <T extends TableName>(
  storage: StorageShape,
  listing: Listing<T>
): Effect.Effect<number, StorageError> =>
  Effect.map(collect(storage, listing, { limit: limits.total, offset: 0, after: undefined }), ({ rows }) =>
    rows.length > limits.total ? overTotal : rows.length
  )
