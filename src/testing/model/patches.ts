/** State patches as http.md 4.4 has them, written for the kit from that text alone. */
import type { Patch, PatchState } from "../../core/intent/Intent.ts"
import { isJsonObject, type Json, type JsonObject } from "../../core/json.ts"

const forbidden: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"])

/** The segments of a path; undefined if no patch may have it. */
const segmentsOf = (path: string): ReadonlyArray<string> | undefined => {
  if (path === "") return undefined
  const segments = path.startsWith("/")
    ? path
        .slice(1)
        .split("/")
        .map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"))
    : [path]
  return segments.some((segment) => segment === "" || forbidden.has(segment)) ? undefined : segments
}

const own = (object: JsonObject, key: string): Json | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined

const withKey = (object: JsonObject, key: string, value: Json | undefined): JsonObject => {
  const entries = Object.entries(object)
  if (value === undefined) return Object.fromEntries(entries.filter(([name]) => name !== key))
  return Object.fromEntries(
    Object.hasOwn(object, key)
      ? entries.map(([name, old]) => [name, name === key ? value : old])
      : [...entries, [key, value]]
  )
}

/** The object with the patch done at the segments; undefined if it crosses what is no object, or appends to no array. */
const change = (
  object: JsonObject,
  [segment, ...rest]: ReadonlyArray<string>,
  op: Patch["op"],
  value: Json
): JsonObject | undefined => {
  if (segment === undefined) return undefined
  const found = own(object, segment)
  if (rest.length > 0) {
    if (found === undefined && op === "remove") return object
    const inner = found === undefined ? {} : found
    if (!isJsonObject(inner)) return undefined
    const changed = change(inner, rest, op, value)
    return changed && withKey(object, segment, changed)
  }
  if (op === "set") return withKey(object, segment, value)
  if (op === "remove") return withKey(object, segment, undefined)
  if (found === undefined) return withKey(object, segment, [value])
  return Array.isArray(found) ? withKey(object, segment, [...found, value]) : undefined
}

/** One patch as the model takes it. */
export interface Edit {
  readonly op: Patch["op"]
  /** Undefined: no patch may have this path. */
  readonly segments: ReadonlyArray<string> | undefined
  readonly value: Json
}

const jsonOf = (value: unknown): Json => JSON.parse(JSON.stringify(value ?? null))

const editOf = ({ op, path, value }: Patch): Edit => ({ op, segments: segmentsOf(path), value: jsonOf(value) })

/** The patches of a request; those of the `{ state }` form set literal keys. */
export const editsOf = ({ patches, state }: PatchState): ReadonlyArray<Edit> =>
  patches !== undefined
    ? patches.map(editOf)
    : Object.entries(state ?? {}).map(([key, value]) => ({
        op: "set",
        segments: key === "" || forbidden.has(key) ? undefined : [key],
        value: jsonOf(value)
      }))

/** All edits in order, or undefined if one of them cannot be done. */
export const applyEdits = (state: JsonObject, edits: ReadonlyArray<Edit>): JsonObject | undefined => {
  let result: JsonObject = state
  for (const { op, segments, value } of edits) {
    const changed = segments && change(result, segments, op, value)
    if (changed === undefined) return undefined
    result = changed
  }
  return result
}

/** The value at the segments; undefined if there is none. */
export const valueAt = (state: Json, segments: ReadonlyArray<string>): Json | undefined => {
  let value: Json | undefined = state
  for (const segment of segments) {
    if (!isJsonObject(value)) return undefined
    value = own(value, segment)
  }
  return value
}

/** Patches as an event tells of them; undefined if its payload has none. */
export const loggedEdits = (payload: JsonObject): ReadonlyArray<Edit> | undefined => {
  const patches = payload["patches"]
  if (!Array.isArray(patches)) return undefined
  const edits: Array<Edit> = []
  for (const patch of patches) {
    if (!isJsonObject(patch)) return undefined
    const { op, path, value } = patch
    if ((op !== "set" && op !== "append" && op !== "remove") || typeof path !== "string") return undefined
    edits.push({ op, segments: segmentsOf(path), value: value ?? null })
  }
  return edits
}
