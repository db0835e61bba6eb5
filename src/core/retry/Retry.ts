import * as Data from "effect/Data"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import type { JsonObject } from "../json.ts"
import type { PageOptions } from "../Page.ts"

export const strategies = ["none", "fixed", "exponential", "linear"] as const
/** How the delay grows with the attempts (semantics 6); `none`: work that failed is not tried again. */
export type RetryStrategy = (typeof strategies)[number]

/** How failed work on an intent is tried again; at most one an intent (RFC 0010, http.md 2.9). */
export interface RetryPolicy {
  /** Stays the same when the policy is replaced, as does `createdAt`. */
  readonly id: string
  readonly intentId: string
  readonly strategy: RetryStrategy
  /** Attempts after the first. */
  readonly maxRetries: number
  readonly baseDelay: Duration.Duration
  /** No delay is longer. */
  readonly maxDelay: Duration.Duration
  readonly backoffMultiplier: number
  /** Codes of errors that are tried again, compared without regard to case; none: every error. */
  readonly retryableErrors: ReadonlyArray<string>
  /** Whether a delay is shortened at random, to half of it at most, so that agents do not come back all at once. */
  readonly jitter: boolean
  /** Who takes over when the work is not tried again, or has failed `failureThreshold` times. */
  readonly fallbackAgentId: string | null
  readonly failureThreshold: number
  readonly createdAt: DateTime.Utc
  readonly updatedAt: DateTime.Utc
}

/** A policy in full: what is left out has its default, whatever was set before (http.md 15.1). */
export interface SetRetryPolicy {
  /** Default `exponential`. */
  readonly strategy?: RetryStrategy | undefined
  /** 0 to 1000, default 3. */
  readonly maxRetries?: number | undefined
  /** Default 1 second. */
  readonly baseDelay?: Duration.Input | undefined
  /** Default 1 minute; not shorter than `baseDelay`, at most 100 years. */
  readonly maxDelay?: Duration.Input | undefined
  /** 1 or more, default 2. */
  readonly backoffMultiplier?: number | undefined
  /** At most 1000. */
  readonly retryableErrors?: ReadonlyArray<string> | undefined
  /** Default off. */
  readonly jitter?: boolean | undefined
  readonly fallbackAgentId?: string | null | undefined
  /** 1 or more, default 3. */
  readonly failureThreshold?: number | undefined
}

/** An attempt that failed (http.md 2.10). */
export interface Failure {
  readonly id: string
  readonly intentId: string
  readonly agentId: string
  /** Which attempt it was, from 1. */
  readonly attemptNumber: number
  readonly errorCode: string | null
  readonly errorMessage: string | null
  readonly willRetry: boolean
  readonly retryScheduledAt: DateTime.Utc | null
  /** When a later attempt succeeded. */
  readonly resolvedAt: DateTime.Utc | null
  readonly metadata: JsonObject
  readonly createdAt: DateTime.Utc
}

/** What is left out is computed by the policy of the intent (semantics 6); null counts as left out. */
export interface RecordFailure {
  /** Default: one more than the failures recorded so far. */
  readonly attemptNumber?: number | null | undefined
  readonly errorCode?: string | null | undefined
  readonly errorMessage?: string | null | undefined
  readonly willRetry?: boolean | null | undefined
  /** ISO 8601, without an offset read as UTC. */
  readonly retryScheduledAt?: string | null | undefined
  readonly metadata?: object | null | undefined
  /** Default: the acting agent. */
  readonly agentId?: string | null | undefined
}

export interface ListFailures extends PageOptions {}

export interface RunOptions {
  /** The code that a failure is recorded with; default: `_tag`, `code` or `name` of the error. */
  readonly errorCode?: ((error: unknown) => string | undefined) | undefined
  /** Which attempt the first one is: the `retry_attempt` of an assignment that handed a retry out. Default 1. */
  readonly attempt?: number | undefined
}

/** No retry policy was set for the intent. */
export class RetryPolicyNotFound extends Data.TaggedError("RetryPolicyNotFound")<{
  readonly intentId: string
}> {
  override get message() {
    return "No retry policy set"
  }
}
