/** Keys that are kept in the storage, as what they open: the key itself is never stored. */
import * as Data from "effect/Data"
import type * as DateTime from "effect/DateTime"
import type { PageOptions } from "../Page.ts"

/** What a key may do: read, read and write, or that and what is for administrators. */
export const roles = ["read-only", "agent", "admin"] as const
export type Role = (typeof roles)[number]

export interface StoredKey {
  /** A part of the key that is no secret. */
  readonly id: string
  /** SHA-256 of the whole key, 64 hex digits. */
  readonly hash: string
  /** What people call it; may be empty. */
  readonly label: string
  readonly role: Role
  /** The agents that the key may act for; the first is the one it acts as when the request names none. Empty: any. */
  readonly agentIds: ReadonlyArray<string>
  readonly createdAt: DateTime.Utc
  /** From then on it opens nothing; null: never. */
  readonly expiresAt: DateTime.Utc | null
  /** Since then it opens nothing. */
  readonly revokedAt: DateTime.Utc | null
}

export interface CreateApiKey {
  readonly id: string
  readonly hash: string
  /** At most 255 characters. */
  readonly label?: string | undefined
  /** Default `agent`. */
  readonly role?: Role | undefined
  /** At most 100. */
  readonly agentIds?: ReadonlyArray<string> | undefined
  readonly expiresAt?: DateTime.Utc | undefined
}

export interface ListApiKeys extends PageOptions {}

/** No key has this id. */
export class ApiKeyNotFound extends Data.TaggedError("ApiKeyNotFound")<{ readonly keyId: string }> {
  override get message() {
    return `No key has the id ${this.keyId}`
  }
}

/** Another key has this id already. */
export class ApiKeyExists extends Data.TaggedError("ApiKeyExists")<{ readonly keyId: string }> {
  override get message() {
    return `A key has the id ${this.keyId} already`
  }
}
