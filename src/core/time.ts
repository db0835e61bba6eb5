import type * as DateTime from "effect/DateTime"

/** Seconds whose text is kept: answers and events are mostly of the last few. */
const secondsMax = 64
const seconds = new Map<number, string>()

/** `YYYY-MM-DDTHH:MM:SS.` of a time in whole seconds. */
const textOf = (second: number): string => {
  const known = seconds.get(second)
  if (known !== undefined) return known
  const text = new Date(second * 1000).toISOString().slice(0, -4)
  if (seconds.size >= secondsMax) seconds.clear()
  seconds.set(second, text)
  return text
}

/** UTC without an offset, six digits of a second: the contract's default form of a time (http.md 1.7), also in payloads. */
export const isoTime = (time: DateTime.Utc): string => {
  const millis = Math.trunc(time.epochMilliseconds)
  const second = Math.floor(millis / 1000)
  const rest = millis - second * 1000
  return `${textOf(second)}${rest < 10 ? "00" : rest < 100 ? "0" : ""}${rest}000`
}
