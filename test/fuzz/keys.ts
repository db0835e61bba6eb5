/** The keys of the server that is fuzzed: one of each kind. They must be in no answer. */
import type { ApiKey } from "../../src/http/keys.ts"

/** What most requests have. */
export const adminKey = "k-5e0c77-fuzz-admin"

export const keys = [
  { key: adminKey, role: "admin" },
  { key: "k-19ab40-fuzz-agent", role: "agent" },
  { key: "k-77cd01-fuzz-bound", role: "agent", agentIds: ["borea", "cygnus"] },
  { key: "k-2f55e8-fuzz-reader", role: "read-only" }
] as const satisfies ReadonlyArray<ApiKey>

export const isTold = (text: string): boolean => keys.some(({ key }) => text.includes(key))
