/** What is stored of each subject. */
import type * as DateTime from "effect/DateTime"
import type { Assignment } from "./agent/Assignment.ts"
import { apiKeys } from "./apiKey/tables.ts"
import { accounts, costFigures, costs, reservations } from "./cost/tables.ts"
import { attachmentContents, attachments } from "./attachment/tables.ts"
import { kindOf } from "./event/eventTypes.ts"
import type { LogEvent, NewEvent } from "./event/LogEvent.ts"
import type { Intent } from "./intent/Intent.ts"
import { approvals, arbitrations, decisions } from "./governance/tables.ts"
import type { Lease } from "./lease/Lease.ts"
import { memberships, portfolios } from "./portfolio/tables.ts"
import { receipts } from "./receipt/tables.ts"
import { failures, retries, retryPolicies } from "./retry/tables.ts"
import { deliveries, subscriptions } from "./subscription/tables.ts"
import { llmFigures } from "./llm/tables.ts"
import { sealed, sealHeads, seals } from "./seal/tables.ts"
import { millis, time, unlessEmpty } from "./storedForms.ts"
import { integer, table, text } from "./Table.ts"

const intents = table<Intent>()("intents", {
  key: (intent) => intent.id,
  columns: {
    status: text((intent: Intent) => intent.status),
    parent_id: text((intent: Intent) => intent.parentIntentId),
    created_by: text((intent: Intent) => intent.createdBy)
  },
  body: (intent) => ({
    title: intent.title,
    // Most of these are empty, and what is undefined has no place in JSON.
    description: intent.description === "" ? undefined : intent.description,
    dependsOn: intent.dependsOn.length === 0 ? undefined : intent.dependsOn,
    constraints: unlessEmpty(intent.constraints),
    state: intent.state,
    confidence: intent.confidence === 0 ? undefined : intent.confidence,
    version: intent.version,
    governancePolicy: intent.governancePolicy ?? undefined,
    portfolioIds: intent.portfolioIds.length === 0 ? undefined : intent.portfolioIds,
    budgetIds: intent.budgetIds.length === 0 ? undefined : intent.budgetIds,
    createdAt: millis(intent.createdAt),
    updatedAt: millis(intent.updatedAt)
  }),
  make: ({ body, columns, key }) => ({
    id: key,
    title: body.title,
    description: body.description ?? "",
    createdBy: columns.created_by,
    parentIntentId: columns.parent_id,
    dependsOn: body.dependsOn ?? [],
    constraints: body.constraints ?? {},
    state: body.state,
    status: columns.status,
    confidence: body.confidence ?? 0,
    version: body.version,
    governancePolicy: body.governancePolicy ?? null,
    portfolioIds: body.portfolioIds ?? [],
    budgetIds: body.budgetIds ?? [],
    createdAt: time(body.createdAt),
    updatedAt: time(body.updatedAt)
  }),
  indexes: {
    all: { columns: [] },
    byStatus: { columns: ["status"] },
    byCreator: { columns: ["created_by"] },
    byParent: { columns: ["parent_id"], where: { column: "parent_id", notNull: true } },
    byParentAndStatus: { columns: ["parent_id", "status"], where: { column: "parent_id", notNull: true } }
  },
  guarded: true
})

/** That an intent depends on another, and what orders the dependents of one. */
export interface Dependency {
  readonly intentId: string
  readonly dependencyId: string
  readonly intentCreatedAt: DateTime.Utc
}

const dependencies = table<Dependency>()("dependencies", {
  key: (edge) => `${edge.intentId} ${edge.dependencyId}`,
  columns: {
    intent_id: text((edge: Dependency) => edge.intentId),
    dependency_id: text((edge: Dependency) => edge.dependencyId),
    intent_created_at: integer((edge: Dependency) => millis(edge.intentCreatedAt))
  },
  body: () => ({}),
  make: ({ columns }) => ({
    intentId: columns.intent_id,
    dependencyId: columns.dependency_id,
    intentCreatedAt: time(columns.intent_created_at)
  }),
  indexes: {
    byIntent: { columns: ["intent_id"] },
    byDependency: { columns: ["dependency_id"], order: "intent_created_at" }
  },
  removable: true
})

const events = table<NewEvent, LogEvent>()("events", {
  key: (event) => event.id,
  columns: {
    intent_id: text((event: NewEvent) => event.intentId),
    type: text((event: NewEvent) => event.type),
    kind: text((event: NewEvent) => kindOf(event.type))
  },
  body: (event) => ({
    actor: event.actor,
    source: event.source,
    payload: event.payload,
    extra: event.extra ?? undefined,
    traceId: event.traceId ?? undefined,
    parentEventId: event.parentEventId ?? undefined,
    createdAt: millis(event.createdAt)
  }),
  make: ({ body, columns, key, position }) => ({
    position,
    id: key,
    intentId: columns.intent_id,
    type: columns.type,
    actor: body.actor,
    source: body.source,
    payload: body.payload,
    extra: body.extra ?? null,
    traceId: body.traceId ?? null,
    parentEventId: body.parentEventId ?? null,
    createdAt: time(body.createdAt)
  }),
  indexes: {
    all: { columns: [] },
    /** The one index that every commit pays for: it answers both all events of an intent and those of a type. */
    byIntent: { columns: ["intent_id", "kind"], tally: "kind" }
  },
  appendOnly: true
})

const leases = table<Lease>()("leases", {
  key: (lease) => lease.id,
  columns: {
    intent_id: text((lease: Lease) => lease.intentId),
    scope: text((lease: Lease) => lease.scope),
    status: text((lease: Lease) => lease.status),
    expires_at: integer((lease: Lease) => millis(lease.expiresAt))
  },
  body: ({ acquiredAt, agentId, fencingToken, releasedAt }) => ({
    agentId,
    fencingToken,
    acquiredAt: millis(acquiredAt),
    releasedAt: releasedAt === null ? null : millis(releasedAt)
  }),
  make: ({ body, columns, key }) => ({
    id: key,
    intentId: columns.intent_id,
    agentId: body.agentId,
    scope: columns.scope,
    status: columns.status,
    fencingToken: body.fencingToken,
    acquiredAt: time(body.acquiredAt),
    expiresAt: time(columns.expires_at),
    releasedAt: body.releasedAt === null ? null : time(body.releasedAt)
  }),
  indexes: {
    byStatus: { columns: ["intent_id", "status"] },
    /** The last line of defence behind the guards: at most one active lease per scope (semantics 3.4). */
    active: { columns: ["intent_id", "scope"], where: { column: "status", equals: "active" }, unique: true },
    due: { columns: ["status"], order: "expires_at", where: { column: "status", equals: "active" } }
  }
})

/** An assignment or what is left of one, and what orders the intents of an agent. Streams ask who was ever assigned. */
export interface StoredAssignment extends Assignment {
  readonly state: "assigned" | "unassigned"
  readonly intentCreatedAt: DateTime.Utc
}

export const assignmentKey = (intentId: string, agentId: string) => `${intentId} ${agentId}`

const assignments = table<StoredAssignment>()("assignments", {
  key: (assignment) => assignmentKey(assignment.intentId, assignment.agentId),
  columns: {
    intent_id: text((assignment: StoredAssignment) => assignment.intentId),
    agent_id: text((assignment: StoredAssignment) => assignment.agentId),
    state: text((assignment: StoredAssignment) => assignment.state),
    intent_created_at: integer((assignment: StoredAssignment) => millis(assignment.intentCreatedAt))
  },
  body: ({ assignedAt, id, role }) => ({ id, role, assignedAt: millis(assignedAt) }),
  make: ({ body, columns }) => ({
    id: body.id,
    intentId: columns.intent_id,
    agentId: columns.agent_id,
    role: body.role,
    state: columns.state,
    assignedAt: time(body.assignedAt),
    intentCreatedAt: time(columns.intent_created_at)
  }),
  indexes: {
    /** Oldest first: who comes back gets a new row. */
    byIntent: { columns: ["intent_id"], where: { column: "state", equals: "assigned" } },
    byAgent: {
      columns: ["agent_id"],
      order: "intent_created_at",
      where: { column: "state", equals: "assigned" }
    },
    everOfAgent: { columns: ["agent_id"] }
  },
  removable: true
})

/** Events of an intent by kind, up to a position: what comes after it is tallied when asked (decision 11). */
export interface EventCount {
  readonly intentId: string
  readonly through: number
  readonly byKind: { readonly [kind: string]: number }
}

const eventCounts = table<EventCount>()("event_counts", {
  key: (count) => count.intentId,
  columns: {},
  body: ({ byKind, through }) => ({ through, byKind }),
  make: ({ body, key }) => ({ intentId: key, through: body.through, byKind: body.byKind }),
  indexes: {}
})

/** A hold on work that one of several processes does: sweeping now, delivery and retries later (decision 19). */
export interface Claim {
  readonly work: string
  readonly owner: string
  readonly until: DateTime.Utc
}

const claims = table<Claim>()("claims", {
  key: (claim) => claim.work,
  columns: {},
  body: ({ owner, until }) => ({ owner, until: millis(until) }),
  make: ({ body, key }) => ({ work: key, owner: body.owner, until: time(body.until) }),
  indexes: {},
  guarded: true
})

export const tables = {
  intents,
  dependencies,
  events,
  leases,
  assignments,
  apiKeys,
  eventCounts,
  claims,
  attachments,
  attachmentContents,
  llmFigures,
  arbitrations,
  decisions,
  approvals,
  retryPolicies,
  failures,
  retries,
  portfolios,
  memberships,
  subscriptions,
  deliveries,
  costs,
  costFigures,
  reservations,
  accounts,
  receipts,
  seals,
  sealHeads,
  sealed
}
export type Tables = typeof tables
export type TableName = keyof Tables
export type IndexName<T extends TableName> = keyof Tables[T]["indexes"] & string
export type RecordOf<T extends TableName> = ReturnType<Tables[T]["fromRow"]>
/** Tables that are written record by record; events only come with a commit. */
export type StoredTable = Exclude<TableName, "events">
/** Tables whose records commits can guard. */
export type GuardedTable =
  | "intents"
  | "apiKeys"
  | "claims"
  | "portfolios"
  | "subscriptions"
  | "reservations"
  | "accounts"
  | "receipts"
  | "sealed"
