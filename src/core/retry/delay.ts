/** Whether and when failed work is tried again (semantics 6). Pure. */
import * as Duration from "effect/Duration"
import type { RetryPolicy } from "./Retry.ts"

/** In milliseconds, before it is capped: infinite where it is too large for a number. */
const rawDelay = ({ backoffMultiplier, baseDelay, strategy }: RetryPolicy, attempt: number): number => {
  const base = Duration.toMillis(baseDelay)
  if (base === 0) return 0 // Times infinity it would be no number.
  switch (strategy) {
    case "none":
    case "fixed":
      return base
    case "linear":
      return base * attempt
    case "exponential":
      return base * backoffMultiplier ** (attempt - 1)
  }
}

/**
 * How long to wait after this attempt (from 1) failed, in whole milliseconds. `random` is uniform in [0, 1); with jitter
 * it takes away up to half of the delay.
 */
export const delayBefore = (policy: RetryPolicy, attempt: number, random: number): Duration.Duration => {
  const capped = Math.min(rawDelay(policy, attempt), Duration.toMillis(policy.maxDelay))
  return Duration.millis(Math.floor(policy.jitter ? capped * (1 - random / 2) : capped))
}

/** Whether the policy allows another attempt after this one failed with this code. */
export const mayRetry = (
  policy: RetryPolicy | undefined,
  attempt: number,
  errorCode: string | null
): policy is RetryPolicy => {
  if (policy === undefined || policy.strategy === "none" || attempt > policy.maxRetries) return false
  const { retryableErrors } = policy
  if (retryableErrors.length === 0) return true
  if (errorCode === null) return false
  const code = errorCode.toLowerCase()
  return retryableErrors.some((retryable) => retryable.toLowerCase() === code)
}
