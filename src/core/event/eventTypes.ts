/** The event catalogue (semantics 8): which types there are, who sees them, what a client may append. */
import type { Visibility } from "./LogEvent.ts"

/** Known to every client there has been (semantics 8.1). */
export const legacyTypes: ReadonlySet<string> = new Set([
  "intent_created",
  "state_patched",
  "status_changed",
  "agent_assigned",
  "agent_unassigned",
  "constraint_added",
  "constraint_removed",
  "dependency_added",
  "dependency_removed",
  "lease_acquired",
  "lease_released",
  "arbitration_requested",
  "decision_recorded",
  "attachment_added",
  "portfolio_created",
  "added_to_portfolio",
  "removed_from_portfolio",
  "failure_recorded",
  "comment",
  "tool_call_started",
  "tool_call_completed",
  "tool_call_failed",
  "llm_request_started",
  "llm_request_completed",
  "llm_request_failed",
  "stream_started",
  "stream_chunk",
  "stream_completed",
  "stream_cancelled"
])

/** Names that share a beginning: `under("plan", ["failed"])` is `plan.failed`. */
const under = (prefix: string, names: string): ReadonlyArray<string> =>
  names.split(" ").map((name) => `${prefix}.${name}`)

/** Known to later clients only (semantics 8.3). The engine does not emit them before the feature behind them exists. */
export const laterTypes: ReadonlySet<string> = new Set([
  "access_granted",
  "access_revoked",
  "access_expired",
  "access_requested",
  "access_request_approved",
  "access_request_denied",
  ...under("task", "created ready claimed started progress completed failed retrying blocked unblocked"),
  ...under("task", "delegated escalated cancelled skipped"),
  ...under("plan", "created activated paused resumed completed failed"),
  ...under("plan", "checkpoint_reached checkpoint_approved checkpoint_rejected"),
  ...under("coordinator", "decision heartbeat paused resumed replaced unresponsive failed_over handoff"),
  ...under("coordinator", "plan_overridden guardrails_updated stalled escalation_resolved"),
  ...under("governance", "policy_set policy_removed approval_granted approval_denied violation approval_enforced"),
  ...under("tool", "invoked denied"),
  ...under("grant", "created delegated revoked expired suspended resumed"),
  ...under("credential", "created rotated expired revoked"),
  ...under("memory", "created updated deleted archived evicted expired"),
  ...under("agent", "lifecycle registered status_changed dead"),
  ...under("trigger", "fired skipped cascade_limit namespace_blocked"),
  ...under("agent.identity", "registered rotated revoked challenge_issued verified"),
  ...under("log.checkpoint", "created anchored"),
  ...under("channel", "created closed message"),
  ...under("federation", "dispatched received callback budget_warning completed failed"),
  ...under("intent", "suspended resumed suspension_expired suspension_renotified suspension_escalated"),
  ...under("engagement", "decision"),
  ...under("portfolio", "member_suspended member_resumed")
])

/** Who sees a type: 0 everybody, 1 later clients, 2 only who asks for all (hidden types and `x.` names). */
export type Tier = 0 | 1 | 2

export const tierOf = (type: string): Tier => (legacyTypes.has(type) ? 0 : laterTypes.has(type) ? 1 : 2)

/** How many tiers are seen, from the first. */
const tiersOf: { readonly [V in Visibility]: number } = { legacy: 1, known: 2, all: 3 }

export const isVisible = (type: string, visibility: Visibility): boolean => tierOf(type) < tiersOf[visibility]

/** What the log is indexed by: the type, and one name for all own types, so that an intent has few kinds. */
export const kindOf = (type: string): string => (type.startsWith("x.") ? "x." : type)

/** Clients may append what later clients know, and names of their own after `x.` (http.md 6.1). */
export const mayAppend = (type: string): boolean => tierOf(type) < 2 || (type.startsWith("x.") && type.length > 2)
