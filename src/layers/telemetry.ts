/**
 * Traces, metrics and logs to a collector of OpenTelemetry, configured by its own variables (`OTEL_…`). Loaded only where
 * a collector is named.
 */
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import { HttpClientError, TransportError } from "effect/http/HttpClientError"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Otlp from "effect/observability/Otlp"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Tracer from "effect/Tracer"
import { countersBy } from "../core/metrics.ts"
import { version } from "../http/version.ts"

/** Requests to the collector at the same time. What comes while so many are under way is dropped: memory has an end. */
const underWayMax = 8
/** One warning in this time, however much is lost. */
const warningEveryMs = 60_000

const requests = countersBy(
  "openintent_otlp_requests_total",
  "outcome",
  "Requests to the collector of OpenTelemetry: accepted, failed, or dropped since too many were under way"
)

/**
 * The client of the exporters, which by themselves would wait for a collector for minutes, keep what waits without end,
 * and say nothing of it.
 */
const guarded = Layer.effect(
  HttpClient.HttpClient,
  Effect.gen(function* () {
    const timeoutMs = yield* Config.Int("OTEL_EXPORTER_OTLP_TIMEOUT").pipe(Config.withDefault(10_000))
    let underWay = 0
    let warnedAtMs = Number.NEGATIVE_INFINITY
    const warn = (origin: string, reason: string) =>
      Effect.suspend(() => {
        if (performance.now() - warnedAtMs < warningEveryMs) return Effect.void
        warnedAtMs = performance.now()
        return Effect.logWarning(`telemetry is lost: ${origin} ${reason}`)
      })
    return HttpClient.transform(yield* HttpClient.HttpClient, (answer, request) => {
      const origin = URL.parse(request.url)?.origin ?? "the collector"
      return Effect.suspend(() => {
        if (underWay >= underWayMax) {
          // Told as accepted: an exporter that hears of a failure pauses for a minute.
          return warn(origin, "is too slow").pipe(
            Effect.andThen(Metric.update(requests("dropped"), 1)),
            Effect.as(HttpClientResponse.fromWeb(request, new Response()))
          )
        }
        underWay++
        return answer.pipe(
          Effect.timeoutOrElse({
            duration: timeoutMs,
            orElse: () =>
              Effect.fail(new HttpClientError({ reason: new TransportError({ request, description: "timeout" }) }))
          }),
          Effect.tap((response) =>
            response.status < 300
              ? Metric.update(requests("accepted"), 1)
              : Effect.andThen(
                  Metric.update(requests("failed"), 1),
                  warn(origin, `answers with status ${response.status}`)
                )
          ),
          Effect.tapError((error) =>
            Effect.andThen(
              Metric.update(requests("failed"), 1),
              warn(origin, error.reason._tag === "TransportError" ? "does not answer" : "cannot be asked")
            )
          ),
          Effect.ensuring(Effect.sync(() => underWay--))
        )
      })
    })
  })
).pipe(Layer.provide(FetchHttpClient.layer))

/** What is not said otherwise: all three signals. */
const defaults = ConfigProvider.fromUnknown({
  OTEL_TRACES_EXPORTER: "otlp",
  OTEL_METRICS_EXPORTER: "otlp",
  OTEL_LOGS_EXPORTER: "otlp"
})

/** The protocol of the specification's variable; JSON costs this process the least. */
const serialization = Layer.unwrap(
  Effect.map(
    Config.Literals(["http/json", "http/protobuf"], "OTEL_EXPORTER_OTLP_PROTOCOL").pipe(
      Config.withDefault("http/json" as const)
    ),
    (protocol) => (protocol === "http/json" ? OtlpSerialization.layerJson : OtlpSerialization.layerProtobuf)
  )
)

const resource = Effect.gen(function* () {
  const attributes = yield* Config.Record(
    Schema.StringFromUriComponent,
    Schema.StringFromUriComponent,
    "OTEL_RESOURCE_ATTRIBUTES",
    { trim: true, keepEmptyValues: true }
  ).pipe(Config.withDefault<{ readonly [name: string]: string }>({}))
  const named = yield* Config.option(Config.NonEmptyString("OTEL_SERVICE_NAME"))
  return {
    serviceName: Option.getOrElse(named, () => attributes["service.name"] ?? "openintent"),
    serviceVersion: attributes["service.version"] ?? version
  }
})

/** `OTEL_TRACES_SAMPLER` and its argument: whether a trace of the caller decides, and the share of all others. */
const sampler = Effect.gen(function* () {
  const name = yield* Config.Literals(
    [
      "always_on",
      "always_off",
      "traceidratio",
      "parentbased_always_on",
      "parentbased_always_off",
      "parentbased_traceidratio"
    ],
    "OTEL_TRACES_SAMPLER"
  ).pipe(Config.option, Config.map(Option.getOrUndefined))
  const given = yield* Config.option(Config.Finite("OTEL_TRACES_SAMPLER_ARG"))
  const share = Math.min(
    Math.max(
      Option.getOrElse(given, () => 1),
      0
    ),
    1
  )
  return {
    byParent: name?.startsWith("parentbased_") ?? true,
    ratio: name?.endsWith("_on") === true ? 1 : name?.endsWith("_off") === true ? 0 : share
  }
})

/** Takes as many traces as it is to. */
const sampling = Layer.effect(
  Tracer.Tracer,
  Effect.gen(function* () {
    const inner = yield* Tracer.Tracer
    const random = yield* Random.Random
    const { byParent, ratio } = yield* sampler
    return {
      ...inner,
      span: (options) => {
        const isDecided = byParent && Option.isSome(options.parent)
        if (isDecided || random.nextDoubleUnsafe() < ratio) return inner.span(options)
        return inner.span({ ...options, sampled: false })
      }
    }
  })
)

/** A collector that is named by a program. What is not said here is said by the variables. */
export interface OtlpOptions {
  /** Where it listens for OTLP over HTTP, as in `http://127.0.0.1:4318`. */
  readonly endpoint?: string | undefined
  readonly headers?: { readonly [name: string]: string } | undefined
  /** Who sends; default `openintent`. */
  readonly serviceName?: string | undefined
}

/** The options as the variables that they go before. */
const variablesOf = ({ endpoint, headers, serviceName }: OtlpOptions): { readonly [name: string]: string } => ({
  ...(endpoint !== undefined && { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }),
  ...(headers !== undefined && {
    OTEL_EXPORTER_OTLP_HEADERS: Object.entries(headers)
      .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
      .join(",")
  }),
  ...(serviceName !== undefined && { OTEL_SERVICE_NAME: serviceName })
})

/** The exporters die of a variable that they cannot read. */
const failingOfVariables = Layer.catchCause((cause: Cause.Cause<Config.ConfigError>) => {
  const defect = cause.reasons.find(Cause.isDieReason)?.defect
  return Layer.effectDiscard(defect instanceof Config.ConfigError ? Effect.fail(defect) : Effect.failCause(cause))
})

/**
 * Exports to the collector, and what is left when it closes. A collector that is down or slow costs what is not
 * exported, a warning a minute, and at the end a few seconds. Fails where the variables cannot be read.
 */
export const telemetry = (options: OtlpOptions = {}): Layer.Layer<never, Config.ConfigError> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const environment = yield* ConfigProvider.ConfigProvider
      const given = ConfigProvider.fromUnknown(variablesOf(options))
      const provider = given.pipe(ConfigProvider.orElse(environment), ConfigProvider.orElse(defaults))
      return sampling.pipe(
        Layer.provideMerge(Layer.unwrap(Effect.map(resource, (resource) => Otlp.layerFromConfig({ resource })))),
        Layer.provide([guarded, serialization]),
        failingOfVariables,
        Layer.provide(ConfigProvider.layer(provider))
      )
    })
  )
