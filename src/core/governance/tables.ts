/** What is stored of arbitrations, decisions and approvals. */
import { maybeMillis, maybeTime, millis, time, unlessEmpty } from "../storedForms.ts"
import { table, text } from "../Table.ts"
import type { Approval } from "./Approval.ts"
import type { Arbitration, RecordedDecision } from "./Arbitration.ts"

export const arbitrations = table<Arbitration>()("arbitrations", {
  key: (arbitration) => arbitration.id,
  columns: {
    intent_id: text((arbitration: Arbitration) => arbitration.intentId),
    status: text((arbitration: Arbitration) => arbitration.status)
  },
  body: ({ context, createdAt, options, reason, requestedBy, resolution, resolvedAt }) => ({
    requestedBy,
    reason,
    context: unlessEmpty(context),
    options: unlessEmpty(options),
    resolution: resolution ?? undefined,
    createdAt: millis(createdAt),
    resolvedAt: maybeMillis(resolvedAt)
  }),
  make: ({ body, columns, key }) => ({
    id: key,
    intentId: columns.intent_id,
    requestedBy: body.requestedBy,
    reason: body.reason,
    context: body.context ?? {},
    options: body.options ?? [],
    status: columns.status,
    resolution: body.resolution ?? null,
    createdAt: time(body.createdAt),
    resolvedAt: maybeTime(body.resolvedAt)
  }),
  indexes: { byStatus: { columns: ["intent_id", "status"] } }
})

export const decisions = table<RecordedDecision>()("decisions", {
  key: (decision) => decision.id,
  columns: { intent_id: text((decision: RecordedDecision) => decision.intentId) },
  body: ({ arbitrationId, createdAt, decidedBy, decisionType, evidence, outcome, rationale }) => ({
    decidedBy,
    decisionType,
    outcome,
    rationale: rationale === "" ? undefined : rationale,
    evidence: unlessEmpty(evidence),
    arbitrationId: arbitrationId ?? undefined,
    createdAt: millis(createdAt)
  }),
  make: ({ body, columns, key }) => ({
    id: key,
    intentId: columns.intent_id,
    decidedBy: body.decidedBy,
    decisionType: body.decisionType,
    outcome: body.outcome,
    rationale: body.rationale ?? "",
    evidence: body.evidence ?? [],
    arbitrationId: body.arbitrationId ?? null,
    createdAt: time(body.createdAt)
  }),
  indexes: { byIntent: { columns: ["intent_id"] } }
})

export const approvals = table<Approval>()("approvals", {
  key: (approval) => approval.id,
  columns: {
    intent_id: text((approval: Approval) => approval.intentId),
    status: text((approval: Approval) => approval.status),
    action: text((approval: Approval) => approval.action)
  },
  body: ({ context, createdAt, decidedAt, decidedBy, decisionNotes, reason, requestedBy }) => ({
    requestedBy,
    reason: reason === "" ? undefined : reason,
    context: unlessEmpty(context),
    createdAt: millis(createdAt),
    decidedAt: maybeMillis(decidedAt),
    decidedBy: decidedBy ?? undefined,
    decisionNotes: decisionNotes ?? undefined
  }),
  make: ({ body, columns, key }) => ({
    id: key,
    intentId: columns.intent_id,
    requestedBy: body.requestedBy,
    action: columns.action,
    reason: body.reason ?? "",
    context: body.context ?? {},
    status: columns.status,
    createdAt: time(body.createdAt),
    decidedAt: maybeTime(body.decidedAt),
    decidedBy: body.decidedBy ?? null,
    decisionNotes: body.decisionNotes ?? null
  }),
  indexes: {
    byStatus: { columns: ["intent_id", "status"] },
    /** What completion modes count. */
    approved: { columns: ["intent_id", "action"], where: { column: "status", equals: "approved" } }
  }
})
