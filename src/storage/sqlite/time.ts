import type * as Clock from "effect/Clock"
import type * as DateTime from "effect/DateTime"
import { makeSteadyTime } from "../../core/steadyTime.ts"
import type { Connection } from "./Connection.ts"
import type { SqliteTables } from "./SqliteTables.ts"

/** Events that may have been stored in another order than that of their times: those of a few batches. */
const looked = 100

/** How old the stored time may get before a commit writes it again. */
const keptForMs = 1000

/** The counter that holds it, in milliseconds. */
const counter = "storage.time"

export interface StorageTime {
  /** Steady, and never before what is stored. */
  readonly now: () => DateTime.Utc
  /**
   * Stores the time, within the open transaction, where that was not done lately. Not all that has a time has an event
   * (claims, signs of life): after a start with a clock that is behind they must not be in the future.
   */
  readonly keep: () => void
}

export const makeTime = (connection: Connection, { events }: SqliteTables, clock: Clock.Clock): StorageTime => {
  const newest = connection.statement(
    `SELECT ${events.selected} FROM "events" ORDER BY "position" DESC LIMIT ${looked}`
  )
  const kept = connection.statement(`SELECT "n" FROM "counters" WHERE "key" = '${counter}'`)
  const put = connection.statement(
    `INSERT INTO "counters" ("key", "n") VALUES ('${counter}', ?)
    ON CONFLICT ("key") DO UPDATE SET "n" = max("n", excluded."n")`
  )
  const stored = newest.rows().map((row) => events.decode(row, 0).createdAt.epochMilliseconds)
  const now = makeSteadyTime(clock, Math.max(0, kept.number(), ...stored))
  let keptAt = Number.NEGATIVE_INFINITY
  return {
    now,
    keep: () => {
      const { epochMilliseconds: millis } = now()
      if (millis - keptAt < keptForMs) return
      put.run(millis)
      keptAt = millis
    }
  }
}
