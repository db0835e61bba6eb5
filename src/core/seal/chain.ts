/** The rules of a chain: what is in the log against what was sealed of it. Pure. */
import type { LogEvent } from "../event/LogEvent.ts"
import { digestLength, eventDigest, hashOf } from "./hash.ts"
import type { Digest } from "./Sha256.ts"
import type { Run } from "./tables.ts"
import type { ChainBreak, SealedPoint } from "./Verification.ts"

/** The seal of one event. */
export interface Link {
  readonly position: number
  readonly digest: string
  /** The digest that its row has in front of it. */
  readonly previous: string | null
}

/** The seals of a row, which may be any row: somebody may have written it. */
export const linksOf = ({ digests, positions, previous }: Run): ReadonlyArray<Link> => {
  if (!Array.isArray(positions) || typeof digests !== "string") return []
  const links: Array<Link> = []
  let before = previous
  for (const [i, position] of positions.entries()) {
    if (!Number.isSafeInteger(position)) break
    const digest = digests.slice(i * digestLength, (i + 1) * digestLength)
    links.push({ position, digest, previous: before })
    before = digest
  }
  return links
}

/** How far a chain was found whole. */
export interface Place {
  readonly position: number
  /** Null: before the first event. */
  readonly digest: string | null
}

const orUndefined = (digest: string | null | undefined): string | undefined =>
  typeof digest === "string" ? hashOf(digest) : undefined

/** The break that an expectation is, if the chain passes its position with `digest` there (undefined: with nothing). */
export const unexpected = (
  { hash, sequence }: SealedPoint,
  digest: string | undefined,
  kind: "chain" | "tail_removed" = "chain"
): ChainBreak | undefined =>
  orUndefined(digest) === hash ? undefined : { kind, sequence, expected: hash, found: orUndefined(digest) }

/** Of events and seals of the same part of the log: where it ends whole, and what is wrong there. */
export interface Compared {
  readonly place: Place
  readonly break: ChainBreak | undefined
}

/** What else there is to know about the chain. */
export interface Around {
  readonly expect: SealedPoint | undefined
  /** Whether the seals that come after those given begin with this digest. */
  readonly goesOnFrom: (digest: string | null) => boolean
}

/** Follows the chain from a place, over all events and all seals of a part of the log. */
export const compare = (
  sha256: Digest,
  from: Place,
  events: ReadonlyArray<LogEvent>,
  links: ReadonlyArray<Link>,
  { expect, goesOnFrom }: Around
): Compared => {
  let place = from
  const broken = (found: ChainBreak): Compared => ({ place, break: found })
  for (let i = 0; i < events.length || i < links.length; i++) {
    const event = events[i]
    const link = links[i]
    const { digest: previous, position: reached } = place
    if (event !== undefined && (link === undefined || event.position < link.position)) {
      // It was put in, if the seals around it follow each other; else its own is missing.
      const isWhole = link === undefined ? goesOnFrom(previous) : link.previous === previous
      return broken({ kind: isWhole ? "added" : "chain", sequence: event.position, eventId: event.id })
    }
    if (link === undefined) break
    const { digest, position } = link
    const eventId = event?.position === position ? event.id : undefined
    if (expect !== undefined && reached < expect.sequence && expect.sequence <= position) {
      const wrong = unexpected(expect, expect.sequence === position ? digest : undefined)
      if (wrong !== undefined) return broken({ ...wrong, ...(wrong.sequence === position ? { eventId } : undefined) })
    }
    if (position <= reached || link.previous !== previous)
      return broken({
        kind: "chain",
        sequence: position,
        eventId,
        expected: orUndefined(previous),
        found: orUndefined(link.previous)
      })
    if (event === undefined || event.position !== position)
      return broken({ kind: "removed", sequence: position, expected: hashOf(digest) })
    const found = eventDigest(sha256, event, position, previous)
    if (found !== digest)
      return broken({ kind: "changed", sequence: position, eventId, expected: hashOf(digest), found: hashOf(found) })
    place = { position, digest }
  }
  return { place, break: undefined }
}
