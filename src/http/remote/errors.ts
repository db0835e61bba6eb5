/** Error bodies of a server as the errors of the engine they were made from (http.md 1.6). */
import * as Data from "effect/Data"
import type { HttpClientError } from "effect/http/HttpClientError"
import type * as Schema from "effect/Schema"
import {
  Busy,
  Forbidden,
  IdempotencyKeyReused,
  type Issue,
  RateLimited,
  StorageUnavailable,
  TooLarge,
  Unauthorized,
  ValidationError
} from "../../core/Errors.ts"
import { ApprovalNotPending, GovernanceViolation } from "../../core/governance/GovernanceErrors.ts"
import { approvalStatuses } from "../../core/governance/Approval.ts"
import { policyRules, completionModes } from "../../core/governance/policy.ts"
import { type Status, statuses } from "../../core/intent/Intent.ts"
import { DuplicateDependency, IntentTerminal } from "../../core/graph/GraphErrors.ts"
import {
  ChildrenIncomplete,
  DependenciesIncomplete,
  DependencyCycle,
  InvalidPatch,
  InvalidTransition,
  UnknownDependency,
  VersionConflict
} from "../../core/intent/IntentErrors.ts"
import { LeaseConflict, LeaseExpired, LeaseHeld } from "../../core/lease/LeaseErrors.ts"
import { PortfolioIncomplete } from "../../core/portfolio/PortfolioErrors.ts"
import type { EngineFailure } from "../failures.ts"
import { engineField } from "../fieldNames.ts"
import { schemaIssues } from "../schemaIssues.ts"
import { overBudget, reservationEnded } from "./costErrors.ts"
import { type Call, notFound } from "./ids.ts"
import { leaseOf } from "./records.ts"
import type { ErrorBody } from "../wire.ts"

/** An answer that the schemas of the contract refuse. */
export class UnexpectedAnswer extends Data.TaggedError("UnexpectedAnswer") {}

/** What the derived client fails with. A `SchemaError` is about what was asked: see `UnexpectedAnswer`. */
export type ClientError = ErrorBody | HttpClientError | Schema.SchemaError | UnexpectedAnswer

const isBody = (error: ClientError): error is ErrorBody => "code" in error

const valueOf = (body: ErrorBody): unknown => body.errors?.[0]?.value

const strings = (value: unknown): ReadonlyArray<string> =>
  Array.isArray(value) ? value.filter((item) => typeof item === "string") : []

const text = (value: unknown): string => (typeof value === "string" ? value : "")

const isStatus = (value: unknown): value is Status => statuses.some((status) => status === value)

/** In the names of the engine. */
const validation = (
  issues: ReadonlyArray<Issue>,
  otherwise: Issue = { field: "input", message: "is not valid" }
): ValidationError => {
  const [first = otherwise, ...others] = issues.map((issue) => ({ ...issue, field: engineField(issue.field) }))
  return new ValidationError({ issues: [first, ...others] })
}

const validationOf = (field: string, { errors = [], message }: ErrorBody): ValidationError =>
  validation(errors, { field, message })

const transition = (body: ErrorBody): EngineFailure => {
  const value = Object(valueOf(body))
  const { from, to }: { readonly from?: unknown; readonly to?: unknown } = value
  return isStatus(from) && isStatus(to) ? new InvalidTransition({ from, to }) : validationOf("status", body)
}

const tooLarge = (body: ErrorBody): EngineFailure => {
  const maxBytes = valueOf(body)
  const field = engineField(body.errors?.[0]?.field ?? "body")
  return new TooLarge({ field, maxBytes: typeof maxBytes === "number" ? maxBytes : 0 })
}

const held = (call: Call, body: ErrorBody): EngineFailure => {
  const existing = body.existing_lease
  if (existing === undefined || existing === null) return unexpected(call, body.code)
  return body.code === "lease_conflict"
    ? new LeaseConflict({ existing: leaseOf(existing) })
    : new LeaseHeld({ existing: leaseOf(existing), path: text(valueOf(body)) })
}

const violation = (call: Call, body: ErrorBody): EngineFailure => {
  const { detail, message: reason } = body
  const rule = typeof detail === "string" ? undefined : policyRules.find((known) => known === detail.rule)
  const mode = typeof detail === "string" ? undefined : completionModes.find((known) => known === detail.mode)
  if (rule === undefined) return unexpected(call, body.code)
  const { intentId = "" } = call
  return new GovernanceViolation({ intentId, rule, reason, ...(mode === undefined ? undefined : { mode }) })
}

const notPending = (call: Call, body: ErrorBody): EngineFailure => {
  const { approvalId = "", intentId = "" } = call
  const status = approvalStatuses.find((known) => known === valueOf(body))
  return status === undefined ? unexpected(call, body.code) : new ApprovalNotPending({ intentId, approvalId, status })
}

/** An answer that the contract does not have here: trying again would give the same. */
const unexpected = ({ operation }: Call, reason: string): StorageUnavailable =>
  new StorageUnavailable({ operation, reason, retryable: false })

const bodyError = (call: Call, body: ErrorBody): EngineFailure => {
  const { intentId = "", leaseId = null, operation } = call
  switch (body.code) {
    case "not_found":
      return notFound(call, body.errors?.[0]?.field)
    case "invalid_patch": {
      const [issue] = body.errors ?? []
      const index = Number(/\d+/.exec(issue?.field ?? "")?.[0] ?? 0)
      return new InvalidPatch({ index, path: text(issue?.value), reason: issue?.message ?? body.message })
    }
    case "unknown_dependency":
      return new UnknownDependency({ dependencyIds: strings(valueOf(body)) })
    case "dependency_cycle":
      return new DependencyCycle({ path: strings(valueOf(body)) })
    case "duplicate_dependency":
      return new DuplicateDependency({ intentId, dependencyId: call.addedDependencyId ?? "" })
    case "intent_terminal":
      return new IntentTerminal({ intentId })
    case "invalid_transition":
      return transition(body)
    case "dependencies_incomplete":
      return new DependenciesIncomplete({ unmet: strings(valueOf(body)) })
    case "children_incomplete":
      return new ChildrenIncomplete({ open: strings(valueOf(body)) })
    case "budget_exceeded":
      return overBudget(valueOf(body)) ?? unexpected(call, body.code)
    case "reservation_ended":
      return (
        reservationEnded({ intentId, reservationId: call.reservationId ?? "" }, valueOf(body)) ??
        unexpected(call, body.code)
      )
    case "governance_violation":
      return violation(call, body)
    case "approval_not_pending":
      return notPending(call, body)
    case "portfolio_incomplete": {
      const incomplete = valueOf(body)
      const portfolioId = call.portfolioId ?? ""
      return new PortfolioIncomplete({ portfolioId, incomplete: typeof incomplete === "number" ? incomplete : 0 })
    }
    case "unauthorized":
      return new Unauthorized()
    case "forbidden":
      return new Forbidden({ reason: body.message })
    case "version_conflict":
      return new VersionConflict({ intentId, expected: call.version ?? 0, current: body.current_version ?? 0 })
    case "lease_conflict":
    case "lease_held":
      return held(call, body)
    case "lease_expired":
      return new LeaseExpired({ intentId, leaseId })
    case "payload_too_large":
      return tooLarge(body)
    case "rate_limited": {
      const seconds = valueOf(body)
      return new RateLimited({ retryAfterSeconds: typeof seconds === "number" ? seconds : 1 })
    }
    case "idempotency_key_reused":
      return new IdempotencyKeyReused({ key: text(valueOf(body)) })
    case "busy":
      return new Busy({ operation })
    case "storage_unavailable":
    case "shutting_down":
      return new StorageUnavailable({ operation, reason: body.code, retryable: true })
    case "validation_error":
    case "invalid_json":
      return validationOf("input", body)
    case "if_match_required":
    case "invalid_if_match":
      return validationOf("version", body)
    default:
      return unexpected(call, body.code)
  }
}

/**
 * Any error of a call. What the client itself refuses to send is invalid, as it is embedded. A server that cannot be
 * reached or does not speak the contract is an unavailable storage.
 */
const errorOf = (call: Call, error: ClientError): EngineFailure => {
  if (isBody(error)) return bodyError(call, error)
  if (error._tag === "SchemaError") return validation(schemaIssues(error.issue, "input"))
  if (error._tag === "UnexpectedAnswer") return unexpected(call, "unexpected_answer")
  const retryable = error.reason._tag === "TransportError" || (error.response?.status ?? 0) >= 500
  const reason =
    error.reason._tag === "TransportError" ? "unreachable" : `status ${error.response?.status ?? "unknown"}`
  return new StorageUnavailable({ operation: call.operation, reason, retryable })
}

type Tag = EngineFailure["_tag"]

const common = [
  "ValidationError",
  "StorageUnavailable",
  "Busy",
  "IdempotencyKeyReused",
  "Unauthorized",
  "Forbidden",
  "RateLimited"
] as const

/** The errors that every call may end with. */
type Common = (typeof common)[number]

type Expected<T extends Tag> = Extract<EngineFailure, { readonly _tag: T | Common }>

const isExpected = <T extends Tag>(failure: EngineFailure, tags: ReadonlyArray<T>): failure is Expected<T> =>
  common.some((tag) => tag === failure._tag) || tags.some((tag) => tag === failure._tag)

/** Narrows to the errors that a call may end with; any other answer is one that the contract does not have there. */
export const narrowed = <T extends Tag>(
  call: Call,
  tags: ReadonlyArray<T>,
  failure: EngineFailure
): Expected<T> | StorageUnavailable => (isExpected(failure, tags) ? failure : unexpected(call, failure._tag))

/** What a call ends with where the derived client fails. */
export const expected =
  <T extends Tag>(call: Call, tags: ReadonlyArray<T>) =>
  (error: ClientError): Expected<T> | StorageUnavailable =>
    narrowed(call, tags, errorOf(call, error))
