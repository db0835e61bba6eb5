import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"

/** Traces, metrics and logs to a collector, if one is named; what that takes is loaded only then. */
export const exporting = (endpoint: string): Layer.Layer<never, Config.ConfigError> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const own = yield* Effect.forEach(["TRACES", "METRICS", "LOGS"], (signal) =>
        Config.option(Config.NonEmptyString(`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`))
      )
      if (endpoint === "" && own.every(Option.isNone)) return Layer.empty
      const { telemetry } = yield* Effect.promise(() => import("../telemetry.ts"))
      return telemetry(endpoint === "" ? {} : { endpoint })
    })
  )
