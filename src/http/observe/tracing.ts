/** One span a request, at the edge, in the words of OpenTelemetry. It knows no key and no query. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Exit from "effect/Exit"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpTraceContext from "effect/http/HttpTraceContext"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { withoutKeys } from "../../core/apiKey/form.ts"
import { type FoundRoute, unmatched } from "./routes.ts"

export interface Tracing {
  /** Begins the span of a request: within the caller's trace, if `traceparent` names one. */
  readonly begin: (request: HttpServerRequest, route: FoundRoute) => Tracer.Span
  /** `route` is a pattern. */
  readonly end: (span: Tracer.Span, route: string, answer: Answer) => void
}

export interface Answer {
  readonly status: number
  /** Of a refusal. */
  readonly code: string | undefined
  readonly requestId: string
}

const hostPort = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/

/** What is said of a request that is sampled. */
const describe = (span: Tracer.Span, request: HttpServerRequest): void => {
  span.attribute("http.request.method", request.method)
  span.attribute("url.path", withoutKeys(request.url.replace(/[?#].*$/s, "")))
  span.attribute("url.scheme", "http")
  const [, host, port] = hostPort.exec(request.headers["host"] ?? "") ?? []
  if (host !== undefined && host !== "") span.attribute("server.address", host)
  if (port !== undefined) span.attribute("server.port", Number(port))
}

/** Undefined while nobody asked for spans: Effect's own tracer keeps none. */
export const makeTracing = (context: Context.Context<never>): Tracing | undefined => {
  const tracer = Context.get(context, Tracer.Tracer)
  if (tracer === Tracer.nativeTracer) return undefined
  const clock = Context.get(context, Clock.Clock)
  return {
    begin: (request, route) => {
      const parent = HttpTraceContext.w3c(request.headers)
      const span = tracer.span({
        name: `${request.method} ${route.pattern}`,
        parent,
        annotations: Context.empty(),
        links: [],
        startTime: clock.currentTimeNanosUnsafe(),
        kind: "server",
        root: Option.isNone(parent),
        sampled: Option.isNone(parent) || parent.value.sampled
      })
      if (span.sampled) {
        describe(span, request)
        const intentId = route.params["intentId"]
        if (intentId !== undefined) span.attribute("openintent.intent_id", withoutKeys(intentId))
      }
      return span
    },
    end: (span, route, { code, requestId, status }) => {
      const failed = status >= 500
      if (span.sampled) {
        span.attribute("http.response.status_code", status)
        // Not before: the router writes its own form of it.
        if (route !== unmatched.pattern) span.attribute("http.route", route)
        span.attribute("openintent.request_id", requestId)
        if (failed) span.attribute("error.type", code ?? String(status))
        else if (code !== undefined) span.attribute("openintent.refusal", code)
      }
      span.end(clock.currentTimeNanosUnsafe(), failed ? Exit.fail(code ?? String(status)) : Exit.void)
    }
  }
}

/** Says on the span of the request, if there is one, who acts. */
export const traceAgent = (context: Context.Context<never>, agentId: string): void => {
  const span = Context.getOrUndefined(context, Tracer.ParentSpan)
  if (span?._tag === "Span" && span.sampled) span.attribute("openintent.agent_id", agentId)
}
