/** Bodies of the contract as records, in the remote engine: the inverse of `../bodies.ts`. */
import type { Assignment } from "../../core/agent/Assignment.ts"
import type { LogEvent } from "../../core/event/LogEvent.ts"
import type { Intent } from "../../core/intent/Intent.ts"
import type { Page } from "../../core/Page.ts"
import type { Lease } from "../../core/lease/Lease.ts"
import type { AssignmentBody, EventBody, IntentBody, LeaseBody, PageFields } from "../wire.ts"

export const intentOf = (body: IntentBody): Intent => ({
  id: body.id,
  title: body.title,
  description: body.description,
  createdBy: body.created_by,
  parentIntentId: body.parent_intent_id,
  dependsOn: body.depends_on,
  constraints: body.constraints,
  state: body.state,
  status: body.status_detail,
  confidence: body.confidence,
  version: body.version,
  governancePolicy: body.governance_policy,
  portfolioIds: body.portfolio_ids,
  budgetIds: body.budget_ids,
  createdAt: body.created_at,
  updatedAt: body.updated_at
})

export const eventOf = (body: EventBody): LogEvent => ({
  position: body.sequence,
  id: body.id,
  intentId: body.intent_id,
  type: body.event_type,
  actor: body.actor,
  source: body.source,
  payload: body.payload,
  extra: null, // Never on the wire.
  traceId: body.trace_id ?? null,
  parentEventId: body.parent_event_id ?? null,
  createdAt: body.created_at
})

export const leaseOf = (body: LeaseBody): Lease => ({
  id: body.id,
  intentId: body.intent_id,
  agentId: body.agent_id,
  scope: body.scope,
  status: body.status,
  fencingToken: body.fencing_token,
  acquiredAt: body.acquired_at,
  expiresAt: body.expires_at,
  releasedAt: body.released_at
})

export const assignmentOf = (body: AssignmentBody): Assignment => ({
  id: body.id,
  intentId: body.intent_id,
  agentId: body.agent_id,
  role: body.role,
  assignedAt: body.assigned_at
})

export const pageOf = <A, B>(page: PageFields, bodies: ReadonlyArray<B>, record: (body: B) => A): Page<A> => ({
  items: bodies.map((body) => record(body)),
  total: page.total,
  totalCapped: page.total_capped ?? false,
  limit: page.limit,
  offset: page.offset,
  next: page.after
})
