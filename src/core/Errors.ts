/** Errors that every noun shares. Those of one noun are in its folder. */
import * as Data from "effect/Data"

/** One thing wrong with a request. `field` is the path in the input, as in `patches[0].path` or `durationSeconds`. */
export interface Issue {
  readonly field: string
  readonly message: string
  /** What was given, where it helps and is short. */
  readonly value?: unknown
}

/** The input is not valid, whatever is stored; nothing was changed (http.md 1.6 `validation_error`). */
export class ValidationError extends Data.TaggedError("ValidationError")<{
  readonly issues: readonly [Issue, ...ReadonlyArray<Issue>]
}> {
  override get message() {
    return this.issues.map((issue) => `${issue.field} ${issue.message}`).join("; ")
  }
}

/** A document would grow beyond its limit (http.md 1.10). */
export class TooLarge extends Data.TaggedError("TooLarge")<{
  /** `state`, `payload`, `constraints`, … */
  readonly field: string
  readonly maxBytes: number
}> {
  override get message() {
    return `${this.field} is larger than ${this.maxBytes} bytes`
  }
}

/** The storage could not do it: disk full, read-only, corrupt, not reachable. Nothing was changed. */
export class StorageUnavailable extends Data.TaggedError("StorageUnavailable")<{
  readonly operation: string
  /** What is wrong, for people and alarms: `full`, `readonly`, `corrupt`, `io`, `unreachable`, `closed`, … */
  readonly reason: string
  /** Whether the same call may succeed once the cause is gone. */
  readonly retryable: boolean
}> {
  override get message() {
    return `storage is unavailable (${this.reason}) during ${this.operation}`
  }
}

/** Others were quicker until the retries were used up, or another process held the file. Nothing was changed; try again. */
export class Busy extends Data.TaggedError("Busy")<{
  readonly operation: string
}> {
  readonly retryable = true
  override get message() {
    return `too busy for ${this.operation}, try again`
  }
}

/** The key was used for the same call with another input before, so nothing was done (decision 8). */
export class IdempotencyKeyReused extends Data.TaggedError("IdempotencyKeyReused")<{
  readonly key: string
}> {
  override get message() {
    return "The idempotency key was used for another request before"
  }
}

/**
 * What any call can end with, beside its own errors; all leave nothing behind. The first two may pass; the last one is
 * of calls with a key (`OpenIntent.once`).
 */
export type EngineError = StorageUnavailable | Busy | IdempotencyKeyReused

/** The acting agent may not do this (remote only: http.md 1.4 and 8.5). */
export class Forbidden extends Data.TaggedError("Forbidden")<{
  readonly reason: string
}> {
  override get message() {
    return this.reason
  }
}

/** The server does not know the key (remote only). */
export class Unauthorized extends Data.TaggedError("Unauthorized") {
  override get message() {
    return "Invalid or missing API key"
  }
}

/** The key, or the address, asks too often (remote only). Nothing was changed. */
export class RateLimited extends Data.TaggedError("RateLimited")<{
  /** Until the same call may succeed. */
  readonly retryAfterSeconds: number
}> {
  readonly retryable = true
  override get message() {
    return `Too many requests: try again in ${this.retryAfterSeconds} s`
  }
}
