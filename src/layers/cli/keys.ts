/** `openintent keys`: makes, lists and revokes the keys in a database, also while servers run on it. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { type ApiKeyNotFound, roles, type StoredKey } from "../../core/apiKey/ApiKey.ts"
import { ApiKeys } from "../../core/apiKey/ApiKeys.ts"
import { isOpenAt } from "../../core/apiKey/rules.ts"
import type { EngineError, ValidationError } from "../../core/Errors.ts"
import type { StorageError } from "../../core/Storage.ts"
import { createKey } from "../../http/createKey.ts"
import { existing, fileOf } from "./engine.ts"
import { CommandFailed, notOpened, textOf } from "./failure.ts"
import { databaseUrl, json, listOf } from "./flags.ts"
import { aligned, oneLine, print, writeLine } from "./output.ts"

const units = { s: Duration.seconds, m: Duration.minutes, h: Duration.hours, d: Duration.days, w: Duration.weeks }

const isUnit = (text: string): text is keyof typeof units => Object.hasOwn(units, text)

/** The longest that a key may be good for, if it has an end: a hundred years. */
const daysMax = 36_525

/** `90d`, `12h`, `30m`, `45s`, `6w`. */
const readDuration = (text: string): Option.Option<Duration.Duration> => {
  const [, count = "", unit = ""] = /^(\d{1,9})([a-z])$/.exec(text.trim()) ?? []
  if (!isUnit(unit) || Number(count) === 0) return Option.none()
  return Option.liftPredicate(units[unit](Number(count)), Duration.isLessThanOrEqualTo(Duration.days(daysMax)))
}

type Failure = ApiKeyNotFound | CommandFailed | EngineError | StorageError | ValidationError

/** Runs on the keys in this file and nothing else of it. The code of the storage is loaded now and not before. */
const onFile = Effect.fnUntraced(function* <A>(path: string, work: Effect.Effect<A, Failure, ApiKeys>) {
  const [{ Engine }, { SqliteStorage }] = yield* Effect.promise(() =>
    Promise.all([import("../../core/Engine.ts"), import("../../storage/sqlite/SqliteStorage.ts")])
  )
  return yield* Effect.provide(work, Engine.keys.pipe(Layer.provide(SqliteStorage.layer({ path }))))
})

const onKeys = <A>(
  url: string,
  work: Effect.Effect<A, Failure, ApiKeys>,
  file: Effect.Effect<string, CommandFailed> = Effect.flatMap(fileOf(url), existing)
): Effect.Effect<A, CommandFailed> =>
  Effect.mapError(
    Effect.flatMap(file, (path) => onFile(path, work)),
    (error) =>
      error._tag === "CommandFailed"
        ? error
        : new CommandFailed({ message: error._tag === "StorageError" ? notOpened(error, url) : textOf(error) })
  )

const when = (time: DateTime.Utc | null): string | null => (time === null ? null : DateTime.formatIso(time))

const stateAt = (key: StoredKey, now: DateTime.Utc): "open" | "expired" | "revoked" =>
  key.revokedAt !== null ? "revoked" : isOpenAt(key, now) ? "open" : "expired"

/** The key as programs read it. Its hash is nobody's business. */
const documentOf = (key: StoredKey, now: DateTime.Utc) => ({
  id: key.id,
  label: key.label,
  role: key.role,
  agent_ids: key.agentIds,
  state: stateAt(key, now),
  created_at: when(key.createdAt),
  expires_at: when(key.expiresAt),
  revoked_at: when(key.revokedAt)
})

const agentsOf = ({ agentIds }: StoredKey): string => (agentIds.length === 0 ? "any" : agentIds.join(","))

const create = Command.make(
  "create",
  {
    databaseUrl,
    role: Flag.Literals("role", roles).pipe(
      Flag.withDefault("agent"),
      Flag.withDescription("What it may do: read; read and write; or that and what is for administrators")
    ),
    agents: Flag.String("agents").pipe(
      Flag.withDefault(""),
      Flag.map(listOf),
      Flag.withDescription("Comma-separated agents it may act for, the first one by default; without it any")
    ),
    label: Flag.String("label").pipe(Flag.withDefault(""), Flag.withDescription("What it is called in the list")),
    expires: Flag.String("expires").pipe(
      Flag.filterMap(readDuration, () => "a time as in 90d, 12h or 30m"),
      Flag.optional,
      Flag.withDescription("After how long it opens nothing any more, as in 90d, 12h or 30m; without it never")
    ),
    json
  },
  ({ agents, databaseUrl: url, expires, json: asJson, label, role }) =>
    onKeys(
      url,
      Effect.gen(function* () {
        const now = yield* DateTime.now
        const expiresAt = Option.getOrUndefined(Option.map(expires, (after) => DateTime.addDuration(now, after)))
        const { key, stored } = yield* createKey({ role, agentIds: agents, label, expiresAt })
        if (asJson) {
          return yield* print(true, { document: { key: Redacted.value(key), ...documentOf(stored, now) }, lines: [] })
        }
        // Alone on stdout, for `KEY=$(openintent keys create)`.
        yield* writeLine(Redacted.value(key))
        const until =
          stored.expiresAt === null ? "until it is revoked" : `until ${DateTime.formatIso(stored.expiresAt)}`
        yield* Console.error(
          `Key ${stored.id} (${role}, agents: ${agentsOf(stored)}) opens ${url} ${until}. It is not shown again.`
        )
      }),
      fileOf(url) // The first key may come before the first server.
    )
).pipe(Command.withDescription("Makes a key and prints it, this one time; only its hash is kept"))

/** Every page of them: people have few. */
const allKeys = Effect.gen(function* () {
  const { list } = yield* ApiKeys
  const found: Array<StoredKey> = []
  let after: string | undefined
  do {
    const page = yield* list({ after })
    found.push(...page.items)
    after = page.next
  } while (after !== undefined)
  return found
})

const list = Command.make("list", { databaseUrl, json }, ({ databaseUrl: url, json: asJson }) =>
  onKeys(
    url,
    Effect.gen(function* () {
      const keys = yield* allKeys
      const now = yield* DateTime.now
      const rows = keys.map((key) => [
        key.id,
        stateAt(key, now),
        key.role,
        oneLine(agentsOf(key), 60),
        when(key.createdAt) ?? "",
        when(key.expiresAt) ?? "never",
        oneLine(key.label)
      ])
      yield* print(asJson, {
        document: { keys: keys.map((key) => documentOf(key, now)) },
        lines:
          keys.length === 0
            ? ["No keys were made in this database."]
            : aligned([["ID", "STATE", "ROLE", "AGENTS", "CREATED", "EXPIRES", "LABEL"], ...rows])
      })
    })
  )
).pipe(Command.withDescription("Lists the keys that were ever made, oldest first; never the keys themselves"))

const revoke = Command.make(
  "revoke",
  {
    id: Argument.String("id").pipe(Argument.withDescription("The key's id, which is also the middle part of the key")),
    databaseUrl,
    json
  },
  ({ databaseUrl: url, id, json: asJson }) =>
    onKeys(
      url,
      Effect.gen(function* () {
        const revoked = yield* (yield* ApiKeys).revoke(id)
        const now = yield* DateTime.now
        yield* print(asJson, {
          document: documentOf(revoked, now),
          lines: [`Key ${revoked.id} is revoked. Running servers refuse it within a second.`]
        })
      })
    )
).pipe(Command.withDescription("Revokes a key for good; servers that run refuse it within a second"))

export const keysCommand = Command.make("keys").pipe(
  Command.withDescription("Makes, lists and revokes the keys that open a server, in its database"),
  Command.withSubcommands([create, list, revoke])
)
