/** API keys: kept as hashes only, compared without telling by time how much of a key was right (http.md 1.4). */
import * as Redacted from "effect/Redacted"
import { hash, timingSafeEqual } from "node:crypto"
import type { Role, StoredKey } from "../core/apiKey/ApiKey.ts"
import { holdsKey } from "../core/apiKey/form.ts"
import type { Actors } from "./api/common.ts"
import { keyIdOf } from "./keyText.ts"
import { type Refusal, unauthorized } from "./refusals.ts"
import { wellKnownAdminKey, wellKnownKeys } from "./wellKnownKeys.ts"

export interface ApiKey {
  readonly key: string | Redacted.Redacted
  /** The agents that the key may act for; the first is the one it acts as when the request names none. Absent: any. */
  readonly agentIds?: ReadonlyArray<string> | undefined
  /** What it may do; default `agent`. */
  readonly role?: Role | undefined
}

/** What a key stands for. The key itself is not kept. */
export interface KeyHolder {
  /** The id of a stored key, else `key_` and 12 hex digits of its hash. */
  readonly keyId: string
  /** Who acts when the request does not say. */
  readonly agentId: string
  /** Undefined: the key is not bound. */
  readonly boundTo: Actors | undefined
  readonly role: Role
}

/** A key that opens something, by the hash of its text. */
export interface KeyEntry {
  readonly digest: Uint8Array
  readonly holder: KeyHolder
}

/** The keys of a storage, as they are known now. */
export interface StoredKeys {
  /** The key with this id, if it opens anything now. */
  readonly find: (id: string) => KeyEntry | undefined
  /** Why none of them can be judged now, if so. */
  readonly unknown: () => Refusal | undefined
  /** Whether any of them opens something now. */
  readonly areOpen: () => boolean
  /** Whether there ever was one: then nobody means the development keys. */
  readonly wereEver: () => boolean
}

export interface KeyringShape {
  /** Who holds the key, or why it opens nothing. */
  readonly find: (presented: string) => KeyHolder | Refusal
  /** Whether the key of this id opens anything still: of a stream that it has opened. */
  readonly isOpen: (keyId: string) => boolean
  /** For whom a key speaks that is not bound. */
  readonly anyone: Actors
}

/** What a server knows that is told of no other keys. */
export const developmentKeys: ReadonlyArray<ApiKey> = wellKnownKeys.map((key) => ({
  key,
  role: key === wellKnownAdminKey ? "admin" : "agent"
}))

const sha256 = (key: string): Buffer => hash("sha256", key, "buffer")

/** What is stored of a key. */
export const keyHash = (text: string): string => sha256(text).toString("hex")

/** What stands for a key, and tells nothing of it. */
const shortName = (hex: string): string => `key_${hex.slice(0, 12)}`

const actors = (agentIds: ReadonlyArray<string>): Actors | undefined => {
  if (agentIds.length === 0) return undefined
  const own = new Set(agentIds)
  return { isBound: true, has: (agentId) => own.has(agentId) }
}

/** What opens with a key of this hash. */
export const storedEntry = ({ agentIds, hash: hex, id, role }: StoredKey): KeyEntry => ({
  digest: Buffer.from(hex, "hex"),
  holder: { keyId: id, agentId: agentIds[0] ?? shortName(hex), boundTo: actors(agentIds), role }
})

const configuredEntry = ({ agentIds = [], key: secret, role = "agent" }: ApiKey): KeyEntry => {
  const key = typeof secret === "string" ? secret : Redacted.value(secret)
  const digest = sha256(key)
  const keyId = shortName(digest.toString("hex"))
  const known = wellKnownKeys.some((name) => name === key)
  const agentId = agentIds[0] ?? (known ? key.slice(0, -"-key".length) : keyId)
  return { digest, holder: { keyId, agentId, boundTo: actors(agentIds), role } }
}

/** Of an engine that keeps none. */
export const noneStored: StoredKeys = {
  find: () => undefined,
  unknown: () => undefined,
  areOpen: () => false,
  wereEver: () => false
}

/** No text has this hash that anybody knows. */
const nothing = Buffer.alloc(32)

/** Names that were found to be no keys, so that the agents of a server are looked at once. */
const namesMax = 1000

/**
 * The keys that a server knows: those that are configured, and those that are stored. A presented key is compared with
 * every configured one and with one stored one, or one that stands for it, whatever it is, and always to the end.
 * `development` keys open as long as no key was ever stored. `compare` is `timingSafeEqual`, or a test's.
 */
export const makeKeyring = (
  {
    configured,
    development = []
  }: {
    readonly configured: ReadonlyArray<ApiKey>
    readonly development?: ReadonlyArray<ApiKey> | undefined
  },
  stored: StoredKeys = noneStored,
  compare: (a: Uint8Array, b: Uint8Array) => boolean = timingSafeEqual
): KeyringShape => {
  const own = configured.map(configuredEntry)
  const wellKnown = development.map(configuredEntry)

  const find = (presented: string): KeyHolder | Refusal => {
    const digest = sha256(presented)
    let found: KeyHolder | undefined
    for (const entry of own) if (compare(entry.digest, digest)) found = entry.holder
    const areOpen = !stored.wereEver()
    for (const entry of wellKnown) if (compare(entry.digest, digest) && areOpen) found = entry.holder
    const id = keyIdOf(presented)
    const entry = id === undefined ? undefined : stored.find(id)
    if (compare(entry?.digest ?? nothing, digest) && entry !== undefined) found = entry.holder
    // What is configured is known without the storage; what has the form of a stored key is not.
    return found ?? (id === undefined ? undefined : stored.unknown()) ?? unauthorized
  }

  const ownIds = new Set(own.map(({ holder }) => holder.keyId))
  const wellKnownIds = new Set(wellKnown.map(({ holder }) => holder.keyId))
  const isOpen = (keyId: string): boolean =>
    ownIds.has(keyId) || (wellKnownIds.has(keyId) && !stored.wereEver()) || stored.find(keyId) !== undefined

  const noKeys = new Set<string>()
  const anyone: Actors = {
    isBound: false,
    has: (agentId) => {
      if (noKeys.has(agentId)) return true
      const digest = sha256(agentId)
      if (holdsKey(agentId) || [...own, ...wellKnown].some((entry) => compare(entry.digest, digest))) return false
      if (noKeys.size >= namesMax) noKeys.clear()
      noKeys.add(agentId)
      return true
    }
  }
  return { find, isOpen, anyone }
}
