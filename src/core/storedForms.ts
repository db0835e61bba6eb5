/** How records stand in the bodies of rows: JSON has no times, and what is undefined has no place in it. */
import * as DateTime from "effect/DateTime"

export const millis = (time: DateTime.Utc): number => time.epochMilliseconds
export const time = (epochMillis: number): DateTime.Utc => DateTime.makeUnsafe(epochMillis)

export const maybeMillis = (time: DateTime.Utc | null): number | undefined => time?.epochMilliseconds
export const maybeTime = (epochMillis: number | undefined): DateTime.Utc | null =>
  epochMillis === undefined ? null : time(epochMillis)

/** Most metadata, constraints and contexts are empty. */
export const unlessEmpty = <A extends object>(given: A): A | undefined =>
  Object.keys(given).length === 0 ? undefined : given
