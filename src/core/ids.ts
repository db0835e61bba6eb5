/** UUIDv7 (RFC 9562): lower-case, and monotonic within one generator, so that indexes grow at their end. */

const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0")

/**
 * A generator of ids. `random` gives 32 random bits as an unsigned integer. Ids of one millisecond are told apart and
 * ordered by a counter in the 12 bits after the time; when it is used up, or the clock goes back, time is moved on.
 */
export const makeIds = (random: () => number): ((nowMillis: number) => string) => {
  let millis = 0
  let counter = 0
  return (nowMillis) => {
    if (nowMillis > millis) {
      millis = nowMillis
      counter = random() & 0x7ff // Half of the range is left for those to come.
    } else if (++counter > 0xfff) {
      millis++
      counter = random() & 0x7ff
    }
    const time = hex(millis, 12)
    const a = random()
    const b = random()
    return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(counter, 3)}-${hex(0x8000 | (a & 0x3fff), 4)}-${hex(a >>> 16, 4)}${hex(b, 8)}`
  }
}
