import type { Table } from "../../core/Table.ts"
import { type RecordOf, type TableName, tables } from "../../core/tables.ts"
import type { Connection } from "./Connection.ts"
import { SqliteTable } from "./SqliteTable.ts"

/** Statements of every declared table. */
export type SqliteTables = { readonly [T in TableName]: SqliteTable<RecordOf<T>, RecordOf<T>> }

export const makeTables = (connection: Connection): SqliteTables => {
  // Seen as a list the tables are of no one type; each keeps its place, and so its name and its type.
  const declared = Object.entries(tables) as unknown as ReadonlyArray<readonly [TableName, Table<unknown, unknown>]>
  const made = declared.map(([name, table]) => [name, new SqliteTable(connection, table)])
  return Object.fromEntries(made) as SqliteTables
}
