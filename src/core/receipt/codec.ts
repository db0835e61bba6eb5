/**
 * Answers of the engine as JSON and back, without loss: plain data, and in it what JSON has no form for. That is an
 * object with the one name `$`; data of a user that looks so is wrapped in another one, so it is never mistaken.
 */
import * as DateTime from "effect/DateTime"
import { isJsonObject, type Json, type JsonObject } from "../json.ts"

const tag = "$"

const tagged = (name: string, ...content: ReadonlyArray<Json>): Json => ({ [tag]: [name, ...content] })

const isTagged = (value: object): boolean => {
  const names = Object.keys(value)
  return names.length === 1 && names[0] === tag
}

const encodeNumber = (value: number): Json =>
  Number.isFinite(value) && !Object.is(value, -0) ? value : tagged("number", Object.is(value, -0) ? "-0" : `${value}`)

const encodeObject = (value: object): Json => {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw new Error("an answer of the engine is plain data")
  // `fromEntries` makes a property of `__proto__` too, as assigning to it would not.
  const plain: JsonObject = Object.fromEntries(Object.entries(value).map(([name, item]) => [name, encode(item)]))
  return isTagged(value) ? tagged("object", plain) : plain
}

/** Throws at what no answer of the engine holds: instances of classes, functions, big integers. */
export const encode = (value: unknown): Json => {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value
    case "number":
      return encodeNumber(value)
    case "undefined":
      return tagged("undefined")
    case "object":
      if (value === null) return null
      if (Array.isArray(value)) return value.map(encode)
      return DateTime.isDateTime(value) && DateTime.isUtc(value)
        ? tagged("Utc", value.epochMilliseconds)
        : encodeObject(value)
    default:
      throw new Error(`an answer of the engine holds no ${typeof value}`)
  }
}

const decodeObject = (value: JsonObject): { readonly [name: string]: unknown } =>
  Object.fromEntries(Object.entries(value).map(([name, item]) => [name, decode(item)]))

const decodeTagged = (content: Json | undefined): unknown => {
  const [name, inside] = Array.isArray(content) ? content : []
  switch (name) {
    case "undefined":
      return undefined
    case "number":
      return Number(inside)
    case "Utc":
      return DateTime.makeUnsafe(Number(inside))
    case "object":
      if (isJsonObject(inside)) return decodeObject(inside)
  }
  throw new Error("this is no answer that was encoded")
}

/** What `encode` was given. */
export const decode = (json: Json): unknown => {
  if (Array.isArray(json)) return json.map(decode)
  if (!isJsonObject(json)) return json
  return isTagged(json) ? decodeTagged(json[tag]) : decodeObject(json)
}
