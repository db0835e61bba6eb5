/** What the document of the contract says beyond its schemas (http.md 3.4). */
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"

interface Node {
  readonly [key: string]: unknown
}

const nodeOf = (value: unknown): Node => (Predicate.isObject(value) ? value : {})

const schemes = {
  key: { type: "apiKey", in: "header", name: "X-API-Key" },
  bearer: { type: "http", scheme: "bearer" }
}

const needsKey = (operation: unknown): operation is Node =>
  Predicate.isObject(operation) && !(Array.isArray(operation["tags"]) && operation["tags"].includes("discovery"))

const withKey = (operation: unknown): unknown =>
  needsKey(operation) ? { ...operation, security: [{ key: [] }, { bearer: [] }] } : operation

/** Fields that the contract does not name are ignored (http.md 1.2), and it reads aliases: neither is an error. */
const open = (schema: unknown): unknown => {
  const { additionalProperties, ...rest } = nodeOf(schema)
  return additionalProperties === undefined || additionalProperties === false ? rest : schema
}

/** Adds how callers prove themselves, since `Access` reads both headers itself, and leaves objects open. */
export const complete = (document: Node): { [key: string]: unknown } => {
  const components = nodeOf(document["components"])
  return {
    ...document,
    components: { ...components, schemas: Record.map(nodeOf(components["schemas"]), open), securitySchemes: schemes },
    paths: Record.map(nodeOf(document["paths"]), (path) => Record.map(nodeOf(path), withKey))
  }
}
