/** Checks of input, where it enters the engine. Each names the field as the caller wrote it. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { holdsKey } from "./apiKey/form.ts"
import { systemAgent } from "./CurrentAgent.ts"
import type { Issue } from "./Errors.ts"
import { TooLarge, ValidationError } from "./Errors.ts"
import type { Json, JsonObject } from "./json.ts"
import { copyJson, fieldName, isJsonIssue, isJsonObject, isLargerThan, jsonDepthMax, textIssue } from "./json.ts"

/** Limits of what is stored (http.md 1.10): characters, bytes of UTF-8 JSON, or elements, as the names say. */
export const limits = {
  titleLength: 500,
  descriptionLength: 100_000,
  scopeLength: 255,
  agentIdLength: 255,
  /** Agents that one API key is bound to. */
  agentsPerKey: 100,
  /** What people call an API key. */
  labelLength: 255,
  /** Roles, event types. */
  nameLength: 100,
  /** Reasons, trace ids, errors told to an agent. */
  noteLength: 10_000,
  dependencies: 1000,
  portfolioNameLength: 255,
  /** Intents with a budget, one below the other. */
  budgetsDeep: 100,
  /** Portfolios that an intent is a member of at the same time. */
  portfoliosPerIntent: 100,
  /** Patches of one request. */
  patches: 1000,
  stateBytes: 256 * 1024,
  constraintsBytes: 256 * 1024,
  payloadBytes: 256 * 1024,
  /** Contexts, evidence, outcomes of decisions. */
  contextBytes: 64 * 1024,
  /** Options of an arbitration. */
  options: 100,
  leaseSeconds: 86_400,
  errorCodeLength: 255,
  retries: 1000,
  retryableErrors: 1000,
  /** Failures resolved in one go. */
  failureIds: 1000,
  /** 100 years: a time so far ahead has four digits for its year all the same. */
  retryDelayDays: 36_525,
  pageSize: 1000,
  /** Of what one page holds, about: it ends earlier where its records are large, but not before the first. */
  pageBytes: 16 * 1024 * 1024,
  /** Events that wait for a slow follower. */
  followBuffer: 100_000,
  /** Intents that the lists of ancestors and descendants go as far as. */
  walk: 100_000,
  /** Nodes of one graph. */
  graphNodes: 20_000,
  /** Dependencies of all of them together. */
  graphDependencies: 100_000,
  /** Rows that a total counts where no counter is kept (decision 11). */
  total: 10_000
}

/** Collects what is wrong with one input. `read…` answer a usable value even then, so that all faults are found at once. */
export class Checks {
  readonly issues: Array<Issue> = []
  tooLarge: TooLarge | undefined

  add(field: string, message: string, value?: unknown): void {
    const short =
      typeof value === "string" ? value.length <= 100 : typeof value === "number" || typeof value === "boolean"
    this.issues.push(short ? { field, message, value } : { field, message })
  }

  /** A text of `min` to `max` characters (code units); with `min` of 1 or more it must not be blank. */
  readText(field: string, value: unknown, min: number, max: number): string {
    if (value === undefined || value === null) this.add(field, "is required")
    else if (typeof value !== "string") this.add(field, "must be a string", value)
    else if (value.length > max) this.add(field, `must have at most ${max} characters`)
    else if (min > 0 && value.trim() === "") this.add(field, "must not be blank", value)
    else {
      const issue = textIssue(value)
      if (issue === undefined) return value
      this.add(field, issue)
    }
    return ""
  }

  readAgent(field: string, value: unknown): string {
    const agent = this.readText(field, value, 1, limits.agentIdLength)
    if (agent === systemAgent) this.add(field, `must not be ${systemAgent}`, value)
    if (holdsKey(agent)) this.add(field, "must not be an API key") // Actors are for everybody to read.
    return agent
  }

  readOptionalText(field: string, value: unknown, max: number): string | undefined {
    return value === undefined || value === null ? undefined : this.readText(field, value, 0, max)
  }

  /** An integer from `min` to `max`, or the default where there is none. */
  readInt(field: string, value: unknown, fallback: number | undefined, min: number, max: number): number {
    if ((value === undefined || value === null) && fallback !== undefined) return fallback
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max) return value
    this.add(field, `must be an integer from ${min} to ${max}`, value)
    return min
  }

  /** A whole number of seconds within the bounds of a lease. */
  readLeaseDuration(field: string, value: Duration.Input | undefined): Duration.Duration {
    if (value === undefined) return Duration.minutes(5)
    const duration = Duration.fromInput(value)
    const seconds = duration._tag === "None" ? Number.NaN : Duration.toSeconds(duration.value)
    if (duration._tag === "Some" && Number.isInteger(seconds) && seconds >= 1 && seconds <= limits.leaseSeconds)
      return duration.value
    this.add(
      field,
      `must be whole seconds from 1 to ${limits.leaseSeconds}`,
      Number.isFinite(seconds) ? seconds : undefined
    )
    return Duration.minutes(5)
  }

  readJson(field: string, value: unknown, maxBytes: number, depthMax = jsonDepthMax): Json {
    const json = copyJson(value, depthMax)
    if (isJsonIssue(json)) {
      this.add(fieldName([field, ...json.path]), json.message)
      return null
    }
    if (isLargerThan(json, maxBytes)) this.tooLarge ??= new TooLarge({ field, maxBytes })
    return json
  }

  /** A frozen copy of an object of JSON; `{}` for null and undefined. */
  readObject(field: string, value: unknown, maxBytes: number): JsonObject {
    if (value === undefined || value === null) return emptyObject
    const before = this.issues.length
    const json = this.readJson(field, value, maxBytes)
    if (isJsonObject(json)) return json
    if (this.issues.length === before) this.add(field, "must be an object")
    return emptyObject
  }

  /** A time in ISO 8601, as milliseconds; without an offset it is UTC. */
  readTime(field: string, value: unknown): DateTime.Utc {
    const time = typeof value === "string" ? parseTime(value) : undefined
    if (time !== undefined) return time
    this.add(field, "must be a time in ISO 8601", value)
    return DateTime.makeUnsafe(0)
  }

  /** The value, if nothing was wrong. */
  finish<A>(value: A): Result.Result<A, ValidationError> {
    const [first, ...others] = this.issues
    return first === undefined
      ? Result.succeed(value)
      : Result.fail(new ValidationError({ issues: [first, ...others] }))
  }

  /** The same, where documents are among the input that have a limit in bytes. */
  finishSized<A>(value: A): Result.Result<A, ValidationError | TooLarge> {
    return this.issues.length === 0 && this.tooLarge !== undefined ? Result.fail(this.tooLarge) : this.finish(value)
  }
}

/** Goes on with what was read, or fails with what was wrong. */
export const whenValid = <A, E, B, E2>(
  read: Result.Result<A, E>,
  use: (input: A) => Effect.Effect<B, E2>
): Effect.Effect<B, E | E2> => (read._tag === "Failure" ? Effect.fail(read.failure) : use(read.success))

const emptyObject: JsonObject = Object.freeze({})

const isoTime = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?))?(Z|[+ -]\d\d:?\d\d)?$/i

/** `Date.parse` takes 30 February for 2 March. */
const isDay = (day: string): boolean => {
  const date = new Date(`${day}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day)
}

/**
 * A time as clients send it (http.md 1.7): no offset (read as UTC), `Z` or `+hh:mm`, where a query string may have made
 * the `+` a space; up to nine digits of a second, of which milliseconds are kept. Undefined if it is none.
 */
export const parseTime = (input: string): DateTime.Utc | undefined => {
  const parts = isoTime.exec(input.trim())
  if (parts === null) return undefined
  const [, day = "", clock = "00:00:00", offset = "Z"] = parts
  if (!isDay(day)) return undefined
  const zone = offset
    .replace(" ", "+")
    .replace(/^([+-]\d\d)(\d\d)$/, "$1:$2")
    .toUpperCase()
  const date = new Date(`${day}T${clock.replace(/(\.\d{3})\d+$/, "$1")}${zone}`)
  const year = date.getUTCFullYear() // An offset may take it beyond four digits.
  return year >= 0 && year <= 9999 ? DateTime.makeUnsafe(date.getTime()) : undefined
}
