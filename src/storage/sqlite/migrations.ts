/** Brings a file to the schema of this version, and refuses those that it does not know. */
import { tables } from "../../core/tables.ts"
import type { Connection } from "./Connection.ts"
import { FileRefused } from "./faults.ts"
import { createCounters, createStatements } from "./schema.ts"

/** "OICP": tells our files from other SQLite files. */
const applicationId = 0x4f494350

/**
 * Changes of what earlier versions created, in order; the number of the last one is the version of the file. Tables and
 * indexes that a declaration adds are created after them and need no statement here, but an entry of their own, so that
 * older code refuses the file. Forward only: entries are added at the end and never changed.
 */
const migrations: ReadonlyArray<string> = [
  "" // 1: the first tables, all from their declarations
]

/** Everything that a file of this version has, by name. */
const declared = (): ReadonlyMap<string, string> =>
  new Map([["counters", createCounters], ...Object.values(tables).flatMap((table) => [...createStatements(table)])])

/** The whole schema of this version, as it is created in an empty file. */
export const schema = (): { readonly version: number; readonly statements: ReadonlyArray<string> } => ({
  version: migrations.length,
  statements: [...declared().values()]
})

const versionOf = (connection: Connection): number => Number(connection.value("PRAGMA user_version"))

const missing = (connection: Connection): ReadonlyArray<string> => {
  const present = new Set(
    connection
      .statement("SELECT name FROM sqlite_schema")
      .rows()
      .map(([name]) => name)
  )
  return [...declared()].filter(([name]) => !present.has(name)).map(([, sql]) => sql)
}

/** Whose file it is and what this version makes of it. Reads only. */
export const identify = (connection: Connection) => {
  const id = Number(connection.value("PRAGMA application_id"))
  const isEmpty = id === 0 && connection.value("SELECT 1 FROM sqlite_schema") === undefined
  return {
    isEmpty,
    isOurs: id === applicationId || isEmpty,
    version: versionOf(connection),
    versionKnown: migrations.length,
    /** Tables and indexes that the next opening adds. */
    missing: missing(connection).length
  }
}

/** Throws `FileRefused` for a file of another application or of a newer version. Reads only. */
export const refuseUnknown = (connection: Connection, path: string): void => {
  const { isOurs, version, versionKnown } = identify(connection)
  if (!isOurs) throw new FileRefused(`${path} is an SQLite file, but not one of openintent; it was left as it is`)
  if (version > versionKnown) {
    throw new FileRefused(
      `${path} was written by a newer version of openintent (schema ${version}, this one knows up to ` +
        `${versionKnown}); it was left as it is`
    )
  }
}

/** In one transaction, under the write lock: of several that open a file at once the first does it. */
export const migrate = (connection: Connection, path: string): void => {
  if (versionOf(connection) === migrations.length && missing(connection).length === 0) return
  connection.write(() => {
    refuseUnknown(connection, path)
    for (const statements of migrations.slice(versionOf(connection))) connection.execute(statements)
    for (const statement of missing(connection)) connection.execute(statement)
    connection.execute(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${migrations.length}`)
  })
}
