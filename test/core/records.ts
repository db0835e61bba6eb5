/** Records and helpers for tests of the pure rules. */
import { assert } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import type * as Result from "effect/Result"
import type { Aggregate, Decision, Guard } from "../../src/core/Aggregate.ts"
import type { Env } from "../../src/core/Env.ts"
import type { Intent } from "../../src/core/intent/Intent.ts"
import type { Lease } from "../../src/core/lease/Lease.ts"
import type { RecordOf, StoredTable } from "../../src/core/tables.ts"

export const at = (epochMillis: number): DateTime.Utc => DateTime.makeUnsafe(epochMillis)

/** The time of `envAt()`. */
export const now = 1_000_000

/** Ids `new-1`, `new-2`, … at a fixed time. */
export const envAt = (millis = now): Env => {
  let n = 0
  return { now: at(millis), newId: () => `new-${++n}` }
}

export const intentOf = (id: string, fields: Partial<Intent> = {}): Intent => ({
  id,
  title: id,
  description: "",
  createdBy: "ann",
  parentIntentId: null,
  dependsOn: [],
  constraints: {},
  state: {},
  status: "draft",
  confidence: 0,
  version: 1,
  governancePolicy: null,
  portfolioIds: [],
  budgetIds: [],
  createdAt: at(1000),
  updatedAt: at(1000),
  ...fields
})

/** Active and held by ann until `now` + 1 s, unless said. */
export const leaseOf = (id: string, fields: Partial<Lease> = {}): Lease => ({
  id,
  intentId: "i",
  agentId: "ann",
  scope: id,
  status: "active",
  fencingToken: 1,
  acquiredAt: at(1000),
  expiresAt: at(now + 1000),
  releasedAt: null,
  ...fields
})

export const aggregateOf = (intent: Intent, leases: ReadonlyArray<Lease> = [], revision = 7): Aggregate => ({
  intent,
  leases,
  revision
})

export const movedOn = (key: string, from: number): Guard => ({
  table: "intents",
  key,
  expected: from,
  next: from + 1
})
export const heldStill = (key: string, at: number): Guard => ({ table: "intents", key, expected: at, next: at })

export const succeeded = <A, E>(result: Result.Result<A, E>): A => {
  if (result._tag === "Failure") return assert.fail(`refused: ${String(result.failure)}`)
  return result.success
}

/** The error, which must have this tag. */
export const refused = <A, E extends { readonly _tag: string }, Tag extends E["_tag"]>(
  result: Result.Result<A, E>,
  tag: Tag
): Extract<E, { readonly _tag: Tag }> => {
  if (result._tag === "Success") return assert.fail(`not refused with ${tag}`)
  assert.strictEqual(result.failure._tag, tag)
  return result.failure as Extract<E, { readonly _tag: Tag }>
}

/** Types, actors and sources of the events. */
export const told = (decision: Decision<unknown>) => decision.events.map(({ actor, type }) => `${type} by ${actor}`)

/** Records that the decision puts, of one table. */
export const puts = <T extends StoredTable>(decision: Decision<unknown>, table: T): ReadonlyArray<RecordOf<T>> =>
  decision.writes.flatMap((write) =>
    write._tag === "Put" && write.table === table ? [write.record as RecordOf<T>] : []
  )
