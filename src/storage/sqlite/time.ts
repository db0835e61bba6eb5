import type * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import type { Connection } from "./Connection.ts"
import type { SqliteTables } from "./SqliteTables.ts"

/** Events that may have been stored in another order than that of their times: those of a few batches. */
const looked = 100

/** `Clock`, but never before what was told earlier, nor before what the newest stored events say of their time. */
export const makeNow = (connection: Connection, tables: SqliteTables, clock: Clock.Clock): (() => DateTime.Utc) => {
  const { events } = tables
  let latest = 0
  for (const row of connection
    .statement(`SELECT ${events.selected} FROM "events" ORDER BY "position" DESC LIMIT ${looked}`)
    .rows()) {
    latest = Math.max(latest, events.decode(row, 0).createdAt.epochMilliseconds)
  }
  let told = DateTime.makeUnsafe(latest)
  return () => {
    const now = Math.floor(clock.currentTimeMillisUnsafe())
    // Many commands share a millisecond.
    if (now > told.epochMilliseconds) told = DateTime.makeUnsafe(now)
    return told
  }
}
