/** The one text that a JSON value has (RFC 8785), and that of an event. Pure. */
import type { NewEvent } from "../event/LogEvent.ts"
import { isJsonObject, type Json, type JsonObject } from "../json.ts"
import { isoTime } from "../time.ts"

/** Texts that need no escape; most do not, and to look takes half the time of `JSON.stringify`. */
const plain = /^[ !#-[\]-~]*$/

const quoted = (text: string): string => (plain.test(text) ? `"${text}"` : JSON.stringify(text))

/** Whether V8 gives the members in the order of the RFC (by UTF-16 code units) and none holds another value. */
const isFlatInOrder = (object: JsonObject, names: ReadonlyArray<string>): boolean => {
  let before = ""
  for (const name of names) {
    const value = object[name]
    if (name < before || (typeof value === "object" && value !== null)) return false
    before = name
  }
  return true
}

/**
 * The canonical form of RFC 8785: members sorted, no blanks, numbers and strings as ECMAScript writes them, which is what
 * `JSON.stringify` does; so it writes whatever has its members in order already. Objects are not copied to be sorted: in
 * those, names like `10` come before all others and `__proto__` is no name.
 */
export const canonicalJson = (value: Json): string => {
  if (typeof value === "string") return quoted(value)
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  if (!isJsonObject(value)) return `[${value.map(canonicalJson).join(",")}]`
  const names = Object.keys(value)
  if (isFlatInOrder(value, names)) return JSON.stringify(value)
  let text = ""
  for (const name of names.toSorted()) {
    const item = value[name]
    if (item === undefined) continue // As `JSON.stringify` does.
    text += `${text === "" ? "{" : ","}${quoted(name)}:${canonicalJson(item)}`
  }
  return text === "" ? "{}" : `${text}}`
}

const optional = (name: string, text: string | null): string => (text === null ? "" : `"${name}":${quoted(text)},`)

/**
 * The canonical form of an event: what the API shows of it in profile 2 (http.md 2.2) and `previous_event_hash`, the
 * hash of the event before it of the same intent, or null. The members stand here in their order.
 */
export const eventText = (
  { actor, createdAt, id, intentId, parentEventId, payload, source, traceId, type }: NewEvent,
  position: number,
  previousHash: string | null
): string => {
  const by = quoted(actor)
  const previous = previousHash === null ? "null" : quoted(previousHash)
  const trace = traceId === null ? "" : `,"trace_id":${quoted(traceId)}`
  return `{"actor":${by},"agent_id":${by},"created_at":"${isoTime(createdAt)}Z","event_type":${quoted(type)},"id":${quoted(id)},"intent_id":${quoted(intentId)},${optional("parent_event_id", parentEventId)}"payload":${canonicalJson(payload)},"previous_event_hash":${previous},"sequence":${position},"source":${quoted(source)}${trace}}`
}
