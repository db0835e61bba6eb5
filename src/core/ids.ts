/** UUIDv7 (RFC 9562): lower-case, and monotonic within one generator, so that indexes grow at their end. */

const bytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))

/** The lower 16 bits as four hexadecimal digits. */
const hex16 = (value: number) => bytes[(value >>> 8) & 0xff]! + bytes[value & 0xff]!

/**
 * A generator of ids. `random` gives 32 random bits as an unsigned integer. Ids of one millisecond are told apart and
 * ordered by a counter in the 12 bits after the time; when it is used up, or the clock goes back, time is moved on.
 */
export const makeIds = (random: () => number): ((nowMillis: number) => string) => {
  let millis = -1
  let time = ""
  let counter = 0
  const moveTo = (next: number) => {
    millis = next
    const high = Math.floor(millis / 2 ** 32)
    time = `${hex16(high)}${hex16(millis >>> 16)}-${hex16(millis)}-`
    counter = random() & 0x7ff // Half of the range is left for those to come.
  }
  return (nowMillis) => {
    if (nowMillis > millis) moveTo(nowMillis)
    else if (++counter > 0xfff) moveTo(millis + 1)
    const a = random()
    const b = random()
    return `${time}${hex16(0x7000 | counter)}-${hex16(0x8000 | (a & 0x3fff))}-${hex16(a >>> 16)}${hex16(b >>> 16)}${hex16(b)}`
  }
}
