/** SQL derived from the declarations of tables: what is created, and the words that statements are made of. */
import type { Index } from "../../core/Table.ts"

/** What of a declaration the schema depends on. */
export interface Declared {
  readonly name: string
  readonly columnNames: ReadonlyArray<string>
  readonly columnTypes: ReadonlyArray<"text" | "integer">
  readonly indexes: { readonly [name: string]: Index }
  readonly guarded: boolean
  readonly appendOnly: boolean
  readonly removable: boolean
}

export const quoted = (name: string): string => `"${name}"`
export const list = (names: ReadonlyArray<string>): string => names.map(quoted).join(", ")

/** One question mark for each. */
export const marks = (values: ReadonlyArray<unknown>): string => values.map(() => "?").join(", ")

const literal = (value: string): string => `'${value.replaceAll("'", "''")}'`

/** The rows that a partial index holds; undefined for all. */
export const conditionOf = ({ where }: Index): string | undefined =>
  where === undefined
    ? undefined
    : `${quoted(where.column)} ${"equals" in where ? `= ${literal(where.equals)}` : "IS NOT NULL"}`

export const orderOf = (index: Index): string => index.order ?? "position"

/** Its name in the file; undefined where the table itself is in the order of the index. */
export const indexName = (table: Declared, name: string, index: Index): string | undefined =>
  index.columns.length === 0 && index.order === undefined && index.tally === undefined && index.where === undefined
    ? undefined
    : `${table.name}_${name}`

/**
 * Columns of the index: those of the range, the order, the position, the tally. The position is SQLite's row id, which
 * ends every index anyway, so it is named only where something follows it.
 */
const indexedColumns = (index: Index): ReadonlyArray<string> => {
  if (index.unique === true) return index.columns
  const ordered = index.order === undefined ? index.columns : [...index.columns, index.order]
  if (index.tally !== undefined && !ordered.includes(index.tally)) return [...ordered, "position", index.tally]
  return ordered.length === 0 ? ["position"] : ordered
}

/** Statements that create a table and its indexes, by the names of what they create. */
export const createStatements = (table: Declared): ReadonlyMap<string, string> => {
  const columns = [
    // Positions of removed rows are not given again, so that a cursor skips nothing.
    `"position" INTEGER PRIMARY KEY${table.removable ? " AUTOINCREMENT" : ""}`,
    `"id" TEXT NOT NULL${table.appendOnly ? "" : " UNIQUE"}`,
    ...(table.guarded ? [`"revision" INTEGER NOT NULL`] : []),
    ...table.columnNames.map((name, i) => `${quoted(name)} ${table.columnTypes[i] === "text" ? "TEXT" : "INTEGER"}`),
    `"body" TEXT NOT NULL`
  ]
  const statements = new Map([[table.name, `CREATE TABLE ${quoted(table.name)} (${columns.join(", ")}) STRICT`]])
  for (const [name, index] of Object.entries(table.indexes)) {
    const stored = indexName(table, name, index)
    if (stored === undefined) continue
    const condition = conditionOf(index)
    statements.set(
      stored,
      `CREATE ${index.unique === true ? "UNIQUE " : ""}INDEX ${quoted(stored)} ON ${quoted(table.name)} ` +
        `(${list(indexedColumns(index))})${condition === undefined ? "" : ` WHERE ${condition}`}`
    )
  }
  return statements
}

/** Running figures have no declaration: every storage keeps them in its own way. */
export const createCounters = `CREATE TABLE "counters" ("key" TEXT PRIMARY KEY, "n" INTEGER NOT NULL) STRICT, WITHOUT ROWID`
