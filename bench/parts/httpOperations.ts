/** The other hot operations over HTTP, each held against bare `node:http` with the same statements. */
import * as Duration from "effect/Duration"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { createIntents, type EngineRun, withEngine } from "../engine/EngineRun.ts"
import { copyFile, withFolder } from "../engine/files.ts"
import { asking, type Send } from "../http/Load.ts"
import { serve } from "../http/Server.ts"
import { interleave, timed } from "../measure/interleave.ts"
import { type Options, slices } from "../measure/Options.ts"
import { compared, type Row } from "../measure/Row.ts"
import { type OperationRecord, recordOperation } from "../raw/operationRecord.ts"
import { recording } from "../raw/recorder.ts"

const connections = 32
const cli = new URL("../../src/layers/bin/openintent.ts", import.meta.url)
const rawServer = new URL("../raw/operationServer.ts", import.meta.url)

const comment = { type: "comment", payload: { text: "the findings are in", tokens: 120 } }
const pageSize = 50

/** Makes a file with an intent for each connection and enough events of the first, and tells what each operation sends. */
const record = async (file: string) => {
  let intentIds: ReadonlyArray<string> = []
  let operations: OperationRecord["operations"] = {}
  const recordAll = async ({ engine, run }: EngineRun) => {
    const intents = await createIntents({ engine, run }, connections)
    intentIds = intents.map(({ id }) => id)
    const [intent = ""] = intentIds
    for (let i = 0; i < pageSize; i++) {
      for (const id of intentIds) await run(engine.events.append(id, comment))
    }
    const [{ state, description } = { state: {}, description: "" }] = intents
    const create = () => run(engine.intents.create({ title: "Work package", description, state, status: "active" }))
    const acquire = () => run(engine.leases.acquire(intent, { scope: "draft" }))
    const held = await acquire()
    const known = { intent, lease: held.id }
    operations = {
      release: await recordOperation(() => run(engine.leases.release(intent, held.id)), known),
      acquire: await recordOperation(acquire, known),
      create: await recordOperation(create, known),
      get: await recordOperation(() => run(engine.intents.get(intent)), known),
      append: await recordOperation(() => run(engine.events.append(intent, comment)), known),
      list: await recordOperation(() => run(engine.events.list(intent, { limit: pageSize })), known)
    }
    for (const { id } of (await run(engine.leases.list(intent))).items) await run(engine.leases.release(intent, id))
  }
  const all = await recording(() => withEngine(file, recordAll, { sweepInterval: Duration.hours(1) }))
  const pragmas = all.find(({ sql }) => sql.includes("PRAGMA synchronous"))?.sql ?? ""
  return { intentIds, record: { pragmas, operations } satisfies OperationRecord }
}

const leaseId = /"(?:0|id)":"([^"]+)"/

const measured: { readonly [what: string]: (send: Send, intentId: string, i: number) => Promise<unknown> } = {
  // First, while the logs are short: what is read for the total was recorded then.
  "list 50 events": (send, id) => send("GET", `/intents/${id}/events?limit=${pageSize}`),
  create: (send, _, i) =>
    send("POST", "/intents", `{"title":"Task ${i}","state":{"progress":0,"owner":"agent-research"},"status":"active"}`),
  get: (send, id) => send("GET", `/intents/${id}`),
  "acquire and release a lease": async (send, id) => {
    const acquired = await send("POST", `/intents/${id}/leases`, `{"scope":"draft"}`)
    await send("DELETE", `/intents/${id}/leases/${leaseId.exec(acquired)?.[1]}`)
  },
  "append an event": (send, id, i) =>
    send("POST", `/intents/${id}/events`, `{"event_type":"comment","payload":{"text":"note ${i}","tokens":120}}`)
}

/** One row an operation. */
export const httpOperations = (options: Options): Promise<ReadonlyArray<Row>> =>
  withFolder(async (folder) => {
    const file = join(folder, "engine.db")
    const recordFile = join(folder, "record.json")
    const { intentIds, record: recorded } = await record(file)
    writeFileSync(recordFile, JSON.stringify(recorded))
    const copy = copyFile(file, join(folder, "raw.db"))
    await using server = await serve(cli, ["serve", "--port", "0", "--database-url", `sqlite:///${file}`])
    await using raw = await serve(rawServer, [copy, recordFile])
    const rows: Array<Row> = []
    for (const [what, operation] of Object.entries(measured)) {
      const [onServer, onRaw] = [asking(server.port, intentIds, operation), asking(raw.port, intentIds, operation)]
      const rates = await interleave(
        { engine: timed(onServer.run), limit: timed(onRaw.run) },
        slices(options, connections)
      )
      onServer.close()
      onRaw.close()
      rows.push(
        compared({
          what: `${what} over HTTP, ${connections} connections`,
          unit: "operations/s",
          engine: rates("engine"),
          limit: rates("limit"),
          limitName: "node:http, same statements, grouped alike",
          goal: { is: "at least", value: 0.4 }
        })
      )
    }
    return rows
  })
