/** A real server on a free loopback port, and requests to it as a client without our types would send them. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import { createServer } from "node:http"
import type { OpenIntent } from "../../src/core/OpenIntent.ts"
import { defaultHttpOptions, HttpOptions } from "../../src/http/HttpOptions.ts"
import * as Server from "../../src/http/server.ts"
import { LeaveOpen } from "../../src/http/streams/Outlet.ts"
import { leaveOpen } from "../../src/layers/connections.ts"
import { memory } from "../../src/layers/memory.ts"

export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** Undefined without a body. */
  readonly body: any
  readonly text: string
}

export interface Ask {
  readonly headers?: { readonly [name: string]: string }
  /** Sent as JSON; `raw` is sent as it is. */
  readonly body?: unknown
  readonly raw?: string | Uint8Array<ArrayBuffer> | ReadableStream
  /** `null`: none. */
  readonly key?: string | null
  readonly agent?: string
}

export interface Serving extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly ask: (method: string, path: string, options?: Ask) => Promise<Answer>
  readonly close: () => Promise<void>
}

export const asking =
  (url: string): Serving["ask"] =>
  async (method, path, { agent = "atlas", body, headers, key = "dev-user-key", raw } = {}) => {
    const content = raw ?? (body === undefined ? undefined : JSON.stringify(body))
    const all = new Headers()
    if (key !== null) all.set("x-api-key", key)
    if (agent !== "") all.set("x-agent-id", agent)
    if (content !== undefined) all.set("content-type", "application/json")
    for (const [name, value] of Object.entries(headers ?? {})) all.set(name, value)
    const init: RequestInit & { duplex?: string } = { method, headers: all }
    const response = await fetch(url + path, content === undefined ? init : { ...init, body: content, duplex: "half" })
    const text = await response.text()
    const isJson = response.headers.get("content-type") === "application/json" && text !== ""
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined }
  }

interface ServingOptions {
  readonly log?: (line: string) => void
  /** How long it waits for requests in flight at its end. */
  readonly patience?: Duration.Input
  /** Streams are sent as bodies, as on servers that cannot leave a response open. */
  readonly asBodies?: boolean
}

/** Serves `engine`, a fresh one in memory by default. */
export const serving = async (
  options: Partial<HttpOptions> = {},
  engine: Layer.Layer<OpenIntent> = memory(),
  { asBodies = false, log = () => undefined, patience = "8 seconds" }: ServingOptions = {}
): Promise<Serving> => {
  const scope = Scope.makeUnsafe()
  const context = await Server.layer.pipe(
    Layer.provide(Layer.succeed(HttpOptions, { ...defaultHttpOptions, ...options })),
    Layer.provide(asBodies ? Layer.empty : Layer.succeed(LeaveOpen, leaveOpen)),
    Layer.provideMerge(
      NodeHttpServer.layer(() => createServer(), { host: "127.0.0.1", port: 0, gracefulShutdownTimeout: patience })
    ),
    Layer.provide(engine),
    Layer.provide(Logger.layer([Logger.map(Logger.formatJson, log)])),
    Layer.buildWithScope(scope),
    Effect.runPromise
  )
  const { address } = Context.get(context, HttpServer.HttpServer)
  const port = address._tag === "UnixPathAddress" ? 0 : address.port
  const url = `http://127.0.0.1:${port}`
  const close = () => Effect.runPromise(Scope.close(scope, Exit.void))
  return { url, port, ask: asking(url), close, [Symbol.asyncDispose]: close }
}
