/** Running figures. */
import type { Connection, Statement } from "./Connection.ts"

export class Counters {
  readonly #read: Statement
  readonly #add: Statement

  constructor(connection: Connection) {
    this.#read = connection.statement(`SELECT "n" FROM "counters" WHERE "key" = ?`)
    this.#add = connection.statement(
      `INSERT INTO "counters" ("key", "n") VALUES (?, ?) ON CONFLICT ("key") DO UPDATE SET "n" = "n" + excluded."n"`
    )
  }

  read(key: string): number {
    return this.#read.number(key)
  }

  add(deltas: ReadonlyMap<string, number>): void {
    for (const [key, delta] of deltas) if (delta !== 0) this.#add.run(key, delta)
  }
}
