/** The group of http.md 15, with its bodies (2.9, 2.10). */
import * as Schema from "effect/Schema"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { strategies } from "../../core/retry/Retry.ts"
import { JsonObject, pageFields, Timestamp } from "../wire.ts"
import { Access, intentId, paging, summary } from "./common.ts"
import { reads, writes } from "./rights.ts"

const Strategy = Schema.Literals(strategies).annotate({ identifier: "RetryStrategy" })

export const RetryPolicyBody = Schema.Struct({
  id: Schema.String,
  intent_id: Schema.String,
  strategy: Strategy,
  max_retries: Schema.Int,
  max_attempts: Schema.Int,
  base_delay_ms: Schema.Finite,
  base_delay_seconds: Schema.Finite,
  max_delay_ms: Schema.Finite,
  max_delay_seconds: Schema.Finite,
  backoff_multiplier: Schema.Finite,
  retryable_errors: Schema.Array(Schema.String),
  jitter: Schema.Boolean,
  fallback_agent_id: Schema.NullOr(Schema.String),
  failure_threshold: Schema.Int,
  created_at: Timestamp,
  updated_at: Timestamp,
  createdAt: Timestamp,
  updatedAt: Timestamp
}).annotate({ identifier: "RetryPolicy", description: "How failed work on an intent is tried again" })
export interface RetryPolicyBody extends Schema.Schema.Type<typeof RetryPolicyBody> {}

export const FailureBody = Schema.Struct({
  id: Schema.String,
  intent_id: Schema.String,
  agent_id: Schema.String,
  attempt_number: Schema.Int,
  attempt: Schema.Int,
  error_code: Schema.NullOr(Schema.String),
  error_type: Schema.NullOr(Schema.String),
  error_message: Schema.NullOr(Schema.String),
  will_retry: Schema.Boolean,
  recoverable: Schema.Boolean,
  retry_scheduled_at: Schema.NullOr(Timestamp),
  retryScheduledAt: Schema.NullOr(Timestamp),
  resolved_at: Schema.NullOr(Timestamp),
  resolvedAt: Schema.NullOr(Timestamp),
  metadata: JsonObject,
  created_at: Timestamp,
  createdAt: Timestamp,
  occurred_at: Timestamp
}).annotate({ identifier: "Failure", description: "An attempt that failed" })
export interface FailureBody extends Schema.Schema.Type<typeof FailureBody> {}

const also = (names: string) => ({ description: `Also read: ${names}` })
const optional = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

/** http.md 15.1 */
const SetRetryPolicyBody = Schema.Struct({
  strategy: optional(Strategy),
  max_retries: optional(Schema.Int).annotate(also("max_attempts, which is one more")),
  max_attempts: optional(Schema.Int),
  base_delay_ms: optional(Schema.Finite).annotate(also("base_delay_seconds")),
  base_delay_seconds: optional(Schema.Finite),
  max_delay_ms: optional(Schema.Finite).annotate(also("max_delay_seconds")),
  max_delay_seconds: optional(Schema.Finite),
  backoff_multiplier: optional(Schema.Finite),
  retryable_errors: optional(Schema.Array(Schema.String)),
  jitter: optional(Schema.Boolean),
  fallback_agent_id: optional(Schema.String),
  failure_threshold: optional(Schema.Int)
}).annotate({ identifier: "SetRetryPolicy" })

/** http.md 15.3 */
const RecordFailureBody = Schema.Struct({
  attempt_number: optional(Schema.Int).annotate(also("attempt")),
  error_code: optional(Schema.String).annotate(also("error_type")),
  error_message: optional(Schema.String),
  will_retry: optional(Schema.Boolean).annotate(also("recoverable")),
  retry_scheduled_at: optional(Schema.String),
  metadata: optional(JsonObject),
  agent_id: optional(Schema.String)
}).annotate({ identifier: "RecordFailure" })

const ResolveFailuresBody = Schema.Struct({ failure_ids: Schema.Array(Schema.String) }).annotate({
  identifier: "ResolveFailures"
})

const policyPath = "/api/v1/intents/:intentId/retry-policy"
const failuresPath = "/api/v1/intents/:intentId/failures"

export class RetriesApi extends HttpApiGroup.make("retries")
  .add(
    HttpApiEndpoint.put("setPolicy", policyPath, {
      params: intentId,
      payload: SetRetryPolicyBody,
      success: RetryPolicyBody
    })
      .annotateMerge(writes)
      .annotateMerge(summary("Sets the policy in full: what is left out has its default")),
    HttpApiEndpoint.get("policy", policyPath, { params: intentId, success: RetryPolicyBody }).annotateMerge(reads),
    HttpApiEndpoint.post("recordFailure", failuresPath, {
      params: intentId,
      payload: RecordFailureBody,
      success: FailureBody
    }).annotateMerge(writes),
    HttpApiEndpoint.get("failures", failuresPath, {
      params: intentId,
      query: paging,
      success: Schema.Struct({ failures: Schema.Array(FailureBody), ...pageFields })
    }).annotateMerge(reads),
    HttpApiEndpoint.post("resolveFailures", `${failuresPath}/resolve`, {
      params: intentId,
      payload: ResolveFailuresBody,
      success: Schema.Struct({ failures: Schema.Array(FailureBody) })
    })
      .annotateMerge(writes)
      .annotateMerge(summary("Says that a later attempt succeeded"))
  )
  .middleware(Access) {}
