/** Times on the wire (http.md 1.7). */
import type * as DateTime from "effect/DateTime"

/** 1: what the Python clients read. 2: a `Z` after times, `pending` shown, every event type (http.md 1.9). */
export type Profile = 1 | 2

/** `YYYY-MM-DDTHH:MM:SS.ffffff`, with a `Z` in profile 2. The clock has milliseconds, so the last three digits are 0. */
export const formatTimestamp = (time: DateTime.Utc, profile: Profile): string => {
  const iso = new Date(time.epochMilliseconds).toISOString() // Ends in `.mmmZ`.
  return profile === 2 ? `${iso.slice(0, -1)}000Z` : `${iso.slice(0, -1)}000`
}
