/** JSON values as the engine keeps them: plain, finite, well-formed, frozen. */
import * as Predicate from "effect/Predicate"

export type Json = null | boolean | number | string | ReadonlyArray<Json> | JsonObject
export interface JsonObject {
  readonly [key: string]: Json
}

/** What is wrong with a value that should be JSON, and where (`["state", "a", 0]`). */
export interface JsonIssue {
  readonly path: ReadonlyArray<string | number>
  readonly message: string
}

/** Levels of objects and arrays inside each other that a value may have. */
export const jsonDepthMax = 64

/** No NUL (databases cut strings there) and no lone surrogate (UTF-8 has no form for it). */
export const textIssue = (text: string): string | undefined =>
  text.includes("\0")
    ? "must not contain a NUL character"
    : text.isWellFormed()
      ? undefined
      : "must not contain a lone surrogate"

const isPlainObject = (value: object): value is { readonly [key: string]: unknown } => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Values inside one value, each counted as often as it is reached: an object that holds itself twice grows by powers. */
const jsonNodesMax = 1_000_000

class Issue implements JsonIssue {
  readonly path: ReadonlyArray<string | number>
  readonly message: string
  constructor(path: ReadonlyArray<string | number>, message: string) {
    this.path = path
    this.message = message
  }
}

/** One copy under way. */
class Copying {
  /** Where it is. */
  readonly #path: Array<string | number> = []
  readonly #depthMax: number
  #nodesLeft = jsonNodesMax

  constructor(depthMax: number) {
    this.#depthMax = depthMax
  }

  /** The copy; throws an `Issue`. */
  copy(value: unknown): Json {
    if (typeof value === "string") return this.#text(value)
    if (typeof value === "number") {
      if (!Number.isFinite(value)) return this.#refuse("must be a finite number")
      if (Number.isInteger(value) && !Number.isSafeInteger(value)) return this.#refuse("must be an integer within 2^53")
      return value
    }
    if (value === null || typeof value === "boolean") return value
    if (typeof value !== "object") return this.#refuse(`must be JSON, not ${typeof value}`)
    if (this.#path.length >= this.#depthMax) return this.#refuse("is nested too deeply")
    if (Array.isArray(value)) return this.#array(value)
    return isPlainObject(value) ? this.#object(value) : this.#refuse("must be a plain object")
  }

  #array(value: ReadonlyArray<unknown>): Json {
    const items: Array<Json> = []
    for (let i = 0; i < value.length; i++) items.push(this.#inside(i, value[i]))
    return Object.freeze(items)
  }

  #object(value: { readonly [key: string]: unknown }): Json {
    const object: { [key: string]: Json } = {}
    for (const key of Object.keys(value)) {
      const item = value[key]
      if (item === undefined) continue // As `JSON.stringify` does.
      const json = this.#inside(key, item)
      // `__proto__` is plain data inside a value; an assignment would set the prototype instead.
      if (key === "__proto__") {
        Object.defineProperty(object, key, { value: json, enumerable: true, configurable: true, writable: true })
      } else object[key] = json
    }
    return Object.freeze(object)
  }

  #inside(segment: string | number, value: unknown): Json {
    this.#path.push(segment)
    if (--this.#nodesLeft < 0) return this.#refuse("holds too many values")
    if (typeof segment === "string") this.#text(segment)
    const json = this.copy(value)
    this.#path.pop()
    return json
  }

  #text(text: string): string {
    const issue = textIssue(text)
    return issue === undefined ? text : this.#refuse(issue)
  }

  #refuse(message: string): never {
    throw new Issue([...this.#path], message)
  }
}

export const isJsonIssue = (value: unknown): value is JsonIssue => value instanceof Issue

/**
 * A frozen deep copy of `value`, so that neither side can change what the other holds; or the first thing in it that
 * is not JSON the engine can keep: NaN, infinities, integers beyond 2^53, NUL, lone surrogates, functions, class
 * instances, more than `depthMax` levels (decision 9). Keys whose value is undefined are left out.
 */
export const copyJson = (value: unknown, depthMax = jsonDepthMax): Json | JsonIssue => {
  if (typeof value === "boolean" || Number.isSafeInteger(value)) return value as Json
  try {
    return new Copying(depthMax).copy(value)
  } catch (issue) {
    if (isJsonIssue(issue)) return issue
    throw issue
  }
}

/** The first thing in an already parsed body that the engine would not keep, or undefined. */
export const checkJson = (value: unknown, depthMax = jsonDepthMax): JsonIssue | undefined => {
  const copied = copyJson(value, depthMax)
  return isJsonIssue(copied) ? copied : undefined
}

export const isJsonObject = (value: Json | undefined): value is JsonObject =>
  Predicate.isObject(value) && !Array.isArray(value)

/** Freezes what was just parsed and is about to be shared. */
export const deepFreeze = <A>(value: A): A => {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    for (const item of Object.values(value)) deepFreeze(item)
    Object.freeze(value)
  }
  return value
}

/** Bytes of the UTF-8 form of a well-formed text. */
export const utf8Bytes = (text: string): number => {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    // A surrogate pair is two units and four bytes, so each half adds one.
    if (unit > 0x7f) bytes += unit <= 0x7ff || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2
  }
  return bytes
}

/** No less than the bytes of the value's JSON: the worst that escaping can do, without making the text. */
export const bytesAtMost = (value: Json): number => {
  if (typeof value === "string") return 6 * value.length + 2
  if (typeof value !== "object" || value === null) return 25
  let bytes = 2
  if (isJsonObject(value)) for (const key of Object.keys(value)) bytes += 6 * key.length + 4 + bytesAtMost(value[key]!)
  else for (const item of value) bytes += bytesAtMost(item) + 1
  return bytes
}

/** Whether the UTF-8 form of the value's JSON has more than `maxBytes`. Makes the text only where there is a doubt. */
export const isLargerThan = (value: Json, maxBytes: number): boolean =>
  bytesAtMost(value) > maxBytes && utf8Bytes(JSON.stringify(value)) > maxBytes

/** `["patches", 0, "path"]` as `patches[0].path`. */
export const fieldName = (path: ReadonlyArray<string | number>): string =>
  path.reduce<string>(
    (name, segment) =>
      typeof segment === "number" ? `${name}[${segment}]` : name === "" ? segment : `${name}.${segment}`,
    ""
  )
