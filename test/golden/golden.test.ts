/** The golden steps of `examples.json`, one script, run in order against an empty server (its `format`). */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { readFileSync } from "node:fs"
import { memory } from "../../src/layers/memory.ts"
import { sqlite } from "../../src/layers/sqlite.ts"
import { serving, type Serving } from "../http/serving.ts"
import { temporaryFile } from "../storage/sqliteFiles.ts"
import { difference } from "./matching.ts"

interface Step {
  readonly id: string
  readonly description: string
  readonly request: {
    readonly method: string
    readonly path: string
    readonly headers?: { readonly [name: string]: string }
    readonly body?: unknown
  }
  readonly response: {
    readonly status: number
    readonly headers?: { readonly [name: string]: string }
    readonly body?: unknown
  }
  readonly capture?: { readonly [name: string]: string }
}

const { examples }: { readonly examples: ReadonlyArray<Step> } = JSON.parse(
  readFileSync(new URL("examples.json", import.meta.url), "utf8")
)

const at = (body: unknown, path: string): unknown => path.split(".").reduce<any>((value, key) => value?.[key], body)

const engines = {
  memory: memory(),
  sqlite: Layer.unwrap(Effect.map(temporaryFile, (path) => Layer.orDie(sqlite(path))))
}

describe.each(["memory", "sqlite"] as const)("golden steps: %s", (name) => {
  let server: Serving
  const captured: { [name: string]: string } = {}
  const fill = (text: string) => text.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => captured[name] ?? `{{${name}}}`)

  beforeAll(async () => {
    server = await serving({}, engines[name])
  })
  afterAll(() => server.close())

  for (const step of examples) {
    it(`${step.id}: ${step.description}`, async () => {
      const { body, headers = {}, method, path } = step.request
      const isRaw = typeof body === "object" && body !== null && "$raw" in body
      const content = body === undefined ? undefined : isRaw ? String(body.$raw) : fill(JSON.stringify(body))
      const answer = await server.ask(method, fill(path), {
        key: null,
        agent: "",
        headers: JSON.parse(fill(JSON.stringify(headers))),
        ...(content === undefined ? {} : { raw: content })
      })
      assert.strictEqual(answer.status, step.response.status, answer.text)
      for (const [name, value] of Object.entries(step.response.headers ?? {})) {
        assert.strictEqual(answer.headers.get(name), fill(value), name)
      }
      if (step.response.body === undefined) {
        if (answer.status === 204) assert.strictEqual(answer.text, "")
      } else {
        const expected: unknown = JSON.parse(fill(JSON.stringify(step.response.body)))
        assert.isUndefined(difference(expected, answer.body), answer.text)
      }
      for (const [name, from] of Object.entries(step.capture ?? {})) captured[name] = String(at(answer.body, from))
    })
  }
})
