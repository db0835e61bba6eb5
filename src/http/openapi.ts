/**
 * The document of the contract (http.md 3.4): what its schemas leave open is said here, derived from the operations
 * themselves, so that a new one is complete by itself.
 */
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import { type ErrorFamily, errorFamilies } from "./errorCodes.ts"

interface Node {
  readonly [key: string]: unknown
}

const nodeOf = (value: unknown): Node => (Predicate.isObject(value) ? value : {})
const listOf = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])

const families: { readonly [name: string]: ErrorFamily } = errorFamilies

const schemaRef = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const responseRef = (name: string) => ({ $ref: `#/components/responses/${name}` })

/** The names that the schemas of a media type refer to: one, or those of a union. */
const named = (schema: unknown): ReadonlyArray<string> => {
  const { $ref, anyOf } = nodeOf(schema)
  return typeof $ref === "string" ? [$ref.slice($ref.lastIndexOf("/") + 1)] : listOf(anyOf).flatMap(named)
}

const jsonSchemaOf = (response: unknown): unknown =>
  nodeOf(nodeOf(nodeOf(response)["content"])["application/json"])["schema"]

// Schemas

/** Fields that the contract does not name are ignored (http.md 1.2), and later servers send more: neither is an error. */
const open = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(open)
  if (!Predicate.isObject(schema)) return schema
  const { additionalProperties, ...rest } = nodeOf(schema)
  const opened = Record.map(rest, open)
  return additionalProperties === undefined || additionalProperties === false
    ? opened
    : { ...opened, additionalProperties: open(additionalProperties) }
}

const errorFields = {
  detail: { type: "string", description: "The same text as `message`" },
  message: { type: "string", description: "For people" },
  errors: {
    type: "array",
    items: schemaRef("FieldError"),
    minItems: 1,
    description: "What is wrong, field by field"
  },
  current_version: { type: "integer", minimum: 1, description: "That of the intent now" },
  existing_lease: { ...schemaRef("Lease"), description: "The one in the way" }
}

const descriptionOf = ({ about, codes }: ErrorFamily): string =>
  codes.join(", ") + (about === undefined ? "" : `: ${about}`)

const errorSchema = (family: ErrorFamily, name: string) => {
  const { always = [], codes, fields = [] } = family
  const { detail, message, ...others } = errorFields
  return {
    type: "object",
    properties: {
      detail: name === "GovernanceViolation" ? schemaRef("GovernanceDetail") : detail,
      message,
      code: { type: "string", enum: codes, description: "For programs" },
      ...Record.filter(others, (_, field) => [...always, ...fields].some((known) => known === field))
    },
    required: ["detail", "message", "code", ...always],
    description: descriptionOf(family)
  }
}

const timestampPattern = String.raw`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z?$`

const withPattern = (schema: unknown): Node => ({ ...nodeOf(schema), pattern: timestampPattern })

// Headers

const text = { type: "string" }

const headers = {
  ETag: { description: "The version of the intent in quotes, as `If-Match` takes it", required: true, schema: text },
  Link: { description: "Other pages of the list: `next`, `prev` (of pages by `offset`), `first`", schema: text },
  RateLimit: { description: "What the key may ask now, where it is limited: `r` requests; all in `t` s", schema: text },
  "RateLimit-Policy": { description: "What a key may ask at all: `q` requests in `w` s", schema: text },
  Allow: { description: "The methods of the path", required: true, schema: text },
  "Retry-After": { description: "Seconds to wait", required: true, schema: { type: "integer", minimum: 0 } },
  "X-Request-ID": { description: "The name of the request, its own or the server's", required: true, schema: text },
  "Content-Disposition": { description: "`attachment`, with the name of the file", required: true, schema: text }
}

const headerRef = (name: keyof typeof headers) => ({ [name]: { $ref: `#/components/headers/${name}` } })

/** On every answer. */
const always = { ...headerRef("X-Request-ID"), ...headerRef("RateLimit"), ...headerRef("RateLimit-Policy") }

const isFile = (response: Node): boolean => "application/octet-stream" in nodeOf(response["content"])

/** A file has the type that it was uploaded with; a stream is text to its readers, whatever the server makes it of. */
const contentOf = (response: Node): unknown => {
  const { content } = response
  if (isFile(response)) return { "*/*": { schema: { type: "string", format: "binary" } } }
  return "text/event-stream" in nodeOf(content)
    ? { "text/event-stream": { schema: { type: "string", description: "Server-sent events" } } }
    : content
}

const isPage = (schema: Node): boolean =>
  ["limit", "offset", "after"].every((name) => name in nodeOf(schema["properties"]))

/** What the headers of a success tell, by what is in its body. */
const successHeaders = (response: Node): Node => {
  const schema = nodeOf(jsonSchemaOf(response))
  if (named(schema)[0] === "Intent") return { ...always, ...headerRef("ETag") }
  if (isPage(schema)) return { ...always, ...headerRef("Link") }
  return isFile(response) ? { ...always, ...headerRef("Content-Disposition") } : always
}

const headersOf = ({ retry, status }: Pick<ErrorFamily, "retry" | "status">): Node => ({
  ...always,
  ...(retry === true ? headerRef("Retry-After") : undefined),
  ...(status === 405 ? headerRef("Allow") : undefined)
})

const errorResponse = (family: ErrorFamily, name: string) => ({
  description: descriptionOf(family),
  "x-status": family.status,
  headers: headersOf(family),
  content: { "application/json": { schema: schemaRef(name) } }
})

// Requests

/** Numbers of queries are text on their way, so the schemas do not show their bounds; those of pages are the same. */
const bounds: { readonly [name: string]: Node } = {
  limit: { minimum: 1 },
  offset: { minimum: 0 },
  after_sequence: { minimum: 0 }
}
const pageBounds: { readonly [name: string]: Node } = { ...bounds, limit: { minimum: 1, maximum: 1000 } }

/** As they are, but with the numbers as numbers, and with what is always needed as required. */
const parametersWithBounds = (parameters: ReadonlyArray<unknown>): ReadonlyArray<Node> => {
  const isOfPage = parameters.some((parameter) => nodeOf(parameter)["name"] === "offset")
  return parameters.map((parameter) => {
    const { name, required, schema, ...rest } = nodeOf(parameter)
    const { description, pattern, ...plain } = nodeOf(schema)
    return {
      name,
      ...rest,
      description,
      required: name === "if-match" || required,
      schema: pattern === undefined ? plain : { type: "integer", ...(isOfPage ? pageBounds : bounds)[String(name)] }
    }
  })
}

const textHeader = (name: string, description: string, schema: Node = text) => ({
  name,
  in: "header",
  description,
  required: false,
  schema
})

/** What every route behind a key reads. */
const parameters = {
  AgentId: textHeader("x-agent-id", "Who acts; default: the agent of the key", { type: "string", maxLength: 255 }),
  Profile: textHeader("x-openintent-profile", "`2`: times with `Z`, the status `pending`, every event type"),
  RequestId: textHeader(
    "x-request-id",
    "The name of the request in answers, logs and traces; default: one of the server's"
  ),
  IdempotencyKey: textHeader("idempotency-key", "The same key with the same request has one effect and one answer")
}

const parametersOf = (method: string) =>
  Object.keys(parameters)
    .filter((name) => name !== "IdempotencyKey" || method === "post")
    .map((name) => ({ $ref: `#/components/parameters/${name}` }))

/** No body counts as `{}` (decision 7), so it may be left out where no field is required. */
const bodyOf = (body: unknown, schemas: Node): Node | undefined => {
  if (body === undefined) return undefined
  const [name = ""] = named(jsonSchemaOf(body))
  return { ...nodeOf(body), required: nodeOf(schemas[name])["required"] !== undefined }
}

// Operations

const schemes = {
  key: { type: "apiKey", in: "header", name: "X-API-Key" },
  bearer: { type: "http", scheme: "bearer", description: "The same key" }
}

const needsKey = (operation: Node): boolean => operation["x-openintent-right"] !== "public"

/** What may happen to any request, whatever it asks for. */
const anywhere = Object.keys(families).filter((name) => families[name]?.anywhere === true)

/** What only a request with a body can be refused for. */
const aboutBodies: ReadonlySet<string> = new Set(["PayloadTooLarge", "UnsupportedMediaType"])

const applies = (name: string, method: string, hasBody: boolean): boolean => {
  const family = families[name]
  if (family === undefined || (family.method !== undefined && family.method.toLowerCase() !== method)) return false
  if (family.changes === true && method === "get") return false
  return hasBody || !aboutBodies.has(name)
}

/** One family is a response that all operations share; several, or one beside another body, are told apart by `code`. */
const errorsAt = (status: string, response: unknown, names: ReadonlyArray<string>): Node => {
  const others = named(jsonSchemaOf(response)).filter((name) => !(name in families))
  const [first = ""] = names
  if (names.length === 1 && others.length === 0) return { [status]: responseRef(first) }
  const all = [...others, ...names]
  const told = names.flatMap((name) => (families[name] === undefined ? [] : [families[name]]))
  return {
    [status]: {
      description: [...others, ...told.map(descriptionOf)].join("; or "),
      headers: headersOf({ status: Number(status), retry: others.length === 0 && told.every(({ retry }) => retry) }),
      content: { "application/json": { schema: { anyOf: all.map(schemaRef) } } }
    }
  }
}

const responsesOf = (operation: Node, method: string): Node => {
  const given = nodeOf(operation["responses"])
  const hasBody = operation["requestBody"] !== undefined
  const names = new Set(
    [...Object.values(given).flatMap((response) => named(jsonSchemaOf(response))), ...anywhere].filter((name) =>
      applies(name, method, hasBody)
    )
  )
  const byStatus = Map.groupBy(names, (name) => String(families[name]?.status))
  const successes = Record.filter(given, (_, status) => status < "400")
  return {
    ...Record.map(successes, (response) => {
      const found = nodeOf(response)
      return { ...found, headers: successHeaders(found), content: contentOf(found) }
    }),
    ...Object.assign({}, ...[...byStatus].map(([status, of]) => errorsAt(status, given[status], of)))
  }
}

const operationOf =
  (schemas: Node) =>
  (operation: unknown, method: string): Node => {
    const given = nodeOf(operation)
    const own = parametersWithBounds(listOf(given["parameters"]))
    return {
      ...given,
      parameters: needsKey(given) ? [...own, ...parametersOf(method)] : own,
      ...(needsKey(given) ? { security: Object.keys(schemes).map((name) => ({ [name]: [] })) } : undefined),
      requestBody: bodyOf(given["requestBody"], schemas),
      responses: responsesOf(given, method)
    }
  }

/** Adds to the derived document what derivation does not know: errors by their codes, headers, keys, open objects. */
export const complete = (document: Node): { [key: string]: unknown } => {
  const components = nodeOf(document["components"])
  const { Timestamp, ...derived } = nodeOf(components["schemas"])
  const schemas = {
    ...derived,
    Timestamp: withPattern(Timestamp),
    ...Record.map(families, errorSchema)
  }
  const whole = {
    ...document,
    components: {
      ...components,
      schemas,
      headers,
      parameters,
      responses: Record.map(families, errorResponse),
      securitySchemes: schemes
    },
    paths: Record.map(nodeOf(document["paths"]), (path) => Record.map(nodeOf(path), operationOf(schemas)))
  }
  return nodeOf(open(whole))
}
