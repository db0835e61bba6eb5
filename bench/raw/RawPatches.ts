/** State patches written straight to `node:sqlite`: what is left when the engine is taken away. */
import { DatabaseSync, type StatementSync } from "node:sqlite"
import type { PatchRecord, PatchRow } from "./patchRecord.ts"

/** The same connection, statements and rows as the engine's, and nothing around them. */
export class RawPatches {
  readonly #db: DatabaseSync
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  readonly #update: StatementSync
  readonly #insert: StatementSync
  readonly #rows: ReadonlyArray<PatchRow>
  readonly #revisions: Array<number>

  constructor(file: string, { begin, commit, insert, pragmas, rows, update }: PatchRecord) {
    this.#db = new DatabaseSync(file, { timeout: 0, enableForeignKeyConstraints: false })
    this.#db.exec("PRAGMA journal_mode = WAL")
    this.#db.exec(pragmas)
    this.#begin = this.#db.prepare(begin)
    this.#commit = this.#db.prepare(commit)
    this.#update = this.#db.prepare(update)
    this.#insert = this.#db.prepare(insert)
    this.#rows = rows
    const revision = this.#db.prepare(`SELECT "revision" FROM "intents" WHERE "id" = ?`)
    this.#revisions = rows.map(({ intentId }) => Number(revision.get(intentId)?.["revision"]))
  }

  begin(): void {
    this.#begin.run()
  }

  commit(): void {
    this.#commit.run()
  }

  /** Writes a patch of the intent in this row, within the open transaction. Body and event are the ready made ones. */
  patch(row: number): void {
    const { body, event } = this.#rows[row]!
    this.write(row, body, event)
  }

  /** Writes a patch of the intent in this row, within the open transaction. */
  write(row: number, body: string, event: PatchRow["event"]): void {
    const { intentId } = this.#rows[row]!
    const revision = this.#revisions[row]!
    if (this.#update.run(revision + 1, body, intentId, revision).changes !== 1) throw new Error("a row is missing")
    this.#revisions[row] = revision + 1
    this.#insert.run(...event)
  }

  /** So many patches in a plain loop, in transactions of `group`. */
  loop(operations: number, group: number): void {
    for (let done = 0; done < operations; done += group) {
      this.begin()
      for (let row = 0; row < group; row++) this.patch(row)
      this.commit()
    }
  }

  close(): void {
    this.#db.close()
  }
}
