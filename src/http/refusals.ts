/** Refusals as the contract shows them (http.md 1.6), and those that HTTP alone has: the engine's are in `failures.ts`. */
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { withoutKeys } from "../core/apiKey/form.ts"
import type { Issue } from "../core/Errors.ts"
import type { Lease } from "../core/lease/Lease.ts"
import { leaseBody } from "./bodies.ts"
import type { Profile } from "./timestamps.ts"

/** What a policy forbids, as later clients read it (http.md appendix A). */
interface GovernanceDetail {
  readonly error: "governance_violation"
  readonly rule: string
  readonly message: string
  readonly mode: string | undefined
}

/** A refusal on its way out. */
export interface Refusal {
  readonly _tag: "Refusal"
  readonly status: number
  readonly code: string
  readonly message: string
  readonly errors?: ReadonlyArray<Issue>
  readonly currentVersion?: number
  readonly existing?: Lease
  /** Takes the place of the message as `detail`: the one exception to invariant 57 (decision 5). */
  readonly detail?: GovernanceDetail
  readonly headers?: { readonly [name: string]: string }
}

/** A refusal of one route or another. */
export const refusal = (
  status: number,
  code: string,
  message: string,
  more?: Pick<Refusal, "errors" | "currentVersion" | "existing" | "detail" | "headers">
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
export const requestTimeout = refusal(408, "request_timeout", "The request did not arrive in time", {
  headers: { connection: "close" }
})
export const payloadTooLarge = (maxBytes: number): Refusal =>
  refusal(413, "payload_too_large", `The body is larger than ${maxBytes} bytes`)
export const unsupportedMediaType = refusal(415, "unsupported_media_type", "The body must be application/json")
/** Whether there is room again is told in seconds, in the body too: not every client sees the headers. */
export const rateLimited = (seconds: number): Refusal =>
  refusal(429, "rate_limited", `Too many requests: try again in ${seconds} s`, {
    errors: [{ field: "Retry-After", message: "seconds have to pass", value: seconds }],
    headers: { "retry-after": String(seconds) }
  })
export const misdirected = refusal(421, "misdirected_request", "This server does not answer to that Host")
export const internalError = refusal(500, "internal_error", "Internal server error")
export const retrySoon = { "retry-after": "1" }
export const shuttingDown = refusal(503, "shutting_down", "The server is shutting down", {
  headers: { ...retrySoon, connection: "close" }
})

const codes = new WeakMap<HttpServerResponse.HttpServerResponse["body"], string>()

/** The answer to a refused request. `detail` is what RFC-era clients read, `message` what the Python client reads. */
export const refuse = (given: Refusal, profile: Profile): HttpServerResponse.HttpServerResponse => {
  const response = HttpServerResponse.text(
    // What is wrong is told with what was given, and some give a key where none belongs.
    withoutKeys(
      JSON.stringify({
        detail: given.detail ?? given.message,
        message: given.message,
        code: given.code,
        errors: given.errors,
        current_version: given.currentVersion,
        existing_lease: given.existing === undefined ? undefined : leaseBody(given.existing, profile)
      })
    ),
    { status: given.status, contentType: "application/json", headers: given.headers }
  )
  codes.set(response.body, given.code)
  return response
}

/** The code of a refusal that is answered with: its body is the same, whatever headers were added. */
export const refusalCodeOf = (response: HttpServerResponse.HttpServerResponse): string | undefined =>
  codes.get(response.body)
