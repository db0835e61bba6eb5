/** The four scripts of `examples.json` for streams, by hand (decision 33), on both storages. */
import { assert, describe, it } from "vitest"
import * as Layer from "effect/Layer"
import { readFileSync } from "node:fs"
import { memory } from "../../src/layers/memory.ts"
import { sqlite } from "../../src/layers/sqlite.ts"
import { serving, type Serving } from "../http/serving.ts"
import { openSse, type Sse } from "../http/sse.ts"
import { difference } from "./matching.ts"

interface Script {
  readonly id: string
  readonly connect: { readonly path: string; readonly headers?: { readonly [name: string]: string } }
  readonly frames: ReadonlyArray<{
    readonly event?: string | null
    readonly id?: unknown
    readonly data?: object | null
  }>
}

const { sse_examples: scripts }: { readonly sse_examples: ReadonlyArray<Script> } = JSON.parse(
  readFileSync(new URL("examples.json", import.meta.url), "utf8")
)

const scriptOf = (id: string): Script => {
  const script = scripts.find((one) => one.id === id)
  if (script === undefined) return assert.fail(`no script ${id}`)
  return script
}

/** The next frame is the one of the script at this place. */
const expectFrame = async (stream: Sse, script: Script, place: number, names: { readonly [name: string]: string }) => {
  const text = JSON.stringify(script.frames[place])
  const expected: Script["frames"][number] = JSON.parse(
    text.replaceAll(/\{(\w+)\}/g, (all, name) => names[name] ?? all)
  )
  const frame = await stream.next()
  assert.strictEqual(frame.event, expected.event)
  if (expected.id === null) assert.isUndefined(frame.id)
  else assert.match(frame.id ?? (frame.event === "connected" ? "0" : ""), /^\d+$/)
  if (expected.data) assert.isUndefined(difference(expected.data, frame.data), JSON.stringify(frame.data))
  return frame
}

const create = async (server: Serving, body: object = { title: "t" }): Promise<string> =>
  (await server.ask("POST", "/api/v1/intents", { body })).body.id

for (const [name, layer] of [
  ["memory", memory],
  ["sqlite", () => Layer.orDie(sqlite(":memory:"))]
] as const) {
  describe(`golden streams: ${name}`, () => {
    it("sse-01: intent stream, client family", async () => {
      const script = scriptOf("sse-01")
      await using server = await serving({}, layer())
      const id = await create(server, { title: "t", state: { step: 1 } })
      const path = `/api/v1/intents/${id}`
      const stream = openSse(server.port, `${path}/subscribe`, script.connect.headers)
      await expectFrame(stream, script, 0, { id })
      await server.ask("POST", `${path}/state`, { body: { state: { step: 2 } }, headers: { "if-match": "1" } })
      const { data } = await expectFrame(stream, script, 1, { id })
      assert.deepStrictEqual([data.old_state, data.new_state], [{ step: 1 }, { step: 2 }])
      await server.ask("POST", `${path}/status`, { body: { status: "active" }, headers: { "if-match": "2" } })
      await expectFrame(stream, script, 2, { id })
      const lease = await server.ask("POST", `${path}/leases`, { body: { scope: "draft" } })
      await expectFrame(stream, script, 3, { id })
      await server.ask("DELETE", `${path}/leases/${lease.body.id}`)
      await expectFrame(stream, script, 4, { id })
      await server.ask("POST", `${path}/events`, { body: { event_type: "comment" } })
      await expectFrame(stream, script, 5, { id })
      stream.close()
    })

    it("sse-02: agent stream receives its own assignment only", async () => {
      const script = scriptOf("sse-02")
      await using server = await serving({}, layer())
      const id = await create(server)
      const stream = openSse(server.port, script.connect.path)
      await expectFrame(stream, script, 0, {})
      const assign = (agent_id: string) =>
        server.ask("POST", `/api/v1/intents/${id}/agents`, { body: { agent_id, role: "worker" } })
      await assign("agent:writer")
      await expectFrame(stream, script, 1, {})
      await assign("agent:other")
      // Nothing is sent for it: what comes next is what comes next.
      await server.ask("POST", `/api/v1/intents/${id}/events`, { body: { event_type: "comment" } })
      assert.strictEqual((await stream.next()).event, "comment")
      stream.close()
    })

    it("sse-03: portfolio stream: completion of a member", async () => {
      const script = scriptOf("sse-03")
      await using server = await serving({}, layer())
      const member = await create(server)
      const { body: portfolio } = await server.ask("POST", "/api/v1/portfolios", { body: { name: "p" } })
      const pid: string = portfolio.id
      await server.ask("POST", `/api/v1/portfolios/${pid}/intents`, { body: { intent_id: member } })
      await server.ask("POST", `/api/v1/intents/${member}/status`, {
        body: { status: "active" },
        headers: { "if-match": "1" }
      })
      const stream = openSse(server.port, script.connect.path.replace("{pid}", pid))
      await expectFrame(stream, script, 0, { pid })
      await server.ask("POST", `/api/v1/intents/${member}/status`, {
        body: { status: "completed" },
        headers: { "if-match": "2" }
      })
      await expectFrame(stream, script, 1, { pid, member })
      await expectFrame(stream, script, 2, { pid, member })
      stream.close()
    })

    it("sse-04: resume", async () => {
      await using server = await serving({}, layer())
      const id = await create(server)
      const path = `/api/v1/intents/${id}`
      const say = () => server.ask("POST", `${path}/events`, { body: { event_type: "comment" } })
      const sequences: Array<number> = []
      for (let i = 0; i < 5; i++) sequences.push((await say()).body.sequence)
      const stream = openSse(server.port, `${path}/subscribe`, { "Last-Event-ID": String(sequences[1]) })
      assert.strictEqual((await stream.next()).event, "connected")
      const ids = [await stream.next(), await stream.next(), await stream.next()].map((frame) => Number(frame.id))
      assert.deepStrictEqual(ids, sequences.slice(2))
      const { sequence } = (await say()).body
      assert.strictEqual((await stream.next()).id, String(sequence))
      stream.close()
    })
  })
}
