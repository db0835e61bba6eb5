/** Around every request: what is counted of it, and its span. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as Tracer from "effect/Tracer"
import { refusalCodeOf } from "../refusals.ts"
import { requestMetrics } from "./requests.ts"
import { makeRouteFinder } from "./routes.ts"
import { type Answer, makeTracing } from "./tracing.ts"

/** Says that an answer was given before, to the same idempotency key. */
const replayedHeader = "idempotency-replayed"

/** The status of those that nobody waited for, as proxies have it. */
const clientGone = 499

const answerOf = (exit: Exit.Exit<HttpServerResponse, unknown>): Answer => {
  if (Exit.isFailure(exit)) return { status: clientGone, code: undefined, response: undefined }
  const { value: response } = exit
  return { status: response.status, code: response.status < 400 ? undefined : refusalCodeOf(response), response }
}

/** Makes what observes the answers of a server: `answered` never fails, but is interrupted where the client is gone. */
export const makeObserve = Effect.map(Effect.context(), (context) => {
  const metrics = requestMetrics(context)
  const tracing = makeTracing(context)
  const findRoute = makeRouteFinder()

  return <E, R>(answered: Effect.Effect<HttpServerResponse, E, R>): Effect.Effect<HttpServerResponse, E, R> =>
    Effect.withFiber((fiber) => {
      const since = performance.now()
      const request = Context.getUnsafe(fiber.context, HttpServerRequest)
      const route = findRoute(request.method, request.url)
      const span = tracing?.begin(request, route)
      metrics.began()
      const observed = Effect.onExitPrimitive(answered, (exit) => {
        const answer = answerOf(exit)
        metrics.ended(request.method, route.pattern, answer.status, (performance.now() - since) / 1000)
        if (answer.code !== undefined) metrics.refused(answer.code)
        if (answer.response?.headers[replayedHeader] !== undefined) metrics.replayed()
        if (span !== undefined) tracing?.end(span, route, answer)
        return undefined
      })
      return span === undefined
        ? observed
        : Effect.updateContext(observed, (own: Context.Context<R>) => Context.add(own, Tracer.ParentSpan, span))
    })
})
