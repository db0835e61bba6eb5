/** Looks into a file without changing it, whoever has it open and whatever is in it. */
import * as Result from "effect/Result"
import type { StoredKey } from "../../core/apiKey/ApiKey.ts"
import { parentCounter, statusCounter } from "../../core/counters.ts"
import { statuses } from "../../core/intent/Intent.ts"
import { sealedLog } from "../../core/seal/tables.ts"
import type { Connection } from "./Connection.ts"
import { identify } from "./migrations.ts"
import { openReadOnly } from "./readOnly.ts"
import { makeTables, type SqliteTables } from "./SqliteTables.ts"

/** What was found, or why it could not be looked for. */
export type Found<A> = Result.Result<A, string>

/** A figure that is kept, and what it should be. */
export interface Difference {
  readonly figure: string
  readonly kept: number
  readonly counted: number
}

export interface Figures {
  readonly compared: number
  /** The first of them. */
  readonly differences: ReadonlyArray<Difference>
}

export interface Seals {
  readonly lastPosition: number
  readonly sealedThrough: number
  /** Time of the first event that is not sealed, in milliseconds; undefined if there is none. */
  readonly unsealedSince: number | undefined
}

export interface Inspection {
  /** Whose file it is, and what it is missing of the schema of this version. */
  readonly identity: Found<ReturnType<typeof identify>>
  /** What SQLite finds wrong with the structure of the file; the first few. */
  readonly damages: Found<ReadonlyArray<string>>
  /** Time of the newest event, in milliseconds; undefined for an empty log. */
  readonly newestEvent: Found<number | undefined>
  readonly seals: Found<Seals>
  readonly figures: Found<Figures>
  readonly keys: Found<ReadonlyArray<StoredKey>>
}

/** Differences and damages that are told. */
const toldMax = 10
/** Beyond so many, only a whole inspection counts them. */
const countedMax = 200_000
/** Intents whose events are counted, the newest; a whole inspection counts them all. */
const sampleSize = 100
const keysMax = 1000

const found = <A>(body: () => A): Found<A> =>
  Result.try({ try: body, catch: (cause) => (cause instanceof Error ? cause.message : String(cause)) })

const damagesOf = (connection: Connection, isWhole: boolean): ReadonlyArray<string> =>
  connection
    .statement(`PRAGMA ${isWhole ? "integrity_check" : "quick_check"}(${toldMax})`)
    .rows()
    .map(([text]) => String(text))
    .filter((text) => text !== "ok")

/** Time of the first event of a query, in milliseconds. */
const timeOf = (
  connection: Connection,
  { events }: SqliteTables,
  rest: string,
  ...parameters: ReadonlyArray<number>
) => {
  const row = connection.statement(`SELECT ${events.selected} FROM "events" ${rest} LIMIT 1`).row(...parameters)
  return row === undefined ? undefined : events.decode(row, 0).createdAt.epochMilliseconds
}

const sealsOf = (connection: Connection, tables: SqliteTables): Seals => {
  const sealedThrough = tables.sealed.byKey(sealedLog)?.through ?? 0
  return {
    lastPosition: Number(connection.value(`SELECT max("position") FROM "events"`) ?? 0),
    sealedThrough,
    unsealedSince: timeOf(connection, tables, `WHERE "position" > ? ORDER BY "position"`, sealedThrough)
  }
}

/** Every figure that tells how many rows there are of a kind, beside the count of those rows. */
function* figuresOf(connection: Connection, tables: SqliteTables, isWhole: boolean): Generator<Difference> {
  const kept = connection.statement(`SELECT "n" FROM "counters" WHERE "key" = ?`)
  const last = Number(connection.value(`SELECT max("position") FROM "intents"`) ?? 0)
  if (isWhole || last <= countedMax) {
    const byStatus = new Map(
      connection
        .statement(`SELECT "status", count(*) FROM "intents" GROUP BY "status"`)
        .rows()
        .map(([status, n]) => [status, Number(n)])
    )
    for (const status of statuses) {
      const figure = statusCounter(status)
      yield { figure, kept: kept.number(figure), counted: byStatus.get(status) ?? 0 }
    }
  }
  const parents = connection.statement(
    `SELECT "parent_id", count(*) FROM "intents" INDEXED BY "intents_byParent" WHERE "parent_id" IS NOT NULL
    GROUP BY "parent_id" LIMIT ?`
  )
  for (const [parentId, counted] of parents.rows(isWhole ? -1 : sampleSize)) {
    const figure = parentCounter(String(parentId))
    yield { figure, kept: kept.number(figure), counted: Number(counted) }
  }
  const { eventCounts } = tables
  const events = connection.statement(`SELECT count(*) FROM "events" WHERE "intent_id" = ? AND "position" <= ?`)
  const counts = connection.statement(
    `SELECT ${eventCounts.selected} FROM "event_counts" ORDER BY "position" DESC LIMIT ?`
  )
  for (const row of counts.rows(isWhole ? -1 : sampleSize)) {
    const { byKind, intentId, through } = eventCounts.decode(row, 0)
    const kept = Object.values(byKind).reduce((sum, n) => sum + n, 0)
    yield { figure: `events/intent/${intentId}`, kept, counted: events.number(intentId, through) }
  }
}

const compare = (figures: Iterable<Difference>): Figures => {
  const differences: Array<Difference> = []
  let compared = 0
  for (const figure of figures) {
    compared++
    if (figure.kept !== figure.counted && differences.length < toldMax) differences.push(figure)
  }
  return { compared, differences }
}

/** As of one instant, if the file can be read at all. `isWhole`: every row is looked at, else a part of them. */
const inspectOpen = (connection: Connection, isWhole: boolean): Inspection =>
  connection.snapshot(() => {
    const tables = makeTables(connection)
    const keys = tables.apiKeys
    return {
      identity: found(() => identify(connection)),
      damages: found(() => damagesOf(connection, isWhole)),
      newestEvent: found(() => timeOf(connection, tables, `ORDER BY "position" DESC`)),
      seals: found(() => sealsOf(connection, tables)),
      figures: found(() => compare(figuresOf(connection, tables, isWhole))),
      keys: found(() =>
        connection
          .statement(`SELECT ${keys.selected} FROM "api_keys" ORDER BY "position" DESC LIMIT ${keysMax}`)
          .rows()
          .map((row) => keys.decode(row, 0))
      )
    }
  })

/** Fails if SQLite does not open the file. */
export const inspect = (path: string, { isWhole }: { readonly isWhole: boolean }): Found<Inspection> =>
  found(() => {
    const connection = openReadOnly(path)
    try {
      return inspectOpen(connection, isWhole)
    } finally {
      connection.close()
    }
  })
