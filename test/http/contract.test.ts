/** http.md 3: discovery, OpenAPI, the documentation page. */
import { readFileSync } from "node:fs"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { protocolVersion, version } from "../../src/http/version.ts"
import { serving, type Serving } from "./serving.ts"

let server: Serving
beforeAll(async () => {
  server = await serving()
})
afterAll(() => server.close())

const get = (path: string) => server.ask("GET", path, { key: null, agent: "" })

describe("discovery", () => {
  it("is true: every endpoint it names exists", async () => {
    const { body } = await get("/.well-known/openintent.json")
    for (const endpoint of Object.values<string>(body.endpoints)) {
      const [method = "", path = ""] = endpoint.split(" ")
      const options = await server.ask("OPTIONS", path.replaceAll(/\{\w+\}/g, "x"), { key: null })
      assert.include(options.headers.get("allow") ?? "", method, endpoint)
    }
  })

  it("tells the version of the package", async () => {
    const manifest: { readonly version: string } = JSON.parse(
      readFileSync(new URL("../../package.json", import.meta.url), "utf8")
    )
    assert.strictEqual(version, manifest.version)
    for (const path of ["/health", "/api/v1/health", "/health/live", "/health/ready"]) {
      const { body, status } = await get(path)
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(body, { status: "ok", version, protocol_version: protocolVersion })
    }
    assert.strictEqual((await get("/.well-known/openintent-compat.json")).body.version, version)
  })
})

describe("OpenAPI", () => {
  it("documents every endpoint with its bodies, errors and keys", async () => {
    const { body } = await get("/openapi.json")
    assert.match(body.openapi, /^3\./)
    const { body: discovery } = await get("/.well-known/openintent.json")
    for (const endpoint of Object.values<string>(discovery.endpoints)) {
      const [method = "", path = ""] = endpoint.split(" ")
      const operation = body.paths[path]?.[method.toLowerCase()]
      assert.isDefined(operation, endpoint)
      const isOpen = operation.tags.includes("discovery")
      assert.deepStrictEqual(operation.security, isOpen ? [] : [{ key: [] }, { bearer: [] }])
      if (!isOpen) assert.containsAllKeys(operation.responses, ["400", "401", "404", "503"], endpoint)
    }
    const patch = body.paths["/api/v1/intents/{intentId}/state"].post
    assert.isTrue(patch.parameters.some((parameter: any) => parameter.name === "if-match" && parameter.in === "header"))
    assert.containsAllKeys(body.components.schemas, ["Intent", "Event", "Lease", "Assignment", "CreateIntent"])
    assert.deepStrictEqual(body.components.schemas.Intent.properties.created_at, {
      $ref: "#/components/schemas/Timestamp"
    })
    assert.isUndefined(body.components.schemas.CreateIntent.additionalProperties)
  })

  it("the page at /docs brings its own assets", async () => {
    const { headers, status, text } = await get("/docs")
    assert.strictEqual(status, 200)
    assert.match(headers.get("content-type") ?? "", /^text\/html/)
    assert.include(headers.get("content-security-policy") ?? "", "default-src 'none'")
    assert.notMatch(text, /<(?:script|link|img)[^>]+(?:src|href)=/)
    await using without = await serving({ docs: false })
    assert.strictEqual((await without.ask("GET", "/docs")).status, 404)
  })
})
