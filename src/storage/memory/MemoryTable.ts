/** One declared table as maps: rows by key, and for each index a sorted list per range. */
import type { Row } from "../../core/Storage.ts"
import type { ColumnValue, Index, Table } from "../../core/Table.ts"
import { type MemoryRow, SortedRows } from "./SortedRows.ts"

/** A key that exists, a row that does not, or a second row of a unique index. Nothing of this write was done. */
export class ConstraintViolated extends Error {}

/** Takes back one write. Those of a commit are taken back in reverse. */
export type Undo = () => void

/** Where a range is, and rows beyond which order. */
interface Ranges {
  readonly index: string
  readonly keys: ReadonlyArray<ReadonlyArray<ColumnValue>>
  readonly after?: number | undefined
}

type Shape<R> = Pick<Table<R, R>, "name" | "key" | "columnNames" | "values" | "appendOnly"> & {
  readonly indexes: { readonly [name: string]: Index }
}

/** Columns of a range as one key of a map. Texts hold no NUL, and a column has one type. */
const rangeKey = (values: ReadonlyArray<ColumnValue>): string =>
  values.map((value) => (value === null ? "\0\0" : String(value))).join("\0")

class MemoryIndex<R> {
  readonly #ranges = new Map<string, SortedRows<R>>()
  /** Ranges below a key that is shorter than the columns. */
  readonly #below = new Map<string, Set<string>>()
  readonly #columns: ReadonlyArray<number>
  readonly #where: { readonly column: number; readonly equals: string | undefined } | undefined
  readonly #orderOf: (row: MemoryRow<R>) => number
  readonly tallyOf: (record: R) => ColumnValue
  readonly unique: boolean

  constructor(table: Shape<R>, index: Index) {
    const at = (name: string) => table.columnNames.indexOf(name)
    this.#columns = index.columns.map(at)
    this.#where = index.where && {
      column: at(index.where.column),
      equals: "equals" in index.where ? index.where.equals : undefined
    }
    const order = index.order === undefined ? undefined : at(index.order)
    this.#orderOf =
      order === undefined ? (row) => row.position : (row) => Number(table.values(row.record)[order] ?? -Infinity)
    const tally = index.tally === undefined ? undefined : at(index.tally)
    this.tallyOf = tally === undefined ? () => null : (record) => table.values(record)[tally] ?? null
    this.unique = index.unique ?? false
  }

  orderOf(row: MemoryRow<R>): number {
    return this.#orderOf(row)
  }

  /** The range of a row with these columns; undefined if the index does not hold it. */
  rangeOf(values: ReadonlyArray<ColumnValue>): string | undefined {
    const where = this.#where
    if (where !== undefined) {
      const value = values[where.column]
      if (where.equals === undefined ? value === null : value !== where.equals) return undefined
    }
    return rangeKey(this.#columns.map((column) => values[column]!))
  }

  rows(range: string): SortedRows<R> | undefined {
    return this.#ranges.get(range)
  }

  /** The ranges that a key stands for: itself, or all below it. */
  rangesOf(key: ReadonlyArray<ColumnValue>): Iterable<string> {
    return key.length === this.#columns.length
      ? [rangeKey(key)]
      : (this.#below.get(`${key.length} ${rangeKey(key)}`) ?? [])
  }

  /** The shorter keys above a range, as `#below` names them. */
  #above(range: string): ReadonlyArray<string> {
    const values = range.split("\0")
    return this.#columns.slice(1).map((_, i) => `${i + 1} ${values.slice(0, i + 1).join("\0")}`)
  }

  insert(range: string, row: MemoryRow<R>): void {
    let rows = this.#ranges.get(range)
    if (rows === undefined) {
      rows = new SortedRows(this.#orderOf)
      this.#ranges.set(range, rows)
      for (const above of this.#above(range)) this.#below.set(above, (this.#below.get(above) ?? new Set()).add(range))
    }
    rows.insert(row)
  }

  remove(range: string, row: MemoryRow<R>): void {
    const rows = this.#ranges.get(range)
    rows?.remove(row)
    if (rows?.size !== 0) return
    this.#ranges.delete(range)
    for (const above of this.#above(range)) {
      const below = this.#below.get(above)
      below?.delete(range)
      if (below?.size === 0) this.#below.delete(above)
    }
  }
}

/** Freezes plain objects and arrays, and what is in them; not times and other instances, which fill themselves in later. */
const freeze = (value: unknown): void => {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return
  for (const item of Object.values(value)) freeze(item)
  Object.freeze(value)
}

export class MemoryTable<R> {
  readonly #table: Shape<R>
  readonly #rows = new Map<string, MemoryRow<R>>()
  readonly #indexes = new Map<string, MemoryIndex<R>>()
  #position = 0

  constructor(table: Shape<R>) {
    this.#table = table
    for (const [name, index] of Object.entries(table.indexes)) this.#indexes.set(name, new MemoryIndex(table, index))
  }

  row(key: string): MemoryRow<R> | undefined {
    return this.#rows.get(key)
  }

  /** The position that the next new row gets. */
  get nextPosition(): number {
    return this.#position + 1
  }

  /** Stores a new record, or with `replace` one that takes the place of the one with its key. */
  put(record: R, replace: boolean): Undo {
    freeze(record) // It is given out as it is kept.
    const key = this.#table.key(record)
    const row = this.#table.appendOnly ? undefined : this.#rows.get(key)
    if (replace) {
      if (row === undefined) throw new ConstraintViolated(`${this.#table.name}: no row ${key}`)
      return this.#change(row, record)
    }
    if (row !== undefined) throw new ConstraintViolated(`${this.#table.name}: ${key} exists`)
    return this.#insert({ key, position: this.#position + 1, record, revision: 0 })
  }

  remove(record: R): Undo {
    const key = this.#table.key(record)
    const row = this.#rows.get(key)
    if (row === undefined) throw new ConstraintViolated(`${this.#table.name}: no row ${key}`)
    this.#unlink(row)
    return () => this.#link(row)
  }

  page(ranges: Ranges, direction: "asc" | "desc", offset: number, limit: number): ReadonlyArray<Row<R>> {
    const index = this.#index(ranges.index)
    const lists = this.#lists(index, ranges)
    const [first] = lists
    const walk = (rows: SortedRows<R>, skip: number) =>
      direction === "asc" ? rows.ascending(ranges.after, skip) : rows.descending(ranges.after, skip)
    if (first === undefined || limit <= 0) return []
    const rows =
      lists.length === 1
        ? walk(first, offset).take(limit)
        : merge(
            lists.map((list) => walk(list, 0)),
            index,
            direction
          )
            .drop(offset)
            .take(limit)
    return rows.map((row) => ({ record: row.record, position: row.position, order: index.orderOf(row) })).toArray()
  }

  count(ranges: Ranges, max: number): number {
    const after = ranges.after
    let count = 0
    for (const rows of this.#lists(this.#index(ranges.index), ranges)) {
      count += after === undefined ? rows.size : rows.countAfter(after)
    }
    return Math.min(count, max)
  }

  tally(ranges: Ranges): ReadonlyMap<string, number> {
    const index = this.#index(ranges.index)
    const counts = new Map<string, number>()
    for (const rows of this.#lists(index, ranges)) {
      for (const row of rows.ascending(ranges.after)) {
        const value = String(index.tallyOf(row.record))
        counts.set(value, (counts.get(value) ?? 0) + 1)
      }
    }
    return counts
  }

  /** All records of one range, oldest first. */
  *records(index: string, ...range: ReadonlyArray<ColumnValue>): Generator<R> {
    const rows = this.#index(index).rows(rangeKey(range))
    if (rows !== undefined) for (const row of rows.ascending()) yield row.record
  }

  #index(name: string): MemoryIndex<R> {
    const index = this.#indexes.get(name)
    if (index === undefined) throw new Error(`${this.#table.name} has no index ${name}`)
    return index
  }

  #lists(index: MemoryIndex<R>, ranges: Ranges): ReadonlyArray<SortedRows<R>> {
    const wanted = new Set(ranges.keys.flatMap((key) => [...index.rangesOf(key)]))
    return [...wanted].flatMap((range) => index.rows(range) ?? [])
  }

  #insert(row: MemoryRow<R>): Undo {
    const values = this.#table.values(row.record)
    for (const index of this.#indexes.values()) this.#refuseSecond(index, index.rangeOf(values))
    const before = this.#position
    this.#position = row.position
    this.#link(row, values)
    return () => {
      this.#unlink(row)
      this.#position = before
    }
  }

  #change(row: MemoryRow<R>, record: R): Undo {
    const before = row.record
    const [old, values] = [this.#table.values(before), this.#table.values(record)]
    for (const index of this.#indexes.values()) {
      const range = index.rangeOf(values)
      if (index.rangeOf(old) !== range) this.#refuseSecond(index, range)
    }
    if (old.every((value, i) => value === values[i])) {
      row.record = record // In no index does it move.
      return () => {
        row.record = before
      }
    }
    this.#unlink(row)
    row.record = record
    this.#link(row, values)
    return () => {
      this.#unlink(row)
      row.record = before
      this.#link(row)
    }
  }

  #refuseSecond(index: MemoryIndex<R>, range: string | undefined): void {
    if (index.unique && range !== undefined && index.rows(range) !== undefined) {
      throw new ConstraintViolated(`${this.#table.name}: a second row of a unique index`)
    }
  }

  #link(row: MemoryRow<R>, values = this.#table.values(row.record)): void {
    if (!this.#table.appendOnly) this.#rows.set(row.key, row)
    for (const index of this.#indexes.values()) {
      const range = index.rangeOf(values)
      if (range !== undefined) index.insert(range, row)
    }
  }

  #unlink(row: MemoryRow<R>): void {
    if (!this.#table.appendOnly) this.#rows.delete(row.key)
    const values = this.#table.values(row.record)
    for (const index of this.#indexes.values()) {
      const range = index.rangeOf(values)
      if (range !== undefined) index.remove(range, row)
    }
  }
}

/** Several sorted walks as one. There are few, so the next row is looked for in each. */
function* merge<R>(
  walks: ReadonlyArray<Iterator<MemoryRow<R>>>,
  index: MemoryIndex<R>,
  direction: "asc" | "desc"
): Generator<MemoryRow<R>> {
  const sign = direction === "asc" ? 1 : -1
  const heads = walks.map((walk) => walk.next())
  for (;;) {
    let best = -1
    let bestRow: MemoryRow<R> | undefined
    for (const [i, head] of heads.entries()) {
      if (head.done === true) continue
      const row: MemoryRow<R> = head.value
      const ahead =
        bestRow === undefined
          ? -1
          : sign * (index.orderOf(row) - index.orderOf(bestRow) || row.position - bestRow.position)
      if (ahead < 0) [best, bestRow] = [i, row]
    }
    if (bestRow === undefined) return
    yield bestRow
    heads[best] = walks[best]!.next()
  }
}
