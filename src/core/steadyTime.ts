import type * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"

/** While it is ahead of the clock it runs this much slower, so that both meet again: an hour in half a day. */
const pace = 11 / 12

/**
 * The time of `clock`, but never before what was told earlier nor before `fromMillis`. When the clock is set back, time
 * goes on by what has passed since, only a little slower until the clock has caught up: nothing waits for an hour
 * because the clock was set back by one, and what has a time lasts at most a twelfth longer than that. A clock that is
 * set forward is followed at once; it may have been the machine that slept.
 */
export const makeSteadyTime = (clock: Clock.Clock, fromMillis = 0): (() => DateTime.Utc) => {
  let told = DateTime.makeUnsafe(fromMillis)
  let exactMillis = fromMillis
  let clockMillis = Number.NaN
  let atNanos = clock.monotonicTimeNanosUnsafe()
  return () => {
    const millis = Math.floor(clock.currentTimeMillisUnsafe())
    if (millis === clockMillis) return told // Many commands share a millisecond.
    clockMillis = millis
    const nanos = clock.monotonicTimeNanosUnsafe()
    const passedMillis = Number(nanos - atNanos) / 1_000_000
    atNanos = nanos
    exactMillis = Math.max(millis, exactMillis + passedMillis * pace)
    const next = Math.floor(exactMillis)
    if (next > told.epochMilliseconds) told = DateTime.makeUnsafe(next)
    return told
  }
}
