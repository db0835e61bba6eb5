/** The properties of what all objects of a realm share, each with what it is. */
const shared: ReadonlyArray<readonly [name: string, object: object]> = [
  ["Object.prototype", Object.prototype],
  ["Array.prototype", Array.prototype],
  ["Function.prototype", Function.prototype],
  ["String.prototype", String.prototype],
  ["Number.prototype", Number.prototype],
  ["Boolean.prototype", Boolean.prototype],
  ["Map.prototype", Map.prototype],
  ["Set.prototype", Set.prototype],
  ["Promise.prototype", Promise.prototype],
  ["Error.prototype", Error.prototype],
  ["Date.prototype", Date.prototype],
  ["Uint8Array.prototype", Uint8Array.prototype],
  ["Object", Object],
  ["Array", Array],
  ["JSON", JSON],
  ["Reflect", Reflect],
  ["globalThis.constructor", globalThis.constructor]
]

const identities = new WeakMap<object, number>()
let next = 0
const identity = (value: unknown): string => {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return String(value)
  const known = identities.get(value) ?? next++
  identities.set(value, known)
  return `#${known}`
}

/** As text, to be compared with that of another moment. */
export const prototypes = (): ReadonlySet<string> =>
  new Set(
    shared.flatMap(([name, object]) =>
      Reflect.ownKeys(object).map((property) => {
        const parts = Object.values(Object.getOwnPropertyDescriptor(object, property) ?? {})
        return `${name}.${String(property)} ${parts.map(identity).join()}`
      })
    )
  )
