/** A copy of a file that others may be writing to. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync
} from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { Connection } from "./Connection.ts"
import { refuseUnknown } from "./migrations.ts"

export interface BackupOptions {
  /** The file to copy. */
  readonly from: string
  /** Where the copy will be. Its folder must exist. */
  readonly to: string
  /** Takes the place of a file that is there. Default: such a file is refused. */
  readonly replace?: boolean | undefined
}

/** What the copy holds. */
export interface Backup {
  readonly bytes: number
  readonly events: number
  /** Position of the last event; 0 for an empty log. */
  readonly lastPosition: number
  readonly schemaVersion: number
}

/** There is no new copy, and nothing is left of the attempt. */
export class BackupFailed extends Data.TaggedError("BackupFailed")<{
  /** What was the matter: with the file to copy, with the place for the copy, or with the copy that was made. */
  readonly at: "source" | "target" | "copy"
  readonly reason: string
}> {
  override get message() {
    return this.reason
  }
}

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

const attempt = <A>(at: BackupFailed["at"], body: () => A): Effect.Effect<A, BackupFailed> =>
  Effect.try({
    try: body,
    catch: (cause) => (cause instanceof BackupFailed ? cause : new BackupFailed({ at, reason: reasonOf(cause) }))
  })

function refuse(at: BackupFailed["at"], reason: string): never {
  throw new BackupFailed({ at, reason })
}

const codeOf = (cause: unknown): unknown => (cause instanceof Error && "code" in cause ? cause.code : undefined)

/** A reader of the write-ahead log: nobody waits for it. */
const opened = (path: string) =>
  Effect.acquireRelease(
    attempt("source", () => {
      const file = statSync(path, { throwIfNoEntry: false })
      if (file === undefined || !file.isFile()) return refuse("source", `there is no file ${path}`)
      const connection = new Connection(path, { readOnly: true })
      try {
        refuseUnknown(connection, path)
        if (connection.value("PRAGMA user_version") === 0) refuse("source", `${path} holds nothing of openintent yet`)
        return { connection, mode: file.mode & 0o777 }
      } catch (cause) {
        connection.close()
        throw cause
      }
    }),
    ({ connection }) => Effect.sync(() => connection.close())
  )

const isSameFile = (one: string, other: string): boolean =>
  existsSync(other) && realpathSync(one) === realpathSync(other)

/**
 * A log beside the target belongs to what was there under its name, and would be read into the copy when that is
 * opened.
 */
const refuseTarget = ({ from, replace = false, to }: BackupOptions): void => {
  if (!existsSync(dirname(to))) refuse("target", `there is no folder ${dirname(to)}`)
  if (isSameFile(from, to)) refuse("target", `${to} is the file to copy`)
  if (existsSync(to) && !replace) refuse("target", `${to} is there already`)
  if (existsSync(to) && !statSync(to).isFile()) refuse("target", `${to} is no file`)
  for (const suffix of ["-wal", "-journal"]) {
    if (existsSync(to + suffix))
      refuse("target", `${to}${suffix} is there: ${to} is in use, or was not closed; choose another name`)
  }
}

/** An empty file beside the target, which SQLite takes for one that is not there. Gone at the end, if it is still there. */
const temporary = (to: string, mode: number) =>
  Effect.acquireRelease(
    attempt("target", () => {
      const path = join(dirname(to), `.${basename(to)}.${randomUUID()}`)
      closeSync(openSync(path, "wx", mode))
      chmodSync(path, mode) // Whatever the mask of new files is: the copy is as secret as the file.
      return path
    }),
    (path) =>
      Effect.sync(() => {
        for (const suffix of ["", "-journal", "-wal", "-shm"]) rmSync(path + suffix, { force: true })
      })
  )

const synced = (path: string, flags: "r" | "r+"): void => {
  const descriptor = openSync(path, flags)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** Reads the whole copy once. */
const checked = (path: string): Backup => {
  const connection = new Connection(path, { readOnly: true })
  try {
    refuseUnknown(connection, path)
    const found = connection.statement("PRAGMA quick_check(1)").row()?.[0]
    if (found !== "ok") refuse("copy", `the copy is damaged: ${String(found)}`)
    const [events, lastPosition] = connection.statement(`SELECT count(*), max("position") FROM "events"`).row() ?? []
    return {
      bytes: statSync(path).size,
      events: Number(events),
      lastPosition: Number(lastPosition ?? 0),
      schemaVersion: Number(connection.value("PRAGMA user_version"))
    }
  } finally {
    connection.close()
  }
}

/** Where a file is not to be replaced, somebody may have made it meanwhile: a link is made only if there is none. */
const putInPlace = (from: string, { replace = false, to }: BackupOptions): void => {
  if (replace) return renameSync(from, to)
  try {
    linkSync(from, to)
    rmSync(from)
  } catch (cause) {
    if (codeOf(cause) === "EEXIST") refuse("target", `${to} is there already`)
    renameSync(from, to) // A file system without links.
  }
}

/**
 * Copies the file as it is at one instant, with all that was committed before, into a file that is compact, checked and
 * on the disk before it has its name. Others write meanwhile; the log beside the file is not cut until the copy is made.
 * Stops the process while it runs.
 */
export const backup = (options: BackupOptions): Effect.Effect<Backup, BackupFailed> =>
  Effect.scoped(
    Effect.gen(function* () {
      const { connection, mode } = yield* opened(options.from)
      yield* attempt("target", () => refuseTarget(options))
      const path = yield* temporary(options.to, mode)
      yield* attempt("copy", () => connection.statement("VACUUM INTO ?").prepared.run(path))
      const made = yield* attempt("copy", () => checked(path))
      yield* attempt("target", () => {
        synced(path, "r+")
        putInPlace(path, options)
        // Windows has no way to do it, and needs none.
        if (process.platform !== "win32") synced(dirname(resolve(options.to)), "r")
      })
      return made
    })
  )
