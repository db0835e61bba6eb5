// Prints a line when a first intent and its event are durable. Takes a file, and the schema and rows as JSON.
import { DatabaseSync } from "node:sqlite"

const [file, given] = process.argv.slice(2)
const { pragmas, schema, writes } = JSON.parse(given)
const db = new DatabaseSync(file, { timeout: 0 })
db.exec("PRAGMA journal_mode = WAL")
db.exec(pragmas)
db.exec("BEGIN IMMEDIATE")
for (const statement of schema) db.exec(statement)
db.exec("COMMIT")
db.exec("BEGIN IMMEDIATE")
for (const { sql, values } of writes) db.prepare(sql).run(...values)
db.exec("COMMIT")
console.log("durable")
db.close()
