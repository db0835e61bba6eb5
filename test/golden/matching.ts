/** The matching rules of `examples.json` (its `format`): an expected body is a subset, with matcher objects. */
import { isDeepStrictEqual } from "node:util"

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const isType = (value: unknown, type: unknown): boolean => {
  switch (type) {
    case "uuid":
      return typeof value === "string" && uuid.test(value)
    case "integer":
      return Number.isInteger(value)
    case "array":
      return Array.isArray(value)
    case "object":
      return isObject(value)
    default:
      return typeof value === type
  }
}

/** The first difference as `path: what`, or undefined. */
export const difference = (expected: unknown, actual: unknown, path = "body"): string | undefined => {
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return `${path}: not an array`
    if (actual.length !== expected.length) return `${path}: ${actual.length} elements, not ${expected.length}`
    for (const [i, item] of expected.entries()) {
      const found = difference(item, actual[i], `${path}[${i}]`)
      if (found !== undefined) return found
    }
    return undefined
  }
  if (!isObject(expected)) {
    return isDeepStrictEqual(expected, actual)
      ? undefined
      : `${path}: ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`
  }
  if ("$type" in expected)
    return isType(actual, expected["$type"]) ? undefined : `${path}: not a ${String(expected["$type"])}`
  if ("$regex" in expected) {
    return new RegExp(String(expected["$regex"])).test(String(actual))
      ? undefined
      : `${path}: ${String(actual)} does not match`
  }
  if ("$len" in expected) {
    return Array.isArray(actual) && actual.length === expected["$len"]
      ? undefined
      : `${path}: not of length ${String(expected["$len"])}`
  }
  if ("$contains" in expected) {
    const hit = Array.isArray(actual) && actual.some((item) => difference(expected["$contains"], item) === undefined)
    return hit ? undefined : `${path}: no element matches ${JSON.stringify(expected["$contains"])}`
  }
  if (!isObject(actual)) return `${path}: not an object`
  if (Object.keys(expected).length === 0) return Object.keys(actual).length === 0 ? undefined : `${path}: not empty`
  for (const [key, value] of Object.entries(expected)) {
    const found =
      isObject(value) && value["$absent"] === true
        ? key in actual
          ? `${path}.${key}: must be absent`
          : undefined
        : difference(value, actual[key], `${path}.${key}`)
    if (found !== undefined) return found
  }
  return undefined
}
