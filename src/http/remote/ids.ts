/** The ids of a call, and what does not exist where one of them names nothing. */
import * as Record from "effect/Record"
import { AssignmentNotFound } from "../../core/agent/Assignment.ts"
import { AttachmentNotFound, ContentNotStored } from "../../core/attachment/AttachmentErrors.ts"
import { ReservationNotFound } from "../../core/cost/CostErrors.ts"
import { ApprovalNotFound, ArbitrationNotFound } from "../../core/governance/GovernanceErrors.ts"
import { DependencyIntentNotFound, DependencyNotFound } from "../../core/graph/GraphErrors.ts"
import { IntentNotFound, ParentNotFound } from "../../core/intent/IntentErrors.ts"
import { LeaseNotFound } from "../../core/lease/LeaseErrors.ts"
import { MembershipNotFound, PortfolioNotFound } from "../../core/portfolio/PortfolioErrors.ts"
import { RetryPolicyNotFound } from "../../core/retry/Retry.ts"
import { DeliveryNotFound, SubscriptionNotFound } from "../../core/subscription/Subscription.ts"
import { missingFields, type NotFoundFailure } from "../failures.ts"

/** What was asked: fills in what the body of an error does not say. */
export interface Call {
  /** As in `intents.get`. */
  readonly operation: string
  readonly intentId?: string
  readonly leaseId?: string
  readonly portfolioId?: string
  /** The intent of a membership. */
  readonly memberId?: string
  readonly agentId?: string
  readonly dependencyId?: string
  /** Not in the path of the call. */
  readonly addedDependencyId?: string
  readonly arbitrationId?: string | undefined
  readonly approvalId?: string
  readonly attachmentId?: string
  readonly reservationId?: string
  readonly subscriptionId?: string
  readonly deliveryId?: string
  readonly parentIntentId?: string | null | undefined
  readonly version?: number
}

type Tag = NotFoundFailure["_tag"]

const errors: { readonly [T in Tag]: (call: Call) => Extract<NotFoundFailure, { readonly _tag: T }> } = {
  ApprovalNotFound: ({ approvalId = "", intentId = "" }) => new ApprovalNotFound({ intentId, approvalId }),
  ArbitrationNotFound: ({ arbitrationId = "", intentId = "" }) => new ArbitrationNotFound({ intentId, arbitrationId }),
  AssignmentNotFound: ({ agentId = "", intentId = "" }) => new AssignmentNotFound({ intentId, agentId }),
  AttachmentNotFound: ({ attachmentId = "", intentId = "" }) => new AttachmentNotFound({ intentId, attachmentId }),
  ContentNotStored: ({ attachmentId = "", intentId = "" }) => new ContentNotStored({ intentId, attachmentId }),
  DeliveryNotFound: ({ deliveryId = "", subscriptionId = "" }) => new DeliveryNotFound({ subscriptionId, deliveryId }),
  DependencyIntentNotFound: ({ addedDependencyId: dependencyId = "" }) =>
    new DependencyIntentNotFound({ dependencyId }),
  DependencyNotFound: ({ dependencyId = "", intentId = "" }) => new DependencyNotFound({ intentId, dependencyId }),
  IntentNotFound: ({ intentId = "" }) => new IntentNotFound({ intentId }),
  LeaseNotFound: ({ intentId = "", leaseId = "" }) => new LeaseNotFound({ intentId, leaseId }),
  MembershipNotFound: ({ memberId: intentId = "", portfolioId = "" }) =>
    new MembershipNotFound({ portfolioId, intentId }),
  ParentNotFound: ({ parentIntentId }) => new ParentNotFound({ parentIntentId: parentIntentId ?? "" }),
  PortfolioNotFound: ({ portfolioId = "" }) => new PortfolioNotFound({ portfolioId }),
  ReservationNotFound: ({ intentId = "", reservationId = "" }) => new ReservationNotFound({ intentId, reservationId }),
  RetryPolicyNotFound: ({ intentId = "" }) => new RetryPolicyNotFound({ intentId }),
  SubscriptionNotFound: ({ subscriptionId = "" }) => new SubscriptionNotFound({ subscriptionId })
}

/** What a 404 says is missing. One that does not say it speaks of the intent. */
export const notFound = (call: Call, field: string | undefined): NotFoundFailure => {
  const tag = Record.keys(missingFields).find((known) => missingFields[known] === field)
  return errors[tag ?? "IntentNotFound"](call)
}

/** What the ids of a path name: what the path names first comes first. */
const named: ReadonlyArray<readonly [id: keyof Call, tag: Tag]> = [
  ["portfolioId", "PortfolioNotFound"],
  ["memberId", "MembershipNotFound"],
  ["subscriptionId", "SubscriptionNotFound"],
  ["deliveryId", "DeliveryNotFound"],
  ["intentId", "IntentNotFound"],
  ["leaseId", "LeaseNotFound"],
  ["agentId", "AssignmentNotFound"],
  ["dependencyId", "DependencyNotFound"],
  ["approvalId", "ApprovalNotFound"],
  ["attachmentId", "AttachmentNotFound"],
  ["reservationId", "ReservationNotFound"]
]

/** A URL would lose these, so no path can name them. Nothing has such an id. */
const nameless: ReadonlySet<unknown> = new Set(["", ".", ".."])

/** What is missing already because its id cannot be asked for. */
export const withoutName = (call: Call): NotFoundFailure | undefined => {
  const found = named.find(([id]) => nameless.has(call[id]))
  return found && errors[found[1]](call)
}
