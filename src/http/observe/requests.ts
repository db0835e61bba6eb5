/** What is counted of every request. A series is made when it is first needed: no labels are put together later. */
import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import { countersBy, durationBoundaries } from "../../core/metrics.ts"

const inFlight = Metric.gauge("openintent_http_requests_in_flight", {
  description: "Requests that are not answered yet"
})

const openStreams = Metric.gauge("openintent_http_streams_open", { description: "Event streams that are open" })

const refusals = countersBy(
  "openintent_http_refusals_total",
  "code",
  "Requests that were refused, by the code of the answer; rate_limited is one of them"
)

const replays = Metric.counter("openintent_http_idempotency_replays_total", {
  description: "Answers given again to an idempotency key, with nothing done",
  incremental: true
})

/** Methods of a label; all others are `other`. */
const methods: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])

/** The metrics of one route. */
interface Series {
  readonly duration: Metric.Histogram<number>
  readonly answers: Map<number, Metric.Counter<number>>
}

const makeSeries = (method: string, route: string): Series => ({
  duration: Metric.histogram("openintent_http_request_duration_seconds", {
    description: "From the arrival of a request to its answer; of streams, to their beginning",
    attributes: { method, route },
    boundaries: durationBoundaries
  }),
  answers: new Map()
})

const makeAnswers = (method: string, route: string, status: number): Metric.Counter<number> =>
  Metric.counter("openintent_http_requests_total", {
    description: "Requests answered; 499 where the client did not wait",
    incremental: true,
    attributes: { method, route, status: String(status) }
  })

export interface RequestMetrics {
  readonly began: () => void
  /** `route` is the pattern of a route, never a path that was asked for. */
  readonly ended: (method: string, route: string, status: number, seconds: number) => void
  readonly refused: (code: string) => void
  readonly replayed: () => void
}

/** Into the registry of the context. */
export const requestMetrics = (context: Context.Context<never>): RequestMetrics => {
  const series = new Map<string, Series>()
  for (const metric of [openStreams, replays, refusals("rate_limited")]) metric.valueUnsafe(context)
  return {
    began: () => inFlight.modifyUnsafe(1, context),
    ended: (asked, route, status, seconds) => {
      inFlight.modifyUnsafe(-1, context)
      const method = methods.has(asked) ? asked : "other"
      const key = `${method} ${route}`
      let one = series.get(key)
      if (one === undefined) series.set(key, (one = makeSeries(method, route)))
      let answers = one.answers.get(status)
      if (answers === undefined) one.answers.set(status, (answers = makeAnswers(method, route, status)))
      answers.updateUnsafe(1, context)
      one.duration.updateUnsafe(seconds, context)
    },
    refused: (code) => refusals(code).updateUnsafe(1, context),
    replayed: () => replays.updateUnsafe(1, context)
  }
}

/** Tells of streams that open (1) and end (-1). */
export const countStreams =
  (context: Context.Context<never>) =>
  (by: 1 | -1): void =>
    openStreams.modifyUnsafe(by, context)
