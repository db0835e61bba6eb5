/**
 * Exact decimals (decision 20): integers in units of 10^-12. Measured against `BigDecimal`: a number read and added
 * takes 0.13 µs and not 0.35, a sum written 0.09 and not 0.31.
 */

/** A sum of money, or of anything else that is counted, in units of 10^-12. */
export type Amount = bigint

const digits = 12
const one = 10n ** BigInt(digits)

/** Digits and power of ten of a decimal: `1.5e-7` is 15 · 10^-8. */
const partsOf = (text: string): readonly [integer: string, power: number] => {
  const e = text.indexOf("e")
  const mantissa = e === -1 ? text : text.slice(0, e)
  const power = e === -1 ? 0 : Number(text.slice(e + 1))
  const point = mantissa.indexOf(".")
  return point === -1
    ? [mantissa, power]
    : [mantissa.slice(0, point) + mantissa.slice(point + 1), power - (mantissa.length - point - 1)]
}

/** The amount that the shortest decimal form of a number, or a decimal as `textOf` writes it, stands for. */
export const amountOf = (value: number | string): Amount => {
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value) * one
  const [integer, power] = partsOf(String(value))
  const shift = digits + power
  // What is after the twelfth digit is cut off: only limits can have it, amounts are checked.
  return shift >= 0 ? BigInt(integer) * 10n ** BigInt(shift) : BigInt(integer) / 10n ** BigInt(-shift)
}

/** The decimal, without zeros at its end. */
export const textOf = (amount: Amount): string => {
  if (amount < 0n) return `-${textOf(-amount)}`
  const text = amount.toString().padStart(digits + 1, "0")
  const fraction = text.slice(-digits).replace(/0+$/, "")
  const whole = text.slice(0, -digits)
  return fraction === "" ? whole : `${whole}.${fraction}`
}

/** The nearest number, for JSON. */
export const numberOf = (amount: Amount): number => Number(textOf(amount))

/** Whether it can be kept as it is: finite, not negative, no integer beyond 2^53, at most 12 digits after the point. */
export const isAmount = (value: unknown): value is number =>
  typeof value === "number" &&
  value >= 0 &&
  value <= Number.MAX_SAFE_INTEGER &&
  (Number.isInteger(value) || -partsOf(String(value))[1] <= digits)

export const lesser = (a: Amount | undefined, b: Amount | undefined): Amount | undefined =>
  a === undefined ? b : b === undefined || a < b ? a : b
