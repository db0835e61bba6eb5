/** What is asked of a check of the log, and what it answers (RFC 0019, as far as its names fit). */
import * as Effect from "effect/Effect"
import type { Verification, VerifyEvents } from "../core/seal/Verification.ts"
import { invalid, type Refusal } from "./refusals.ts"

/** Events that one request looks at: a tenth of a second. */
export const verifyLimit = 10_000

/** `1042:sha256:…`; whether both are what they should be is judged by the engine. */
const pointOf = (text: string): VerifyEvents["expect"] => {
  const colon = text.indexOf(":")
  return { sequence: Number(text.slice(0, Math.max(colon, 0)) || Number.NaN), hash: text.slice(colon + 1) }
}

export const verifyQuery = ({
  after_sequence,
  expect,
  limit = verifyLimit
}: {
  readonly after_sequence?: number
  readonly expect?: string
  readonly limit?: number
}): Effect.Effect<VerifyEvents, Refusal> =>
  limit >= 1 && limit <= verifyLimit
    ? Effect.succeed({ after: after_sequence, limit, expect: expect === undefined ? undefined : pointOf(expect) })
    : Effect.fail(invalid([{ field: "limit", message: `must be an integer from 1 to ${verifyLimit}`, value: limit }]))

/** `JSON.stringify` leaves out what is undefined. */
export const verificationBody = ({ break: broken, ...found }: Verification) => ({
  intent_id: found.intentId,
  valid: found.valid,
  chain_valid: found.valid,
  event_count: found.eventCount,
  first_sequence: found.firstSequence,
  last_sequence: found.lastSequence,
  sealed_through: found.sealedThrough,
  unsealed_count: found.unsealedCount,
  head: found.head,
  break: broken && {
    kind: broken.kind,
    sequence: broken.sequence,
    event_id: broken.eventId,
    expected: broken.expected,
    found: broken.found
  },
  next_after_sequence: found.next
})
