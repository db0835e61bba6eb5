/** Errors of the engine as the contract shows them (http.md 1.6). */
import type { AssignmentNotFound } from "../core/agent/Assignment.ts"
import type { AttachmentNotFound, ContentNotStored } from "../core/attachment/AttachmentErrors.ts"
import type {
  Busy,
  Forbidden,
  IdempotencyKeyReused,
  Issue,
  RateLimited,
  StorageUnavailable,
  TooLarge,
  Unauthorized,
  ValidationError
} from "../core/Errors.ts"
import type { BudgetExceeded, ReservationEnded, ReservationNotFound } from "../core/cost/CostErrors.ts"
import type {
  ApprovalNotFound,
  ApprovalNotPending,
  ArbitrationNotFound,
  GovernanceViolation
} from "../core/governance/GovernanceErrors.ts"
import type {
  DependencyIntentNotFound,
  DependencyNotFound,
  DuplicateDependency,
  IntentTerminal
} from "../core/graph/GraphErrors.ts"
import type {
  ChildrenIncomplete,
  DependenciesIncomplete,
  DependencyCycle,
  IntentNotFound,
  InvalidPatch,
  InvalidTransition,
  ParentNotFound,
  UnknownDependency,
  VersionConflict
} from "../core/intent/IntentErrors.ts"
import type { DeliveryNotFound, SubscriptionNotFound } from "../core/subscription/Subscription.ts"
import type { LeaseConflict, LeaseExpired, LeaseHeld, LeaseNotFound } from "../core/lease/LeaseErrors.ts"
import type { RetryPolicyNotFound } from "../core/retry/Retry.ts"
import type { MembershipNotFound, PortfolioIncomplete, PortfolioNotFound } from "../core/portfolio/PortfolioErrors.ts"
import { wireField } from "./fieldNames.ts"
import { forbidden, invalid, rateLimited, type Refusal, refusal, retrySoon, unauthorized } from "./refusals.ts"

/** What the engine can answer with. */
export type EngineFailure =
  | ApprovalNotFound
  | ApprovalNotPending
  | ArbitrationNotFound
  | AssignmentNotFound
  | AttachmentNotFound
  | BudgetExceeded
  | Busy
  | ChildrenIncomplete
  | DeliveryNotFound
  | ContentNotStored
  | DependenciesIncomplete
  | DependencyCycle
  | DependencyIntentNotFound
  | DependencyNotFound
  | DuplicateDependency
  | Forbidden
  | GovernanceViolation
  | IdempotencyKeyReused
  | IntentNotFound
  | IntentTerminal
  | InvalidPatch
  | InvalidTransition
  | LeaseConflict
  | LeaseExpired
  | LeaseHeld
  | LeaseNotFound
  | MembershipNotFound
  | ParentNotFound
  | PortfolioIncomplete
  | PortfolioNotFound
  | RateLimited
  | ReservationEnded
  | ReservationNotFound
  | RetryPolicyNotFound
  | StorageUnavailable
  | SubscriptionNotFound
  | TooLarge
  | Unauthorized
  | UnknownDependency
  | ValidationError
  | VersionConflict

const wireIssue = (issue: Issue): Issue => ({ ...issue, field: wireField(issue.field) })

/** What does not exist. */
export type NotFoundFailure = Extract<EngineFailure, { readonly _tag: `${string}NotFound` | "ContentNotStored" }>

/** What a 404 says is missing: the field of its only entry in `errors`, since the code is `not_found` for all. */
export const missingFields = {
  ApprovalNotFound: "approval_id",
  ArbitrationNotFound: "arbitration_id",
  AssignmentNotFound: "agent_id",
  AttachmentNotFound: "attachment_id",
  ContentNotStored: "content",
  DeliveryNotFound: "delivery_id",
  DependencyIntentNotFound: "dependency_id",
  DependencyNotFound: "depends_on",
  IntentNotFound: "intent_id",
  LeaseNotFound: "lease_id",
  MembershipNotFound: "intents",
  ParentNotFound: "parent_intent_id",
  PortfolioNotFound: "portfolio_id",
  ReservationNotFound: "reservation_id",
  RetryPolicyNotFound: "retry_policy",
  SubscriptionNotFound: "subscription_id"
} as const satisfies { readonly [tag in NotFoundFailure["_tag"]]: string }

const isNotFound = (error: EngineFailure): error is NotFoundFailure => Object.hasOwn(missingFields, error._tag)

/** Status and code of an error of the engine (http.md 1.6, decision 8). */
export const refusalOf = (error: EngineFailure): Refusal => {
  const { message } = error
  if (isNotFound(error)) {
    return refusal(404, "not_found", message, { errors: [{ field: missingFields[error._tag], message }] })
  }
  switch (error._tag) {
    case "ValidationError":
      return invalid(error.issues.map(wireIssue))
    case "InvalidPatch":
      return refusal(400, "invalid_patch", message, {
        errors: [{ field: `patches[${error.index}]`, message: error.reason, value: error.path }]
      })
    case "UnknownDependency":
      return refusal(400, "unknown_dependency", message, {
        errors: [{ field: "depends_on", message: "names an unknown intent", value: error.dependencyIds }]
      })
    case "DependencyCycle":
      return refusal(400, "dependency_cycle", message, {
        errors: [{ field: "depends_on", message: "closes a cycle", value: error.path }]
      })
    case "DuplicateDependency":
      return refusal(400, "duplicate_dependency", message, {
        errors: [{ field: "dependency_id", message: "is a dependency already", value: error.dependencyId }]
      })
    case "IntentTerminal":
      return refusal(400, "intent_terminal", message)
    case "InvalidTransition":
      return refusal(400, "invalid_transition", message, {
        errors: [{ field: "status", message, value: { from: error.from, to: error.to } }]
      })
    case "DependenciesIncomplete":
      return refusal(400, "dependencies_incomplete", message, {
        errors: [{ field: "depends_on", message: "are not all completed", value: error.unmet }]
      })
    case "ChildrenIncomplete":
      return refusal(400, "children_incomplete", message, {
        errors: [{ field: "children", message: "are not all completed or abandoned", value: error.open }]
      })
    case "GovernanceViolation":
      return refusal(403, "governance_violation", message, {
        detail: { error: "governance_violation", rule: error.rule, message, mode: error.mode }
      })
    case "BudgetExceeded": {
      const { amount, currency, held, holder, limit, limitOn, spent } = error
      const value = { holder, limit_on: limitOn, currency, limit, spent, held, amount }
      return refusal(403, "budget_exceeded", message, {
        errors: [{ field: "amount", message: "is more than a budget allows", value }]
      })
    }
    case "ReservationEnded":
      // No word with the letters `lease` here either.
      return refusal(409, "reservation_ended", message, {
        errors: [{ field: "status", message: "is not held", value: error.status }]
      })
    case "ApprovalNotPending":
      return refusal(409, "approval_not_pending", message, {
        errors: [{ field: "status", message: "is not pending", value: error.status }]
      })
    case "PortfolioIncomplete":
      return refusal(400, "portfolio_incomplete", message, {
        errors: [{ field: "status", message, value: error.incomplete }]
      })
    case "Unauthorized":
      return unauthorized
    case "Forbidden":
      return forbidden(message)
    case "VersionConflict":
      // Nothing but the number: Python clients look for the letters `lease` in the whole body (http.md 1.6).
      return refusal(409, "version_conflict", message, {
        currentVersion: error.current
      })
    case "LeaseConflict":
      return refusal(409, "lease_conflict", message, { existing: error.existing })
    case "LeaseHeld":
      return refusal(409, "lease_held", message, {
        existing: error.existing,
        errors: [{ field: "patches", message: "touch a leased path", value: error.path }]
      })
    case "LeaseExpired":
      return refusal(409, "lease_expired", message)
    case "TooLarge":
      return refusal(413, "payload_too_large", message, {
        errors: [
          wireIssue({ field: error.field, message: `is larger than ${error.maxBytes} bytes`, value: error.maxBytes })
        ]
      })
    case "IdempotencyKeyReused":
      return refusal(422, "idempotency_key_reused", message, {
        errors: [{ field: "Idempotency-Key", message: "was used for another request before", value: error.key }]
      })
    case "RateLimited":
      return rateLimited(error.retryAfterSeconds)
    case "StorageUnavailable":
      return refusal(503, "storage_unavailable", "The storage is unavailable", {
        headers: { "retry-after": error.retryable ? "1" : "30" }
      })
    case "Busy":
      return refusal(503, "busy", message, { headers: retrySoon })
  }
}
