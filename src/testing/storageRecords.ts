/** Small valid records, to be stored by the checks of the port. */
import * as DateTime from "effect/DateTime"
import type { Guard, Write } from "../core/Aggregate.ts"
import type { NewEvent } from "../core/event/LogEvent.ts"
import type { Intent } from "../core/intent/Intent.ts"
import type { Lease } from "../core/lease/Lease.ts"
import type { Commit } from "../core/Storage.ts"
import type { StoredAssignment } from "../core/tables.ts"

export const at = (epochMillis: number): DateTime.Utc => DateTime.makeUnsafe(epochMillis)

export const intentOf = (id: string, fields: Partial<Intent> = {}): Intent => ({
  id,
  title: `title of ${id}`,
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
  createdAt: at(1_000),
  updatedAt: at(1_000),
  ...fields
})

export const leaseOf = (id: string, intentId: string, fields: Partial<Lease> = {}): Lease => ({
  id,
  intentId,
  agentId: "ann",
  scope: id,
  status: "active",
  fencingToken: 1,
  acquiredAt: at(1_000),
  expiresAt: at(61_000),
  releasedAt: null,
  ...fields
})

export const assignmentOf = (
  intentId: string,
  agentId: string,
  fields: Partial<StoredAssignment> = {}
): StoredAssignment => ({
  id: `${intentId}-${agentId}`,
  intentId,
  agentId,
  role: "worker",
  state: "assigned",
  assignedAt: at(1_000),
  intentCreatedAt: at(1_000),
  ...fields
})

export const eventOf = (id: string, intentId: string, fields: Partial<NewEvent> = {}): NewEvent => ({
  id,
  intentId,
  type: "comment",
  actor: "ann",
  source: "client",
  payload: {},
  extra: null,
  traceId: null,
  parentEventId: null,
  createdAt: at(1_000),
  ...fields
})

export const commitOf = (fields: Partial<Commit>): Commit => ({
  guards: [],
  writes: [],
  events: [],
  counters: new Map(),
  ...fields
})

/** The guard of an intent that is not stored yet, and is with this commit. */
export const created = (key: string): Guard => ({ table: "intents", key, expected: 0, next: 1 })
export const movedOn = (key: string, expected: number): Guard => ({
  table: "intents",
  key,
  expected,
  next: expected + 1
})
export const checked = (key: string, expected: number): Guard => ({ table: "intents", key, expected, next: expected })

export const put = {
  intent: (record: Intent, before?: Intent): Write => ({ _tag: "Put", table: "intents", record, before }),
  lease: (record: Lease, before?: Lease): Write => ({ _tag: "Put", table: "leases", record, before }),
  assignment: (record: StoredAssignment, before?: StoredAssignment): Write => ({
    _tag: "Put",
    table: "assignments",
    record,
    before
  }),
  dependency: (intentId: string, dependencyId: string, createdAt = 1_000): Write => ({
    _tag: "Put",
    table: "dependencies",
    record: { intentId, dependencyId, intentCreatedAt: at(createdAt) },
    before: undefined
  })
}

/** A commit that stores new intents. */
export const creating = (...intents: ReadonlyArray<Intent>): Commit =>
  commitOf({ guards: intents.map((intent) => created(intent.id)), writes: intents.map((intent) => put.intent(intent)) })
