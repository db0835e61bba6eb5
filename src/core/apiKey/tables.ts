import { millis, time } from "../storedForms.ts"
import { integer, table, text } from "../Table.ts"
import type { StoredKey } from "./ApiKey.ts"

/** Later than any time: a key that has no end. */
const never = Number.MAX_SAFE_INTEGER

export const apiKeys = table<StoredKey>()("api_keys", {
  key: (stored) => stored.id,
  columns: {
    state: text((stored: StoredKey) => (stored.revokedAt === null ? "given" : "revoked")),
    expires_at: integer((stored: StoredKey) => (stored.expiresAt === null ? never : millis(stored.expiresAt)))
  },
  body: ({ agentIds, createdAt, hash, label, revokedAt, role }) => ({
    hash,
    label: label === "" ? undefined : label,
    role,
    agentIds: agentIds.length === 0 ? undefined : agentIds,
    createdAt: millis(createdAt),
    revokedAt: revokedAt === null ? undefined : millis(revokedAt)
  }),
  make: ({ body, columns, key }) => ({
    id: key,
    hash: body.hash,
    label: body.label ?? "",
    role: body.role,
    agentIds: body.agentIds ?? [],
    createdAt: time(body.createdAt),
    expiresAt: columns.expires_at === never ? null : time(columns.expires_at),
    revokedAt: body.revokedAt === undefined ? null : time(body.revokedAt)
  }),
  indexes: {
    all: { columns: [] },
    /** Those that open something, read from now on: what is over is not looked at. */
    byEnd: { columns: ["state"], order: "expires_at", where: { column: "state", equals: "given" } }
  },
  guarded: true
})
