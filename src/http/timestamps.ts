/** Times on the wire (http.md 1.7). */
import type * as DateTime from "effect/DateTime"
import { isoTime } from "../core/time.ts"

/** 1: what the Python clients read. 2: a `Z` after times, `pending` shown, every event type (http.md 1.9). */
export type Profile = 1 | 2

/** `YYYY-MM-DDTHH:MM:SS.ffffff`, with a `Z` in profile 2. The clock has milliseconds, so the last three digits are 0. */
export const formatTimestamp = (time: DateTime.Utc, profile: Profile): string =>
  profile === 2 ? `${isoTime(time)}Z` : isoTime(time)
