/** Around every request: its id, origins, the `Host` check, unknown routes, defects, the end of the server (http.md 1.3, 1.6). */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Headers } from "effect/http/Headers"
import { isHttpServerError } from "effect/http/HttpServerError"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Predicate from "effect/Predicate"
import * as Random from "effect/Random"
import * as References from "effect/References"
import { HttpApi } from "effect/http-api"
import { type Door, door, everyRole, identify, profileOf } from "./access.ts"
import { Api } from "./Api.ts"
import { isPreflight, makeCors, preflightHeaders } from "./cors.ts"
import { HttpOptions } from "./HttpOptions.ts"
import {
  internalError,
  methodNotAllowed,
  misdirected,
  type Refusal,
  refuse,
  routeNotFound,
  shuttingDown
} from "./refusals.ts"
import { isAllowedHost } from "./hosts.ts"
import { isTooLong, withoutSemicolons } from "./paths.ts"
import { CurrentPassage, type Passage } from "./Passage.ts"
import { isRequestId, requestIdHeader, requestIds } from "./requestIds.ts"
import { makeObserver } from "./observe/observe.ts"

/** Where the server listens and whether it is about to end. */
export class Listening extends Context.Service<
  Listening,
  {
    /** Names that `Host` may have; undefined: any. */
    readonly hosts: ReadonlySet<string> | undefined
    /** Set when the server is to end: those who come then are sent away. */
    closing: boolean
    /** Called at that moment by whoever must not wait for the end: open streams. */
    readonly atEnd: Set<() => void>
  }
>()("openintent/http/Listening") {}

/** Methods by the pattern of the path, from the contract and the pages beside it. */
const allowedMethods = (): ReadonlyArray<readonly [pattern: RegExp, method: string]> => {
  const found: Array<readonly [RegExp, string]> = [
    [/^\/openapi\.json$/, "GET"],
    [/^\/metrics$/, "GET"],
    [/^\/docs$/, "GET"]
  ]
  HttpApi.reflect(Api, {
    onGroup: () => undefined,
    onEndpoint: ({ endpoint }) => {
      const pattern = endpoint.path.replaceAll(".", "\\.").replaceAll(/:\w+/g, "[^/]+")
      found.push([new RegExp(`^${pattern}$`), endpoint.method])
    }
  })
  return found
}

const methods = allowedMethods()

const allow = (path: string): ReadonlyArray<string> => {
  const found = new Set(methods.filter(([pattern]) => pattern.test(path)).map(([, method]) => method))
  if (found.size === 0) return []
  if (found.has("GET")) found.add("HEAD")
  return [...found, "OPTIONS"]
}

/** No route: unknown, or the wrong method. Behind the key where routes are (invariant 60). */
const unmatched = (
  request: HttpServerRequest,
  own: Door,
  passage: Passage
): Effect.Effect<Refusal | HttpServerResponse.HttpServerResponse> => {
  const path = request.url.replace(/[?#].*$/s, "")
  const allowed = allow(path)
  if (request.method === "OPTIONS" && allowed.length > 0) {
    return Effect.succeed(HttpServerResponse.empty({ status: 204, headers: { allow: allowed.join(", ") } }))
  }
  // The method is right and there is no route: what stands in the path cannot be decoded, so nothing has that name.
  const isUnknown = allowed.length === 0 || allowed.includes(request.method)
  const found = isUnknown ? routeNotFound : methodNotAllowed(allowed.join(", "))
  if (!path.startsWith("/api/") || path === "/api/v1/health") return Effect.succeed(found)
  return identify(own, { request, headers: request.headers, passage, allowed: everyRole }, (caller) =>
    Effect.succeed(Predicate.isTagged(caller, "Refusal") ? caller : found)
  )
}

const isRouteNotFound = (error: unknown): boolean => isHttpServerError(error) && error.reason._tag === "RouteNotFound"

/** Answers are for who asked, and are what they say they are: nobody else keeps them, and no browser guesses. */
const ofAll = { "cache-control": "no-store", "x-content-type-options": "nosniff" }

/** What the answer says itself stays. The headers are few, and setting one after the other costs less than merging them. */
const withHeaders = (
  response: HttpServerResponse.HttpServerResponse,
  headers: Passage["headers"]
): HttpServerResponse.HttpServerResponse => {
  let answer = response
  for (const [name, value] of Object.entries(headers)) {
    if (answer.headers[name] === undefined) answer = HttpServerResponse.setHeader(answer, name, value)
  }
  return answer
}

/** Needs `Listening` and `Keyring`. */
export const layer = HttpRouter.use((router) =>
  Effect.gen(function* () {
    const listening = yield* Listening
    const own = yield* door
    const observer = yield* makeObserver
    const cors = makeCors((yield* HttpOptions).corsOrigins)
    const nextId = requestIds(yield* Clock.currentTimeMillis, yield* Random.next)
    const annotations = yield* References.CurrentLogAnnotations

    const passing = (headers: Headers): Passage => {
      const given = headers[requestIdHeader]
      const id = isRequestId(given) ? given : nextId()
      return { id, since: performance.now(), headers: { [requestIdHeader]: id, ...ofAll, ...cors?.(headers) } }
    }

    yield* router.addGlobalMiddleware((handler) =>
      Effect.withFiber((fiber) => {
        const request = Context.getUnsafe(fiber.context, HttpServerRequest)
        const { headers, method } = request
        const passage = passing(headers)
        observer.began(request, passage)

        const finish = (response: HttpServerResponse.HttpServerResponse) => {
          const finished = withHeaders(response, passage.headers)
          observer.ended(request, passage, finished)
          return Effect.succeed(finished)
        }
        const answer = (refusal: Refusal) => finish(refuse(refusal, profileOf(headers)))
        const noRoute = () =>
          Effect.flatMap(unmatched(request, own, passage), (found) =>
            Predicate.isTagged(found, "Refusal") ? answer(found) : finish(found)
          )

        if (listening.closing) return answer(shuttingDown)
        if (listening.hosts !== undefined && !isAllowedHost(listening.hosts, headers["host"]))
          return answer(misdirected)
        if (cors !== undefined && isPreflight(method, headers)) {
          return finish(HttpServerResponse.empty({ status: 204, headers: preflightHeaders(passage.headers) }))
        }
        if (isTooLong(request.url)) return noRoute()

        const url = withoutSemicolons(request.url)
        const passed = Effect.updateContext(handler, (context: Context.Context<never>) => {
          const inner = Context.add(
            Context.add(observer.within(context, passage), CurrentPassage, passage),
            // Each line that is logged on the way has it; nothing is done where none is.
            References.CurrentLogAnnotations,
            { ...annotations, requestId: passage.id }
          )
          return url === request.url ? inner : Context.add(inner, HttpServerRequest, request.modify({ url }))
        })
        return Effect.matchCauseEffect(passed, {
          // Connections that are kept alive would hold up the end of the server.
          onSuccess: (response) =>
            finish(listening.closing ? HttpServerResponse.setHeader(response, "connection", "close") : response),
          onFailure: (cause) => {
            if (Cause.hasInterruptsOnly(cause)) {
              // By the end of the server, which waited long enough; else by a client that is gone.
              if (listening.closing) return answer(shuttingDown)
              observer.ended(request, passage, undefined)
              return Effect.failCause(cause)
            }
            if (cause.reasons.some((reason) => Cause.isFailReason(reason) && isRouteNotFound(reason.error))) {
              return noRoute()
            }
            return Effect.logError("request failed", cause).pipe(
              Effect.annotateLogs({ requestId: passage.id }),
              Effect.andThen(Effect.suspend(() => answer(internalError)))
            )
          }
        })
      })
    )
  })
)
