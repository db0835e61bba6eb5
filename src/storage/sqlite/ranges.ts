/** Pages, counts and tallies of ranges of an index. Each range is one statement that the index answers. */
import type { PageQuery, Range, Row } from "../../core/Storage.ts"
import type { ColumnValue, Index } from "../../core/Table.ts"
import { type RecordOf, type TableName, tables } from "../../core/tables.ts"
import type { Connection, SqlRow, Statement } from "./Connection.ts"
import { conditionOf, indexName, orderOf, quoted } from "./schema.ts"
import type { SqliteTables } from "./SqliteTables.ts"

type Kind = "page" | "places" | "count" | "tally"
type Direction = "asc" | "desc"

const indexOf = (table: TableName, name: string): Index => {
  const index = (tables[table].indexes as { readonly [name: string]: Index })[name]
  if (index === undefined) throw new Error(`${tables[table].name} has no index ${name}`)
  return index
}

/** The table by way of the index, as far as it is one of its own. */
const fromIndex = (table: TableName, name: string, index: Index): string => {
  const stored = indexName(tables[table], name, index)
  return `FROM ${quoted(tables[table].name)}${stored === undefined ? "" : ` INDEXED BY ${quoted(stored)}`}`
}

/** The next text of a column after the given one, among the rows with these values of the columns before it. */
const nextSqlOf = (table: TableName, name: string, before: ReadonlyArray<string>, column: string): string => {
  const index = indexOf(table, name)
  const condition = conditionOf(index)
  const conditions = [
    ...before.map((one) => `${quoted(one)} IS ?`),
    ...(condition === undefined ? [] : [condition]),
    `${quoted(column)} > ?`
  ]
  return `SELECT ${quoted(column)} ${fromIndex(table, name, index)} WHERE ${conditions.join(" AND ")} ORDER BY ${quoted(column)} LIMIT 1`
}

/** A statement that takes the values of a range, then `after` if it is given, then what its kind takes. */
const sqlOf = (table: TableName, name: string, kind: Kind, direction: Direction, after: boolean, selected: string) => {
  const index = indexOf(table, name)
  const order = quoted(orderOf(index))
  const condition = conditionOf(index)
  const conditions = [
    ...index.columns.map((column) => `${quoted(column)} IS ?`),
    ...(condition === undefined ? [] : [condition]),
    ...(after ? [`${order} ${direction === "asc" ? ">" : "<"} ?`] : [])
  ]
  const source = fromIndex(table, name, index) + (conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`)
  const sorted = order === `"position"` ? `${order} ${direction}` : `${order} ${direction}, "position" ${direction}`
  switch (kind) {
    case "page":
      return `SELECT ${order}, ${selected} ${source} ORDER BY ${sorted} LIMIT ? OFFSET ?`
    case "places":
      return `SELECT ${order}, "position" ${source} ORDER BY ${sorted} LIMIT ?`
    case "count":
      return `SELECT count(*) FROM (SELECT 1 ${source} LIMIT ?)`
    case "tally":
      if (index.tally === undefined) return `SELECT NULL, count(*) ${source} HAVING count(*) > 0`
      return `SELECT ${quoted(index.tally)}, count(*) ${source} GROUP BY ${quoted(index.tally)}`
  }
}

const numberOf = (order: ColumnValue | undefined): number => (typeof order === "number" ? order : -Infinity)

type Keys = Range<TableName>["keys"]

/** Ranges without those given twice. */
const distinct = (keys: Keys): Keys =>
  keys.length < 2 ? keys : [...new Map(keys.map((key) => [JSON.stringify(key), key])).values()]

export class Ranges {
  readonly #connection: Connection
  readonly #tables: SqliteTables
  readonly #statements = new Map<string, Statement>()

  constructor(connection: Connection, tables: SqliteTables) {
    this.#connection = connection
    this.#tables = tables
  }

  page<T extends TableName>(query: PageQuery<T>): ReadonlyArray<Row<RecordOf<T>>> {
    const keys = this.#keys(query)
    if (keys.length === 0 || query.limit <= 0) return []
    if (keys.length > 1) return this.#connection.snapshot(() => this.#merged(query, keys))
    const table = this.#tables[query.table]
    const rows = this.#statement(query, "page", query.direction).rows(
      ...this.#bounds(query, keys[0]!),
      query.limit,
      query.offset ?? 0
    )
    return rows.map((row) => ({ record: table.decode(row, 1), position: Number(row[1]), order: numberOf(row[0]) }))
  }

  count<T extends TableName>(range: Range<T>, max: number): number {
    const statement = this.#statement(range, "count", "asc")
    const count = () => {
      let total = 0
      for (const key of this.#keys(range)) {
        if (total >= max) break
        total += statement.number(...this.#bounds(range, key), max - total)
      }
      return total
    }
    return this.#connection.snapshot(count)
  }

  tally<T extends TableName>(range: Range<T>): ReadonlyMap<string, number> {
    const statement = this.#statement(range, "tally", "asc")
    const tally = () => {
      const counts = new Map<string, number>()
      for (const key of this.#keys(range)) {
        for (const [value, count] of statement.rows(...this.#bounds(range, key))) {
          counts.set(String(value), (counts.get(String(value)) ?? 0) + Number(count))
        }
      }
      return counts
    }
    return this.#connection.snapshot(tally)
  }

  /** Whole keys for those that are shorter than the index: one for each value of the columns that follow. */
  #keys<T extends TableName>({ index, keys, table }: Range<T>): Keys {
    const { columns } = indexOf(table, index)
    if (keys.every((key) => key.length === columns.length)) return distinct(keys)
    return distinct(keys.flatMap((key) => this.#whole(table, index, columns, key)))
  }

  /** Steps from one value of the next column to the one after it: a look into the index for each there is. */
  #whole(table: TableName, index: string, columns: ReadonlyArray<string>, key: ReadonlyArray<ColumnValue>): Keys {
    if (key.length === columns.length) return [key]
    const name = `${table} ${index} next ${key.length}`
    const next =
      this.#statements.get(name) ??
      this.#connection.statement(nextSqlOf(table, index, columns.slice(0, key.length), columns[key.length]!))
    this.#statements.set(name, next)
    const found: Array<ReadonlyArray<ColumnValue>> = []
    let last: ColumnValue = ""
    for (;;) {
      const [row] = next.rows(...key, last)
      const value = row?.[0]
      if (value === undefined || value === null) return found
      found.push(...this.#whole(table, index, columns, [...key, value]))
      last = value
    }
  }

  /** First the places of the rows, which the index holds, then only those rows that are asked for. */
  #merged<T extends TableName>(query: PageQuery<T>, keys: Range<T>["keys"]): ReadonlyArray<Row<RecordOf<T>>> {
    const offset = query.offset ?? 0
    const statement = this.#statement(query, "places", query.direction)
    const places = keys.flatMap((key) => statement.rows(...this.#bounds(query, key), offset + query.limit))
    const sign = query.direction === "asc" ? 1 : -1
    const compare = (a: SqlRow, b: SqlRow) =>
      numberOf(a[0]) === numberOf(b[0])
        ? sign * (numberOf(a[1]) - numberOf(b[1]))
        : sign * (numberOf(a[0]) < numberOf(b[0]) ? -1 : 1)
    return places
      .toSorted(compare)
      .slice(offset, offset + query.limit)
      .flatMap((place) => {
        const position = numberOf(place[1])
        const record = this.#tables[query.table].byPosition(position)
        return record === undefined ? [] : [{ record, position, order: numberOf(place[0]) }]
      })
  }

  #bounds({ after }: Pick<Range<TableName>, "after">, key: ReadonlyArray<ColumnValue>): ReadonlyArray<ColumnValue> {
    return after === undefined ? key : [...key, after]
  }

  #statement<T extends TableName>({ after, index, table }: Range<T>, kind: Kind, direction: Direction): Statement {
    const name = `${table} ${index} ${kind} ${direction} ${after === undefined ? "" : "after"}`
    let statement = this.#statements.get(name)
    if (statement === undefined) {
      const sql = sqlOf(table, index, kind, direction, after !== undefined, this.#tables[table].selected)
      statement = this.#connection.statement(sql)
      this.#statements.set(name, statement)
    }
    return statement
  }
}
