/** A point of a chain. Keep one outside of the storage: whoever rewrites log and seals together cannot know it. */
export interface SealedPoint {
  /** `sequence` of the event: its position in the log. */
  readonly sequence: number
  /** Its hash, as in `sha256:BR3ro0vQsCbi--7imd2Op2negoie41wae-jFR3qtHP4`. */
  readonly hash: string
}

/**
 * What is wrong first, in the order of the log:
 * - `changed`: an event is not what was sealed, or its seal is not what it was.
 * - `removed`: a sealed event is gone, and others after it are there.
 * - `tail_removed`: a sealed event and all after it are gone, or the chain ends before the point that was expected. An
 *   intent without any event has lost them all: `sequence` is 0, as nothing tells where they were.
 * - `added`: an event is among sealed ones and was never sealed.
 * - `chain`: seals are missing or do not follow each other, or the chain does not hold the point that was expected.
 */
export interface ChainBreak {
  readonly kind: "changed" | "removed" | "tail_removed" | "added" | "chain"
  readonly sequence: number
  /** Of the event that is there, if there is one. */
  readonly eventId?: string | undefined
  /** The hash that was sealed or expected. */
  readonly expected?: string | undefined
  /** The hash that was found in its place. */
  readonly found?: string | undefined
}

/** What became of a check of the log of one intent against its seals. */
export interface Verification {
  readonly intentId: string
  readonly valid: boolean
  /** Events that were looked at: all, or those up to the break and what is not sealed yet. */
  readonly eventCount: number
  /** Position of the first and the last event; 0 without any. */
  readonly firstSequence: number
  readonly lastSequence: number
  /** Position of the last event that was found as it was sealed; 0 without any. */
  readonly sealedThrough: number
  /** Events at the end that are not sealed yet. Nothing is known of them. */
  readonly unsealedCount: number
  /** The last event that was found as it was sealed. Its hash stands for all before it. */
  readonly head: SealedPoint | null
  readonly break: ChainBreak | null
  /** Where to go on (`after`), if `limit` ended the check. All above then tells of the part that was looked at. */
  readonly next: number | undefined
}

export interface VerifyEvents {
  /** A head noted earlier: the chain must hold it still. */
  readonly expect?: SealedPoint | undefined
  /** Goes on after this position, which an earlier call has checked. Default 0. */
  readonly after?: number | undefined
  /** Events to look at, at least 1. Default: all. */
  readonly limit?: number | undefined
}
