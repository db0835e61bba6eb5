/** API keys: kept as hashes only, compared without telling by time how much of a key was right (http.md 1.4). */
import * as Redacted from "effect/Redacted"
import { hash, timingSafeEqual } from "node:crypto"

export interface ApiKey {
  readonly key: string | Redacted.Redacted
  /** The agents that the key may act for; the first is the one it acts as when the request names none. Absent: any. */
  readonly agentIds?: ReadonlyArray<string> | undefined
  /** May revoke the leases of others (decision 2). */
  readonly admin?: boolean | undefined
}

/** What a key stands for. The key itself is not kept. */
export interface KeyHolder {
  /** Who acts when the request does not say. */
  readonly agentId: string
  readonly boundTo: ReadonlySet<string> | undefined
  readonly admin: boolean
}

const wellKnown = ["dev-user-key", "agent-research-key", "agent-synth-key"] as const

/** The keys of examples and first steps. Everybody knows them, so they work on loopback only (http.md 1.4). */
export const developmentKeys: ReadonlyArray<ApiKey> = wellKnown.map((key) => ({ key, admin: key === "dev-user-key" }))

const sha256 = (key: string): Buffer => hash("sha256", key, "buffer")

/** http.md 1.4: the key's name for the well-known keys, else `key_` and 12 hex digits of its hash. */
const defaultAgent = (key: string, digest: Buffer): string =>
  wellKnown.some((known) => known === key) ? key.slice(0, -"-key".length) : `key_${digest.toString("hex").slice(0, 12)}`

/** Finds who holds a presented key. Compares with every key, and always to the end. */
export const makeKeyring = (keys: ReadonlyArray<ApiKey>): ((presented: string) => KeyHolder | undefined) => {
  const entries = keys.map(({ admin = false, agentIds, key: secret }) => {
    const key = typeof secret === "string" ? secret : Redacted.value(secret)
    const digest = sha256(key)
    const holder: KeyHolder = {
      agentId: agentIds?.[0] ?? defaultAgent(key, digest),
      boundTo: agentIds === undefined ? undefined : new Set(agentIds),
      admin
    }
    return { digest, holder }
  })
  return (presented) => {
    const digest = sha256(presented)
    let found: KeyHolder | undefined
    for (const entry of entries) if (timingSafeEqual(entry.digest, digest)) found = entry.holder
    return found
  }
}
