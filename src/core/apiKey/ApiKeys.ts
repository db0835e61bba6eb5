/**
 * Keys kept in the storage. Beside the nouns of the protocol, which has none for them: they say who may ask a server,
 * and a remote engine cannot give them.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Result from "effect/Result"
import { Commands } from "../Commands.ts"
import { apiKeyChanges } from "../counters.ts"
import type { EngineError, ValidationError } from "../Errors.ts"
import type { Page } from "../Page.ts"
import { countRange, readAll, readPage, readPageOptions } from "../paging.ts"
import { Storage, type StorageShape } from "../Storage.ts"
import { told } from "../storageFaults.ts"
import { Checks, limits, whenValid } from "../validate.ts"
import {
  type ApiKeyExists,
  type ApiKeyNotFound,
  type CreateApiKey,
  type ListApiKeys,
  roles,
  type StoredKey
} from "./ApiKey.ts"
import { decideCreate, decideRevoke } from "./rules.ts"

export interface ApiKeysShape {
  /** Stores what a key opens. Whoever made the key has shown it to its owner, or nobody ever will. */
  readonly create: (input: CreateApiKey) => Effect.Effect<StoredKey, ValidationError | ApiKeyExists | EngineError>
  /** All that were ever made, oldest first. */
  readonly list: (query?: ListApiKeys) => Effect.Effect<Page<StoredKey>, ValidationError | EngineError>
  /** Servers on this storage refuse the key within a second. Revoking twice changes nothing. */
  readonly revoke: (keyId: string) => Effect.Effect<StoredKey, ApiKeyNotFound | EngineError>
  /** All that open something now. */
  readonly open: Effect.Effect<ReadonlyArray<StoredKey>, EngineError>
  /** How often a key was made or revoked: 0 where there never was one. Cheaper to ask than what they are. */
  readonly changes: Effect.Effect<number, EngineError>
}

const gather = (keyId: string) => (storage: StorageShape) =>
  Effect.zipWith(storage.revisions("apiKeys", [keyId]), storage.get("apiKeys", [keyId]), ([revision = 0], [found]) => ({
    found,
    revision
  }))

const readCreate = (
  input: CreateApiKey
): Result.Result<Omit<StoredKey, "createdAt" | "revokedAt">, ValidationError> => {
  const checks = new Checks()
  const { agentIds = [], expiresAt, hash, id, role = "agent" } = input
  if (!/^\w{1,64}$/.test(id)) checks.add("id", "must be 1 to 64 letters, digits or underscores")
  if (!/^[0-9a-f]{64}$/.test(hash)) checks.add("hash", "must be 64 hex digits")
  if (!roles.includes(role)) checks.add("role", `must be one of ${roles.join(", ")}`)
  if (agentIds.length > limits.agentsPerKey) checks.add("agentIds", `must be at most ${limits.agentsPerKey}`)
  return checks.finish({
    id,
    hash,
    label: checks.readOptionalText("label", input.label, limits.labelLength) ?? "",
    role,
    agentIds: [...new Set(agentIds)].map((agentId, at) => checks.readAgent(`agentIds[${at}]`, agentId)),
    expiresAt: expiresAt ?? null
  })
}

const make = Effect.gen(function* () {
  const storage = yield* Storage
  const { executeWide } = yield* Commands
  return ApiKeys.of({
    create: (input) =>
      whenValid(readCreate(input), (given) =>
        executeWide({
          intentId: undefined,
          gather: gather(given.id),
          decide: (facts, env) => decideCreate(facts, given, env)
        })
      ),
    list: (query = {}) =>
      whenValid(readPageOptions(query), (page) => {
        const range = { table: "apiKeys", index: "all", keys: [[]] } as const
        return told(readPage(storage, { ...range, direction: "asc" }, page, countRange(storage, range)))
      }),
    revoke: (keyId) =>
      executeWide({
        intentId: undefined,
        gather: gather(keyId),
        decide: (facts, env) => decideRevoke(facts, keyId, env)
      }),
    open: told(
      Effect.flatMap(storage.now, (now) =>
        readAll(storage, {
          table: "apiKeys",
          index: "byEnd",
          keys: [["given"]],
          from: now.epochMilliseconds,
          direction: "asc"
        })
      )
    ),
    changes: told(Effect.map(storage.counters([apiKeyChanges]), ([changes = 0]) => changes))
  })
})

/** Beside `OpenIntent` in the context of every embedded engine. */
export class ApiKeys extends Context.Service<ApiKeys, ApiKeysShape>()("openintent/core/ApiKeys") {
  /** Needs `Storage` and `Commands`. */
  static readonly layer = Layer.effect(ApiKeys, make)
}
