/** http.md 9 and appendix A: arbitrations, decisions, policies and approvals, in every vocabulary the contract reads. */
import * as Effect from "effect/Effect"
import { HttpApiBuilder } from "effect/http-api"
import type { Approval, DecideApproval, RequestApproval } from "../core/governance/Approval.ts"
import type {
  Arbitration,
  RecordDecision,
  RecordedDecision,
  RequestArbitration
} from "../core/governance/Arbitration.ts"
import { type IntentPolicy, readPolicy, type SetPolicy } from "../core/governance/policy.ts"
import { OpenIntent } from "../core/OpenIntent.ts"
import { Checks } from "../core/validate.ts"
import { answer, intentAnswer, json, pageAnswer } from "./answers.ts"
import { Api } from "./Api.ts"
import { Caller } from "./api/common.ts"
import { invalid, type Refusal } from "./refusals.ts"
import { Fields } from "./fields.ts"
import { HttpOptions } from "./HttpOptions.ts"
import { readBody, type RawBody } from "./requestBody.ts"
import { type Bound, doneAs, type Guards, version } from "./requests.ts"
import { formatTimestamp, type Profile } from "./timestamps.ts"

/** http.md 2.5 */
const arbitrationBody = (arbitration: Arbitration, profile: Profile) => ({
  id: arbitration.id,
  intent_id: arbitration.intentId,
  requester_id: arbitration.requestedBy,
  requested_by: arbitration.requestedBy,
  requestor: arbitration.requestedBy,
  reason: arbitration.reason,
  context: arbitration.context,
  options: arbitration.options,
  status: arbitration.status,
  resolution: arbitration.resolution,
  created_at: formatTimestamp(arbitration.createdAt, profile),
  resolved_at: arbitration.resolvedAt && formatTimestamp(arbitration.resolvedAt, profile),
  message: "Arbitration requested"
})

/** http.md 2.6 */
const decisionBody = (decision: RecordedDecision, profile: Profile) => ({
  id: decision.id,
  decision_id: decision.id,
  intent_id: decision.intentId,
  decision_maker_id: decision.decidedBy,
  decided_by: decision.decidedBy,
  decision_type: decision.decisionType,
  outcome: decision.outcome,
  decision: decision.outcome,
  reasoning: decision.rationale,
  rationale: decision.rationale,
  evidence: decision.evidence,
  arbitration_id: decision.arbitrationId,
  created_at: formatTimestamp(decision.createdAt, profile),
  message: "Decision recorded"
})

/** http.md appendix A. What is not set is left out. */
const approvalBody = (approval: Approval, profile: Profile) => ({
  id: approval.id,
  intent_id: approval.intentId,
  requested_by: approval.requestedBy,
  action: approval.action,
  reason: approval.reason,
  context: approval.context,
  status: approval.status,
  created_at: formatTimestamp(approval.createdAt, profile),
  decided_at: approval.decidedAt === null ? undefined : formatTimestamp(approval.decidedAt, profile),
  decided_by: approval.decidedBy ?? undefined,
  decision_notes: approval.decisionNotes ?? undefined
})

const policyBody = ({ effectivePolicy, governancePolicy, intentId }: IntentPolicy) => ({
  intent_id: intentId,
  governance_policy: governancePolicy,
  effective_policy: {
    completion_mode: effectivePolicy.completionMode,
    write_scope: effectivePolicy.writeScope,
    quorum_threshold: effectivePolicy.quorumThreshold,
    allowed_agents: effectivePolicy.allowedAgents,
    max_cost: effectivePolicy.maxCost,
    require_status_reason: effectivePolicy.requireStatusReason
  }
})

const objects = (fields: Fields, name: string): ReadonlyArray<object> | undefined =>
  fields.array(name)?.flatMap((item, i) => {
    if (typeof item === "object" && item !== null) return [item]
    fields.issues.push({ field: `${name}[${i}]`, message: "must be an object" })
    return []
  })

/** http.md 9.1 */
const requestArbitration = (body: RawBody, bound: Bound): Effect.Effect<RequestArbitration, Refusal> => {
  const fields = new Fields(body)
  const requestedBy = fields.string("requested_by")
  return doneAs(
    fields,
    {
      reason: fields.requiredString("reason"),
      context: fields.object("context"),
      options: objects(fields, "options"),
      requestedBy
    },
    requestedBy,
    bound
  )
}

/** http.md 9.3, in the words of RFC 0004 and of the Python clients. */
const recordDecision = (body: RawBody, bound: Bound): Effect.Effect<RecordDecision, Refusal> => {
  const fields = new Fields(body)
  const decidedBy = fields.string("decided_by", "decision_maker_id")
  return doneAs(
    fields,
    {
      outcome: fields.stringOrObject("outcome", "decision"),
      decisionType: fields.string("decision_type"),
      rationale: fields.string("rationale", "reasoning"),
      evidence: fields.array("evidence"),
      arbitrationId: fields.string("arbitration_id"),
      decidedBy
    },
    decidedBy,
    bound
  )
}

/** The body is the policy itself: its keys are named as they are, and before a missing `If-Match` (http.md 1.6). */
const setPolicy = (policy: RawBody, headers: Guards): Effect.Effect<SetPolicy, Refusal> => {
  const checks = new Checks()
  readPolicy(checks, "policy", policy)
  if (checks.issues.length > 0) {
    return Effect.fail(
      invalid(checks.issues.map((issue) => ({ ...issue, field: issue.field.replace(/^policy\./, "") })))
    )
  }
  return Effect.map(version(headers["if-match"]), (expected) => ({ version: expected, policy }))
}

const requestApproval = (body: RawBody, bound: Bound): Effect.Effect<RequestApproval, Refusal> => {
  const fields = new Fields(body)
  const requestedBy = fields.string("requested_by")
  return doneAs(
    fields,
    {
      action: fields.requiredString("action"),
      reason: fields.string("reason"),
      context: fields.object("context"),
      requestedBy
    },
    requestedBy,
    bound
  )
}

/** The acting agent decides, also where the body has another name; a bound key must not even give one. */
const decideApproval = (body: RawBody, bound: Bound): Effect.Effect<DecideApproval, Refusal> => {
  const fields = new Fields(body)
  const named = fields.string("decided_by")
  return doneAs(fields, { notes: fields.string("decision_notes", "notes") }, named, bound)
}

/** Needs `OpenIntent`. */
export const layer = HttpApiBuilder.group(
  Api,
  "governance",
  Effect.fnUntraced(function* (handlers) {
    const engine = yield* OpenIntent
    const options = yield* HttpOptions
    const { governance } = engine

    /** How every call on an intent answers. */
    const on = (intentId: string, profile: Profile) => ({ engine, intentId, profile })

    const arbitrations = ({
      params: { intentId },
      query,
      request
    }: {
      readonly params: { readonly intentId: string }
      readonly query: Parameters<typeof governance.arbitrations>[1]
      readonly request: { readonly url: string }
    }) =>
      Effect.flatMap(Caller, ({ profile }) =>
        answer(governance.arbitrations(intentId, query), {
          ...on(intentId, profile),
          onSuccess: (page) => pageAnswer("arbitrations", page, arbitrationBody, profile, request.url)
        })
      )

    return handlers
      .handleRaw("requestArbitration", ({ params: { intentId }, request }) =>
        Effect.flatMap(Caller, ({ boundTo, profile }) =>
          readBody(request, options).pipe(
            Effect.flatMap((body) => requestArbitration(body, boundTo)),
            Effect.flatMap((input) => governance.requestArbitration(intentId, input)),
            (effect) =>
              answer(effect, { ...on(intentId, profile), onSuccess: (found) => json(arbitrationBody(found, profile)) })
          )
        )
      )
      .handleRaw("arbitrations", arbitrations)
      .handleRaw("arbitrationsAlias", arbitrations)
      .handleRaw("recordDecision", ({ params: { intentId }, request }) =>
        Effect.flatMap(Caller, ({ boundTo, profile }) =>
          readBody(request, options).pipe(
            Effect.flatMap((body) => recordDecision(body, boundTo)),
            Effect.flatMap((input) => governance.recordDecision(intentId, input)),
            (effect) =>
              answer(effect, { ...on(intentId, profile), onSuccess: (found) => json(decisionBody(found, profile)) })
          )
        )
      )
      .handleRaw("decisions", ({ params: { intentId }, query, request }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(governance.decisions(intentId, query), {
            ...on(intentId, profile),
            onSuccess: (page) => pageAnswer("decisions", page, decisionBody, profile, request.url)
          })
        )
      )
      .handleRaw("setPolicy", ({ headers, params: { intentId }, request }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          readBody(request, options).pipe(
            Effect.flatMap((body) => setPolicy(body, headers)),
            Effect.flatMap((input) => governance.setPolicy(intentId, input)),
            (effect) => answer(effect, { ...on(intentId, profile), onSuccess: intentAnswer })
          )
        )
      )
      .handleRaw("policy", ({ params: { intentId } }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(governance.policy(intentId), {
            ...on(intentId, profile),
            onSuccess: (policy) => json(policyBody(policy))
          })
        )
      )
      .handleRaw("removePolicy", ({ headers, params: { intentId } }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          version(headers["if-match"]).pipe(
            Effect.flatMap((expected) => governance.removePolicy(intentId, { version: expected })),
            (effect) => answer(effect, { ...on(intentId, profile), onSuccess: intentAnswer })
          )
        )
      )
      .handleRaw("requestApproval", ({ params: { intentId }, request }) =>
        Effect.flatMap(Caller, ({ boundTo, profile }) =>
          readBody(request, options).pipe(
            Effect.flatMap((body) => requestApproval(body, boundTo)),
            Effect.flatMap((input) => governance.requestApproval(intentId, input)),
            (effect) =>
              answer(effect, { ...on(intentId, profile), onSuccess: (found) => json(approvalBody(found, profile)) })
          )
        )
      )
      .handleRaw("approvals", ({ params: { intentId }, query, request }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(governance.approvals(intentId, query), {
            ...on(intentId, profile),
            onSuccess: (page) => pageAnswer("approvals", page, approvalBody, profile, request.url)
          })
        )
      )
      .handleRaw("approval", ({ params: { approvalId, intentId } }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(governance.approval(intentId, approvalId), {
            ...on(intentId, profile),
            onSuccess: (found) => json(approvalBody(found, profile))
          })
        )
      )
      .handleRaw("approve", ({ params: { approvalId, intentId }, request }) =>
        Effect.flatMap(Caller, ({ boundTo, profile }) =>
          readBody(request, options).pipe(
            Effect.flatMap((body) => decideApproval(body, boundTo)),
            Effect.flatMap((input) => governance.approve(intentId, approvalId, input)),
            (effect) =>
              answer(effect, { ...on(intentId, profile), onSuccess: (found) => json(approvalBody(found, profile)) })
          )
        )
      )
      .handleRaw("deny", ({ params: { approvalId, intentId }, request }) =>
        Effect.flatMap(Caller, ({ boundTo, profile }) =>
          readBody(request, options).pipe(
            Effect.flatMap((body) => decideApproval(body, boundTo)),
            Effect.flatMap((input) => governance.deny(intentId, approvalId, input)),
            (effect) =>
              answer(effect, { ...on(intentId, profile), onSuccess: (found) => json(approvalBody(found, profile)) })
          )
        )
      )
  })
)
