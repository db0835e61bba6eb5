import { assert, describe, it } from "@effect/vitest"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { root, script } from "../layers/processes.ts"

const example = (name: string) => join(root, "examples", `${name}.ts`)

const printed = async (name: string): Promise<string> => {
  const { code, stderr, stdout } = await script(example(name)).ended
  assert.strictEqual(code, 0, stderr)
  assert.strictEqual(stderr, "")
  return stdout
}

const life = `writer is assigned as author
the editor is refused: /sections is covered by a lease on sections held by writer
sections: ["Findings"]
conflict: expected 1, found 2; title set at version 2
completed at version 4: {"sections":["Findings"],"title":"The tides"}
  intent_created by editor
  agent_assigned by editor
  comment by writer
  lease_acquired by writer
  state_patched by writer
  lease_released by writer
  state_patched by editor
  status_changed by editor
the same over HTTP
`

describe("examples", () => {
  it("basic-usage: a whole life of an intent, embedded and served", async () => {
    assert.strictEqual(await printed("basic-usage"), life)
  })

  it.each(["embed-effect", "embed-promise"])("%s: patches under a lease", async (name) => {
    const output = await printed(name)
    assert.include(output, "createdBy: 'writer'")
    assert.include(output, "state: { sections: [ 'Findings' ] }")
    assert.include(output, "version: 2")
  })

  it("serve: creates an intent over HTTP and follows it", async () => {
    assert.strictEqual(await printed("serve"), "intent_created by writer\n")
  })

  it("has a test for each", () => {
    assert.sameMembers(readdirSync(join(root, "examples")), [
      "basic-usage.ts",
      "embed-effect.ts",
      "embed-promise.ts",
      "serve.ts"
    ])
  })
})
