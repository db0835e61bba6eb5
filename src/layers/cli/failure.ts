/** Why a command ended without doing what it was asked to. */
import * as Effect from "effect/Effect"
import type { ConfigError } from "effect/Config"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import type { ServeError } from "effect/http/HttpServerError"
import * as Predicate from "effect/Predicate"
import type { EngineError } from "../../core/Errors.ts"
import type { StorageError } from "../../core/Storage.ts"
import type { NotServable } from "../../http/server.ts"
import type { UnsupportedStorage } from "../storageUrl.ts"

/**
 * In one line, for a person, on stderr. Exit codes: 1, what was asked about is not well or could not be done; 2, used
 * wrongly or could not look. No message: the command has told it itself, on stdout.
 */
export class CommandFailed extends Schema.TaggedError<CommandFailed>()("CommandFailed", {
  message: Schema.String,
  exitCode: Schema.Literals([1, 2]).pipe(Schema.withConstructorDefault(Effect.succeed(1)))
}) {
  /** Told already, so that `runMain` adds no stack trace. */
  override readonly [Runtime.errorReported] = false
  override readonly [Runtime.errorExitCode] = this.exitCode
}

/** The command was used wrongly, or what it asks about cannot be looked at: exit code 2. */
export const cannotLook = (message: string): CommandFailed => new CommandFailed({ message, exitCode: 2 })

/** The text of what was thrown, in one line. */
export const textOf = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).replaceAll(/\s+/g, " ").trim()

/** Why the storage at this URL was not opened. */
export const notOpened = (error: StorageError | UnsupportedStorage, databaseUrl: string): string =>
  error._tag === "UnsupportedStorage" ? error.message : `cannot open ${databaseUrl}: ${textOf(error.cause)}`

/** Why nothing is served. */
export const notServed = (
  error: ServeError | StorageError | NotServable | UnsupportedStorage | EngineError | ConfigError,
  { databaseUrl, host, port }: { readonly databaseUrl: string; readonly host: string; readonly port: number }
): string => {
  switch (error._tag) {
    case "KeysRequired":
      return `${error.message} (--api-keys, OPENINTENT_API_KEYS or openintent keys create); the development keys are for loopback addresses only`
    case "InvalidOrigin":
      return `${error.message} (--cors-origins or OPENINTENT_CORS_ORIGINS)`
    case "OriginsNeedKeys":
      return `${error.message} (--api-keys or OPENINTENT_API_KEYS)`
    case "ConfigError":
      return textOf(error)
    case "ServeError":
      return Predicate.hasProperty(error.cause, "code") && error.cause.code === "EADDRINUSE"
        ? `cannot listen on ${host}:${port}: the port is in use`
        : `cannot listen on ${host}:${port}: ${textOf(error.cause)}`
    case "Busy":
    case "IdempotencyKeyReused":
    case "StorageUnavailable":
      return `cannot read the keys in ${databaseUrl}: ${textOf(error)}`
    default:
      return notOpened(error, databaseUrl)
  }
}
