/** What is stored of retries: policies, failures, and the retries that are due some time. */
import type * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import { maybeMillis, maybeTime, time, unlessEmpty } from "../storedForms.ts"
import { integer, table, text } from "../Table.ts"
import type { Failure, RetryPolicy } from "./Retry.ts"

/** One an intent, so it is found by the intent. */
export const retryPolicies = table<RetryPolicy>()("retry_policies", {
  key: (policy) => policy.intentId,
  columns: {},
  body: (policy) => ({
    id: policy.id,
    strategy: policy.strategy,
    maxRetries: policy.maxRetries,
    baseDelayMs: Duration.toMillis(policy.baseDelay),
    maxDelayMs: Duration.toMillis(policy.maxDelay),
    backoffMultiplier: policy.backoffMultiplier,
    retryableErrors: policy.retryableErrors.length === 0 ? undefined : policy.retryableErrors,
    jitter: policy.jitter || undefined,
    fallbackAgentId: policy.fallbackAgentId ?? undefined,
    failureThreshold: policy.failureThreshold,
    createdAt: policy.createdAt.epochMilliseconds,
    updatedAt: policy.updatedAt.epochMilliseconds
  }),
  make: ({ body, key }) => ({
    id: body.id,
    intentId: key,
    strategy: body.strategy,
    maxRetries: body.maxRetries,
    baseDelay: Duration.millis(body.baseDelayMs),
    maxDelay: Duration.millis(body.maxDelayMs),
    backoffMultiplier: body.backoffMultiplier,
    retryableErrors: body.retryableErrors ?? [],
    jitter: body.jitter ?? false,
    fallbackAgentId: body.fallbackAgentId ?? null,
    failureThreshold: body.failureThreshold,
    createdAt: time(body.createdAt),
    updatedAt: time(body.updatedAt)
  }),
  indexes: {}
})

export const failures = table<Failure>()("failures", {
  key: (failure) => failure.id,
  columns: { intent_id: text((failure: Failure) => failure.intentId) },
  body: (failure) => ({
    agentId: failure.agentId,
    attemptNumber: failure.attemptNumber,
    errorCode: failure.errorCode ?? undefined,
    errorMessage: failure.errorMessage ?? undefined,
    willRetry: failure.willRetry || undefined,
    retryScheduledAt: maybeMillis(failure.retryScheduledAt),
    resolvedAt: maybeMillis(failure.resolvedAt),
    metadata: unlessEmpty(failure.metadata),
    createdAt: failure.createdAt.epochMilliseconds
  }),
  make: ({ body, columns, key }) => ({
    id: key,
    intentId: columns.intent_id,
    agentId: body.agentId,
    attemptNumber: body.attemptNumber,
    errorCode: body.errorCode ?? null,
    errorMessage: body.errorMessage ?? null,
    willRetry: body.willRetry ?? false,
    retryScheduledAt: maybeTime(body.retryScheduledAt),
    resolvedAt: maybeTime(body.resolvedAt),
    metadata: body.metadata ?? {},
    createdAt: time(body.createdAt)
  }),
  indexes: { byIntent: { columns: ["intent_id"] } }
})

/** An attempt that somebody is to make: the run that holds it, and if that is gone the agent whom it is handed out to. */
export interface DueRetry {
  /** The run that it belongs to; of a failure that others recorded, its intent and agent. */
  readonly id: string
  readonly intentId: string
  readonly agentId: string
  /** The attempt to make, from 2. */
  readonly attempt: number
  readonly dueAt: DateTime.Utc
  /** Not handed out before: its run lives. */
  readonly heldUntil: DateTime.Utc
  readonly lastError: string | null
}

/** When it is handed out, unless its run gives a sign of life before. */
export const handOutAt = ({ dueAt, heldUntil }: DueRetry): number =>
  Math.max(dueAt.epochMilliseconds, heldUntil.epochMilliseconds)

export const retries = table<DueRetry>()("retries", {
  key: (retry) => retry.id,
  columns: { hand_out_at: integer(handOutAt) },
  body: (retry) => ({
    intentId: retry.intentId,
    agentId: retry.agentId,
    attempt: retry.attempt,
    dueAt: retry.dueAt.epochMilliseconds,
    heldUntil: retry.heldUntil.epochMilliseconds,
    lastError: retry.lastError ?? undefined
  }),
  make: ({ body, key }) => ({
    id: key,
    intentId: body.intentId,
    agentId: body.agentId,
    attempt: body.attempt,
    dueAt: time(body.dueAt),
    heldUntil: time(body.heldUntil),
    lastError: body.lastError ?? null
  }),
  indexes: { due: { columns: [], order: "hand_out_at" } },
  removable: true
})
