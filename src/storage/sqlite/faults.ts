/** What SQLite reports, in the port's words. */
import * as Exit from "effect/Exit"
import { StorageError } from "../../core/Storage.ts"

type Reason = StorageError["reason"]

/** A key that exists, a row that does not: what SQLite itself does not report. */
export class ConstraintViolated extends Error {}

/** A row that is not what was written, where SQLite itself did not notice. */
export class RowUnreadable extends Error {}

/** The file is not one that this version reads and writes. It was left as it is. */
export class FileRefused extends Error {}

/** SQLite's result code without the details of the extended one (https://sqlite.org/rescode.html). */
const codeOf = (cause: Error): number | undefined =>
  "errcode" in cause && typeof cause.errcode === "number" ? cause.errcode & 0xff : undefined

const reasons: ReadonlyMap<number, Reason> = new Map([
  [1, "corrupt"], // ERROR: a table of ours is not there
  [3, "readonly"], // PERM
  [5, "busy"], // BUSY
  [6, "busy"], // LOCKED
  [8, "readonly"], // READONLY
  [10, "io"], // IOERR
  [11, "corrupt"], // CORRUPT
  [13, "full"], // FULL
  [14, "io"], // CANTOPEN
  [15, "busy"], // PROTOCOL: a race for the locks of the WAL
  [18, "constraint"], // TOOBIG
  [19, "constraint"], // CONSTRAINT
  [26, "corrupt"] // NOTADB
])

/** Those whose cause can go away by itself or by what an administrator does, while the storage stays open. */
const retryables: ReadonlySet<Reason> = new Set<Reason>(["busy", "full", "io", "readonly"])

const reasonOf = (cause: unknown): Reason | undefined => {
  if (cause instanceof ConstraintViolated) return "constraint"
  if (cause instanceof FileRefused) return "unsupported"
  if (cause instanceof RowUnreadable) return "corrupt"
  if (!(cause instanceof Error)) return undefined
  if ("code" in cause && cause.code === "ERR_INVALID_STATE") return "closed"
  const code = codeOf(cause)
  return code === undefined ? undefined : (reasons.get(code) ?? "io")
}

/** Another connection holds the lock: nothing was done, and it can be tried again. */
export const isBusy = (cause: unknown): boolean => reasonOf(cause) === "busy"

/** What was read from the file is not what was written. */
export const isCorrupt = (cause: unknown): boolean =>
  reasonOf(cause instanceof StorageError ? cause.cause : cause) === "corrupt"

/** A typed failure for what SQLite reports; anything else is a bug, hence a defect. */
export const failure = (operation: string, cause: unknown): Exit.Exit<never, StorageError> => {
  if (cause instanceof StorageError) return Exit.fail(cause)
  const reason = reasonOf(cause)
  return reason === undefined
    ? Exit.die(cause)
    : Exit.fail(new StorageError({ operation, reason, retryable: retryables.has(reason), cause }))
}

/** The failure of every call after the storage was closed. */
export const closed = (operation: string): StorageError =>
  new StorageError({ operation, reason: "closed", retryable: false, cause: new Error("the storage is closed") })
