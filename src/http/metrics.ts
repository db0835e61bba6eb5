/** `GET /metrics`: all that the process counts, for Prometheus. For every key that may read. */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as Predicate from "effect/Predicate"
import { door, everyRole, identify, profileOf } from "./access.ts"
import { refuse } from "./refusals.ts"
import { CurrentPassage } from "./Passage.ts"

const contentType = "text/plain; version=0.0.4; charset=utf-8"

/** Needs `Keyring`. Shows the metrics of the registry that the layer is built with. */
export const layer = HttpRouter.use((router) =>
  Effect.gen(function* () {
    const own = yield* door
    const context = yield* Effect.context()
    const show = Effect.gen(function* () {
      const [request, passage] = [yield* HttpServerRequest, yield* CurrentPassage]
      const { headers } = request
      return yield* identify(own, { request, headers, passage, allowed: everyRole }, (caller) =>
        Effect.succeed(
          Predicate.isTagged(caller, "Refusal")
            ? refuse(caller, profileOf(headers))
            : HttpServerResponse.text(PrometheusMetrics.formatUnsafe(context), { contentType })
        )
      )
    })
    yield* router.add("GET", "/metrics", show)
  })
)
