/** Records as the contract shows them: plain functions, because two profiles are no static encoding (decision 20). */
import type { Assignment } from "../core/agent/Assignment.ts"
import type { LogEvent } from "../core/event/LogEvent.ts"
import type { Intent, Status } from "../core/intent/Intent.ts"
import type { Page } from "../core/Page.ts"
import type { Lease } from "../core/lease/Lease.ts"
import { formatTimestamp, type Profile } from "./timestamps.ts"

export const statusName = (status: Status, profile: Profile): Status =>
  status === "pending" && profile === 1 ? "active" : status

/** http.md 2.1 */
export const intentBody = (intent: Intent, profile: Profile) => ({
  id: intent.id,
  title: intent.title,
  description: intent.description,
  created_by: intent.createdBy,
  parent_intent_id: intent.parentIntentId,
  parent_id: intent.parentIntentId,
  depends_on: intent.dependsOn,
  constraints: intent.constraints,
  state: intent.state,
  status: statusName(intent.status, profile),
  status_detail: intent.status,
  confidence: intent.confidence,
  version: intent.version,
  governance_policy: intent.governancePolicy,
  portfolio_ids: intent.portfolioIds,
  budget_ids: intent.budgetIds,
  created_at: formatTimestamp(intent.createdAt, profile),
  updated_at: formatTimestamp(intent.updatedAt, profile)
})

/** http.md 2.2 */
export const eventBody = (event: LogEvent, profile: Profile) => ({
  id: event.id,
  intent_id: event.intentId,
  event_type: event.type,
  actor: event.actor,
  agent_id: event.actor,
  payload: event.payload,
  sequence: event.position,
  source: event.source,
  trace_id: event.traceId ?? undefined, // `JSON.stringify` leaves out what is undefined.
  parent_event_id: event.parentEventId ?? undefined,
  created_at: formatTimestamp(event.createdAt, profile)
})

/** http.md 2.3 */
export const leaseBody = (lease: Lease, profile: Profile) => {
  const acquiredAt = formatTimestamp(lease.acquiredAt, profile)
  return {
    id: lease.id,
    intent_id: lease.intentId,
    agent_id: lease.agentId,
    scope: lease.scope,
    status: lease.status,
    fencing_token: lease.fencingToken,
    acquired_at: acquiredAt,
    created_at: acquiredAt,
    expires_at: formatTimestamp(lease.expiresAt, profile),
    released_at: lease.releasedAt === null ? null : formatTimestamp(lease.releasedAt, profile)
  }
}

/** http.md 2.4 */
export const assignmentBody = (assignment: Assignment, profile: Profile) => ({
  id: assignment.id,
  intent_id: assignment.intentId,
  agent_id: assignment.agentId,
  role: assignment.role,
  assigned_at: formatTimestamp(assignment.assignedAt, profile)
})

/** The envelope of a list under its plural name (http.md 1.8, decision 11). */
export const pageBody = <A>(
  plural: string,
  page: Page<A>,
  body: (item: A, profile: Profile) => object,
  profile: Profile
) => ({
  [plural]: page.items.map((item) => body(item, profile)),
  total: page.total,
  total_capped: page.totalCapped ? true : undefined,
  limit: page.limit,
  offset: page.offset,
  after: page.next
})
