/** What every call of the remote engine is made of. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { HttpApiClient } from "effect/http-api"
import { ValidationError } from "../../core/Errors.ts"
import { copyJson, isJsonIssue, isJsonObject, type Json } from "../../core/json.ts"
import type { Api } from "../Api.ts"
import type { EngineFailure } from "../failures.ts"
import { type ClientError, expected, narrowed } from "./errors.ts"
import { type Call, withoutName } from "./ids.ts"

const isDefined = <A>(value: A): value is Exclude<A, undefined> => value !== undefined

/** The fields that are given: JSON and query strings have no form for `undefined`. */
export const given = <A extends object>(fields: A): { [K in keyof A]?: Exclude<A[K], undefined> } => {
  const kept: { [K in keyof A]?: Exclude<A[K], undefined> } = {}
  for (const name in fields) {
    const value = fields[name]
    if (isDefined(value)) kept[name] = value
  }
  return kept
}

export const invalid = (field: string, message: string) => new ValidationError({ issues: [{ field, message }] })

export const jsonOf = (field: string, value: unknown): Effect.Effect<Json, ValidationError> => {
  const json = copyJson(value)
  return isJsonIssue(json) ? Effect.fail(invalid([field, ...json.path].join("."), json.message)) : Effect.succeed(json)
}

export const objectOf = Effect.fnUntraced(function* (field: string, value: object | null | undefined) {
  if (value === undefined || value === null) return undefined
  const json = yield* jsonOf(field, value)
  return isJsonObject(json) ? json : yield* invalid(field, "must be an object")
})

/** In the unit that the contract has there. JSON has no form for those that never end. */
export const durationOf = Effect.fnUntraced(function* (
  field: string,
  input: Duration.Input | undefined,
  unit: (duration: Duration.Duration) => number
) {
  if (input === undefined) return undefined
  const duration = Duration.fromInput(input)
  if (duration._tag === "None" || !Duration.isFinite(duration.value)) return yield* invalid(field, "must be a duration")
  return unit(duration.value)
})

/** The client that is derived from the contract. */
export type Client = HttpApiClient.ForApi<typeof Api>

/** One call: its answer as a record, its errors as those that it may end with. */
export const ask = <A, B, T extends EngineFailure["_tag"]>(
  call: Call,
  tags: ReadonlyArray<T>,
  request: Effect.Effect<A, ClientError>,
  record: (answer: A) => B
) => {
  const missing = withoutName(call)
  return missing === undefined
    ? Effect.mapBoth(request, { onSuccess: record, onFailure: expected(call, tags) })
    : Effect.fail(narrowed(call, tags, missing))
}
