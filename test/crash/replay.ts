/** What the log of an intent says it is: written apart from the engine's own rules, to be compared with them. */
import * as Schema from "effect/Schema"
import { initialState } from "./workload.ts"

const Patch = Schema.Struct({
  op: Schema.Literals(["set", "append", "remove"]),
  path: Schema.String,
  value: Schema.optionalKey(Schema.Json)
})
const patched = Schema.decodeUnknownSync(Schema.Struct({ patches: Schema.Array(Patch), version: Schema.Int }))
const statusChanged = Schema.decodeUnknownSync(Schema.Struct({ status: Schema.String, version: Schema.Int }))

type Tree = { [key: string]: unknown }

const isTree = (value: unknown): value is Tree => typeof value === "object" && value !== null && !Array.isArray(value)

const applyPatch = (state: Tree, { op, path, value }: typeof Patch.Type): void => {
  const keys = path.split("/").slice(1)
  const last = keys.pop() ?? ""
  let at = state
  for (const key of keys) {
    const inner = at[key] ?? {}
    if (!isTree(inner)) throw new Error(`${path} crosses a value`)
    at[key] = inner
    at = inner
  }
  const old = at[last]
  if (op === "set") at[last] = value
  else if (op === "append") at[last] = [...(Array.isArray(old) ? old : []), value]
  else delete at[last]
}

/** An intent at one of its versions. */
export interface Replayed {
  readonly version: number
  readonly status: string
  readonly state: object
}

export interface ReplayedEvent {
  readonly type: string
  readonly payload: unknown
}

/** Every version of the intent, from the first. Throws where the log has a gap. */
export const replay = (events: ReadonlyArray<ReplayedEvent>): ReadonlyArray<Replayed> => {
  const [created, ...others] = events
  if (created?.type !== "intent_created" || others.some(({ type }) => type === "intent_created")) {
    throw new Error("a log begins with the creation, and has it once")
  }
  const state: Tree = structuredClone(initialState)
  let [version, status] = [1, "active"]
  const versions: Array<Replayed> = [{ version, status, state: structuredClone(state) }]
  for (const { payload, type } of others) {
    if (type !== "state_patched" && type !== "status_changed") continue
    version++
    if (type === "state_patched") {
      const told = patched(payload)
      for (const patch of told.patches) applyPatch(state, patch)
      if (told.version !== version) throw new Error(`version ${told.version} comes after ${version - 1}`)
    } else {
      const told = statusChanged(payload)
      status = told.status
      if (told.version !== version) throw new Error(`version ${told.version} comes after ${version - 1}`)
    }
    versions.push({ version, status, state: structuredClone(state) })
  }
  return versions
}
