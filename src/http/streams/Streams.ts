/** The open streams of a server: their bytes, their keepalives, and their end. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { FollowEvents } from "../../core/event/LogEvent.ts"
import { OpenIntent } from "../../core/OpenIntent.ts"
import { Listening } from "../edge.ts"
import { HttpOptions } from "../HttpOptions.ts"
import { Connection } from "./Connection.ts"
import { Encoder } from "./Encoder.ts"
import { connectedFrame, keepaliveFrame, resyncFrame, type Target } from "./frames.ts"

/** Parts that a keepalive interval is measured in: one clock for all streams, which each counts. */
const ticksPerInterval = 15

/** Where a stream resumes; `unknown`: an id that is none of this log. */
export type Resume = number | "unknown" | undefined

/** Faults were told where they occurred. */
const logDefect = (cause: Cause.Cause<unknown>) =>
  cause.reasons.some(Cause.isDieReason) ? Effect.logError("event stream failed", cause) : Effect.void

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

export class Streams extends Context.Service<
  Streams,
  {
    /** Bytes from the first frame on. Ends when the client is too slow, when the engine fails, and with the server. */
    readonly bytes: (target: Target, resume: Resume) => Stream.Stream<Uint8Array>
  }
>()("openintent/http/streams/Streams") {
  /** Needs `OpenIntent` and `Listening`. */
  static readonly layer = Layer.effect(
    Streams,
    Effect.gen(function* () {
      const engine = yield* OpenIntent
      const listening = yield* Listening
      const { keepaliveInterval, streamBufferMax } = yield* HttpOptions
      const encoder = new Encoder(engine, yield* Effect.scope)
      const run = Effect.runForkWith(yield* Effect.context())
      const connections = new Set<Connection>()

      const tick = Effect.sync(() => {
        for (const connection of connections) connection.tick(ticksPerInterval, keepaliveFrame)
      })
      yield* Effect.forkScoped(
        Effect.forever(Effect.andThen(Effect.sleep(Duration.divideUnsafe(keepaliveInterval, ticksPerInterval)), tick))
      )
      const end = () => {
        for (const connection of connections) connection.end()
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => listening.atEnd.add(end)),
        () => Effect.sync(() => listening.atEnd.delete(end))
      )

      const opened = Effect.acquireRelease(
        Effect.sync(() => {
          const connection = new Connection()
          connections.add(connection)
          return connection
        }),
        (connection) => Effect.sync(() => connections.delete(connection))
      )

      const bytes = (target: Target, resume: Resume) =>
        Effect.gen(function* () {
          const connection = yield* opened
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
          const send = (bytes: Uint8Array) => (bytes.length === 0 ? Effect.void : connection.give(bytes))
          const sending = Stream.runForEachArray(events, (chunk) => {
            const encoded = encoder.encode(chunk, target, newAfter)
            return encoded instanceof Uint8Array ? send(encoded) : Effect.flatMap(encoded, send)
          })
          // In the context of the server: that of the request need not live as long as the stream.
          yield* Effect.acquireRelease(
            Effect.sync(() => {
              const fiber = run(Effect.tapCause(sending, logDefect))
              fiber.addObserver(() => connection.end())
              return fiber
            }),
            Fiber.interrupt
          )
          return Stream.fromPull(Effect.succeed(connection.pull))
        })

      return Streams.of({ bytes: (target, resume) => Stream.unwrap(bytes(target, resume)) })
    })
  )
}
