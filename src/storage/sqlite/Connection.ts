/** The one connection to the file: statements that are prepared once, and transactions. */
import { DatabaseSync, type StatementSync } from "node:sqlite"
import type { ColumnValue } from "../../core/Table.ts"

/** Values of the columns that a statement selects, in their order. */
export type SqlRow = ReadonlyArray<ColumnValue>

/** A statement, prepared at its first use and kept for the life of the connection. */
export class Statement {
  readonly #connection: Connection
  readonly sql: string
  #prepared: StatementSync | undefined

  constructor(connection: Connection, sql: string) {
    this.#connection = connection
    this.sql = sql
  }

  get prepared(): StatementSync {
    return (this.#prepared ??= this.#connection.prepare(this.sql))
  }

  rows(...parameters: ReadonlyArray<ColumnValue>): ReadonlyArray<SqlRow> {
    // `setReturnArrays` makes them arrays, and the columns of strict tables hold nothing but texts, numbers and nulls.
    return this.prepared.all(...parameters) as unknown as ReadonlyArray<SqlRow>
  }

  row(...parameters: ReadonlyArray<ColumnValue>): SqlRow | undefined {
    return this.prepared.get(...parameters) as unknown as SqlRow | undefined
  }

  /** The number in the first column of the first row; 0 if there is none. */
  number(...parameters: ReadonlyArray<ColumnValue>): number {
    return Number(this.row(...parameters)?.[0] ?? 0)
  }

  /** How many rows it changed. */
  run(...parameters: ReadonlyArray<ColumnValue>): number {
    return Number(this.prepared.run(...parameters).changes)
  }

  /** The position that the inserted row got. */
  insert(...parameters: ReadonlyArray<ColumnValue>): number {
    return Number(this.prepared.run(...parameters).lastInsertRowid)
  }
}

export class Connection {
  readonly #db: DatabaseSync
  readonly #begin = this.statement("BEGIN")
  readonly #beginImmediate = this.statement("BEGIN IMMEDIATE")
  readonly #commit = this.statement("COMMIT")
  readonly #rollback = this.statement("ROLLBACK")
  readonly #savepoint = this.statement("SAVEPOINT part")
  readonly #release = this.statement("RELEASE part")
  readonly #rollbackTo = this.statement("ROLLBACK TO part")

  /**
   * Never waits for a lock: SQLite's own waiting stops the whole process. One that only reads does wait, for a file that
   * is just being opened or closed by others.
   */
  constructor(path: string, { readOnly = false }: { readonly readOnly?: boolean } = {}) {
    this.#db = new DatabaseSync(path, { readOnly, timeout: readOnly ? 5000 : 0, enableForeignKeyConstraints: false })
  }

  statement(sql: string): Statement {
    return new Statement(this, sql)
  }

  prepare(sql: string): StatementSync {
    const prepared = this.#db.prepare(sql)
    prepared.setReturnArrays(true)
    return prepared
  }

  /** Runs statements that are needed once. */
  execute(sql: string): void {
    this.#db.exec(sql)
  }

  /** The first column of what a statement that is needed once selects first. */
  value(sql: string): ColumnValue | undefined {
    return this.statement(sql).row()?.[0]
  }

  get isOpen(): boolean {
    return this.#db.isOpen
  }

  get isInTransaction(): boolean {
    return this.#db.isTransaction
  }

  /** Takes the write lock, or throws that it is busy. */
  begin(): void {
    this.rollback() // What a failure may have left open.
    this.#beginImmediate.prepared.run()
  }

  commit(): void {
    this.#commit.prepared.run()
  }

  rollback(): void {
    if (this.#db.isOpen && this.#db.isTransaction) this.#rollback.prepared.run()
  }

  /** Runs `body` as one write transaction. Nothing of it is left when it throws. */
  write<A>(body: () => A): A {
    this.begin()
    try {
      const result = body()
      this.commit()
      return result
    } catch (error) {
      this.rollback()
      throw error
    }
  }

  /** Runs the reads of `body` as of one instant, within the open transaction if there is one. */
  snapshot<A>(body: () => A): A {
    if (this.#db.isTransaction) return body()
    this.#begin.prepared.run()
    try {
      return body()
    } finally {
      this.rollback()
    }
  }

  savepoint(): void {
    this.#savepoint.prepared.run()
  }

  /** Keeps what was done since the savepoint. */
  release(): void {
    this.#release.prepared.run()
  }

  /** Takes back what was done since the savepoint. Does nothing if the fault has already ended the transaction. */
  rollbackToSavepoint(): void {
    if (!this.#db.isTransaction) return
    this.#rollbackTo.prepared.run()
    this.#release.prepared.run()
  }

  /** Forgets the pages that it holds, so that a page that was bad is read again and not remembered as bad. */
  forget(): void {
    if (this.#db.isOpen) this.#db.exec("PRAGMA shrink_memory")
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close()
  }
}
