/** The contract served. Which `HttpServer` and which engine is for others to choose. */
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as Function from "effect/Function"
import { MaxBodySize } from "effect/http/HttpIncomingMessage"
import { TracerDisabledWhen } from "effect/http/HttpMiddleware"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { HttpApiBuilder } from "effect/http-api"
import * as Access from "./access.ts"
import { Keyring } from "./access.ts"
import * as Agents from "./agents.ts"
import { Api } from "./Api.ts"
import * as Attachments from "./attachments.ts"
import { InvalidOrigin, isOrigin, OriginsNeedKeys } from "./cors.ts"
import * as Costs from "./costs.ts"
import * as Discovery from "./discovery.ts"
import * as Docs from "./docs.ts"
import * as Edge from "./edge.ts"
import { Listening } from "./edge.ts"
import * as Events from "./events.ts"
import * as Governance from "./governance.ts"
import { isLoopback } from "./hosts.ts"
import * as Graph from "./graph.ts"
import { HttpOptions } from "./HttpOptions.ts"
import * as Intents from "./intents.ts"
import { developmentKeys, makeKeyring } from "./keys.ts"
import * as Leases from "./leases.ts"
import * as Metrics from "./metrics.ts"
import { routerConfig } from "./observe/routes.ts"
import * as Portfolios from "./portfolios.ts"
import { makeRateLimits, RateLimits } from "./RateLimits.ts"
import * as Llm from "./llm.ts"
import * as Retries from "./retries.ts"
import { storedKeys } from "./storedKeys.ts"
import * as StreamAccess from "./streams/access.ts"
import * as StreamRoutes from "./streams.ts"
import * as Subscriptions from "./subscriptions.ts"

/** A server that others can reach needs keys of its own: everybody knows the development keys (http.md 1.1, 1.4). */
export class KeysRequired extends Schema.TaggedError<KeysRequired>()("KeysRequired", { address: Schema.String }) {
  override get message() {
    return `${this.address} is not a loopback address: configure API keys to serve there`
  }
}

/** Why these options are not served. */
export type NotServable = KeysRequired | InvalidOrigin | OriginsNeedKeys

/** The routes, on any router. Needs `OpenIntent`, `Listening` and `Keyring`. */
export const routes = Layer.unwrap(
  Effect.map(HttpOptions, ({ docs, maxBodyBytes }) =>
    Layer.mergeAll(
      HttpApiBuilder.layer(Api, { openapiPath: "/openapi.json" }),
      Edge.layer,
      Metrics.layer,
      docs ? Docs.layer : Layer.empty
    ).pipe(
      Layer.provide([
        Discovery.layer,
        Intents.layer,
        Events.layer,
        Agents.layer,
        Graph.layer,
        Leases.layer,
        Attachments.layer,
        Llm.layer,
        Retries.layer,
        Portfolios.layer,
        Governance.layer,
        Subscriptions.layer,
        Costs.layer,
        StreamRoutes.layer
      ]),
      Layer.provide([Access.layer, StreamAccess.layer]),
      Layer.provide(Layer.succeed(MaxBodySize, ByteSize.bytes(maxBodyBytes)))
    )
  )
)

/** What follows from where the server listens: whom it knows and which names it answers to. */
const listening = Layer.unwrap(
  Effect.gen(function* () {
    const { address } = yield* HttpServer.HttpServer
    const { allowedHosts, corsOrigins, keys } = yield* HttpOptions
    const local = isLoopback(address)
    const stored = yield* storedKeys
    if (keys.length === 0 && !local && !stored.areOpen()) {
      return yield* new KeysRequired({ address: HttpServer.formatAddress(address) })
    }
    const development = keys.length === 0 && local ? developmentKeys : []
    const invalidOrigin = corsOrigins.find((origin) => !isOrigin(origin))
    if (invalidOrigin !== undefined) return yield* new InvalidOrigin({ origin: invalidOrigin })
    if (corsOrigins.length > 0 && development.length > 0 && !stored.wereEver()) {
      return yield* new OriginsNeedKeys({ origins: corsOrigins })
    }
    const hosts = local ? new Set(allowedHosts.map((host) => host.toLowerCase())) : undefined
    return Layer.mergeAll(
      Layer.succeed(Keyring, makeKeyring({ configured: keys, development }, stored)),
      Layer.effect(RateLimits, makeRateLimits),
      Layer.succeed(Listening, { hosts, closing: false, atEnd: new Set<() => void>() })
    )
  })
)

/**
 * Serves the contract. Needs an `HttpServer` (with its platform services) and `OpenIntent`; set `HttpOptions` for what
 * is to differ.
 *
 * **Details**: at the end new requests are refused with 503, those in flight finish, and connections are closed with
 * their answers, before the `HttpServer` stops listening (its `gracefulShutdownTimeout` bounds the wait).
 */
export const layer = Layer.effectDiscard(
  Effect.flatMap(Listening, (state) =>
    Effect.addFinalizer(() =>
      Effect.sync(() => {
        state.closing = true
        for (const end of state.atEnd) end()
      })
    )
  )
).pipe(
  Layer.provide(
    HttpRouter.serve(routes, {
      disableLogger: true,
      disableListenLog: true,
      routerConfig
    })
  ),
  // Its spans have the query in them, and no route: `observe` makes them.
  Layer.provide(Layer.succeed(TracerDisabledWhen, Function.constTrue)),
  Layer.provide(listening)
)
