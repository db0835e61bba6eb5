/** State patches (http.md 4.4): their grammar, and what they do to a state. Pure. */
import * as Result from "effect/Result"
import type { Json, JsonObject } from "../json.ts"
import { isJsonObject, jsonDepthMax } from "../json.ts"
import type { Checks } from "../validate.ts"
import { limits } from "../validate.ts"
import type { PatchState } from "./Intent.ts"
import { InvalidPatch } from "./IntentErrors.ts"

/** A patch whose shape is valid. `path` is what the log shows. */
export interface ParsedPatch {
  readonly op: "set" | "append" | "remove"
  readonly path: string
  readonly segments: readonly [string, ...ReadonlyArray<string>]
  readonly value: Json
}

const forbiddenSegments: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"])

/** `a/b~c` as `a~1b~0c` (RFC 6901). */
const escapeSegment = (segment: string) => segment.replaceAll("~", "~0").replaceAll("/", "~1")

const parsePath = (path: string): readonly [string, ...ReadonlyArray<string>] | string => {
  if (!path.startsWith("/"))
    return path === "" ? "must not be empty" : forbiddenSegments.has(path) ? `must not name ${path}` : [path]
  if (/~(?![01])/.test(path)) return "has a ~ that is neither ~0 nor ~1"
  const [first = "", ...others] = path
    .slice(1)
    .split("/")
    .map((segment) => (segment.includes("~") ? segment.replaceAll("~1", "/").replaceAll("~0", "~") : segment))
  const segments = [first, ...others] as const
  if (segments.some((segment) => segment === "")) return "must not have an empty segment"
  const forbidden = segments.find((segment) => forbiddenSegments.has(segment))
  return forbidden === undefined ? segments : `must not name ${forbidden}`
}

const isOp = (op: unknown): op is ParsedPatch["op"] => op === "set" || op === "append" || op === "remove"

const readPatch = (
  checks: Checks,
  field: string,
  op: unknown,
  path: unknown,
  value: unknown
): ParsedPatch | undefined => {
  if (!isOp(op)) return (checks.add(`${field}.op`, "must be set, append or remove", op), undefined)
  const text = checks.readText(`${field}.path`, path, 0, limits.noteLength)
  if (typeof path !== "string" || text !== path) return undefined
  const segments = parsePath(path)
  if (typeof segments === "string") return (checks.add(`${field}.path`, segments, path), undefined)
  // The levels that are left below the path: a state is no deeper than any other JSON.
  const levels = jsonDepthMax - segments.length - (op === "append" ? 1 : 0)
  if (levels < 0) return (checks.add(`${field}.path`, "is nested too deeply"), undefined)
  return {
    op,
    path,
    segments,
    value: op === "remove" ? null : checks.readJson(`${field}.value`, value ?? null, limits.stateBytes, levels)
  }
}

/**
 * Reads `patches`, else `state` as one literal `set` a key. The latter are logged with their escaped pointer, so that
 * replaying the log gives the state (decision 14).
 */
export const readPatches = (checks: Checks, { patches, state }: PatchState): ReadonlyArray<ParsedPatch> => {
  const parsed: Array<ParsedPatch> = []
  if (patches !== undefined && patches !== null) {
    const given: unknown = patches
    if (!Array.isArray(given)) checks.add("patches", "must be an array")
    else if (given.length > limits.patches) checks.add("patches", `must have at most ${limits.patches} elements`)
    else {
      for (let i = 0; i < given.length; i++) {
        const patch: unknown = given[i]
        if (typeof patch !== "object" || patch === null) {
          checks.add(`patches[${i}]`, "must be an object")
          continue
        }
        const read = readPatch(
          checks,
          `patches[${i}]`,
          "op" in patch ? patch.op : undefined,
          "path" in patch ? patch.path : undefined,
          "value" in patch ? patch.value : null
        )
        if (read !== undefined) parsed.push(read)
      }
    }
    return parsed
  }
  const entries = checks.readObject("state", state, limits.stateBytes)
  const keys = Object.keys(entries)
  if (keys.length > limits.patches) checks.add("state", `must have at most ${limits.patches} keys`)
  else
    for (const key of keys) {
      if (key === "" || forbiddenSegments.has(key)) checks.add(`state.${key}`, "is no allowed name")
      else parsed.push({ op: "set", path: `/${escapeSegment(key)}`, segments: [key], value: entries[key]! })
    }
  return parsed
}

/** Patches as the log shows them. */
export const loggedPatches = (patches: ReadonlyArray<ParsedPatch>): ReadonlyArray<JsonObject> =>
  patches.map(({ op, path, value }) => (op === "remove" ? { op, path } : { op, path, value }))

const crossing = (value: Json): string =>
  Array.isArray(value) ? "an array cannot be crossed by a path" : "the path crosses a value that is no object"

const own = (object: JsonObject, key: string): Json | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined

/**
 * A state while patches are applied. What a patch changes is copied once, however many patches follow, and frozen at the
 * end; the rest is shared with the state it began with, which stays as it is.
 */
class Draft {
  #root: JsonObject
  readonly #copies = new Set<unknown>()

  constructor(state: JsonObject) {
    this.#root = state
  }

  /** Does it, or answers why the state does not allow it. */
  apply({ op, segments, value }: ParsedPatch): string | undefined {
    const last = segments.length - 1
    const key = segments[last]!
    // Looks first, so that a patch that cannot be, or need not be, copies nothing.
    let parent: JsonObject | undefined = this.#root
    for (let i = 0; i < last && parent !== undefined; i++) {
      const inner: Json | undefined = own(parent, segments[i]!)
      if (inner !== undefined && !isJsonObject(inner)) return crossing(inner)
      parent = inner
    }
    const old = parent === undefined ? undefined : own(parent, key)
    if (op === "remove" && old === undefined) return undefined
    if (op === "append" && old !== undefined && !Array.isArray(old)) return "only an array can be appended to"
    let target = this.#copy(this.#root)
    this.#root = target
    for (let i = 0; i < last; i++) {
      const segment = segments[i]!
      // What is there is an object: it was looked at above.
      const inner = this.#copy((own(target, segment) ?? {}) as JsonObject)
      target[segment] = inner
      target = inner
    }
    if (op === "set") target[key] = value
    else if (op === "remove") delete target[key]
    else {
      const items: Array<Json> = this.#copies.has(old)
        ? (old as Array<Json>)
        : [...((old ?? []) as ReadonlyArray<Json>)]
      items.push(value)
      this.#copies.add(items)
      target[key] = items
    }
    return undefined
  }

  finish(): JsonObject {
    for (const copy of this.#copies) Object.freeze(copy)
    return this.#root
  }

  #copy(object: JsonObject): { [key: string]: Json } {
    if (this.#copies.has(object)) return object
    const copy = { ...object }
    this.#copies.add(copy)
    return copy
  }
}

/** The state after all patches, in order; or the first that the state does not allow. Pure: `state` stays as it is. */
export const applyPatches = (
  state: JsonObject,
  patches: ReadonlyArray<ParsedPatch>
): Result.Result<JsonObject, InvalidPatch> => {
  const draft = new Draft(state)
  for (let index = 0; index < patches.length; index++) {
    const patch = patches[index]!
    const reason = draft.apply(patch)
    if (reason !== undefined) return Result.fail(new InvalidPatch({ index, path: patch.path, reason }))
  }
  return Result.succeed(draft.finish())
}

/** The keys that the patches of a logged event touch, after them; `before` is what `touched` answered then. */
export const replayed = (before: JsonObject, logged: unknown): JsonObject => {
  const patches: Array<ParsedPatch> = []
  for (const patch of Array.isArray(logged) ? logged : []) {
    const { op, path, value }: { readonly op?: unknown; readonly path?: unknown; readonly value?: Json } = Object(patch)
    const segments = typeof path === "string" ? parsePath(path) : "must be a string"
    if (isOp(op) && typeof path === "string" && typeof segments !== "string")
      patches.push({ op, path, segments, value: value ?? null })
  }
  const after = applyPatches(before, patches)
  return after._tag === "Success" ? after.success : before
}

/** The top-level keys that patches touch, with the values they have in `state`. */
export const touched = (state: JsonObject, patches: ReadonlyArray<ParsedPatch>): JsonObject => {
  const values: { [key: string]: Json } = {}
  for (const { segments } of patches) {
    const old = state[segments[0]]
    if (old !== undefined && Object.hasOwn(state, segments[0])) values[segments[0]] = old
  }
  return values
}
