/** Error bodies of a server as the errors of the engine they were made from (http.md 1.6). */
import type { HttpClientError } from "effect/http/HttpClientError"
import type * as Schema from "effect/Schema"
import { AssignmentNotFound } from "../../core/agent/Assignment.ts"
import { Busy, Forbidden, StorageUnavailable, TooLarge, Unauthorized, ValidationError } from "../../core/Errors.ts"
import { type Status, statuses } from "../../core/intent/Intent.ts"
import {
  ChildrenIncomplete,
  DependenciesIncomplete,
  DependencyCycle,
  IntentNotFound,
  InvalidPatch,
  InvalidTransition,
  ParentNotFound,
  UnknownDependency,
  VersionConflict
} from "../../core/intent/IntentErrors.ts"
import { LeaseConflict, LeaseExpired, LeaseHeld, LeaseNotFound } from "../../core/lease/LeaseErrors.ts"
import { type EngineFailure, engineField } from "../failures.ts"
import { leaseOf } from "./records.ts"
import type { ErrorBody } from "../wire.ts"

/** What was asked: fills in what the body of an error does not say. */
export interface Call {
  /** As in `intents.get`. */
  readonly operation: string
  readonly intentId?: string
  readonly leaseId?: string
  readonly agentId?: string
  readonly parentIntentId?: string | null | undefined
  readonly version?: number
}

/** What the derived client fails with. */
export type ClientError = ErrorBody | HttpClientError | Schema.SchemaError

const isBody = (error: ClientError): error is ErrorBody => "code" in error

const valueOf = (body: ErrorBody): unknown => body.errors?.[0]?.value

const strings = (value: unknown): ReadonlyArray<string> =>
  Array.isArray(value) ? value.filter((item) => typeof item === "string") : []

const text = (value: unknown): string => (typeof value === "string" ? value : "")

const isStatus = (value: unknown): value is Status => statuses.some((status) => status === value)

const validation = (body: ErrorBody): ValidationError => {
  const [first = { field: "request", message: body.message }, ...others] = (body.errors ?? []).map((issue) => ({
    ...issue,
    field: engineField(issue.field)
  }))
  return new ValidationError({ issues: [first, ...others] })
}

const notFound = (call: Call, body: ErrorBody): EngineFailure => {
  const { agentId, intentId = "", leaseId } = call
  if (call.operation === "intents.create") return new ParentNotFound({ parentIntentId: call.parentIntentId ?? "" })
  if (leaseId !== undefined && body.message !== "Intent not found") return new LeaseNotFound({ intentId, leaseId })
  if (agentId !== undefined && body.message !== "Intent not found") return new AssignmentNotFound({ intentId, agentId })
  return new IntentNotFound({ intentId })
}

const transition = (body: ErrorBody): EngineFailure => {
  const value = Object(valueOf(body))
  const { from, to }: { readonly from?: unknown; readonly to?: unknown } = value
  return isStatus(from) && isStatus(to) ? new InvalidTransition({ from, to }) : validation(body)
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

/** An answer that the contract does not have here: trying again would give the same. */
const unexpected = ({ operation }: Call, reason: string): StorageUnavailable =>
  new StorageUnavailable({ operation, reason, retryable: false })

const bodyError = (call: Call, body: ErrorBody): EngineFailure => {
  const { intentId = "", leaseId = null, operation } = call
  switch (body.code) {
    case "not_found":
      return notFound(call, body)
    case "invalid_patch": {
      const [issue] = body.errors ?? []
      const index = Number(/\d+/.exec(issue?.field ?? "")?.[0] ?? 0)
      return new InvalidPatch({ index, path: text(issue?.value), reason: issue?.message ?? body.message })
    }
    case "unknown_dependency":
      return new UnknownDependency({ dependencyIds: strings(valueOf(body)) })
    case "dependency_cycle":
      return new DependencyCycle({ path: strings(valueOf(body)) })
    case "invalid_transition":
      return transition(body)
    case "dependencies_incomplete":
      return new DependenciesIncomplete({ unmet: strings(valueOf(body)) })
    case "children_incomplete":
      return new ChildrenIncomplete({ open: strings(valueOf(body)) })
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
    case "busy":
      return new Busy({ operation })
    case "storage_unavailable":
    case "shutting_down":
      return new StorageUnavailable({ operation, reason: body.code, retryable: true })
    case "validation_error":
    case "invalid_json":
    case "if_match_required":
    case "invalid_if_match":
      return validation(body)
    default:
      return unexpected(call, body.code)
  }
}

/** Any error of a call. A server that cannot be reached or does not speak the contract is an unavailable storage. */
const errorOf = (call: Call, error: ClientError): EngineFailure => {
  if (isBody(error)) return bodyError(call, error)
  if (error._tag === "SchemaError") return unexpected(call, "unexpected_answer")
  const retryable = error.reason._tag === "TransportError" || (error.response?.status ?? 0) >= 500
  const reason =
    error.reason._tag === "TransportError" ? "unreachable" : `status ${error.response?.status ?? "unknown"}`
  return new StorageUnavailable({ operation: call.operation, reason, retryable })
}

type Tag = EngineFailure["_tag"]

const common = ["ValidationError", "StorageUnavailable", "Busy", "Unauthorized", "Forbidden"] as const

/** The errors that every call may end with. */
type Common = (typeof common)[number]

type Expected<T extends Tag> = Extract<EngineFailure, { readonly _tag: T | Common }>

const isExpected = <T extends Tag>(failure: EngineFailure, tags: ReadonlyArray<T>): failure is Expected<T> =>
  common.some((tag) => tag === failure._tag) || tags.some((tag) => tag === failure._tag)

/** Narrows to the errors that a call may end with; any other answer is one that the contract does not have there. */
export const expected =
  <T extends Tag>(call: Call, tags: ReadonlyArray<T>) =>
  (error: ClientError): Expected<T> | StorageUnavailable => {
    const failure = errorOf(call, error)
    return isExpected(failure, tags) ? failure : unexpected(call, failure._tag)
  }
