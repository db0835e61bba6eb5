/** Approvals: asked for by anybody, decided once (http.md appendix A). Pure. */
import * as Result from "effect/Result"
import type { Aggregate, Decision } from "../Aggregate.ts"
import { moveOn } from "../Aggregate.ts"
import type { Env } from "../Env.ts"
import { systemEvent } from "../event/LogEvent.ts"
import { IntentNotFound } from "../intent/IntentErrors.ts"
import type { Approval } from "./Approval.ts"
import { ApprovalNotFound, ApprovalNotPending } from "./GovernanceErrors.ts"

export type ApprovalRequest = Pick<Approval, "intentId" | "requestedBy" | "action" | "reason" | "context">

/** A new approval depends on nothing, and nothing depends on one that is pending. */
export const newApproval = (request: ApprovalRequest, env: Env): Decision<Approval> => {
  const { action, intentId, reason, requestedBy } = request
  const approval: Approval = {
    ...request,
    id: env.newId(),
    status: "pending",
    createdAt: env.now,
    decidedAt: null,
    decidedBy: null,
    decisionNotes: null
  }
  return {
    value: approval,
    writes: [{ _tag: "Put", table: "approvals", record: approval, before: undefined }],
    events: [
      systemEvent(env, intentId, "approval_requested", requestedBy, {
        approval_id: approval.id,
        action,
        reason,
        requested_by: requestedBy
      })
    ]
  }
}

export interface ApprovalFacts {
  readonly found: Aggregate | undefined
  readonly approval: Approval | undefined
}

export interface ApprovalCommand {
  readonly intentId: string
  readonly approvalId: string
  readonly agentId: string
  readonly as: "approved" | "denied"
  readonly notes: string | undefined
}

/** Approves or denies. The intent moves on, so that a status decided at this moment counts it. */
export const decideApproval = (
  { approval, found }: ApprovalFacts,
  { agentId, approvalId, as, intentId, notes }: ApprovalCommand,
  env: Env
): Result.Result<Decision<Approval>, IntentNotFound | ApprovalNotFound | ApprovalNotPending> => {
  if (found === undefined) return Result.fail(new IntentNotFound({ intentId }))
  if (approval?.intentId !== intentId) return Result.fail(new ApprovalNotFound({ intentId, approvalId }))
  const { action, requestedBy, status } = approval
  if (status !== "pending") return Result.fail(new ApprovalNotPending({ intentId, approvalId, status }))
  const decided: Approval = {
    ...approval,
    status: as,
    decidedAt: env.now,
    decidedBy: agentId,
    decisionNotes: notes ?? null
  }
  return Result.succeed({
    value: decided,
    writes: [{ _tag: "Put", table: "approvals", record: decided, before: approval }],
    events: [
      systemEvent(
        env,
        intentId,
        as === "approved" ? "governance.approval_granted" : "governance.approval_denied",
        agentId,
        {
          approval_id: approvalId,
          action,
          decision: as,
          requested_by: requestedBy
        }
      )
    ],
    guards: [moveOn(found)]
  })
}
