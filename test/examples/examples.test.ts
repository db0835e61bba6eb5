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

/** What the stories print, whole. */
const stories: ReadonlyArray<readonly [name: string, rule: string, output: string]> = [
  [
    "graph",
    "steps that wait for each other, a cycle refused",
    `at first: ready: Export the old archive, Create the new tables; blocked: Import, Compare the counts
refused: Export the old archive -> Compare the counts -> Import -> Export the old archive
after the export: ready: Create the new tables; blocked: Import, Compare the counts
after the tables: ready: Import; blocked: Compare the counts
Import is blocked at version 3
not yet: 3 steps are open
6 intents, 9 edges, 100 % completed
`
  ],
  [
    "lease",
    "a scope is held, taken away, and its old holder too late",
    `config is held by blue
green may not patch /config/replicas
green notes: ["waiting"]
green sets: {"replicas":3}
blue is too late, and nothing has changed
  config of blue: revoked
  config of green: released
`
  ],
  [
    "arbitration",
    "a person decides, and nobody completes it alone",
    `reviewer-2 asks: The parcel was opened, but the seal may have been broken before
options: refund reject
maria decides: refund half
refused by completion_mode: completing needs an approval of the action complete
approved by maria
completed at version 4
  arbitration_requested by reviewer-2
  decision_recorded by maria
  arbitration_resolved by maria
  governance.violation by reviewer-1
  approval_requested by reviewer-1
  governance.approval_granted by maria
  status_changed by reviewer-1
`
  ],
  [
    "budget",
    "ten reserve at once, and no more than there is is set aside",
    `3 of 10 may call; 0.1, 0.4, 0.7 left after each
7 are refused: 0.3 USD of 1, 0 spent, 0.9 held
0.37 more fit exactly: 0 left
budget_alert: 1.03 of 1
budget_exceeded: 1.03 of 1
`
  ],
  [
    "webhooks",
    "signed, again when it was not heard, and in order",
    `receiver: not now
receiver: status_changed to completed, refilled
receiver: status_changed to abandoned, on holiday
delivery: delivered with 200 at attempt 2
delivery: delivered with 200 at attempt 1
`
  ],
  [
    "sse",
    "a stream that is cut goes on where it was",
    `stream: connected
stream: STATE_CHANGED
  {"paper":"ordered"}
resumed: connected
resumed: comment
resumed: STATUS_CHANGED
  completed: refilled
follow: intent_created by desk
follow: state_patched by desk
follow: comment by printer
follow: status_changed by desk
`
  ],
  [
    "portfolio",
    "completes with its members, under one budget",
    `Bakery: 200 set aside, 300 left
Books: 200 set aside, 100 left
Cider: no, 400 of 500 are set aside already
1 of 3 completed, 33 %; 2 of its members are not completed
3 of 3 completed, 100 %; the fair is completed
  Bakery is completed
  Books is completed
  Cider is completed
`
  ]
]

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

  it.each(stories)("%s: %s", async (name, _rule, output) => {
    assert.strictEqual(await printed(name), output)
  })

  it("has a test for each", () => {
    const tried = ["basic-usage", "embed-effect", "embed-promise", "serve", ...stories.map(([name]) => name)]
    assert.sameMembers(
      readdirSync(join(root, "examples")),
      tried.map((name) => `${name}.ts`)
    )
  })
})
