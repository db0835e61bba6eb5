/** `openintent/server`: the engine behind HTTP, as a Layer and with promises. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type { ConfigError } from "effect/Config"
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
import type { EngineError } from "../core/Errors.ts"
import type { OpenIntent } from "../core/OpenIntent.ts"
import { defaultHttpOptions, HttpOptions } from "../http/HttpOptions.ts"
import type { ApiKey } from "../http/keys.ts"
import type { NotServable } from "../http/server.ts"
import * as Server from "../http/server.ts"
import { ReadBytes } from "../http/bodyBytes.ts"
import { LeaveOpen } from "../http/streams/Outlet.ts"
import { type ConnectionOptions, leaveOpen, makeServer } from "./connections.ts"
import type { EmbeddedOptions } from "./fromUrl.ts"
import { fromUrl } from "./fromUrl.ts"
import { processMetrics } from "./processMetrics.ts"
import { requestLog } from "./requestLog.ts"
import type { OtlpOptions } from "./telemetry.ts"

export interface ServerOptions extends Partial<Omit<HttpOptions, "keys">> {
  /** Default `127.0.0.1`. An address that is not loopback needs keys: `KeysRequired`. */
  readonly host?: string | undefined
  /** Default 8000; 0 is any free port. */
  readonly port?: number | undefined
  /**
   * Keys of agents, or keys with a role and the agents they are bound to. None here and in the two below, and none ever
   * made with `openintent keys`: the well-known development keys, on loopback only.
   */
  readonly apiKeys?: ReadonlyArray<string | Redacted.Redacted | ApiKey> | undefined
  /** Keys that may do everything: also revoke the leases of others. */
  readonly adminKeys?: ReadonlyArray<string | Redacted.Redacted> | undefined
  /** Keys that may read and follow, and change nothing. */
  readonly readOnlyKeys?: ReadonlyArray<string | Redacted.Redacted> | undefined
  /** What clients that are slow, silent or many may take. */
  readonly connections?: Partial<ConnectionOptions> | undefined
  /** Logs each answer at level Debug. Default off. */
  readonly logRequests?: boolean | undefined
  /** How long requests in flight may take to finish when the server ends; default 8 seconds. Then they are cut. */
  readonly shutdownTimeout?: Duration.Input | undefined
}

const isKeyOnly = (key: string | Redacted.Redacted | ApiKey): key is string | Redacted.Redacted =>
  typeof key === "string" || !("key" in key)

/** Of a key that is given several times the last counts: where it may do most. */
const keysOf = ({ adminKeys = [], apiKeys = [], readOnlyKeys = [] }: ServerOptions): ReadonlyArray<ApiKey> => [
  ...readOnlyKeys.map((key): ApiKey => ({ key, role: "read-only" })),
  ...apiKeys.map((key) => (isKeyOnly(key) ? { key } : key)),
  ...adminKeys.map((key): ApiKey => ({ key, role: "admin" }))
]

const atEnd = (run: () => void) => Layer.effectDiscard(Effect.addFinalizer(() => Effect.sync(run)))

const layer = (
  options: ServerOptions = {}
): Layer.Layer<HttpServer.HttpServer, ServeError | NotServable | EngineError, OpenIntent> =>
  Layer.suspend(() => {
    const { host = "127.0.0.1", port = 8000, shutdownTimeout = "8 seconds" } = options
    const http = Struct.omit(options, [
      "host",
      "port",
      "apiKeys",
      "adminKeys",
      "readOnlyKeys",
      "connections",
      "logRequests",
      "shutdownTimeout"
    ])
    const { dismiss, readBytes, server } = makeServer(options.connections)
    // From the bottom: listens, and at the end waits for the requests in flight, of which `cut` leaves none after
    // `shutdownTimeout`. Before that, those who have none are sent away.
    const cut = atEnd(() => server.closeAllConnections())
    return atEnd(dismiss).pipe(
      Layer.provideMerge(Server.layer),
      Layer.provide(Layer.succeed(HttpOptions, { ...defaultHttpOptions, ...http, keys: keysOf(options) })),
      Layer.provide(Layer.succeed(LeaveOpen, leaveOpen)),
      Layer.provide(Layer.succeed(ReadBytes, readBytes)),
      Layer.provide([cut, processMetrics, options.logRequests === true ? requestLog(server) : Layer.empty]),
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
  /**
   * A collector of OpenTelemetry for traces, metrics and logs: `{ endpoint: "http://127.0.0.1:4318" }`. `{}` has all of it
   * from the variables (`OTEL_…`). Default: none is asked for, and none of that is loaded.
   */
  readonly otlp?: OtlpOptions | undefined
}

const exportingTo = (otlp: OtlpOptions | undefined): Layer.Layer<never, ConfigError> =>
  otlp === undefined
    ? Layer.empty
    : Layer.unwrap(Effect.promise(async () => (await import("./telemetry.ts")).telemetry(otlp)))

export interface RunningServer extends AsyncDisposable {
  /** As in `http://127.0.0.1:8000`. */
  readonly url: string
  /** Takes no new request, lets those in flight finish, closes the storage. */
  readonly close: () => Promise<void>
}

/**
 * Opens the storage and serves it. Rejects with `UnsupportedStorage`, the storage's error, `KeysRequired`, `ServeError`
 * (the address is in use), `StorageUnavailable` (its keys cannot be read) or `ConfigError` (a variable of `otlp` cannot be
 * read), and has then left nothing open.
 */
export const startServer = async ({
  engine,
  otlp,
  storage,
  ...options
}: StartServerOptions): Promise<RunningServer> => {
  const scope = Scope.makeUnsafe()
  const context = await Effect.runPromise(
    layer(options).pipe(
      Layer.provide(fromUrl(storage, engine)),
      Layer.provide(exportingTo(otlp)),
      Layer.buildWithScope(scope),
      Effect.onExit((exit) => (Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, exit)))
    )
  )
  let ending: Promise<void> | undefined
  const close = () => (ending ??= Effect.runPromise(Scope.close(scope, Exit.void)))
  const { address } = Context.get(context, HttpServer.HttpServer)
  return { url: HttpServer.formatAddress(address), close, [Symbol.asyncDispose]: close }
}
