/** Where the bytes of a stream go: into a response that the server leaves open, or into the body of one that it sends. */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"

export interface Outlet {
  /** Sends the bytes; false if it is to have no more before it tells that it is ready. */
  readonly write: (bytes: Uint8Array) => boolean
  /** Ends the response when all that was written is sent. */
  readonly end: () => void
}

/** What an outlet tells whoever writes to it. */
export interface Writer {
  readonly ready: () => void
  /** Nobody is there any more. */
  readonly gone: () => void
}

/** Begins to write to an outlet. */
export type Begin = (outlet: Outlet) => Writer

/**
 * Answers a request with the status and the headers of `head`, leaves the response open and begins to write to it.
 * False: nothing was done, since it cannot be left open.
 */
export type LeaveOpen = (request: HttpServerRequest, head: HttpServerResponse, begin: Begin) => boolean

/**
 * Of the server in use. A fiber that waits for the next bytes of a body takes more than all else that a stream consists
 * of; a response that is left open needs none. Default: none can be, and streams are sent as bodies.
 */
export const LeaveOpen = Context.Reference<LeaveOpen>("openintent/http/streams/LeaveOpen", {
  defaultValue: () => () => false
})

/** The outlet of a server that sends bodies: begins when that asks for the first bytes. */
export const body = (begin: Begin): Stream.Stream<Uint8Array> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const waiting = yield* Queue.unbounded<Uint8Array, Cause.Done>()
      const outlet: Outlet = {
        write: (bytes) => {
          Queue.offerUnsafe(waiting, bytes)
          return false // Until the server has taken it.
        },
        end: () => Queue.endUnsafe(waiting)
      }
      const writer = yield* Effect.acquireRelease(
        Effect.sync(() => begin(outlet)),
        ({ gone }) => Effect.sync(gone)
      )
      return Stream.fromPull(Effect.succeed(Effect.tap(Queue.takeAll(waiting), () => Effect.sync(writer.ready))))
    })
  )
