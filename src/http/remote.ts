/** `OpenIntent` over HTTP, by the client that is derived from the contract. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import { HttpClientError, TransportError } from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Function from "effect/Function"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { AnySpan } from "effect/Tracer"
import { HttpApiClient } from "effect/http-api"
import { CurrentAgent } from "../core/CurrentAgent.ts"
import { OpenIntent } from "../core/OpenIntent.ts"
import { keyedCalls, keyedEvents } from "../core/receipt/calls.ts"
import { CurrentCall } from "../core/receipt/KeyedCall.ts"
import { Api } from "./Api.ts"
import { quotedKey } from "./idempotencyKey.ts"
import { makeAgents } from "./remote/agents.ts"
import { makeAttachments } from "./remote/attachments.ts"
import { makeCosts } from "./remote/costs.ts"
import { expected, UnexpectedAnswer } from "./remote/errors.ts"
import { makeEvents } from "./remote/events.ts"
import { makeGraph } from "./remote/graph.ts"
import { makeGovernance } from "./remote/governance.ts"
import { makeIntents } from "./remote/intents.ts"
import { makeLeases } from "./remote/leases.ts"
import { makePortfolios } from "./remote/portfolios.ts"
import { makeLlm } from "./remote/llm.ts"
import { makeRetries } from "./remote/retries.ts"
import { makeSubscriptions } from "./remote/subscriptions.ts"

export interface RemoteOptions {
  /** As in `http://127.0.0.1:8000`. */
  readonly url: string | URL
  readonly apiKey: string | Redacted.Redacted
  /** How long `events.follow` waits before it connects again; each time it brings nothing twice as long, up to 30 s. Default 1 s. */
  readonly reconnectDelay?: Duration.Input | undefined
  /** How long a call waits for the server to answer; default 30 seconds. What it was to do may be done all the same. */
  readonly timeout?: Duration.Input | undefined
}

/** Header values are sent one byte a character: those of UTF-8. */
const headerBytes = (value: string): string => String.fromCharCode(...new TextEncoder().encode(value))

/** Says who asks, and does not wait for ever. */
const speaking = (apiKey: string | Redacted.Redacted, timeout: Duration.Input) => (client: HttpClient.HttpClient) =>
  client.pipe(
    HttpClient.mapRequestEffect((request) =>
      Effect.withFiber((fiber) => {
        const call = request.method === "POST" ? fiber.getRef(CurrentCall) : undefined
        return Effect.succeed(
          HttpClientRequest.setHeaders(request, {
            "x-api-key": typeof apiKey === "string" ? apiKey : Redacted.value(apiKey),
            "x-agent-id": headerBytes(fiber.getRef(CurrentAgent)),
            "x-openintent-profile": "2",
            ...(call && { "idempotency-key": quotedKey(call.key) }),
            ...(fiber.cache.span && { traceparent: traceparentOf(fiber.cache.span) })
          })
        )
      })
    ),
    HttpClient.transform((answer, request) =>
      Effect.timeoutOrElse(untraced(answer), {
        duration: timeout,
        orElse: () =>
          Effect.fail(new HttpClientError({ reason: new TransportError({ request, description: "timeout" }) }))
      })
    )
  )

/** The client's own spans have the query in them, and are begun where nobody traces. */
const untraced = Effect.provideService(HttpClient.TracerDisabledWhen, Function.constTrue)

/** The span of the caller, so that the server's belongs to its trace (https://www.w3.org/TR/trace-context). */
const traceparentOf = ({ sampled, spanId, traceId }: AnySpan): string =>
  `00-${traceId.padStart(32, "0")}-${spanId}-${sampled ? "01" : "00"}`

/** The same, over the `HttpClient` of your choice. */
export const layerClient = ({
  apiKey,
  reconnectDelay = "1 second",
  timeout = "30 seconds",
  url
}: RemoteOptions): Layer.Layer<OpenIntent, never, HttpClient.HttpClient> =>
  Layer.effect(
    OpenIntent,
    Effect.gen(function* () {
      const client = yield* HttpApiClient.make(Api, {
        baseUrl: url,
        transformClient: speaking(apiKey, timeout),
        transformResponse: Effect.mapError((error) => (Schema.isSchemaError(error) ? new UnexpectedAnswer() : error))
      })
      const events = keyedEvents(makeEvents(client, reconnectDelay))
      return OpenIntent.of(
        keyedCalls({
          intents: makeIntents(client),
          events,
          costs: makeCosts(client),
          leases: makeLeases(client),
          agents: makeAgents(client),
          governance: makeGovernance(client),
          portfolios: makePortfolios(client),
          graph: makeGraph(client),
          attachments: makeAttachments(client),
          llm: makeLlm(client, events),
          retries: makeRetries(client),
          subscriptions: makeSubscriptions(client),
          health: {
            check: Effect.asVoid(client.discovery.ready()).pipe(
              Effect.mapError((error) =>
                expected(
                  { operation: "health.check" },
                  []
                )(
                  "status" in error
                    ? { code: "storage_unavailable", message: error.status, detail: error.status }
                    : error
                )
              )
            )
          }
        })
      )
    })
  )

/**
 * The engine behind the server at `url`, over `fetch`. Errors are the same typed errors as embedded; a server that
 * cannot be reached is `StorageUnavailable` with the reason `unreachable`.
 */
export const layer = (options: RemoteOptions): Layer.Layer<OpenIntent> =>
  Layer.provide(layerClient(options), FetchHttpClient.layer)
