/** Reads what callers give, with the defaults of http.md 15. */
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import type { TooLarge, ValidationError } from "../Errors.ts"
import { Checks, limits } from "../validate.ts"
import type { RecordFailure, SetRetryPolicy } from "./Retry.ts"
import { strategies } from "./Retry.ts"
import type { FailureCommand, PolicyCommand } from "./rules.ts"

const delayMax = Duration.days(limits.retryDelayDays)

const readDelay = (checks: Checks, field: string, value: Duration.Input | undefined, fallback: Duration.Duration) => {
  if (value === undefined) return fallback
  // Effect reads NaN as nothing.
  const delay = Duration.fromInput(Number.isNaN(value) ? Number.POSITIVE_INFINITY : value)
  if (delay._tag === "Some" && Duration.between(delay.value, { minimum: Duration.zero, maximum: delayMax })) {
    return delay.value
  }
  checks.add(field, `must be a duration from 0 to ${limits.retryDelayDays} days`)
  return fallback
}

const readFlag = (checks: Checks, field: string, value: unknown): boolean | undefined => {
  if (value === undefined || value === null || typeof value === "boolean") return value ?? undefined
  checks.add(field, "must be a boolean", value)
  return undefined
}

const readCodes = (checks: Checks, codes: unknown): ReadonlyArray<string> => {
  if (codes === undefined || codes === null) return []
  if (!Array.isArray(codes)) checks.add("retryableErrors", "must be an array of strings")
  else if (codes.length > limits.retryableErrors) {
    checks.add("retryableErrors", `must have at most ${limits.retryableErrors} elements`)
  } else {
    // `map` passes over holes.
    return Array.from(codes, (code: unknown, i) =>
      checks.readText(`retryableErrors[${i}]`, code, 1, limits.errorCodeLength)
    )
  }
  return []
}

const readMultiplier = (checks: Checks, value: unknown): number => {
  if (value === undefined || value === null) return 2
  if (typeof value === "number" && Number.isFinite(value) && value >= 1) return value
  checks.add("backoffMultiplier", "must be a number of at least 1", value)
  return 2
}

export const readPolicy = (
  intentId: string,
  input: SetRetryPolicy,
  agent: string
): Result.Result<PolicyCommand, ValidationError> => {
  const checks = new Checks()
  const { fallbackAgentId, strategy = "exponential" } = input
  if (!strategies.includes(strategy)) checks.add("strategy", `must be one of ${strategies.join(", ")}`, strategy)
  const baseDelay = readDelay(checks, "baseDelay", input.baseDelay, Duration.seconds(1))
  const maxDelay = readDelay(checks, "maxDelay", input.maxDelay, Duration.minutes(1))
  if (Duration.isLessThan(maxDelay, baseDelay)) checks.add("maxDelay", "must not be less than the base delay")
  return checks.finish({
    intentId,
    actor: checks.readAgent("agent", agent),
    strategy,
    maxRetries: checks.readInt("maxRetries", input.maxRetries, 3, 0, limits.retries),
    baseDelay,
    maxDelay,
    backoffMultiplier: readMultiplier(checks, input.backoffMultiplier),
    retryableErrors: readCodes(checks, input.retryableErrors),
    jitter: readFlag(checks, "jitter", input.jitter) ?? false,
    fallbackAgentId:
      fallbackAgentId === undefined || fallbackAgentId === null
        ? null
        : checks.readAgent("fallbackAgentId", fallbackAgentId),
    failureThreshold: checks.readInt("failureThreshold", input.failureThreshold, 3, 1, Number.MAX_SAFE_INTEGER)
  })
}

export const readFailure = (
  intentId: string,
  input: RecordFailure,
  agent: string
): Result.Result<
  Pick<FailureCommand, "given" | "attemptNumber" | "willRetry" | "retryScheduledAt">,
  ValidationError | TooLarge
> => {
  const checks = new Checks()
  const { attemptNumber, retryScheduledAt } = input
  return checks.finishSized({
    given: {
      intentId,
      agentId: checks.readAgent("agentId", input.agentId ?? agent),
      errorCode: checks.readOptionalText("errorCode", input.errorCode, limits.errorCodeLength) ?? null,
      errorMessage: checks.readOptionalText("errorMessage", input.errorMessage, limits.noteLength) ?? null,
      metadata: checks.readObject("metadata", input.metadata, limits.payloadBytes)
    },
    attemptNumber:
      attemptNumber === undefined || attemptNumber === null
        ? undefined
        : checks.readInt("attemptNumber", attemptNumber, undefined, 1, Number.MAX_SAFE_INTEGER),
    willRetry: readFlag(checks, "willRetry", input.willRetry),
    retryScheduledAt:
      retryScheduledAt === undefined || retryScheduledAt === null
        ? undefined
        : checks.readTime("retryScheduledAt", retryScheduledAt)
  })
}

/** The ids, each once. */
export const readFailureIds = (ids: ReadonlyArray<string>): Result.Result<ReadonlyArray<string>, ValidationError> => {
  const checks = new Checks()
  if (!Array.isArray(ids) || !ids.every((id) => typeof id === "string")) {
    checks.add("failureIds", "must be an array of strings")
  } else if (ids.length > limits.failureIds) {
    checks.add("failureIds", `must have at most ${limits.failureIds} elements`)
  }
  return Result.map(checks.finish(ids), (given) => [...new Set(given)])
}
