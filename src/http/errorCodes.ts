/**
 * The families of errors as the document of the contract names them: status, codes, and what stands in the body beside
 * `detail`, `message` and `code` (http.md 1.6). The derived client takes any code, so that it outlives a new one.
 */
export interface ErrorFamily {
  readonly status: number
  readonly codes: ReadonlyArray<string>
  /** Fields that a body of this family may have, by the names of `errorFields`. */
  readonly fields?: ReadonlyArray<"errors" | "current_version" | "existing_lease">
  /** Those that it has always. */
  readonly always?: ReadonlyArray<"errors" | "current_version" | "existing_lease">
  /** What a reader should know beyond the codes. */
  readonly about?: string
  /** Any request may be answered so, whatever it asks for. */
  readonly anywhere?: boolean
  /** Only requests that change something. */
  readonly changes?: boolean
  /** Only requests with this method. */
  readonly method?: string
  /** With `Retry-After`. */
  readonly retry?: boolean
}

export const errorFamilies = {
  BadRequest: {
    status: 400,
    codes: [
      "bad_request",
      "validation_error",
      "invalid_json",
      "if_match_required",
      "invalid_if_match",
      "invalid_transition",
      "dependencies_incomplete",
      "children_incomplete",
      "unknown_dependency",
      "duplicate_dependency",
      "dependency_cycle",
      "intent_terminal",
      "invalid_patch",
      "portfolio_incomplete"
    ],
    fields: ["errors"],
    anywhere: true
  },
  Unauthorized: { status: 401, codes: ["unauthorized"] },
  Forbidden: { status: 403, codes: ["forbidden", "budget_exceeded"], fields: ["errors"] },
  GovernanceViolation: { status: 403, codes: ["governance_violation"], about: "`detail` is an object", changes: true },
  NotFound: {
    status: 404,
    codes: ["not_found", "route_not_found"],
    fields: ["errors"],
    about: "the field in `errors` names nothing"
  },
  MethodNotAllowed: { status: 405, codes: ["method_not_allowed"], about: "the header `Allow` names those of the path" },
  VersionConflict: {
    status: 409,
    codes: ["version_conflict"],
    always: ["current_version"],
    about: "read the intent again"
  },
  LeaseConflict: {
    status: 409,
    codes: ["lease_conflict", "lease_held", "lease_expired"],
    fields: ["errors", "existing_lease"]
  },
  StatusConflict: {
    status: 409,
    codes: ["approval_not_pending", "reservation_ended"],
    always: ["errors"],
    about: "it has ended already"
  },
  RequestTimeout: {
    status: 408,
    codes: ["request_timeout"],
    about: "the request did not arrive in time",
    anywhere: true
  },
  PayloadTooLarge: { status: 413, codes: ["payload_too_large"], fields: ["errors"] },
  UnsupportedMediaType: { status: 415, codes: ["unsupported_media_type"] },
  Misdirected: {
    status: 421,
    codes: ["misdirected_request"],
    about: "the name in `Host` is not one of this server",
    anywhere: true
  },
  IdempotencyKeyReused: {
    status: 422,
    codes: ["idempotency_key_reused"],
    always: ["errors"],
    about: "the key came with another request before",
    method: "POST"
  },
  RateLimited: { status: 429, codes: ["rate_limited"], always: ["errors"], about: "try again later", retry: true },
  HeadersTooLarge: { status: 431, codes: ["headers_too_large"], anywhere: true },
  InternalError: { status: 500, codes: ["internal_error"], about: "a fault of the server", anywhere: true },
  Unavailable: {
    status: 503,
    codes: ["storage_unavailable", "busy", "shutting_down"],
    about: "try again",
    anywhere: true,
    retry: true
  }
} as const satisfies { readonly [identifier: string]: ErrorFamily }
