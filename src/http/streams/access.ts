/** Who opens a stream (http.md 12.1). */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Headers } from "effect/http/Headers"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import { HttpApiError } from "effect/http-api"
import { CurrentAgent } from "../../core/CurrentAgent.ts"
import { door, identify, profileOf } from "../access.ts"
import { Caller } from "../api/common.ts"
import { rightOf, rolesWith } from "../api/rights.ts"
import { StreamAccess } from "../api/streams.ts"
import { invalid, type Refusal, refuse } from "../refusals.ts"
import { schemaIssues } from "../schemaIssues.ts"
import { HttpOptions } from "../HttpOptions.ts"
import { CurrentPassage } from "../Passage.ts"

/** The headers that the query stands for, where they are not sent. */
const withQuery = (headers: Headers, url: string): Headers => {
  const at = url.indexOf("?")
  if (at < 0) return headers
  const query = new URLSearchParams(url.slice(at))
  const [key, profile] = [query.get("api_key"), query.get("profile")]
  const hasKey = headers["x-api-key"] !== undefined || headers["authorization"] !== undefined
  return {
    ...headers,
    ...(key === null || hasKey ? undefined : { "x-api-key": key }),
    ...(profile === null || headers["x-openintent-profile"] !== undefined
      ? undefined
      : { "x-openintent-profile": profile })
  }
}

/** Needs `Keyring`. */
export const layer = Layer.effect(
  StreamAccess,
  Effect.gen(function* () {
    const own = yield* door
    const { streamRefusalDelay } = yield* HttpOptions
    return (handler, { endpoint }) => {
      const allowed = rolesWith(rightOf(endpoint))
      const enter = (headers: Headers, caller: Caller["Service"] | Refusal) => {
        if (Predicate.isTagged(caller, "Refusal"))
          return Effect.delay(Effect.succeed(refuse(caller, profileOf(headers))), streamRefusalDelay)
        const identified = Effect.updateContext(handler, (context: Context.Context<never>) =>
          Context.add(Context.add(context, Caller, caller), CurrentAgent, caller.agentId)
        )
        return Effect.catch(identified, (error) =>
          HttpApiError.HttpApiSchemaError.is(error)
            ? Effect.delay(
                Effect.succeed(
                  refuse(invalid(schemaIssues(error.cause.issue, error.kind.toLowerCase())), caller.profile)
                ),
                streamRefusalDelay
              )
            : Effect.fail(error)
        )
      }
      return Effect.flatMap(HttpServerRequest, (request) =>
        Effect.flatMap(CurrentPassage, (passage) => {
          const headers = withQuery(request.headers, request.url)
          return identify(own, { request, headers, passage, allowed }, (caller) => enter(headers, caller))
        })
      )
    }
  })
)
