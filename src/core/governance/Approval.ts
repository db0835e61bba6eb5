import type * as DateTime from "effect/DateTime"
import type { JsonObject } from "../json.ts"
import type { PageOptions } from "../Page.ts"

export const approvalStatuses = ["pending", "approved", "denied"] as const
export type ApprovalStatus = (typeof approvalStatuses)[number]

/** Somebody is asked whether an action may be done; decided once (http.md appendix A). */
export interface Approval {
  readonly id: string
  readonly intentId: string
  readonly requestedBy: string
  /** Free, but for one: `complete` is what a policy's `completion_mode` counts. */
  readonly action: string
  readonly reason: string
  readonly context: JsonObject
  readonly status: ApprovalStatus
  readonly createdAt: DateTime.Utc
  readonly decidedAt: DateTime.Utc | null
  readonly decidedBy: string | null
  readonly decisionNotes: string | null
}

export interface RequestApproval {
  /** 1 to 100 characters, not blank. */
  readonly action: string
  readonly reason?: string | undefined
  readonly context?: object | null | undefined
  /** Default: the acting agent. */
  readonly requestedBy?: string | undefined
}

export interface DecideApproval {
  readonly notes?: string | undefined
}

export interface ListApprovals extends PageOptions {
  readonly status?: ApprovalStatus | undefined
}
