/** Runs of hashes as they grow in memory, until they are written. Pure. */
import type { Write } from "../Aggregate.ts"
import type { NewEvent } from "../event/LogEvent.ts"
import { digestLength, eventDigest } from "./hash.ts"
import type { Digest } from "./Sha256.ts"
import type { Run, Seal, SealHead } from "./tables.ts"

/** Events in a row: a hot intent writes few rows, and one that is not rewrites no more than this. */
export const runMax = 32
/** Intents whose last run is remembered: up to 2 KB each. */
const rememberedMax = 2048
/** Rows and events that one commit writes: it holds up the writers for a millisecond or two. */
const rowsMax = 256
const eventsMax = 4096

/** The digest of the last event of a run; of the one before it, if it is empty. */
const lastDigest = ({ digests, previous }: Run): string | null =>
  digests === "" ? previous : digests.slice(-digestLength)

/** The last run of an intent. */
interface Growing {
  readonly intentId: string
  previous: string | null
  positions: Array<number>
  digests: string
  last: string | null
  /** As it is in the storage. */
  stored: SealHead | undefined
}

/** An event of an intent whose last run must be read first. */
interface Waiting {
  readonly event: NewEvent
  readonly position: number
}

/** No event of the intent comes before it, so nothing has to be read. Clients may give theirs the same type. */
const isFirst = ({ source, type }: NewEvent): boolean => type === "intent_created" && source === "system"

/** What was hashed and is not written yet, on top of what is. Events are added in the order of the log. */
export class GrowingSeals {
  readonly #sha256: Digest
  readonly #known = new Map<string, Growing>()
  readonly #changed = new Set<Growing>()
  readonly #waiting = new Map<string, Array<Waiting>>()
  #full: Array<Seal> = []
  #events = 0

  constructor(sha256: Digest) {
    this.#sha256 = sha256
  }

  /** Nothing is there to be written. */
  get isEmpty(): boolean {
    return this.#events === 0
  }

  /** As much is there as one commit should write. */
  get isLarge(): boolean {
    return this.#changed.size + this.#full.length >= rowsMax || this.#events >= eventsMax
  }

  /** Intents whose last run must be learnt before anything is taken. */
  get unknown(): ReadonlyArray<string> {
    return [...this.#waiting.keys()]
  }

  /** Hashes at once what follows a run that is known, so that nothing is kept of it. */
  add(event: NewEvent, position: number): void {
    this.#events++
    const { intentId } = event
    const run = this.#known.get(intentId) ?? (isFirst(event) ? this.#begin(intentId, undefined) : undefined)
    if (run !== undefined) return this.#grow(run, event, position)
    const waiting = this.#waiting.get(intentId)
    if (waiting === undefined) this.#waiting.set(intentId, [{ event, position }])
    else waiting.push({ event, position })
  }

  /** What the storage has of an unknown intent. */
  learn(intentId: string, stored: SealHead | undefined): void {
    const run = this.#begin(intentId, stored)
    for (const { event, position } of this.#waiting.get(intentId) ?? []) this.#grow(run, event, position)
    this.#waiting.delete(intentId)
  }

  #begin(intentId: string, stored: SealHead | undefined): Growing {
    const { digests, positions, previous }: Run = stored ?? { previous: null, positions: [], digests: "" }
    const last = stored === undefined ? null : lastDigest(stored)
    const run: Growing = { intentId, previous, positions: [...positions], digests, last, stored }
    this.#known.set(intentId, run)
    return run
  }

  #grow(run: Growing, event: NewEvent, position: number): void {
    run.last = eventDigest(this.#sha256, event, position, run.last)
    run.digests += run.last
    this.#changed.add(run)
    if (run.positions.push(position) < runMax) return
    const { digests, intentId, positions, previous } = run
    this.#full.push({ intentId, first: positions[0] ?? position, previous, positions, digests })
    run.previous = run.last
    run.positions = []
    run.digests = ""
  }

  /** All that was hashed, as one commit: of all intents that were added, none is unknown any more. It must follow those before it, or everything here is to be thrown away. */
  take(): ReadonlyArray<Write> {
    const writes: Array<Write> = this.#full.map((record) => ({
      _tag: "Put",
      table: "seals",
      record,
      before: undefined
    }))
    for (const run of this.#changed) {
      const { digests, intentId, positions, previous, stored } = run
      const record: SealHead = { intentId, previous, positions: [...positions], digests }
      writes.push({ _tag: "Put", table: "sealHeads", record, before: stored })
      run.stored = record
      this.#known.delete(intentId) // Behind all others: the first is forgotten first.
      this.#known.set(intentId, run)
    }
    this.#full = []
    this.#changed.clear()
    this.#events = 0
    for (const intentId of this.#known.keys()) {
      if (this.#known.size <= rememberedMax) break
      this.#known.delete(intentId)
    }
    return writes
  }
}
