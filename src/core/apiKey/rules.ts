/** What becomes of a stored key. Pure. */
import * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"
import type { Decision } from "../Aggregate.ts"
import { unchanged } from "../Aggregate.ts"
import type { Env } from "../Env.ts"
import { ApiKeyExists, ApiKeyNotFound, type StoredKey } from "./ApiKey.ts"

/** What is stored under an id, and the revision that guards it. */
export interface KeyFacts {
  readonly found: StoredKey | undefined
  readonly revision: number
}

/** Whether the key opens anything then. */
export const isOpenAt = ({ expiresAt, revokedAt }: StoredKey, now: DateTime.Utc): boolean =>
  revokedAt === null && (expiresAt === null || DateTime.isLessThan(now, expiresAt))

const putKey = (record: StoredKey, { found, revision }: KeyFacts): Decision<StoredKey> => ({
  value: record,
  writes: [{ _tag: "Put", table: "apiKeys", record, before: found }],
  events: [],
  guards: [{ table: "apiKeys", key: record.id, expected: revision, next: revision + 1 }]
})

export const decideCreate = (
  facts: KeyFacts,
  given: Omit<StoredKey, "createdAt" | "revokedAt">,
  env: Env
): Result.Result<Decision<StoredKey>, ApiKeyExists> =>
  facts.found === undefined
    ? Result.succeed(putKey({ ...given, createdAt: env.now, revokedAt: null }, facts))
    : Result.fail(new ApiKeyExists({ keyId: given.id }))

/** One that is revoked already stays as it is. */
export const decideRevoke = (
  facts: KeyFacts,
  keyId: string,
  env: Env
): Result.Result<Decision<StoredKey>, ApiKeyNotFound> => {
  const { found } = facts
  if (found === undefined) return Result.fail(new ApiKeyNotFound({ keyId }))
  if (found.revokedAt !== null) return Result.succeed(unchanged(found))
  return Result.succeed(putKey({ ...found, revokedAt: env.now }, facts))
}
