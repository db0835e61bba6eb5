/** Why a command ended without doing what it was asked to. */
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import type { ServeError } from "effect/http/HttpServerError"
import * as Predicate from "effect/Predicate"
import type { StorageError } from "../../core/Storage.ts"
import type { KeysRequired } from "../../http/server.ts"
import type { UnsupportedStorage } from "../storageUrl.ts"

/** In one line, for a person. The process ends with 1. */
export class CommandFailed extends Schema.TaggedError<CommandFailed>()("CommandFailed", { message: Schema.String }) {
  /** Told already, so that `runMain` adds no stack trace. */
  override readonly [Runtime.errorReported] = false
}

const textOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** Why the storage at this URL was not opened. */
const notOpened = (error: StorageError | UnsupportedStorage, databaseUrl: string): string =>
  error._tag === "UnsupportedStorage" ? error.message : `cannot open ${databaseUrl}: ${textOf(error.cause)}`

/** Why nothing is served. */
export const notServed = (
  error: ServeError | StorageError | KeysRequired | UnsupportedStorage,
  { databaseUrl, host, port }: { readonly databaseUrl: string; readonly host: string; readonly port: number }
): string => {
  switch (error._tag) {
    case "KeysRequired":
      return `${error.message} (--api-keys or OPENINTENT_API_KEYS); the development keys are for loopback addresses only`
    case "ServeError":
      return Predicate.hasProperty(error.cause, "code") && error.cause.code === "EADDRINUSE"
        ? `cannot listen on ${host}:${port}: the port is in use`
        : `cannot listen on ${host}:${port}: ${textOf(error.cause)}`
    default:
      return notOpened(error, databaseUrl)
  }
}
