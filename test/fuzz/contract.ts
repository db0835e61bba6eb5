/** The OpenAPI document of a server as operations to fuzz and as the judge of every answer: nothing else is believed. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js"
import * as Predicate from "effect/Predicate"

/** A schema of the document, or any other part of it. */
export interface Node {
  readonly [name: string]: unknown
}

export const nodeOf = (value: unknown): Node => (Predicate.isObject(value) ? value : {})
export const listOf = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])

export interface Parameter {
  readonly name: string
  readonly place: "path" | "query" | "header"
  readonly required: boolean
  readonly schema: Node
}

export interface Operation {
  /** As in `intents.get`. */
  readonly name: string
  readonly method: string
  /** With names in braces. */
  readonly path: string
  readonly parameters: ReadonlyArray<Parameter>
  /** Undefined: it takes none. */
  readonly body: Node | undefined
  readonly statuses: ReadonlySet<string>
  readonly needsKey: boolean
  readonly isStream: boolean
  /** The success is a file with any type of its own. */
  readonly isFile: boolean
  /** Name of the schema of the success, if it has one. */
  readonly gives: string | undefined
}

export interface Contract {
  readonly document: Node
  readonly operations: ReadonlyArray<Operation>
  /** Follows a reference, if it is one. */
  readonly resolve: (schema: unknown) => Node
  /** What is wrong with a body under this status; undefined if nothing. Unnamed operations answer by status alone. */
  readonly check: (operation: Operation | undefined, status: number, body: unknown) => string | undefined
  /** Headers that an answer of this status must have. */
  readonly requiredHeaders: (operation: Operation | undefined, status: number) => ReadonlyArray<string>
}

const pointer = (...segments: ReadonlyArray<string>): string =>
  segments.map((segment) => `/${encodeURIComponent(segment.replaceAll("~", "~0").replaceAll("/", "~1"))}`).join("")

/**
 * The document leaves objects open, since clients are to ignore what they do not know. What this server sends is all
 * documented, though: to the judge a field without a name is a fault.
 */
const closed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(closed)
  if (!Predicate.isObject(value)) return value
  const found = Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, closed(inner)]))
  const isObject = found["type"] === "object" && Predicate.isObject(found["properties"])
  return isObject && found["additionalProperties"] === undefined ? { ...found, additionalProperties: false } : found
}

const root = "openapi"

export const contractOf = (document: Node): Contract => {
  const resolve = (schema: unknown): Node => {
    const found = nodeOf(schema)
    const { $ref } = found
    if (typeof $ref !== "string") return found
    return resolve(
      $ref
        .slice(2)
        .split("/")
        .reduce<unknown>((inner, name) => nodeOf(inner)[name.replaceAll("~1", "/").replaceAll("~0", "~")], document)
    )
  }
  const refName = (schema: Node): string | undefined =>
    typeof schema["$ref"] === "string" ? schema["$ref"].slice(schema["$ref"].lastIndexOf("/") + 1) : undefined

  const operations = Object.entries(nodeOf(document["paths"])).flatMap(([path, methods]) =>
    Object.entries(nodeOf(methods)).map(([method, value]): Operation => {
      const operation = nodeOf(value)
      const responses = nodeOf(operation["responses"])
      const success = nodeOf(resolve(responses["200"])["content"])
      return {
        name: String(operation["operationId"]),
        method: method.toUpperCase(),
        path,
        parameters: listOf(operation["parameters"]).map((given) => {
          const parameter = resolve(given)
          return {
            name: String(parameter["name"]),
            place: parameter["in"] === "path" ? "path" : parameter["in"] === "query" ? "query" : "header",
            required: parameter["required"] === true,
            schema: nodeOf(parameter["schema"])
          }
        }),
        body: Predicate.isObject(operation["requestBody"])
          ? nodeOf(nodeOf(nodeOf(operation["requestBody"]["content"])["application/json"])["schema"])
          : undefined,
        statuses: new Set(Object.keys(responses)),
        needsKey: listOf(operation["security"]).length > 0,
        isStream: "text/event-stream" in success,
        isFile: "*/*" in success,
        gives: refName(nodeOf(nodeOf(success["application/json"])["schema"]))
      }
    })
  )

  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: false, logger: false })
  ajv.addSchema({ ...nodeOf(closed(document)), $id: root })
  const compiled = new Map<string, ValidateFunction>()
  const shared = Object.entries(nodeOf(nodeOf(document["components"])["responses"]))

  /** The responses that the document has for it, and where they stand. */
  const found = (operation: Operation | undefined, status: number): ReadonlyArray<readonly [Node, string]> => {
    if (operation === undefined) {
      // Of no operation: one of those that all share.
      return shared
        .filter(([, response]) => nodeOf(response)["x-status"] === status)
        .map(([name, response]) => [nodeOf(response), pointer("components", "responses", name)])
    }
    const method = operation.method.toLowerCase()
    const path = nodeOf(nodeOf(document["paths"])[operation.path])
    const given = nodeOf(nodeOf(nodeOf(path[method])["responses"])[String(status)])
    const name = refName(given)
    if (name !== undefined) return [[resolve(given), pointer("components", "responses", name)]]
    if (Object.keys(given).length === 0) return []
    return [[given, pointer("paths", operation.path, method, "responses", String(status))]]
  }

  const validator = (at: string): ValidateFunction => {
    const known = compiled.get(at)
    if (known !== undefined) return known
    const validate = ajv.compile({ $ref: `${root}#${at}${pointer("content", "application/json", "schema")}` })
    compiled.set(at, validate)
    return validate
  }

  return {
    document,
    operations,
    resolve,
    check: (operation, status, body) => {
      const responses = found(operation, status)
      let wrong = `status ${status} is not documented`
      for (const [{ content }, at] of responses) {
        if (content === undefined) return body === undefined ? undefined : "no body is documented"
        if (!("application/json" in nodeOf(content))) return "no JSON is documented"
        const validate = validator(at)
        if (validate(body)) return undefined
        wrong = `the body is not as documented: ${ajv.errorsText(validate.errors, { dataVar: "body" })}`
      }
      return wrong
    },
    requiredHeaders: (operation, status) =>
      found(operation, status).flatMap(([{ headers }]) =>
        Object.entries(nodeOf(headers)).flatMap(([name, header]) =>
          resolve(header)["required"] === true ? [name] : []
        )
      )
  }
}
