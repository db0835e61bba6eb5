import * as Effect from "effect/Effect"
import { ValidationError } from "../../core/Errors.ts"
import type { Approval } from "../../core/governance/Approval.ts"
import type { Arbitration, RecordedDecision } from "../../core/governance/Arbitration.ts"
import type { IntentPolicy } from "../../core/governance/policy.ts"
import type { OpenIntentShape } from "../../core/OpenIntent.ts"
import type { ApprovalBody, ArbitrationBody, DecisionBody, PolicyBody } from "../api/governance.ts"
import { wireField } from "../fieldNames.ts"
import { ask, type Client, given, jsonOf, objectOf } from "./call.ts"
import { intentOf, pageOf } from "./records.ts"

const arbitrationOf = (body: ArbitrationBody): Arbitration => ({
  id: body.id,
  intentId: body.intent_id,
  requestedBy: body.requested_by,
  reason: body.reason,
  context: body.context,
  options: body.options,
  status: body.status,
  resolution: body.resolution,
  createdAt: body.created_at,
  resolvedAt: body.resolved_at
})

const decisionOf = (body: DecisionBody): RecordedDecision => ({
  id: body.id,
  intentId: body.intent_id,
  decidedBy: body.decided_by,
  decisionType: body.decision_type,
  outcome: body.outcome,
  rationale: body.rationale,
  evidence: body.evidence,
  arbitrationId: body.arbitration_id,
  createdAt: body.created_at
})

const approvalOf = (body: ApprovalBody): Approval => ({
  id: body.id,
  intentId: body.intent_id,
  requestedBy: body.requested_by,
  action: body.action,
  reason: body.reason,
  context: body.context,
  status: body.status,
  createdAt: body.created_at,
  decidedAt: body.decided_at ?? null,
  decidedBy: body.decided_by ?? null,
  decisionNotes: body.decision_notes ?? null
})

const policyOf = ({ effective_policy: effective, governance_policy, intent_id }: PolicyBody): IntentPolicy => ({
  intentId: intent_id,
  governancePolicy: governance_policy,
  effectivePolicy: {
    completionMode: effective.completion_mode,
    writeScope: effective.write_scope,
    quorumThreshold: effective.quorum_threshold,
    allowedAgents: effective.allowed_agents,
    maxCost: effective.max_cost,
    requireStatusReason: effective.require_status_reason
  }
})

/** On the wire the body is the policy, so its keys stand alone. */
const insidePolicy = ({ issues: [first, ...others] }: ValidationError): ValidationError => {
  const inside = (issue: typeof first) => ({ ...issue, field: `policy.${wireField(issue.field)}` })
  return new ValidationError({ issues: [inside(first), ...others.map(inside)] })
}

/** http.md 9 and appendix A */
export const makeGovernance = ({ governance }: Client): OpenIntentShape["governance"] => {
  const decide =
    (as: "approve" | "deny"): OpenIntentShape["governance"]["approve"] =>
    (intentId, approvalId, { notes } = {}) =>
      ask(
        { operation: `governance.${as}`, intentId, approvalId },
        ["IntentNotFound", "ApprovalNotFound", "ApprovalNotPending"],
        governance[as]({ params: { intentId, approvalId }, payload: given({ decision_notes: notes }) }),
        approvalOf
      )
  return {
    requestArbitration: Effect.fnUntraced(function* (intentId, { context, options, reason, requestedBy }) {
      const payload = {
        reason,
        ...given({
          context: yield* objectOf("context", context),
          options:
            options &&
            (yield* Effect.forEach(options, (option, i) =>
              Effect.map(objectOf(`options[${i}]`, option), (found) => found ?? {})
            )),
          requested_by: requestedBy
        })
      }
      return yield* ask(
        { operation: "governance.requestArbitration", intentId },
        ["IntentNotFound", "TooLarge"],
        governance.requestArbitration({ params: { intentId }, payload }),
        arbitrationOf
      )
    }),
    arbitrations: (intentId, query = {}) =>
      ask(
        { operation: "governance.arbitrations", intentId },
        ["IntentNotFound"],
        governance.arbitrations({ params: { intentId }, query: given(query) }),
        (page) => pageOf(page, page.arbitrations, arbitrationOf)
      ),
    recordDecision: Effect.fnUntraced(function* (intentId, input) {
      const outcome = input.outcome ?? input.decision
      const { arbitrationId } = input
      const payload = given({
        outcome: typeof outcome === "string" ? outcome : yield* objectOf("outcome", outcome),
        decision_type: input.decisionType,
        rationale: input.rationale ?? input.reasoning,
        decided_by: input.decidedBy,
        evidence: input.evidence && (yield* Effect.forEach(input.evidence, (one, i) => jsonOf(`evidence[${i}]`, one))),
        arbitration_id: arbitrationId
      })
      return yield* ask(
        { operation: "governance.recordDecision", intentId, arbitrationId },
        ["IntentNotFound", "ArbitrationNotFound", "TooLarge"],
        governance.recordDecision({ params: { intentId }, payload }),
        decisionOf
      )
    }),
    decisions: (intentId, query = {}) =>
      ask(
        { operation: "governance.decisions", intentId },
        ["IntentNotFound"],
        governance.decisions({ params: { intentId }, query: given(query) }),
        (page) => pageOf(page, page.decisions, decisionOf)
      ),
    setPolicy: Effect.fnUntraced(function* (intentId, { policy, version }) {
      const payload = (yield* objectOf("policy", policy)) ?? {}
      return yield* Effect.mapError(
        ask(
          { operation: "governance.setPolicy", intentId, version },
          ["IntentNotFound", "VersionConflict", "TooLarge"],
          governance.setPolicy({ params: { intentId }, headers: { "if-match": String(version) }, payload }),
          intentOf
        ),
        (error) => (error._tag === "ValidationError" ? insidePolicy(error) : error)
      )
    }),
    policy: (intentId) =>
      ask(
        { operation: "governance.policy", intentId },
        ["IntentNotFound"],
        governance.policy({ params: { intentId } }),
        policyOf
      ),
    removePolicy: (intentId, { version }) =>
      ask(
        { operation: "governance.removePolicy", intentId, version },
        ["IntentNotFound", "VersionConflict"],
        governance.removePolicy({ params: { intentId }, headers: { "if-match": String(version) } }),
        intentOf
      ),
    requestApproval: Effect.fnUntraced(function* (intentId, { action, context, reason, requestedBy }) {
      const payload = {
        action,
        ...given({ reason, context: yield* objectOf("context", context), requested_by: requestedBy })
      }
      return yield* ask(
        { operation: "governance.requestApproval", intentId },
        ["IntentNotFound", "TooLarge"],
        governance.requestApproval({ params: { intentId }, payload }),
        approvalOf
      )
    }),
    approvals: (intentId, query = {}) =>
      ask(
        { operation: "governance.approvals", intentId },
        ["IntentNotFound"],
        governance.approvals({ params: { intentId }, query: given(query) }),
        (page) => pageOf(page, page.approvals, approvalOf)
      ),
    approval: (intentId, approvalId) =>
      ask(
        { operation: "governance.approval", intentId, approvalId },
        ["IntentNotFound", "ApprovalNotFound"],
        governance.approval({ params: { intentId, approvalId } }),
        approvalOf
      ),
    approve: decide("approve"),
    deny: decide("deny")
  }
}
