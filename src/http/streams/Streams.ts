/** The open streams of a server: their bytes, their keepalives, and their end. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { FollowEvents } from "../../core/event/LogEvent.ts"
import { OpenIntent } from "../../core/OpenIntent.ts"
import { Keyring } from "../access.ts"
import { Listening } from "../edge.ts"
import { HttpOptions } from "../HttpOptions.ts"
import { countStreams } from "../observe/requests.ts"
import { Connection } from "./Connection.ts"
import { Encoder } from "./Encoder.ts"
import { type Begin, body, LeaveOpen } from "./Outlet.ts"
import { connectedFrame, keepaliveFrame, resyncFrame, type Target } from "./frames.ts"

/** Parts that a keepalive interval is measured in, at least: one clock for all streams, which each counts. */
const ticksPerInterval = 15

/** The clock ticks so often, at least: with each tick it is seen whose key has ended. */
const tickMax = Duration.seconds(1)

/** What is known of an open stream. */
interface Open {
  /** Follows the events. */
  readonly fiber: Fiber.Fiber<void, unknown>
  /** The key that has opened it. */
  readonly keyId: string
}

/** Where a stream resumes; `unknown`: an id that is none of this log. */
export type Resume = number | "unknown" | undefined

const scopeOf = ({ id, kind }: Target): FollowEvents => {
  switch (kind) {
    case "intent":
      return { intentId: id }
    case "portfolio":
      return { portfolioId: id }
    case "agent":
      return { agentId: id }
  }
}

const headers = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache",
  "x-accel-buffering": "no",
  // Of no further use when the stream ends, and the end of the server waits for open connections.
  connection: "close"
}

export class Streams extends Context.Service<
  Streams,
  {
    /**
     * The stream as the answer to a request, with `more` headers. Ends when the client is too slow, when the engine fails,
     * when the key opens nothing any more, and with the server.
     */
    readonly answer: (
      request: HttpServerRequest,
      keyId: string,
      target: Target,
      resume: Resume,
      more?: { readonly [name: string]: string }
    ) => HttpServerResponse.HttpServerResponse
  }
>()("openintent/http/streams/Streams") {
  /** Needs `OpenIntent`, `Keyring` and `Listening`. */
  static readonly layer = Layer.effect(
    Streams,
    Effect.gen(function* () {
      const engine = yield* OpenIntent
      const keyring = yield* Keyring
      const listening = yield* Listening
      const leaveOpen = yield* LeaveOpen
      const { keepaliveInterval, streamBufferMax } = yield* HttpOptions
      const encoder = new Encoder(engine, yield* Effect.scope)
      const context = yield* Effect.context()
      const run = Effect.runForkWith(context)
      const count = countStreams(context)
      const connections = new Map<Connection, Open>()

      const ticks = Math.max(
        ticksPerInterval,
        Math.ceil(Duration.toMillis(keepaliveInterval) / Duration.toMillis(tickMax))
      )
      const tick = Effect.sync(() => {
        for (const [connection, { fiber, keyId }] of connections) {
          if (keyring.isOpen(keyId)) connection.tick(ticks, keepaliveFrame)
          else fiber.interruptUnsafe() // The client comes back, and is told why.
        }
      })
      yield* Effect.forkScoped(
        Effect.forever(Effect.andThen(Effect.sleep(Duration.divideUnsafe(keepaliveInterval, ticks)), tick))
      )
      const end = () => {
        for (const { fiber } of connections.values()) fiber.interruptUnsafe()
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => listening.atEnd.add(end)),
        () =>
          Effect.sync(() => {
            listening.atEnd.delete(end)
            end()
          })
      )

      const begin =
        (keyId: string, target: Target, resume: Resume): Begin =>
        (outlet) => {
          const connection = new Connection(outlet)
          let newAfter = 0
          const events = engine.events.follow({
            ...scopeOf(target),
            after: resume === "unknown" ? undefined : resume,
            endsBehind: streamBufferMax,
            onStart: (last) => {
              newAfter = last
              connection.send(connectedFrame(target, last))
              if (resume === "unknown" || (resume !== undefined && resume > last)) connection.send(resyncFrame(last))
            }
          })
          const sending = Stream.runForEachArray(events, (chunk) => {
            const encoded = encoder.encode(chunk, target, newAfter)
            return encoded instanceof Uint8Array
              ? connection.give(encoded)
              : Effect.flatMap(encoded, (bytes) => connection.give(bytes))
          })
          // In the context of the server: that of the request need not live as long as the stream.
          const fiber = run(sending)
          connections.set(connection, { fiber, keyId })
          count(1)
          fiber.addObserver((exit) => {
            connections.delete(connection)
            count(-1)
            outlet.end()
            // Faults were told where they occurred.
            if (Exit.isFailure(exit) && Cause.hasDies(exit.cause))
              run(Effect.logError("event stream failed", exit.cause))
          })
          if (listening.closing) fiber.interruptUnsafe() // It came at the last moment.
          return { ready: () => connection.ready(), gone: () => fiber.interruptUnsafe() }
        }

      return Streams.of({
        answer: (request, keyId, target, resume, more = {}) => {
          const head = HttpServerResponse.empty({ status: 200, headers: { ...more, ...headers } })
          const isOpen = leaveOpen(request, head, begin(keyId, target, resume))
          return isOpen ? head : HttpServerResponse.stream(body(begin(keyId, target, resume)), { headers })
        }
      })
    })
  )
}
