/** The keys of examples and first steps. Everybody knows them, so they work on loopback only (http.md 1.4). */
export const wellKnownKeys = ["dev-user-key", "agent-research-key", "agent-synth-key"] as const

/** The one that may do everything. */
export const wellKnownAdminKey = wellKnownKeys[0]
