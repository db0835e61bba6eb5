/** Opening and closing a file. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { closeSync, openSync } from "node:fs"
import type { StorageError } from "../../core/Storage.ts"
import { Connection } from "./Connection.ts"
import { failure, FileRefused, isBusy } from "./faults.ts"
import { migrate, refuseUnknown } from "./migrations.ts"

export interface SqliteOptions {
  /** The file, made for its owner alone if there is none; its directory must exist. `:memory:` is a database that ends with the storage. */
  readonly path: string
  /**
   * `FULL` (default): what is acknowledged survives loss of power. `NORMAL`: it survives the death of the process, but
   * the last commits before a loss of power may be gone (never in part).
   */
  readonly synchronous?: "FULL" | "NORMAL" | undefined
  /** How long a call waits while another process holds the file, before it fails with reason `busy`. Default 5 s. */
  readonly busyTimeout?: Duration.Input | undefined
}

const pauseMs = 5

/** In real time, whatever `Clock` is: so the other process takes its time. */
const pause = Effect.callback<void>((resume) => {
  const timer = setTimeout(() => resume(Effect.void), pauseMs)
  return Effect.sync(() => clearTimeout(timer))
})

/** Tries `body` again while the file is busy, for `busyMaxMs`. `faulted` is called with what it fails with. */
export const attempt = <A>(
  operation: string,
  busyMaxMs: number,
  body: () => A,
  faulted?: (cause: unknown) => void
): Effect.Effect<A, StorageError> => {
  const once = (since: number | undefined): Effect.Effect<A, StorageError> => {
    try {
      return Effect.succeed(body())
    } catch (cause) {
      const now = performance.now()
      if (!isBusy(cause) || now - (since ?? now) >= busyMaxMs) {
        faulted?.(cause)
        return failure(operation, cause)
      }
      return Effect.flatMap(pause, () => once(since ?? now))
    }
  }
  return Effect.suspend(() => once(undefined))
}

export const busyMaxMsOf = (options: SqliteOptions): number =>
  Duration.toMillis(options.busyTimeout ?? Duration.seconds(5))

/** Log and page cache are small, because many engines are embedded in something larger. */
const pragmas = (synchronous: "FULL" | "NORMAL") => `
  PRAGMA synchronous = ${synchronous};
  PRAGMA wal_autocheckpoint = 4000;
  PRAGMA journal_size_limit = 33554432;
  PRAGMA cache_size = -4096;
  PRAGMA temp_store = MEMORY;
`

/** What is there is looked at before anything is written, so that a file that is not ours stays as it is. */
const prepare = (connection: Connection, { path, synchronous = "FULL" }: SqliteOptions): void => {
  refuseUnknown(connection, path)
  const mode = connection.value("PRAGMA journal_mode = WAL")
  if (mode !== "wal" && mode !== "memory") {
    throw new FileRefused(`${path} cannot be kept with a write-ahead log: its file system does not share memory`)
  }
  connection.execute(pragmas(synchronous))
  migrate(connection, path)
}

/** A file that can only be read is refused now and not at the first command. One that is busy can be written, later. */
const refuseReadonly = (connection: Connection): void => {
  const version = Number(connection.value("PRAGMA user_version"))
  try {
    connection.begin()
    connection.execute(`PRAGMA user_version = ${version}`) // `BEGIN IMMEDIATE` alone takes a read-only file.
  } catch (cause) {
    if (!isBusy(cause)) throw cause
  } finally {
    connection.rollback()
  }
}

const close = (connection: Connection) => {
  try {
    connection.rollback()
    connection.execute("PRAGMA analysis_limit = 200; PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)")
  } catch {
    // Busy, full or broken: the log stays beside the file and is read at the next opening.
  } finally {
    connection.close()
  }
}

/** A new file is for its owner alone, since it holds secrets of webhooks. SQLite makes the log beside it just so. */
const makeForOwner = (path: string): void => {
  if (path === ":memory:" || path.startsWith("file:")) return
  try {
    closeSync(openSync(path, "wx", 0o600))
  } catch {
    // It is there and stays as it is, or it cannot be made: SQLite tells why.
  }
}

/** An open file of this version's schema, that ends with the scope. */
export const open = (options: SqliteOptions): Effect.Effect<Connection, StorageError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.suspend(() => {
      try {
        makeForOwner(options.path)
        return Effect.succeed(new Connection(options.path))
      } catch (cause) {
        return failure("open", cause)
      }
    }),
    (connection) => Effect.sync(() => close(connection))
  ).pipe(
    Effect.tap((connection) =>
      attempt("open", busyMaxMsOf(options), () => {
        prepare(connection, options)
        refuseReadonly(connection)
      })
    )
  )
