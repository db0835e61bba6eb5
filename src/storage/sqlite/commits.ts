/** Writes commits within the open transaction. */
import type { Guard, Write } from "../../core/Aggregate.ts"
import type { Commit } from "../../core/Storage.ts"
import type { RecordOf, StoredTable } from "../../core/tables.ts"
import { ConstraintViolated } from "./faults.ts"
import type { SqliteTables } from "./SqliteTables.ts"

/** A record that is stored, or one that is taken away; the table and its records belong together. */
interface PutOf<T extends StoredTable> {
  readonly table: T
  readonly record: RecordOf<T>
  readonly before: RecordOf<T> | undefined
}

interface RemoveOf<T extends StoredTable> {
  readonly table: T
  readonly before: RecordOf<T>
}

/**
 * Writes all of it but the counters, and answers the positions of the events; or undefined, and nothing was written, if
 * a guard does not hold. What it throws leaves a part of it behind, to be rolled back.
 */
export const writeCommit = (tables: SqliteTables, commit: Commit): ReadonlyArray<number> | undefined => {
  const { events, guards, writes } = commit
  const [guard] = guards
  if (guards.length > 1) {
    if (!writeGuarded(tables, guards, writes)) return undefined
  } else if (guard === undefined) {
    for (const write of writes) apply(tables, write)
  } else {
    // One guard needs no look before: its own write tells whether it holds.
    const own = writes.find((write) => isOf(tables, write, guard))
    if (!settle(tables, guard, own)) return undefined
    for (const write of writes) if (write !== own || !isJoined(write, guard)) apply(tables, write)
  }
  return events.map((event) => insertEvent(tables, event))
}

const insertEvent = (tables: SqliteTables, event: Commit["events"][number]): number =>
  // The position that the record lacks is what the insert answers; no column or body is made of it.
  tables.events.insert(event as RecordOf<"events">)

/** Several guards: all are looked at before anything is written. Rows come in the order of the writes. */
const writeGuarded = (tables: SqliteTables, guards: ReadonlyArray<Guard>, writes: ReadonlyArray<Write>): boolean => {
  const pending = new Map<string, Guard>()
  for (const guard of guards) {
    const { expected, key, next, table } = guard
    if (tables[table].revision(key) !== expected) return false
    const other = pending.get(`${table} ${key}`)
    if (other !== undefined && other.next !== next) throw new ConstraintViolated(`two guards of ${table} ${key} differ`)
    pending.set(`${table} ${key}`, guard)
  }
  const moveOn = (guard: Guard, own: Write | undefined) => {
    if (!settle(tables, guard, own)) throw new ConstraintViolated(`${guard.table} ${guard.key} is not as it was read`)
  }
  for (const write of writes) {
    const name = `${write.table} ${keyOf(tables, write)}`
    const guard = pending.get(name)
    if (guard !== undefined && isJoined(write, guard)) {
      moveOn(guard, write)
      pending.delete(name)
    } else apply(tables, write)
  }
  for (const guard of pending.values()) if (guard.next !== guard.expected) moveOn(guard, undefined)
  return true
}

/** Whether the write and the move to the next revision are one statement. */
const isJoined = (write: Write, guard: Guard): boolean =>
  write._tag === "Remove" ? guard.expected > 0 : (write.before === undefined) === (guard.expected === 0)

/** Moves the guarded record on, together with its own write where they are one. False: the guard does not hold. */
const settle = (tables: SqliteTables, guard: Guard, own: Write | undefined): boolean => {
  const { expected, key, next } = guard
  const table = tables[guard.table]
  if (own !== undefined && isJoined(own, guard)) {
    if (own._tag === "Remove") return table.removeGuarded(key, expected)
    return own.before === undefined ? insertNew(tables, own, next) : updateGuarded(tables, own, expected, next)
  }
  return expected === next || expected === 0 ? table.revision(key) === expected : table.moveOn(key, expected, next)
}

const insertNew = <T extends StoredTable>(tables: SqliteTables, { record, table }: PutOf<T>, next: number): boolean =>
  tables[table].insertNew(record, next)

const updateGuarded = <T extends StoredTable>(
  tables: SqliteTables,
  { before, record, table }: PutOf<T>,
  expected: number,
  next: number
): boolean => tables[table].updateGuarded(record, before ?? record, expected, next)

const apply = (tables: SqliteTables, write: Write): void => {
  if (write._tag === "Put") put(tables, write)
  else remove(tables, write)
}

const put = <T extends StoredTable>(tables: SqliteTables, { before, record, table }: PutOf<T>): void => {
  if (before === undefined) tables[table].insert(record)
  else if (!tables[table].update(record, before)) throw missing(table, tables[table].declared.key(record))
}

const remove = <T extends StoredTable>(tables: SqliteTables, { before, table }: RemoveOf<T>): void => {
  const key = tables[table].declared.key(before)
  if (!tables[table].remove(key)) throw missing(table, key)
}

const missing = (table: string, key: string) => new ConstraintViolated(`${table}: no row ${key}`)

const isOf = (tables: SqliteTables, write: Write, guard: Guard): boolean =>
  write.table === guard.table && keyOf(tables, write) === guard.key

const keyOf = (tables: SqliteTables, write: Write): string =>
  write._tag === "Put" ? keyOfRecord(tables, write.table, write.record) : keyOfRecord(tables, write.table, write.before)

const keyOfRecord = <T extends StoredTable>(tables: SqliteTables, table: T, record: RecordOf<T>): string =>
  tables[table].declared.key(record)
