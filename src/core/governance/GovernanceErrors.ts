import * as Data from "effect/Data"
import type { ApprovalStatus } from "./Approval.ts"
import type { Breach, CompletionMode, PolicyRule } from "./policy.ts"

/** The policy of the intent forbids it; nothing was changed (http.md appendix A). */
export class GovernanceViolation extends Data.TaggedError("GovernanceViolation")<{
  readonly intentId: string
  /** The key of the policy that forbids it. */
  readonly rule: PolicyRule
  readonly reason: string
  /** Where the rule is `completion_mode`. */
  readonly mode?: CompletionMode
}> {
  override get message() {
    return this.reason
  }
}

/**
 * What a rule refuses with where a policy forbids it. It is no error of the engine: `tellDenial` makes it the
 * `GovernanceViolation` that the caller gets, so that none is answered before its event is in the log.
 */
export class Denied extends Data.TaggedError("Denied")<{
  readonly intentId: string
  /** Who was denied. */
  readonly agentId: string
  readonly breach: Breach
}> {}

/** No such arbitration of this intent is pending: it is unknown, another intent's, or resolved already. */
export class ArbitrationNotFound extends Data.TaggedError("ArbitrationNotFound")<{
  readonly intentId: string
  readonly arbitrationId: string
}> {
  override get message() {
    return "Pending arbitration not found"
  }
}

/** No such approval of this intent. */
export class ApprovalNotFound extends Data.TaggedError("ApprovalNotFound")<{
  readonly intentId: string
  readonly approvalId: string
}> {
  override get message() {
    return "Approval not found"
  }
}

/** The approval is decided already, and stays so. */
export class ApprovalNotPending extends Data.TaggedError("ApprovalNotPending")<{
  readonly intentId: string
  readonly approvalId: string
  readonly status: ApprovalStatus
}> {
  override get message() {
    return `Approval is already ${this.status}`
  }
}
