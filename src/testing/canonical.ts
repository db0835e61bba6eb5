/** One text for equal values, whatever the order of their keys: what the kit compares by and prints. */
import * as DateTime from "effect/DateTime"

const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === "object" && value !== null

/**
 * JSON with sorted keys; times as ISO text, maps as objects, errors by their fields. A key whose value is undefined
 * counts as absent, and -0 as 0, as in JSON.
 */
export const canonical = (value: unknown): string => {
  if (value === undefined) return "undefined"
  if (!isObject(value)) return typeof value === "bigint" ? `${value}n` : JSON.stringify(value)
  if (DateTime.isDateTime(value)) return `"${DateTime.formatIso(value)}"`
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`
  if (value instanceof Map) return canonical(Object.fromEntries(value))
  const keys = Object.keys(value).filter((key) => value[key] !== undefined)
  return `{${keys
    .toSorted()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`)
    .join(",")}}`
}

export const isSame = (a: unknown, b: unknown): boolean => a === b || canonical(a) === canonical(b)
