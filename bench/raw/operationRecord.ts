/** What the engine sends to SQLite for one operation, with holes where each request has ids of its own. */
import type { SQLInputValue } from "node:sqlite"
import { type Recorded, recording } from "./recorder.ts"

export interface RecordedOperation {
  readonly reads: ReadonlyArray<Recorded>
  readonly writes: ReadonlyArray<Recorded>
}

/** Plain data, so that it can be handed to another process. */
export interface OperationRecord {
  readonly pragmas: string
  readonly operations: { readonly [name: string]: RecordedOperation }
}

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

/** Ids that are known get their name as a hole, all others a number: `{intent}`, `{0}`. */
const withHoles = (known: ReadonlyMap<string, string>) => {
  const fresh = new Map<string, number>()
  const holeOf = (id: string): string => {
    const name = known.get(id)
    if (name !== undefined) return `{${name}}`
    const number = fresh.get(id) ?? fresh.size
    fresh.set(id, number)
    return `{${number}}`
  }
  return (value: SQLInputValue): SQLInputValue => (typeof value === "string" ? value.replace(uuid, holeOf) : value)
}

const isTransaction = ({ sql }: Recorded) => /^(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)/.test(sql)

/** Records one operation. `known`: the ids that a request brings along. */
export const recordOperation = async (
  operation: () => Promise<unknown>,
  known: { readonly [name: string]: string }
): Promise<RecordedOperation> => {
  const recorded = await recording(async () => void (await operation()), { reads: true })
  const fill = withHoles(new Map(Object.entries(known).map(([name, id]) => [id, name])))
  const statements = recorded
    .filter((one) => !isTransaction(one))
    .map(({ sql, values }) => ({ sql, values: values.map(fill) }))
  const isRead = ({ sql }: Recorded) => sql.startsWith("SELECT")
  return { reads: statements.filter(isRead), writes: statements.filter((one) => !isRead(one)) }
}
