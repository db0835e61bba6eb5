import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { OpenIntentShape } from "../../core/OpenIntent.ts"
import type { Failure, RetryPolicy } from "../../core/retry/Retry.ts"
import { makeRun } from "../../core/retry/run.ts"
import type { FailureBody, RetryPolicyBody } from "../api/retries.ts"
import { ask, type Client, durationOf, given, objectOf } from "./call.ts"
import { pageOf } from "./records.ts"

const policyOf = (body: RetryPolicyBody): RetryPolicy => ({
  id: body.id,
  intentId: body.intent_id,
  strategy: body.strategy,
  maxRetries: body.max_retries,
  baseDelay: Duration.millis(body.base_delay_ms),
  maxDelay: Duration.millis(body.max_delay_ms),
  backoffMultiplier: body.backoff_multiplier,
  retryableErrors: body.retryable_errors,
  jitter: body.jitter,
  fallbackAgentId: body.fallback_agent_id,
  failureThreshold: body.failure_threshold,
  createdAt: body.created_at,
  updatedAt: body.updated_at
})

const failureOf = (body: FailureBody): Failure => ({
  id: body.id,
  intentId: body.intent_id,
  agentId: body.agent_id,
  attemptNumber: body.attempt_number,
  errorCode: body.error_code,
  errorMessage: body.error_message,
  willRetry: body.will_retry,
  retryScheduledAt: body.retry_scheduled_at,
  resolvedAt: body.resolved_at,
  metadata: body.metadata,
  createdAt: body.created_at
})

/** http.md 15. A run waits here, so nothing hands its retry out if it goes, unless the server does so for everybody. */
export const makeRetries = ({ retries }: Client): OpenIntentShape["retries"] => {
  const calls: Omit<OpenIntentShape["retries"], "run"> = {
    setPolicy: Effect.fnUntraced(function* (intentId, input = {}) {
      const payload = given({
        strategy: input.strategy,
        max_retries: input.maxRetries,
        base_delay_ms: yield* durationOf("baseDelay", input.baseDelay, Duration.toMillis),
        max_delay_ms: yield* durationOf("maxDelay", input.maxDelay, Duration.toMillis),
        backoff_multiplier: input.backoffMultiplier,
        retryable_errors: input.retryableErrors,
        jitter: input.jitter,
        fallback_agent_id: input.fallbackAgentId,
        failure_threshold: input.failureThreshold
      })
      return yield* ask(
        { operation: "retries.setPolicy", intentId },
        ["IntentNotFound"],
        retries.setPolicy({ params: { intentId }, payload }),
        policyOf
      )
    }),
    policy: (intentId) =>
      ask(
        { operation: "retries.policy", intentId },
        ["IntentNotFound", "RetryPolicyNotFound"],
        retries.policy({ params: { intentId } }),
        policyOf
      ),
    recordFailure: (intentId, input = {}) =>
      Effect.flatMap(objectOf("metadata", input.metadata), (metadata) =>
        ask(
          { operation: "retries.recordFailure", intentId },
          ["IntentNotFound", "TooLarge"],
          retries.recordFailure({
            params: { intentId },
            payload: given({
              attempt_number: input.attemptNumber,
              error_code: input.errorCode,
              error_message: input.errorMessage,
              will_retry: input.willRetry,
              retry_scheduled_at: input.retryScheduledAt,
              metadata,
              agent_id: input.agentId
            })
          }),
          failureOf
        )
      ),
    failures: (intentId, query = {}) =>
      ask(
        { operation: "retries.failures", intentId },
        ["IntentNotFound"],
        retries.failures({ params: { intentId }, query: given(query) }),
        (page) => pageOf(page, page.failures, failureOf)
      ),
    resolveFailures: (intentId, failureIds) =>
      ask(
        { operation: "retries.resolveFailures", intentId },
        ["IntentNotFound"],
        retries.resolveFailures({ params: { intentId }, payload: { failure_ids: failureIds } }),
        ({ failures }) => failures.map(failureOf)
      )
  }
  return {
    ...calls,
    run: makeRun({ ...calls, record: calls.recordFailure, resolve: calls.resolveFailures, keeping: undefined })
  }
}
