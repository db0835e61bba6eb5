/** http.md 15: retry policies and failures, under every name the contract reads and shows. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { HttpApiBuilder } from "effect/http-api"
import { OpenIntent } from "../core/OpenIntent.ts"
import type { Failure, RecordFailure, RetryPolicy, SetRetryPolicy } from "../core/retry/Retry.ts"
import { strategies } from "../core/retry/Retry.ts"
import { answer, json, pageAnswer } from "./answers.ts"
import { Api } from "./Api.ts"
import { Caller } from "./api/common.ts"
import type { Refusal } from "./refusals.ts"
import { Fields } from "./fields.ts"
import { HttpOptions } from "./HttpOptions.ts"
import { readBody, type RawBody } from "./requestBody.ts"
import { type Bound, done, doneAs } from "./requests.ts"
import { formatTimestamp, type Profile } from "./timestamps.ts"

/** http.md 2.9 */
const policyBody = (policy: RetryPolicy, profile: Profile) => {
  const [createdAt, updatedAt] = [
    formatTimestamp(policy.createdAt, profile),
    formatTimestamp(policy.updatedAt, profile)
  ]
  return {
    id: policy.id,
    intent_id: policy.intentId,
    strategy: policy.strategy,
    max_retries: policy.maxRetries,
    max_attempts: policy.maxRetries + 1,
    base_delay_ms: Duration.toMillis(policy.baseDelay),
    base_delay_seconds: Duration.toSeconds(policy.baseDelay),
    max_delay_ms: Duration.toMillis(policy.maxDelay),
    max_delay_seconds: Duration.toSeconds(policy.maxDelay),
    backoff_multiplier: policy.backoffMultiplier,
    retryable_errors: policy.retryableErrors,
    jitter: policy.jitter,
    fallback_agent_id: policy.fallbackAgentId,
    failure_threshold: policy.failureThreshold,
    created_at: createdAt,
    updated_at: updatedAt,
    createdAt,
    updatedAt
  }
}

/** http.md 2.10 */
const failureBody = (failure: Failure, profile: Profile) => {
  const createdAt = formatTimestamp(failure.createdAt, profile)
  const retryScheduledAt = failure.retryScheduledAt && formatTimestamp(failure.retryScheduledAt, profile)
  const resolvedAt = failure.resolvedAt && formatTimestamp(failure.resolvedAt, profile)
  return {
    id: failure.id,
    intent_id: failure.intentId,
    agent_id: failure.agentId,
    attempt_number: failure.attemptNumber,
    attempt: failure.attemptNumber,
    error_code: failure.errorCode,
    error_type: failure.errorCode,
    error_message: failure.errorMessage,
    will_retry: failure.willRetry,
    recoverable: failure.willRetry,
    retry_scheduled_at: retryScheduledAt,
    retryScheduledAt,
    resolved_at: resolvedAt,
    resolvedAt,
    metadata: failure.metadata,
    created_at: createdAt,
    createdAt,
    occurred_at: createdAt
  }
}

/** Milliseconds win over seconds. */
const delay = (fields: Fields, name: string): Duration.Duration | undefined => {
  const [millis, seconds] = [fields.number(`${name}_ms`), fields.number(`${name}_seconds`)]
  if (millis !== undefined) return Duration.millis(millis)
  return seconds === undefined ? undefined : Duration.seconds(seconds)
}

/** http.md 15.1 */
const setRetryPolicy = (body: RawBody): Effect.Effect<SetRetryPolicy, Refusal> => {
  const fields = new Fields(body)
  const attempts = fields.integer("max_attempts")
  if (attempts !== undefined && attempts < 1)
    fields.issues.push({ field: "max_attempts", message: "must be at least 1" })
  return done(fields, {
    strategy: fields.oneOf(strategies, "strategy"),
    maxRetries: fields.integer("max_retries") ?? (attempts === undefined ? undefined : attempts - 1),
    baseDelay: delay(fields, "base_delay"),
    maxDelay: delay(fields, "max_delay"),
    backoffMultiplier: fields.number("backoff_multiplier"),
    retryableErrors: fields.strings("retryable_errors"),
    jitter: fields.boolean("jitter"),
    fallbackAgentId: fields.string("fallback_agent_id"),
    failureThreshold: fields.integer("failure_threshold")
  })
}

/** http.md 15.3 */
const recordFailure = (body: RawBody, bound: Bound): Effect.Effect<RecordFailure, Refusal> => {
  const fields = new Fields(body)
  const agentId = fields.string("agent_id")
  return doneAs(
    fields,
    {
      attemptNumber: fields.integer("attempt_number", "attempt"),
      errorCode: fields.string("error_code", "error_type"),
      errorMessage: fields.string("error_message"),
      willRetry: fields.boolean("will_retry", "recoverable"),
      retryScheduledAt: fields.string("retry_scheduled_at"),
      metadata: fields.object("metadata"),
      agentId
    },
    agentId,
    bound
  )
}

const failureIds = (body: RawBody): Effect.Effect<ReadonlyArray<string>, Refusal> => {
  const fields = new Fields(body)
  const ids = fields.strings("failure_ids")
  if (ids === undefined && fields.issues.length === 0) {
    fields.issues.push({ field: "failure_ids", message: "is required" })
  }
  return done(fields, ids ?? [])
}

/** Needs `OpenIntent`. */
export const layer = HttpApiBuilder.group(
  Api,
  "retries",
  Effect.fnUntraced(function* (handlers) {
    const engine = yield* OpenIntent
    const options = yield* HttpOptions
    const { retries } = engine
    return handlers
      .handleRaw("setPolicy", ({ params: { intentId }, request }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          readBody(request, options).pipe(
            Effect.flatMap(setRetryPolicy),
            Effect.flatMap((input) => retries.setPolicy(intentId, input)),
            (effect) =>
              answer(effect, { engine, intentId, profile, onSuccess: (policy) => json(policyBody(policy, profile)) })
          )
        )
      )
      .handleRaw("policy", ({ params: { intentId } }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(retries.policy(intentId), {
            engine,
            intentId,
            profile,
            onSuccess: (policy) => json(policyBody(policy, profile))
          })
        )
      )
      .handleRaw("recordFailure", ({ params: { intentId }, request }) =>
        Effect.flatMap(Caller, ({ boundTo, profile }) =>
          readBody(request, options).pipe(
            Effect.flatMap((body) => recordFailure(body, boundTo)),
            Effect.flatMap((input) => retries.recordFailure(intentId, input)),
            (effect) =>
              answer(effect, { engine, intentId, profile, onSuccess: (failure) => json(failureBody(failure, profile)) })
          )
        )
      )
      .handleRaw("failures", ({ params: { intentId }, query, request }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(retries.failures(intentId, query), {
            engine,
            intentId,
            profile,
            onSuccess: (page) => pageAnswer("failures", page, failureBody, profile, request.url)
          })
        )
      )
      .handleRaw("resolveFailures", ({ params: { intentId }, request }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          readBody(request, options).pipe(
            Effect.flatMap(failureIds),
            Effect.flatMap((ids) => retries.resolveFailures(intentId, ids)),
            (effect) =>
              answer(effect, {
                engine,
                intentId,
                profile,
                onSuccess: (found) => json({ failures: found.map((failure) => failureBody(failure, profile)) })
              })
          )
        )
      )
  })
)
