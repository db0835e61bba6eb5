/** `events.verify` of the remote engine: asks for part after part, as one request looks at so many events only. */
import * as Effect from "effect/Effect"
import type { Events } from "../../core/OpenIntent.ts"
import { readVerify } from "../../core/seal/input.ts"
import type { Verification } from "../../core/seal/Verification.ts"
import { verifyLimit } from "../verification.ts"
import type { VerificationBody } from "../wire.ts"
import { ask, type Client, given } from "./call.ts"

const verificationOf = ({ break: broken, ...body }: VerificationBody): Verification => ({
  intentId: body.intent_id,
  valid: body.valid,
  eventCount: body.event_count,
  firstSequence: body.first_sequence,
  lastSequence: body.last_sequence,
  sealedThrough: body.sealed_through,
  unsealedCount: body.unsealed_count,
  head: body.head,
  break: broken && {
    kind: broken.kind,
    sequence: broken.sequence,
    eventId: broken.event_id,
    expected: broken.expected,
    found: broken.found
  },
  next: body.next_after_sequence
})

export const makeVerify =
  ({ events }: Client): Events["verify"] =>
  (intentId, options = {}) =>
    Effect.gen(function* () {
      const { after, expect, limit = Infinity } = yield* Effect.fromResult(readVerify(options))
      const look = (from: number | undefined, most: number) =>
        ask(
          { operation: "events.verify", intentId },
          ["IntentNotFound"],
          events.verify({
            params: { intentId },
            query: given({
              after_sequence: from,
              limit: Math.min(most, verifyLimit),
              expect: expect && `${expect.sequence}:${expect.hash}`
            })
          }),
          verificationOf
        )
      let found = yield* look(after, limit)
      while (found.next !== undefined && found.eventCount < limit) {
        const more: Verification = yield* look(found.next, limit - found.eventCount)
        const { firstSequence } = found.eventCount === 0 ? more : found
        found = { ...more, firstSequence, eventCount: found.eventCount + more.eventCount }
      }
      return found
    })
