/**
 * Schemas of what is on the wire (http.md 2, 1.6): they document the contract in OpenAPI and decode answers in the
 * derived client. The server writes its answers with the plain functions of `bodies.ts` (decision 20).
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { HttpApiSchema } from "effect/http-api"
import { parseTime } from "../core/validate.ts"
import { errorFamilies } from "./errorCodes.ts"
import { formatTimestamp } from "./timestamps.ts"

export const JsonObject = Schema.Record(Schema.String, Schema.Json)

/** UTC, six digits after the point: `2031-05-06T07:08:09.123000`, in profile 2 with a `Z` (http.md 1.7). */
export const Timestamp = Schema.String.annotate({
  identifier: "Timestamp",
  description: "UTC, ISO 8601, six digits after the point; without an offset by default, with `Z` in profile 2"
}).pipe(
  Schema.decodeTo(
    Schema.DateTimeUtc,
    SchemaTransformation.transformEffect({
      decode: (text: string) => {
        const time = parseTime(text)
        return time === undefined
          ? Effect.fail(new SchemaIssue.InvalidValue({ message: "Expected a time in ISO 8601" }, text))
          : Effect.succeed(time)
      },
      encode: (time) => Effect.succeed(formatTimestamp(time, 2))
    })
  )
)

/** The status names of every profile (http.md 1.9, semantics 1.1). */
export const StatusName = Schema.Literals(["draft", "pending", "active", "blocked", "completed", "abandoned"]).annotate(
  { identifier: "Status" }
)

export const IntentBody = Schema.Struct({
  id: Schema.String,
  title: Schema.String,
  description: Schema.String,
  created_by: Schema.String,
  parent_intent_id: Schema.NullOr(Schema.String),
  parent_id: Schema.NullOr(Schema.String),
  depends_on: Schema.Array(Schema.String),
  constraints: JsonObject,
  state: JsonObject,
  status: StatusName,
  status_detail: StatusName,
  confidence: Schema.Finite,
  version: Schema.Int,
  governance_policy: Schema.NullOr(JsonObject),
  portfolio_ids: Schema.Array(Schema.String),
  budget_ids: Schema.Array(Schema.String),
  created_at: Timestamp,
  updated_at: Timestamp
}).annotate({ identifier: "Intent", description: "A goal with versioned state that agents and people share" })
export interface IntentBody extends Schema.Schema.Type<typeof IntentBody> {}

export const EventBody = Schema.Struct({
  id: Schema.String,
  intent_id: Schema.String,
  event_type: Schema.String,
  actor: Schema.String,
  agent_id: Schema.String,
  payload: JsonObject,
  sequence: Schema.Int,
  source: Schema.Literals(["system", "client"]),
  trace_id: Schema.optionalKey(Schema.String),
  parent_event_id: Schema.optionalKey(Schema.String),
  created_at: Timestamp
}).annotate({ identifier: "Event", description: "One entry of the log of an intent; it never changes" })
export interface EventBody extends Schema.Schema.Type<typeof EventBody> {}

/** RFC 0019, as far as its names fit. */
export const VerificationBody = Schema.Struct({
  intent_id: Schema.String,
  valid: Schema.Boolean,
  chain_valid: Schema.Boolean,
  event_count: Schema.Int,
  first_sequence: Schema.Int,
  last_sequence: Schema.Int,
  sealed_through: Schema.Int,
  unsealed_count: Schema.Int,
  head: Schema.NullOr(Schema.Struct({ sequence: Schema.Int, hash: Schema.String })),
  break: Schema.NullOr(
    Schema.Struct({
      kind: Schema.Literals(["changed", "removed", "tail_removed", "added", "chain"]),
      sequence: Schema.Int,
      event_id: Schema.optionalKey(Schema.String),
      expected: Schema.optionalKey(Schema.String),
      found: Schema.optionalKey(Schema.String)
    })
  ),
  next_after_sequence: Schema.optionalKey(Schema.Int).annotate({ description: "Where to go on; absent at the end" })
}).annotate({ identifier: "Verification", description: "The log of an intent against the seals of its events" })
export interface VerificationBody extends Schema.Schema.Type<typeof VerificationBody> {}

export const LeaseBody = Schema.Struct({
  id: Schema.String,
  intent_id: Schema.String,
  agent_id: Schema.String,
  scope: Schema.String,
  status: Schema.Literals(["active", "released", "expired", "revoked"]),
  fencing_token: Schema.Int,
  acquired_at: Timestamp,
  created_at: Timestamp,
  expires_at: Timestamp,
  released_at: Schema.NullOr(Timestamp)
}).annotate({ identifier: "Lease", description: "An exclusive, time-limited claim on a scope of an intent" })
export interface LeaseBody extends Schema.Schema.Type<typeof LeaseBody> {}

export const AssignmentBody = Schema.Struct({
  id: Schema.String,
  intent_id: Schema.String,
  agent_id: Schema.String,
  role: Schema.String,
  assigned_at: Timestamp
}).annotate({ identifier: "Assignment", description: "An agent works on an intent" })
export interface AssignmentBody extends Schema.Schema.Type<typeof AssignmentBody> {}

/** What every list says about its page (http.md 1.8, decisions 11 and 12). */
export const pageFields = {
  total: Schema.Int,
  total_capped: Schema.optionalKey(Schema.Boolean),
  limit: Schema.Int,
  offset: Schema.Int,
  after: Schema.optionalKey(Schema.String)
}

const PageFields = Schema.Struct(pageFields)
export interface PageFields extends Schema.Schema.Type<typeof PageFields> {}

export const IntentsPage = Schema.Struct({ intents: Schema.Array(IntentBody), ...pageFields })
export const EventsPage = Schema.Struct({ events: Schema.Array(EventBody), ...pageFields })
export const LeasesPage = Schema.Struct({ leases: Schema.Array(LeaseBody), ...pageFields })
export const AssignmentsPage = Schema.Struct({ agents: Schema.Array(AssignmentBody), ...pageFields })

const FieldError = Schema.Struct({
  field: Schema.String,
  message: Schema.String,
  value: Schema.optionalKey(Schema.Json)
}).annotate({ identifier: "FieldError" })

/** http.md appendix A */
const GovernanceDetail = Schema.Struct({
  error: Schema.Literal("governance_violation"),
  rule: Schema.String,
  message: Schema.String,
  mode: Schema.optionalKey(Schema.String)
}).annotate({ identifier: "GovernanceDetail", description: "The rule of the policy that forbids it" })

/** Every error of every route (http.md 1.6); `code` tells them apart. */
const errorFields = {
  detail: Schema.Union([Schema.String, GovernanceDetail]),
  message: Schema.String,
  code: Schema.String,
  errors: Schema.optionalKey(Schema.Array(FieldError)),
  current_version: Schema.optionalKey(Schema.Int),
  existing_lease: Schema.optionalKey(Schema.NullOr(LeaseBody))
}
export const ErrorBody = Schema.Struct(errorFields)
export interface ErrorBody extends Schema.Schema.Type<typeof ErrorBody> {}

const errorOf = (identifier: keyof typeof errorFamilies) =>
  Schema.Struct(errorFields).annotate({ identifier }).pipe(HttpApiSchema.status(errorFamilies[identifier].status))

export const BadRequest = errorOf("BadRequest")
export const Unauthorized = errorOf("Unauthorized")
export const Forbidden = errorOf("Forbidden")
export const GovernanceViolation = errorOf("GovernanceViolation")
export const NotFound = errorOf("NotFound")
export const VersionConflict = errorOf("VersionConflict")
export const LeaseConflict = errorOf("LeaseConflict")
export const StatusConflict = errorOf("StatusConflict")
export const PayloadTooLarge = errorOf("PayloadTooLarge")
export const UnsupportedMediaType = errorOf("UnsupportedMediaType")
export const Misdirected = errorOf("Misdirected")
export const IdempotencyKeyReused = errorOf("IdempotencyKeyReused")
export const RateLimited = errorOf("RateLimited")
export const InternalError = errorOf("InternalError")
export const Unavailable = errorOf("Unavailable")

const Alias = (of: string) => ({ description: `Also read: ${of}` })

/** http.md 4.1 */
export const CreateIntentBody = Schema.Struct({
  title: Schema.String,
  description: Schema.optionalKey(Schema.NullOr(Schema.String)),
  created_by: Schema.optionalKey(Schema.String.annotate(Alias("creator"))),
  constraints: Schema.optionalKey(Schema.NullOr(Schema.Union([JsonObject, Schema.Array(Schema.Json)]))),
  state: Schema.optionalKey(Schema.NullOr(JsonObject)).annotate(Alias("initial_state")),
  parent_intent_id: Schema.optionalKey(Schema.NullOr(Schema.String)).annotate(Alias("parent_id, parentIntentId")),
  depends_on: Schema.optionalKey(Schema.Array(Schema.String)).annotate(Alias("dependsOn")),
  status: Schema.optionalKey(StatusName),
  confidence: Schema.optionalKey(Schema.Finite),
  assign: Schema.optionalKey(Schema.String),
  governance_policy: Schema.optionalKey(Schema.NullOr(JsonObject))
}).annotate({ identifier: "CreateIntent" })

const PatchBody = Schema.Struct({
  op: Schema.Literals(["set", "append", "remove"]),
  path: Schema.String.annotate({ description: "A JSON pointer with a leading `/`, else one literal top-level key" }),
  value: Schema.optionalKey(Schema.Json)
}).annotate({ identifier: "Patch" })

/** http.md 4.4: `patches` wins over `state`; nothing at all changes nothing. */
export const PatchStateBody = Schema.Struct({
  patches: Schema.optionalKey(Schema.Array(PatchBody)),
  state: Schema.optionalKey(JsonObject)
}).annotate({ identifier: "PatchState" })

/** http.md 4.5: as 4.4, and `status` when neither of the others is given. */
export const PatchStateOrStatusBody = Schema.Struct({
  patches: Schema.optionalKey(Schema.Array(PatchBody)),
  state: Schema.optionalKey(JsonObject),
  status: Schema.optionalKey(StatusName),
  reason: Schema.optionalKey(Schema.String)
}).annotate({ identifier: "PatchStateOrStatus" })

/** http.md 4.6 */
export const SetStatusBody = Schema.Struct({
  status: StatusName,
  reason: Schema.optionalKey(Schema.String)
}).annotate({ identifier: "SetStatus" })

/** http.md 6.1 */
export const AppendEventBody = Schema.Struct({
  event_type: Schema.String,
  actor: Schema.optionalKey(Schema.String),
  payload: Schema.optionalKey(Schema.NullOr(JsonObject)),
  trace_id: Schema.optionalKey(Schema.String),
  parent_event_id: Schema.optionalKey(Schema.String)
}).annotate({ identifier: "AppendEvent" })

/** http.md 7.1 */
export const AssignAgentBody = Schema.Struct({
  agent_id: Schema.String,
  role: Schema.optionalKey(Schema.String),
  delegated_by: Schema.optionalKey(Schema.String),
  retry_attempt: Schema.optionalKey(Schema.Int),
  last_error: Schema.optionalKey(Schema.String)
}).annotate({ identifier: "AssignAgent" })

/** http.md 8.1 */
export const AcquireLeaseBody = Schema.Struct({
  scope: Schema.String,
  duration_seconds: Schema.optionalKey(Schema.Int.annotate({ description: "1 to 86400, default 300" })),
  agent_id: Schema.optionalKey(Schema.String)
}).annotate({ identifier: "AcquireLease" })

/** http.md 8.3 */
export const RenewLeaseBody = Schema.Struct({
  duration_seconds: Schema.optionalKey(Schema.Int.annotate({ description: "From now; 1 to 86400, default 300" }))
}).annotate({ identifier: "RenewLease" })

/** http.md 8.5 */
export const RevokeLeaseBody = Schema.Struct({ reason: Schema.optionalKey(Schema.String) }).annotate({
  identifier: "RevokeLease"
})

export const ReleasedBody = Schema.Struct({ message: Schema.String, lease: LeaseBody }).annotate({
  identifier: "ReleasedLease"
})

/** http.md 3.1 */
export const DiscoveryBody = Schema.Struct({
  protocol: Schema.String,
  version: Schema.String,
  rfcUrls: Schema.Array(Schema.String),
  capabilities: Schema.Array(Schema.String),
  openApiUrl: Schema.String,
  implementation: Schema.String,
  endpoints: Schema.Record(Schema.String, Schema.String),
  profiles: Schema.Array(Schema.Int)
}).annotate({ identifier: "Discovery" })

/** http.md 3.2 */
export const CompatibilityBody = Schema.Struct({
  implementation: Schema.String,
  version: Schema.String,
  rfcCompliance: Schema.Record(Schema.String, Schema.String),
  features: Schema.Record(Schema.String, Schema.Boolean)
}).annotate({ identifier: "Compatibility" })

/** http.md 3.3 */
const healthFields = { status: Schema.String, version: Schema.String, protocol_version: Schema.String }
export const HealthBody = Schema.Struct(healthFields).annotate({ identifier: "Health" })
export const DegradedBody = Schema.Struct({ ...healthFields, reason: Schema.String })
  .annotate({ identifier: "Degraded", description: "The storage does not answer" })
  .pipe(HttpApiSchema.status(503))
