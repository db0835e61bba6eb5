/** Around every request: the `Host` check, unknown routes, defects, the end of the server (http.md 1.3, 1.6). */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { isHttpServerError } from "effect/http/HttpServerError"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Predicate from "effect/Predicate"
import { HttpApi } from "effect/http-api"
import { identify, Keyring, profileOf } from "./access.ts"
import { Api } from "./Api.ts"
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
  keyring: Keyring["Service"]
): Refusal | HttpServerResponse.HttpServerResponse => {
  const path = request.url.replace(/[?#].*$/s, "")
  const allowed = allow(path)
  if (request.method === "OPTIONS" && allowed.length > 0) {
    return HttpServerResponse.empty({ status: 204, headers: { allow: allowed.join(", ") } })
  }
  if (path.startsWith("/api/") && path !== "/api/v1/health") {
    const caller = identify(keyring, request.headers)
    if (Predicate.isTagged(caller, "Refusal")) return caller
  }
  // The method is right and there is no route: what stands in the path cannot be decoded, so nothing has that name.
  return allowed.length === 0 || allowed.includes(request.method) ? routeNotFound : methodNotAllowed(allowed.join(", "))
}

const isRouteNotFound = (error: unknown): boolean => isHttpServerError(error) && error.reason._tag === "RouteNotFound"

/** Needs `Listening` and `Keyring`. */
export const layer = HttpRouter.use((router) =>
  Effect.gen(function* () {
    const listening = yield* Listening
    const keyring = yield* Keyring
    yield* router.addGlobalMiddleware((handler) =>
      Effect.flatMap(HttpServerRequest, (request) => {
        const answer = (refusal: Refusal) => refuse(refusal, profileOf(request.headers))
        if (listening.closing) return Effect.succeed(answer(shuttingDown))
        if (listening.hosts !== undefined && !isAllowedHost(listening.hosts, request.headers["host"])) {
          return Effect.succeed(answer(misdirected))
        }
        return Effect.matchCauseEffect(handler, {
          onSuccess: (response) =>
            Effect.succeed(
              // Connections that are kept alive would hold up the end of the server.
              listening.closing ? HttpServerResponse.setHeader(response, "connection", "close") : response
            ),
          onFailure: (cause) => {
            if (Cause.hasInterruptsOnly(cause)) {
              // By the end of the server, which waited long enough; else by a client that is gone.
              return listening.closing ? Effect.succeed(answer(shuttingDown)) : Effect.failCause(cause)
            }
            if (cause.reasons.some((reason) => Cause.isFailReason(reason) && isRouteNotFound(reason.error))) {
              const found = unmatched(request, keyring)
              return Effect.succeed(Predicate.isTagged(found, "Refusal") ? answer(found) : found)
            }
            return Effect.as(Effect.logError("request failed", cause), answer(internalError))
          }
        })
      })
    )
  })
)
