/** The engine that a command works on: over a file, or behind a server. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { access } from "node:fs/promises"
import type { CommonError } from "../../core/OpenIntent.ts"
import { OpenIntent } from "../../core/OpenIntent.ts"
import { wellKnownAdminKey } from "../../http/wellKnownKeys.ts"
import { parseStorageUrl } from "../storageUrl.ts"
import { cannotLook, CommandFailed, notOpened, textOf } from "./failure.ts"

/** Where to look, by the flags of `engineFlags`. */
export interface Place {
  readonly databaseUrl: Option.Option<string>
  readonly url: Option.Option<string>
  readonly apiKey: Option.Option<Redacted.Redacted>
}

/** A storage by its URL, or a server. */
export type Target =
  | { readonly _tag: "Storage"; readonly databaseUrl: string }
  | { readonly _tag: "Server"; readonly url: URL; readonly apiKey: Redacted.Redacted }

const variables = Config.all({
  databaseUrl: Config.NonEmptyString("DATABASE_URL").pipe(Config.withDefault("sqlite:///./openintent.db")),
  url: Config.option(Config.NonEmptyString("OPENINTENT_URL")),
  apiKey: Config.option(Config.Redacted("OPENINTENT_API_KEY"))
})

const isLoopback = ({ hostname }: URL): boolean =>
  hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.")

/** One of the keys of a server that has no others and listens on a loopback address (http.md 1.4). */
const developmentKey = Redacted.make(wellKnownAdminKey)

const server = (text: string, apiKey: Option.Option<Redacted.Redacted>): Effect.Effect<Target, CommandFailed> => {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:"))
    return Effect.fail(cannotLook("--url must be as in http://127.0.0.1:8000"))
  const key = Option.orElse(apiKey, () => (isLoopback(url) ? Option.some(developmentKey) : Option.none()))
  return Option.match(key, {
    onNone: () => Effect.fail(cannotLook("a server needs a key: --api-key or OPENINTENT_API_KEY")),
    onSome: (apiKey) => Effect.succeed({ _tag: "Server", url, apiKey })
  })
}

/** A flag wins over a variable, and a server over a storage. Both flags are too many. */
export const targetOf = Effect.fnUntraced(function* (place: Place): Effect.fn.Return<Target, CommandFailed> {
  if (Option.isSome(place.databaseUrl) && Option.isSome(place.url))
    return yield* cannotLook("either --database-url or --url, not both")
  const set = yield* Effect.mapError(variables, (error) => cannotLook(textOf(error)))
  const url = Option.isSome(place.databaseUrl) ? place.url : Option.orElse(place.url, () => set.url)
  return Option.isSome(url)
    ? yield* server(
        url.value,
        Option.orElse(place.apiKey, () => set.apiKey)
      )
    : { _tag: "Storage", databaseUrl: Option.getOrElse(place.databaseUrl, () => set.databaseUrl) }
})

/** The file of a storage URL; what has none has nothing that another process could look into. */
export const fileOf = (databaseUrl: string): Effect.Effect<string, CommandFailed> =>
  Result.match(parseStorageUrl(databaseUrl), {
    onFailure: (error) => Effect.fail(cannotLook(error.message)),
    onSuccess: (storage) =>
      storage._tag === "Sqlite" && storage.file !== ":memory:"
        ? Effect.succeed(storage.file)
        : Effect.fail(cannotLook(`${databaseUrl} is inside of one process: there is no file to look into`))
  })

/** Opening would create a file that is missing. */
export const existing = (file: string): Effect.Effect<string, CommandFailed> =>
  Effect.tryPromise({
    try: async () => {
      await access(file)
      return file
    },
    catch: (cause) => cannotLook(`cannot look into ${file}: ${textOf(cause)}`)
  })

/** Looks on: webhooks stay with those who serve. */
const overFile = Effect.fnUntraced(function* (databaseUrl: string) {
  const path = yield* Effect.flatMap(fileOf(databaseUrl), existing)
  const [{ Engine }, { SqliteStorage }] = yield* Effect.promise(() =>
    Promise.all([import("../../core/Engine.ts"), import("../../storage/sqlite/SqliteStorage.ts")])
  )
  return Engine.layer().pipe(
    Layer.provide(SqliteStorage.layer({ path })),
    Layer.catchTag("StorageError", (error) =>
      Layer.effect(OpenIntent, Effect.fail(cannotLook(notOpened(error, databaseUrl))))
    )
  )
})

/** The engine at this target. The code of a server's client, or of the storage, is loaded now and not before. */
export const engineAt = (target: Target): Layer.Layer<OpenIntent, CommandFailed> =>
  Layer.unwrap(
    target._tag === "Storage"
      ? overFile(target.databaseUrl)
      : Effect.promise(async () => (await import("../remote.ts")).remote(target))
  )

/** Why a call failed that any call may fail with. */
export const notAnswered = (error: CommonError, target: Target): CommandFailed => {
  const at = target._tag === "Server" ? target.url.origin : target.databaseUrl
  switch (error._tag) {
    case "ValidationError":
      return cannotLook(error.message)
    case "Unauthorized":
      return cannotLook(`${at} does not know the key (--api-key or OPENINTENT_API_KEY)`)
    case "Forbidden":
      return cannotLook(`${at} refuses this to the key: ${error.message}`)
    default:
      return cannotLook(`${at} does not answer: ${error.message}`)
  }
}
