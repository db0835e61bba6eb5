/** Checks the log of an intent against its seals, in steps that let others go on. */
import * as Effect from "effect/Effect"
import type { LogEvent } from "../event/LogEvent.ts"
import type { StorageError, StorageShape } from "../Storage.ts"
import { compare, type Place, unexpected } from "./chain.ts"
import { hashOf } from "./hash.ts"
import { Links } from "./Links.ts"
import type { Digest } from "./Sha256.ts"
import { sealedLog } from "./tables.ts"
import type { ChainBreak, Verification, VerifyEvents } from "./Verification.ts"

/** Events read and hashed between two turns of the others. */
const pageSize = 256

/** Events that are not sealed are counted up to here. */
const unsealedMax = 1_000_000

const ofIntent = (intentId: string) => ({ table: "events", index: "byIntent", keys: [[intentId]] }) as const

/** The next events; undefined if the very next one cannot be read. */
const readEvents = (
  storage: StorageShape,
  intentId: string,
  after: number,
  limit: number
): Effect.Effect<{ readonly events: ReadonlyArray<LogEvent>; readonly isLast: boolean } | undefined, StorageError> =>
  storage.page({ ...ofIntent(intentId), direction: "asc", after, limit }).pipe(
    Effect.map((rows) => ({ events: rows.map(({ record }) => record), isLast: rows.length < limit })),
    Effect.catchIf(
      (error) => error.reason === "corrupt",
      () => (limit === 1 ? Effect.undefined : readEvents(storage, intentId, after, Math.floor(limit / 2)))
    )
  )

/** How far the log is sealed. */
const sealedThrough = (storage: StorageShape): Effect.Effect<number, StorageError> =>
  Effect.map(storage.get("sealed", [sealedLog]), ([record]) => record?.through ?? 0)

interface Walked {
  readonly place: Place
  readonly count: number
  readonly break: ChainBreak | undefined
  readonly isEnd: boolean
  /** How far the whole log was sealed. */
  readonly through: number
}

const walk = Effect.fnUntraced(function* (
  storage: StorageShape,
  sha256: Digest,
  intentId: string,
  { after = 0, expect: given, limit = Infinity }: VerifyEvents
) {
  const through = yield* sealedThrough(storage)
  const [head] = yield* storage.get("sealHeads", [intentId])
  const links = new Links(storage, intentId, head, through)
  const expect = given !== undefined && given.sequence > after ? given : undefined
  let place = yield* links.startAfter(after)
  let count = 0
  const walked = (found: ChainBreak | undefined, isEnd: boolean): Walked => ({
    place,
    count,
    break: found,
    isEnd,
    through
  })

  for (;;) {
    const wanted = Math.min(pageSize, limit - count)
    const read = yield* readEvents(storage, intentId, place.position, wanted)
    if (read === undefined) {
      const [unreadable] = yield* links.take(through, 1)
      const { digest, position: sequence } = unreadable ?? { digest: undefined, position: place.position + 1 }
      return walked({ kind: "changed", sequence, expected: digest && hashOf(digest) }, false)
    }
    const events = read.events.filter(({ position }) => position <= through)
    const isEnd = read.isLast || events.length < read.events.length
    const upTo = isEnd ? through : (events.at(-1)?.position ?? through)
    const sealed = yield* links.take(upTo, events.length)
    const compared = compare(sha256, place, events, sealed, { expect, goesOnFrom: links.goesOnFrom })
    count += events.length
    place = compared.place
    if (compared.break !== undefined) return walked(compared.break, false)
    if (isEnd) break
    if (count >= limit) return walked(undefined, false)
    yield* Effect.yieldNow
  }
  if (expect !== undefined && expect.sequence > place.position)
    return walked(unexpected(expect, undefined, "tail_removed"), true)
  const isNeverSealed = links.isEmpty && place.digest === null
  if (!isNeverSealed && !links.goesOnFrom(place.digest))
    return walked({ kind: "chain", sequence: place.position }, true)
  const { beyond } = links
  // Seals are written together with how far they go.
  if (beyond !== undefined && beyond > (yield* sealedThrough(storage)))
    return walked({ kind: "chain", sequence: beyond }, true)
  return walked(undefined, true)
})

/** A removed event that no other one follows. */
const isTailRemoved = (storage: StorageShape, intentId: string, { kind, sequence }: ChainBreak) =>
  kind === "removed"
    ? Effect.map(
        storage.page({ ...ofIntent(intentId), direction: "asc", after: sequence, limit: 1 }),
        (rows) => rows.length === 0
      )
    : Effect.succeed(false)

/** Checks one intent, which need not exist any more. */
export const verifyIntent = Effect.fnUntraced(function* (
  storage: StorageShape,
  sha256: Digest,
  intentId: string,
  options: VerifyEvents = {}
) {
  const { break: broken, count, isEnd, place, through } = yield* walk(storage, sha256, intentId, options)
  const after = options.after ?? 0
  const [first] = yield* storage.page({ ...ofIntent(intentId), direction: "asc", after, limit: 1 })
  // With its seals or without: every intent has an event of its creation.
  const isNothingLeft = broken === undefined && after === 0 && first === undefined
  const found: ChainBreak | undefined = isNothingLeft
    ? { kind: "tail_removed", sequence: 0 }
    : broken !== undefined && (yield* isTailRemoved(storage, intentId, broken))
      ? { ...broken, kind: "tail_removed" }
      : broken
  const isThrough = isEnd || found !== undefined
  const [last] = isThrough ? yield* storage.page({ ...ofIntent(intentId), direction: "desc", limit: 1 }) : []
  const unsealedCount = isThrough
    ? yield* storage.count({ ...ofIntent(intentId), after: Math.max(after, through) }, unsealedMax)
    : 0
  const sealed = place.position > 0 && place.digest !== null
  const verification: Verification = {
    intentId,
    valid: found === undefined,
    eventCount: count + unsealedCount,
    firstSequence: first?.position ?? 0,
    lastSequence: isThrough ? (last?.position ?? 0) : place.position,
    sealedThrough: sealed ? place.position : 0,
    unsealedCount,
    head: sealed ? { sequence: place.position, hash: hashOf(place.digest) } : null,
    break: found ?? null,
    next: isThrough ? undefined : place.position
  }
  return verification
})
