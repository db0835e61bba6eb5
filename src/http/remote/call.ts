/** What every call of the remote engine is made of. */
import * as Effect from "effect/Effect"
import type { HttpApiClient } from "effect/http-api"
import { ValidationError } from "../../core/Errors.ts"
import { copyJson, isJsonIssue, isJsonObject, type Json } from "../../core/json.ts"
import type { Api } from "../Api.ts"
import type { EngineFailure } from "../failures.ts"
import { type Call, type ClientError, expected } from "./errors.ts"

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

/** The client that is derived from the contract. */
export type Client = HttpApiClient.ForApi<typeof Api>

/** No path can name these: a URL would lose them. Nothing has such an id. */
const isNameless = (id: string | undefined): boolean => id === "" || id === "." || id === ".."

const missing = (message: string) => ({ code: "not_found", message, detail: message })

/** One call: its answer as a record, its errors as those that it may end with. */
export const ask = <A, B, T extends EngineFailure["_tag"]>(
  call: Call,
  tags: ReadonlyArray<T>,
  request: Effect.Effect<A, ClientError>,
  record: (answer: A) => B
) => {
  const failure = expected(call, tags)
  if (isNameless(call.intentId)) return Effect.fail(failure(missing("Intent not found")))
  if (isNameless(call.leaseId) || isNameless(call.agentId)) return Effect.fail(failure(missing("Not found")))
  return Effect.mapBoth(request, { onSuccess: record, onFailure: failure })
}
