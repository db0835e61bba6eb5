import type * as DateTime from "effect/DateTime"

/** UTC without an offset, six digits of a second: the contract's default form of a time (http.md 1.7), also in payloads. */
export const isoTime = (time: DateTime.Utc): string =>
  new Date(time.epochMilliseconds).toISOString().replace("Z", "000")
