/** What is stored of the chain of hashes: rows that are full, one row of each intent that grows, and how far it goes. */
import { integer, table, text } from "../Table.ts"

/** Consecutive events of one intent, sealed. */
export interface Run {
  /** Digest of the event before the first; null: there is none. */
  readonly previous: string | null
  /** Ascending. */
  readonly positions: ReadonlyArray<number>
  /** The digests, one after the other. */
  readonly digests: string
}

/** A run that is full. It never changes. */
export interface Seal extends Run {
  readonly intentId: string
  /** Its first position. */
  readonly first: number
}

export const seals = table<Seal>()("seals", {
  key: (seal) => `${seal.intentId} ${seal.first}`,
  columns: {
    intent_id: text((seal: Seal) => seal.intentId),
    first: integer((seal: Seal) => seal.first)
  },
  body: ({ digests, positions, previous }) => ({ previous, positions, digests }),
  make: ({ body, columns }) => ({
    intentId: columns.intent_id,
    first: columns.first,
    previous: body.previous,
    positions: body.positions,
    digests: body.digests
  }),
  indexes: { byIntent: { columns: ["intent_id"], order: "first" } },
  appendOnly: true
})

/** The run at the end of an intent: it grows in place until it is full, then it is a `Seal` and an empty one follows. */
export interface SealHead extends Run {
  readonly intentId: string
}

export const sealHeads = table<SealHead>()("seal_heads", {
  key: (head) => head.intentId,
  columns: {},
  body: ({ digests, positions, previous }) => ({ previous, positions, digests }),
  make: ({ body, key }) => ({
    intentId: key,
    previous: body.previous,
    positions: body.positions,
    digests: body.digests
  }),
  indexes: { all: { columns: [] } }
})

/** How far the log is sealed. There is one, and each commit of seals moves it on. */
export interface Sealed {
  readonly log: typeof sealedLog
  /** All events up to this position. */
  readonly through: number
}

/** The key of the one record. */
export const sealedLog = "events"

export const sealed = table<Sealed>()("sealed", {
  key: (record) => record.log,
  columns: {},
  body: ({ through }) => ({ through }),
  make: ({ body }) => ({ log: sealedLog, through: body.through }),
  indexes: {},
  guarded: true
})
