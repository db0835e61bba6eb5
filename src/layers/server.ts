/** `openintent/server`: the engine behind HTTP, as a Layer and with promises. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpServer from "effect/http/HttpServer"
import type { ServeError } from "effect/http/HttpServerError"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Struct from "effect/Struct"
import type { OpenIntent } from "../core/OpenIntent.ts"
import { defaultHttpOptions, HttpOptions } from "../http/HttpOptions.ts"
import type { ApiKey } from "../http/keys.ts"
import type { KeysRequired } from "../http/server.ts"
import * as Server from "../http/server.ts"
import { LeaveOpen } from "../http/streams/Outlet.ts"
import { leaveOpen, makeServer } from "./connections.ts"
import type { EmbeddedOptions } from "./fromUrl.ts"
import { fromUrl } from "./fromUrl.ts"
import { requestLog } from "./requestLog.ts"

export interface ServerOptions extends Partial<Omit<HttpOptions, "keys">> {
  /** Default `127.0.0.1`. An address that is not loopback needs keys: `KeysRequired`. */
  readonly host?: string | undefined
  /** Default 8000; 0 is any free port. */
  readonly port?: number | undefined
  /** None, here and in `adminKeys`: the well-known development keys, on loopback only. */
  readonly apiKeys?: ReadonlyArray<string | Redacted.Redacted | ApiKey> | undefined
  /** Keys that may revoke the leases of others. */
  readonly adminKeys?: ReadonlyArray<string | Redacted.Redacted> | undefined
  /** Logs each answer at level Debug. Default off. */
  readonly logRequests?: boolean | undefined
  /** How long requests in flight may take to finish when the server ends; default 8 seconds. Then they are cut. */
  readonly shutdownTimeout?: Duration.Input | undefined
}

const isKeyOnly = (key: string | Redacted.Redacted | ApiKey): key is string | Redacted.Redacted =>
  typeof key === "string" || !("key" in key)

/** An admin key that is among the others too is an admin key: the last one counts. */
const keysOf = ({ adminKeys = [], apiKeys = [] }: ServerOptions): ReadonlyArray<ApiKey> => [
  ...apiKeys.map((key) => (isKeyOnly(key) ? { key } : key)),
  ...adminKeys.map((key) => ({ key, admin: true }))
]

const atEnd = (run: () => void) => Layer.effectDiscard(Effect.addFinalizer(() => Effect.sync(run)))

const layer = (
  options: ServerOptions = {}
): Layer.Layer<HttpServer.HttpServer, ServeError | KeysRequired, OpenIntent> =>
  Layer.suspend(() => {
    const { host = "127.0.0.1", port = 8000, shutdownTimeout = "8 seconds" } = options
    const http = Struct.omit(options, ["host", "port", "apiKeys", "adminKeys", "logRequests", "shutdownTimeout"])
    const { dismiss, server } = makeServer()
    // From the bottom: listens, and at the end waits for the requests in flight, of which `cut` leaves none after
    // `shutdownTimeout`. Before that, those who have none are sent away.
    const cut = atEnd(() => server.closeAllConnections())
    return atEnd(dismiss).pipe(
      Layer.provideMerge(Server.layer),
      Layer.provide(Layer.succeed(HttpOptions, { ...defaultHttpOptions, ...http, keys: keysOf(options) })),
      Layer.provide(Layer.succeed(LeaveOpen, leaveOpen)),
      Layer.provide([cut, options.logRequests === true ? requestLog(server) : Layer.empty]),
      Layer.provideMerge(NodeHttpServer.layer(() => server, { host, port, gracefulShutdownTimeout: shutdownTimeout }))
    )
  })

/**
 * Serves the `OpenIntent` it is given, on Node's HTTP server: `OpenIntentServer.layer({ port: 8000 })` provided with
 * `sqlite("work.db")`. Gives the `HttpServer`, whose address tells the port. When its scope closes it takes no new
 * request and lets those in flight finish.
 */
export const OpenIntentServer = { layer }

export interface StartServerOptions extends ServerOptions {
  /** A storage URL: `memory:`, `sqlite:./work.db`. */
  readonly storage: string
  /** Switches of the engine that is served, and of its storage. */
  readonly engine?: EmbeddedOptions | undefined
}

export interface RunningServer extends AsyncDisposable {
  /** As in `http://127.0.0.1:8000`. */
  readonly url: string
  /** Takes no new request, lets those in flight finish, closes the storage. */
  readonly close: () => Promise<void>
}

/**
 * Opens the storage and serves it. Rejects with `UnsupportedStorage`, the storage's error, `KeysRequired` or
 * `ServeError` (the address is in use), and has then left nothing open.
 */
export const startServer = async ({ engine, storage, ...options }: StartServerOptions): Promise<RunningServer> => {
  const scope = Scope.makeUnsafe()
  const context = await Effect.runPromise(
    layer(options).pipe(
      Layer.provide(fromUrl(storage, engine)),
      Layer.buildWithScope(scope),
      Effect.onExit((exit) => (Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, exit)))
    )
  )
  let ending: Promise<void> | undefined
  const close = () => (ending ??= Effect.runPromise(Scope.close(scope, Exit.void)))
  const { address } = Context.get(context, HttpServer.HttpServer)
  return { url: HttpServer.formatAddress(address), close, [Symbol.asyncDispose]: close }
}
