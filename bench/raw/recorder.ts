/** What the engine really sends to SQLite, so that the raw limit is held to the same statements. */
import { DatabaseSync, StatementSync, type SQLInputValue } from "node:sqlite"

/** A statement as it was run. */
export interface Recorded {
  readonly sql: string
  readonly values: ReadonlyArray<SQLInputValue>
}

/** Replaces a method until it is disposed of. A proxy in its place keeps its type, overloads included. */
const watch = <Name extends string, Method extends (...values: Array<never>) => unknown>(
  prototype: Record<Name, Method>,
  name: Name,
  note: (self: unknown, values: Parameters<Method>) => void
): Disposable => {
  const method = prototype[name]
  prototype[name] = new Proxy(method, {
    apply: (target, self: unknown, values: Parameters<Method>): unknown => {
      note(self, values)
      return Reflect.apply(target, self, values)
    }
  })
  return {
    [Symbol.dispose]: () => {
      prototype[name] = method
    }
  }
}

/**
 * Notes what statements write, and the `PRAGMA`s and other texts run at once, while `use` runs; `reads`: also what they
 * read. Slows it down.
 */
export const recording = async (
  use: () => Promise<void>,
  { reads = false }: { readonly reads?: boolean } = {}
): Promise<ReadonlyArray<Recorded>> => {
  const found: Array<Recorded> = []
  const note = (statement: unknown, values: ReadonlyArray<SQLInputValue>) => {
    if (statement instanceof StatementSync) found.push({ sql: statement.sourceSQL, values })
  }
  const noteRead = (statement: unknown, values: ReadonlyArray<SQLInputValue>) => reads && note(statement, values)
  using _runs = watch(StatementSync.prototype, "run", note)
  using _rows = watch(StatementSync.prototype, "all", noteRead)
  using _row = watch(StatementSync.prototype, "get", noteRead)
  using _executions = watch(DatabaseSync.prototype, "exec", (_, [sql]) => {
    found.push({ sql: sql ?? "", values: [] })
  })
  await use()
  return found
}
