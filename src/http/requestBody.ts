/** From bytes to a checked JSON object (http.md 1.6, 1.10, decision 9). */
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Predicate from "effect/Predicate"
import { checkJson, fieldName } from "../core/json.ts"
import { type BodyFault, bodyBytes } from "./bodyBytes.ts"
import {
  invalid,
  invalidJson,
  payloadTooLarge,
  type Refusal,
  requestTimeout,
  unsupportedMediaType
} from "./refusals.ts"
import type { HttpOptions } from "./HttpOptions.ts"

/** A parsed body: nothing is known of its fields yet. */
export interface RawBody {
  readonly [name: string]: unknown
}

const utf8 = new TextDecoder("utf-8", { fatal: true })
const jsonType = /^(?:application|text)\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i

const parse = (bytes: Uint8Array, depthMax: number): Effect.Effect<RawBody, Refusal> => {
  let value: unknown
  try {
    const text = utf8.decode(bytes)
    if (text.trim() === "") return Effect.succeed({}) // Decision 7: what is required is missed later.
    value = JSON.parse(text)
  } catch {
    return Effect.fail(invalidJson("The body is not valid JSON"))
  }
  if (!Predicate.isObject(value)) {
    return Effect.fail(invalid([{ field: "body", message: "must be a JSON object" }]))
  }
  const issue = checkJson(value, depthMax)
  return issue === undefined
    ? Effect.succeed(value)
    : Effect.fail(invalid([{ field: fieldName(issue.path), message: issue.message }]))
}

const unread = (fault: BodyFault, { maxBodyBytes }: HttpOptions): Refusal => {
  switch (fault) {
    case "too-large":
      return payloadTooLarge(maxBodyBytes)
    case "too-slow":
      return requestTimeout
    case "unreadable":
      return invalidJson("The body could not be read")
  }
}

/**
 * The body of the request as a JSON object; no body is `{}`. At most `maxBodyBytes` are kept in memory: what a length
 * announces is refused before it is read, and a body without one when it grows beyond (`MaxBodySize`).
 */
export const readBody = (request: HttpServerRequest, options: HttpOptions): Effect.Effect<RawBody, Refusal> => {
  const { "content-length": length, "content-type": type, "transfer-encoding": encoding } = request.headers
  if (encoding === undefined && (length === undefined || length === "0")) return Effect.succeed({})
  if (type !== undefined && !jsonType.test(type)) return Effect.fail(unsupportedMediaType)
  if (length !== undefined && Number(length) > options.maxBodyBytes)
    return Effect.fail(payloadTooLarge(options.maxBodyBytes))
  return Effect.matchEffect(bodyBytes(request), {
    onSuccess: (bytes) => parse(bytes, options.maxJsonDepth),
    onFailure: (fault) => Effect.fail(unread(fault, options))
  })
}
