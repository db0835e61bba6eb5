/** Errors as the contract shows them (http.md 1.6). Every refusal of every route is made here. */
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { AssignmentNotFound } from "../core/agent/Assignment.ts"
import type {
  Busy,
  Forbidden,
  Issue,
  StorageUnavailable,
  TooLarge,
  Unauthorized,
  ValidationError
} from "../core/Errors.ts"
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
import type { Lease } from "../core/lease/Lease.ts"
import type { LeaseConflict, LeaseExpired, LeaseHeld, LeaseNotFound } from "../core/lease/LeaseErrors.ts"
import { leaseBody } from "./bodies.ts"
import type { Profile } from "./timestamps.ts"

/** What the engine can answer with. */
export type EngineFailure =
  | AssignmentNotFound
  | Busy
  | ChildrenIncomplete
  | DependenciesIncomplete
  | DependencyCycle
  | Forbidden
  | IntentNotFound
  | InvalidPatch
  | InvalidTransition
  | LeaseConflict
  | LeaseExpired
  | LeaseHeld
  | LeaseNotFound
  | ParentNotFound
  | StorageUnavailable
  | TooLarge
  | Unauthorized
  | UnknownDependency
  | ValidationError
  | VersionConflict

/** A refusal on its way out. */
export interface Refusal {
  readonly _tag: "Refusal"
  readonly status: number
  readonly code: string
  readonly message: string
  readonly errors?: ReadonlyArray<Issue>
  readonly currentVersion?: number
  readonly existing?: Lease
  readonly headers?: { readonly [name: string]: string }
}

const refusal = (
  status: number,
  code: string,
  message: string,
  more?: Pick<Refusal, "errors" | "currentVersion" | "existing" | "headers">
): Refusal => ({ _tag: "Refusal", status, code, message, ...more })

/** Something in the request is not valid: 400 `validation_error`. It yields to a 404 of the intent in the path. */
export const invalid = (errors: ReadonlyArray<Issue>): Refusal =>
  refusal(400, "validation_error", errors.map(({ field, message }) => `${field} ${message}`).join("; "), { errors })

export const invalidJson = (message: string): Refusal => refusal(400, "invalid_json", message)
export const ifMatchRequired = refusal(
  400,
  "if_match_required",
  "The header If-Match with the intent's version is required"
)
export const ifMatchInvalid = refusal(400, "invalid_if_match", 'If-Match must be a version: 3, "3" or W/"3"')
export const unauthorized = refusal(401, "unauthorized", "Invalid or missing API key")
export const forbidden = (message: string): Refusal => refusal(403, "forbidden", message)
export const routeNotFound = refusal(404, "route_not_found", "No such route")
export const methodNotAllowed = (allow: string): Refusal =>
  refusal(405, "method_not_allowed", `Allowed here: ${allow}`, { headers: { allow } })
export const payloadTooLarge = (maxBytes: number): Refusal =>
  refusal(413, "payload_too_large", `The body is larger than ${maxBytes} bytes`)
export const unsupportedMediaType = refusal(415, "unsupported_media_type", "The body must be application/json")
export const misdirected = refusal(421, "misdirected_request", "This server does not answer to that Host")
export const internalError = refusal(500, "internal_error", "Internal server error")
const retrySoon = { "retry-after": "1" }
export const shuttingDown = refusal(503, "shutting_down", "The server is shutting down", {
  headers: { ...retrySoon, connection: "close" }
})

/** Names of fields that are not simply the snake_case of the engine's. */
const wireNames: { readonly [name: string]: string } = {
  type: "event_type",
  duration: "duration_seconds",
  afterPosition: "after_sequence"
}

/** `parentIntentId` as `parent_intent_id`, `patches[0].path` as it is: only the first name is the engine's own. */
const wireField = (field: string): string =>
  field.replace(/^[A-Za-z]+/, (name) =>
    Object.hasOwn(wireNames, name)
      ? String(wireNames[name])
      : name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  )

/** The way back, for the remote engine. */
export const engineField = (field: string): string =>
  field.replace(/^[a-z_]+/, (name) => {
    const own = Object.keys(wireNames).find((key) => wireNames[key] === name)
    return own ?? name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  })

const wireIssue = (issue: Issue): Issue => ({ ...issue, field: wireField(issue.field) })

/** Status and code of an error of the engine (http.md 1.6, decision 8). */
export const refusalOf = (error: EngineFailure): Refusal => {
  const { message } = error
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
    case "Unauthorized":
      return unauthorized
    case "Forbidden":
      return forbidden(message)
    case "IntentNotFound":
    case "ParentNotFound":
    case "LeaseNotFound":
    case "AssignmentNotFound":
      return refusal(404, "not_found", message)
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
    case "StorageUnavailable":
      return refusal(503, "storage_unavailable", "The storage is unavailable", {
        headers: { "retry-after": error.retryable ? "1" : "30" }
      })
    case "Busy":
      return refusal(503, "busy", message, { headers: retrySoon })
  }
}

/** The answer to a refused request. `detail` is what RFC-era clients read, `message` what the Python client reads. */
export const refuse = (given: Refusal, profile: Profile): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(
    JSON.stringify({
      detail: given.message,
      message: given.message,
      code: given.code,
      errors: given.errors,
      current_version: given.currentVersion,
      existing_lease: given.existing === undefined ? undefined : leaseBody(given.existing, profile)
    }),
    { status: given.status, contentType: "application/json", headers: given.headers }
  )
