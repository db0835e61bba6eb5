/** Hashes as the API shows them and as rows hold them (RFC 0019). Pure. */
import type { NewEvent } from "../event/LogEvent.ts"
import { eventText } from "./canonical.ts"
import type { Digest } from "./Sha256.ts"

/** Characters of a digest. Rows hold digests alone, one after the other. */
export const digestLength = 43

/** `sha256:` and the digest. */
export const hashOf = (digest: string): string => `sha256:${digest}`

/** The digest of an event that follows the one with `previous`; null for the first of an intent. */
export const eventDigest = (sha256: Digest, event: NewEvent, position: number, previous: string | null): string =>
  sha256(eventText(event, position, previous === null ? null : hashOf(previous)))
