/** What is counted of every request, and its span. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as Tracer from "effect/Tracer"
import type { Passage } from "../Passage.ts"
import { refusalCodeOf } from "../refusals.ts"
import { requestMetrics } from "./requests.ts"
import { makeRouteFinder } from "./routes.ts"
import { makeTracing } from "./tracing.ts"

/** Says that an answer was given before, to the same idempotency key. */
const replayedHeader = "idempotency-replayed"

/** The status of those that nobody waited for, as proxies have it. */
const clientGone = 499

/** Sees each request come and end. */
export interface Observer {
  readonly began: (request: HttpServerRequest, passage: Passage) => void
  /** `response` is undefined where the client is gone. */
  readonly ended: (request: HttpServerRequest, passage: Passage, response: HttpServerResponse | undefined) => void
  /** What is within the span of the request. */
  readonly within: <R>(context: Context.Context<R>, passage: Passage) => Context.Context<R>
}

export const makeObserver: Effect.Effect<Observer> = Effect.map(Effect.context(), (context) => {
  const metrics = requestMetrics(context)
  const tracing = makeTracing(context)
  const findRoute = makeRouteFinder()
  return {
    began: (request, passage) => {
      metrics.began()
      if (tracing === undefined) return
      const route = findRoute(request.method, request.url)
      passage.route = route.pattern
      passage.span = tracing.begin(request, route)
    },
    within: (inner, { span }) => (span === undefined ? inner : Context.add(inner, Tracer.ParentSpan, span)),
    ended: (request, passage, response) => {
      // Most routes say which they are.
      const route = (passage.route ??= findRoute(request.method, request.url).pattern)
      const status = response?.status ?? clientGone
      const code = response === undefined || status < 400 ? undefined : refusalCodeOf(response)
      metrics.ended(request.method, route, status, (performance.now() - passage.since) / 1000)
      if (code !== undefined) metrics.refused(code)
      if (response?.headers[replayedHeader] !== undefined) metrics.replayed()
      if (passage.span !== undefined) tracing?.end(passage.span, route, { status, code, requestId: passage.id })
    }
  }
})
