/** One intent with its active leases. */
import type { Aggregate } from "../../core/Aggregate.ts"
import type { Connection, Statement } from "./Connection.ts"
import type { SqliteTables } from "./SqliteTables.ts"

export class Aggregates {
  readonly #tables: SqliteTables
  readonly #load: Statement

  /** One statement, so that both are read as of one instant, and the file is locked once. */
  constructor(connection: Connection, tables: SqliteTables) {
    this.#tables = tables
    const { intents, leases } = tables
    const [intentColumns, leaseColumns] = [intents.declared.columnNames.length, leases.declared.columnNames.length]
    const pad = (own: number, other: number) => ", NULL".repeat(Math.max(0, other - own))
    this.#load = connection.statement(
      `SELECT "revision", ${intents.selected}${pad(intentColumns, leaseColumns)} FROM "intents" WHERE "id" = ?1
      UNION ALL
      SELECT NULL, ${leases.selected}${pad(leaseColumns, intentColumns)} FROM "leases" INDEXED BY "leases_byStatus"
      WHERE "intent_id" = ?1 AND "status" = 'active'`
    )
  }

  load(intentId: string): Aggregate | undefined {
    const rows = this.#load.rows(intentId)
    const first = rows[0]
    if (first === undefined || first[0] === null) return undefined
    const intent = this.#tables.intents.decode(first, 1)
    const leases = rows.length === 1 ? [] : rows.slice(1).map((row) => this.#tables.leases.decode(row, 1))
    return { intent, revision: Number(first[0]), leases }
  }
}
