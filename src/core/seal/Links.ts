/** The seals of one intent in the order of the log, read a few rows at a time. */
import * as Effect from "effect/Effect"
import type { StorageError, StorageShape } from "../Storage.ts"
import { type Link, linksOf, type Place } from "./chain.ts"
import type { SealHead } from "./tables.ts"

/** Full rows read at a time. */
const rowsPerRead = 8

export class Links {
  readonly #storage: StorageShape
  readonly #intentId: string
  readonly #head: SealHead | undefined
  readonly #headLinks: ReadonlyArray<Link>
  readonly #through: number
  /** Read and not taken. */
  #waiting: Array<Link> = []
  /** Full rows that begin after this are not read yet. */
  #readFrom = 0
  #isAtEnd = false
  /** The first seal beyond what was sealed when this began. */
  beyond: number | undefined

  /** `head` was read after `through`, so that nothing that was sealed then is missing in it and the full rows. */
  constructor(storage: StorageShape, intentId: string, head: SealHead | undefined, through: number) {
    this.#storage = storage
    this.#intentId = intentId
    this.#head = head
    this.#headLinks = head === undefined ? [] : linksOf(head)
    this.#through = through
  }

  /** Whether what was not taken yet begins with this digest; the end of the chain, if all was taken. */
  readonly goesOnFrom = (digest: string | null): boolean => {
    const [next] = this.#waiting
    if (next !== undefined) return next.previous === digest
    if (this.beyond !== undefined) return true // That is for the next time.
    return this.#head !== undefined && (this.#headLinks.at(-1)?.digest ?? this.#head.previous) === digest
  }

  /** Nothing was ever sealed, or all signs of it are gone. */
  get isEmpty(): boolean {
    return this.#head === undefined
  }

  /** Goes to the seals after a position, and gives the place there. */
  startAfter(after: number): Effect.Effect<Place, StorageError> {
    return Effect.gen({ self: this }, function* () {
      if (after === 0) return { position: 0, digest: null }
      const [row] = yield* this.#storage.page({
        table: "seals",
        index: "byIntent",
        keys: [[this.#intentId]],
        direction: "desc",
        after: after + 1,
        limit: 1
      })
      const [head] = this.#headLinks
      if (head !== undefined && head.position <= after) this.#readHead()
      else if (row !== undefined) {
        this.#readFrom = row.record.first
        this.#add(linksOf(row.record))
      }
      const before = this.#waiting.findLast(({ position }) => position <= after)
      this.#waiting = this.#waiting.filter(({ position }) => position > after)
      return { position: before?.position ?? after, digest: before?.digest ?? this.#waiting[0]?.previous ?? null }
    })
  }

  /** Takes the seals up to a position, or some more than `enough` of them. */
  take(upTo: number, enough: number): Effect.Effect<ReadonlyArray<Link>, StorageError> {
    return Effect.gen({ self: this }, function* () {
      while (!this.#isAtEnd && this.#waiting.length <= enough) {
        const last = this.#waiting.at(-1)
        if (last !== undefined && last.position > upTo) break
        yield* this.#read()
      }
      const end = this.#waiting.findIndex(({ position }) => position > upTo)
      return this.#waiting.splice(0, end === -1 ? this.#waiting.length : end)
    })
  }

  /** Full rows are read after the head, and one of them may be what the head was then. */
  #read(): Effect.Effect<void, StorageError> {
    const query = { table: "seals", index: "byIntent", keys: [[this.#intentId]], direction: "asc" } as const
    return Effect.map(this.#storage.page({ ...query, after: this.#readFrom, limit: rowsPerRead }), (rows) => {
      const headFrom = this.#headLinks[0]?.position ?? Infinity
      const older = rows.filter(({ record }) => record.first < headFrom)
      for (const { record } of older) this.#add(linksOf(record))
      this.#readFrom = older.at(-1)?.record.first ?? this.#readFrom
      if (older.length < rowsPerRead) this.#readHead()
    })
  }

  #readHead(): void {
    this.#isAtEnd = true
    this.#add(this.#headLinks)
  }

  #add(links: ReadonlyArray<Link>): void {
    for (const link of links) {
      if (link.position > this.#through) {
        this.beyond ??= link.position
        return
      }
      this.#waiting.push(link)
    }
  }
}
