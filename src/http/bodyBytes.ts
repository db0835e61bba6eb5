/** The bytes of a body: within the limit, read once, and not waited for without end. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { MaxBodySize } from "effect/http/HttpIncomingMessage"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import { CurrentPassage } from "./Passage.ts"

/** Why there are none: more than the limit, not in time, or the connection broke. */
export type BodyFault = "too-large" | "too-slow" | "unreadable"

/** Reads the whole body, of at most so many bytes. */
export type ReadBytes = (request: HttpServerRequest, maxBytes: number) => Effect.Effect<Uint8Array, BodyFault>

/** Of the server in use. Default: as any server reads it, within `MaxBodySize` and in the time that it gives. */
export const ReadBytes = Context.Reference<ReadBytes>("openintent/http/ReadBytes", {
  defaultValue: () => (request) =>
    Effect.mapBoth(request.arrayBuffer, {
      onSuccess: (bytes) => new Uint8Array(bytes),
      onFailure: ({ reason }): BodyFault =>
        reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge" ? "too-large" : "unreadable"
    })
})

/** The body of the request under way, of at most `MaxBodySize`, whoever asks for it and how often. */
export const bodyBytes = (request: HttpServerRequest): Effect.Effect<Uint8Array, BodyFault> =>
  Effect.withFiber((fiber) => {
    const passage = fiber.getRef(CurrentPassage)
    if (passage?.body !== undefined) return Effect.succeed(passage.body)
    const maxBytes = fiber.getRef(MaxBodySize)
    const reading = fiber.getRef(ReadBytes)(
      request,
      maxBytes === undefined ? Number.POSITIVE_INFINITY : Number(maxBytes)
    )
    return passage === undefined ? reading : Effect.map(reading, (bytes) => (passage.body = bytes))
  })
