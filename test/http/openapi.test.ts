/** The document of the contract tells the truth: it is valid, whole, and says what the source says (http.md 1.6, 3.4). */
import { Validator } from "@seriousme/openapi-schema-validator"
import * as Predicate from "effect/Predicate"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { errorFamilies } from "../../src/http/errorCodes.ts"
import { contractOf, listOf, type Node, nodeOf } from "../fuzz/contract.ts"
import { serving, type Serving } from "./serving.ts"

let server: Serving
let document: Node
beforeAll(async () => {
  server = await serving()
  document = (await server.ask("GET", "/openapi.json")).body
})
afterAll(() => server.close())

const httpFolder = new URL("../../src/http/", import.meta.url).pathname
const sources = readdirSync(httpFolder, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => readFileSync(join(httpFolder, name), "utf8"))

/** Every object of the document, whatever it describes. */
const nodes = function* (value: unknown): Generator<Node> {
  if (Array.isArray(value)) for (const item of value) yield* nodes(item)
  else if (Predicate.isObject(value)) {
    const node = nodeOf(value)
    yield node
    for (const inner of Object.values(node)) yield* nodes(inner)
  }
}

describe("the OpenAPI document", () => {
  it("is valid by the meta schema of OpenAPI 3.1", async () => {
    const { errors, valid } = await new Validator().validate(structuredClone(document))
    assert.isTrue(valid, JSON.stringify(errors))
    assert.match(String(document["openapi"]), /^3\.1\./)
  })

  it("refers to nothing that is not there, and to everything that is", () => {
    const used = new Set<string>()
    for (const { $ref } of nodes(document)) {
      if (typeof $ref !== "string") continue
      const [root, ...path] = $ref.split("/")
      assert.strictEqual(root, "#", $ref)
      const found = path.reduce<unknown>((inner, name) => nodeOf(inner)[name], document)
      assert.isDefined(found, $ref)
      used.add($ref)
    }
    const { parameters, schemas } = nodeOf(document["components"])
    for (const [kind, all] of Object.entries({ parameters, schemas })) {
      for (const name of Object.keys(nodeOf(all))) assert.isTrue(used.has(`#/components/${kind}/${name}`), name)
    }
  })

  it("names each operation once, with its parameters", () => {
    const { operations } = contractOf(document)
    assert.strictEqual(new Set(operations.map(({ name }) => name)).size, operations.length)
    assert.isAbove(operations.length, 80)
    for (const { name, parameters, path } of operations) {
      const inPath = parameters.filter(({ place }) => place === "path")
      assert.sameMembers(
        inPath.map((parameter) => parameter.name),
        [...path.matchAll(/\{(\w+)\}/g)].map(([, found]) => found ?? ""),
        name
      )
      for (const { required } of inPath) assert.isTrue(required, name)
      for (const { place, schema } of parameters) assert.isDefined(schema["type"] ?? schema["$ref"], `${name} ${place}`)
    }
  })

  it("has for every operation what may happen to any request, a body for each, and the id of the request", () => {
    const contract = contractOf(document)
    for (const operation of contract.operations) {
      const { body, method, name, needsKey, statuses } = operation
      const expected = ["400", "408", "421", "431", "500", "503", ...(needsKey ? ["401", "403", "404", "429"] : [])]
      if (body !== undefined) expected.push("413", "415")
      if (method === "POST") expected.push("422")
      for (const status of expected) assert.isTrue(statuses.has(status), `${name} ${status}`)
      if (method !== "POST") assert.isFalse(statuses.has("422"), name)
      if (body === undefined) assert.isFalse(statuses.has("413") || statuses.has("415"), name)
      for (const status of statuses) {
        assert.include(contract.requiredHeaders(operation, Number(status)), "X-Request-ID", `${name} ${status}`)
        if (status >= "400") assert.isDefined(contract.check(operation, Number(status), {}), `${name} ${status}`)
      }
    }
    const version = contract.operations.filter(({ parameters }) => parameters.some(({ name }) => name === "if-match"))
    assert.isAbove(version.length, 5)
    for (const operation of version) assert.include(contract.requiredHeaders(operation, 200), "ETag", operation.name)
    for (const operation of contract.operations.filter(({ statuses }) => statuses.has("429"))) {
      assert.include(contract.requiredHeaders(operation, 429), "Retry-After", operation.name)
    }
  })

  it("names the codes that the source has, each under its status, and no others", () => {
    const told = new Set(
      Object.values(errorFamilies).flatMap(({ codes, status }) => codes.map((code) => `${status} ${code}`))
    )
    const refusals = sources.flatMap((source) => [...source.matchAll(/refusal\(\s*(\d{3}),\s*"(\w+)"/g)])
    const made = new Set(refusals.map(([, status, code]) => `${status} ${code}`))
    // What Node reads before there is a request: `layers/connections.ts`.
    const unread = ["400 bad_request", "408 request_timeout", "431 headers_too_large"]
    assert.sameMembers([...told], [...new Set([...made, ...unread])])
  })

  it("describes every name that a request may use for a field (http.md 2)", () => {
    const schemas = nodeOf(nodeOf(document["components"])["schemas"])
    const described = Object.values(schemas).flatMap((schema) =>
      Object.entries(nodeOf(nodeOf(schema)["properties"])).map(([name, property]) => {
        const [, names = ""] = /also read: ([\w, ]+)/i.exec(String(nodeOf(property)["description"])) ?? []
        return [name, names.split(/[, ]+/)] as const
      })
    )
    const reads = sources.flatMap((source) => [...source.matchAll(/fields\s*\.(?!issues)\w+(?:<\w+>)?\(([^()]*)\)/g)])
    let aliases = 0
    for (const [, given = ""] of reads) {
      const [canonical, ...others] = [...given.matchAll(/"(\w+)"/g)].map(([, name]) => name ?? "")
      if (canonical === undefined) continue
      assert.isTrue(
        described.some(([name]) => name === canonical),
        canonical
      )
      for (const other of others) {
        aliases++
        assert.isTrue(
          described.some(([name, names]) => name === other || (name === canonical && names.includes(other))),
          `${canonical} is also read as ${other}`
        )
      }
    }
    assert.isAbove(aliases, 10)
  })

  it("shows numbers of queries as numbers with their bounds, and bodies as needed only where a field is", () => {
    const list = contractOf(document).operations.find(({ name }) => name === "events.list")
    const schemaOf = (wanted: string) => list?.parameters.find(({ name }) => name === wanted)?.schema
    assert.deepStrictEqual(schemaOf("limit"), { type: "integer", minimum: 1, maximum: 1000 })
    assert.deepStrictEqual(schemaOf("offset"), { type: "integer", minimum: 0 })
    assert.deepStrictEqual(schemaOf("after_sequence"), { type: "integer", minimum: 0 })
    const paths = nodeOf(document["paths"])
    const bodyOf = (path: string) => nodeOf(nodeOf(nodeOf(paths[path])["post"])["requestBody"])
    assert.isTrue(bodyOf("/api/v1/intents")["required"])
    assert.isFalse(bodyOf("/api/v1/intents/{intentId}/state")["required"])
  })

  it("leaves objects open to what later servers send", () => {
    assert.isEmpty([...nodes(document)].filter(({ additionalProperties }) => additionalProperties === false))
    assert.isNotEmpty(listOf(document["tags"]))
  })
})
