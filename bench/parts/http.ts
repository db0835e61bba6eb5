/** State patches over HTTP: the real server, held against bare `node:http` with the same work on SQLite. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { copyFile, withFolder } from "../engine/files.ts"
import { patching } from "../http/Load.ts"
import { costing } from "../http/costing.ts"
import { serve } from "../http/Server.ts"
import { interleave, timed } from "../measure/interleave.ts"
import { type Options, slices } from "../measure/Options.ts"
import { compared, type Row } from "../measure/Row.ts"
import { recordPatches } from "../raw/patchRecord.ts"

const connections = 32
const cli = new URL("../../src/layers/bin/openintent.ts", import.meta.url)
const rawServer = new URL("../raw/server.ts", import.meta.url)

/** Ids and versions of what is in a file that nobody has open. */
const readIntents = (file: string) => {
  const db = new DatabaseSync(file, { readOnly: true })
  const rows = db.prepare(`SELECT "id", json_extract("body", '$.version') AS version FROM "intents"`).all()
  db.close()
  return rows.map(({ id, version }) => ({ id: String(id), version: Number(version) }))
}

/** One row. */
export const http = (options: Options): Promise<ReadonlyArray<Row>> =>
  withFolder(async (folder) => {
    const file = join(folder, "engine.db")
    const recordFile = join(folder, "record.json")
    const record = await recordPatches(file, connections)
    writeFileSync(recordFile, JSON.stringify(record))
    const copy = copyFile(file, join(folder, "raw.db"))
    const intents = readIntents(file)
    await using server = await serve(cli, ["serve", "--port", "0", "--database-url", `sqlite:///${file}`])
    await using raw = await serve(rawServer, [copy, recordFile])
    const [onServer, onRaw] = [patching(server.port, intents), patching(raw.port, intents)]
    const engine = costing(server, timed(onServer.run))
    const limit = costing(raw, timed(onRaw.run))
    const rates = await interleave({ engine, limit }, slices(options, connections))
    onServer.close()
    onRaw.close()
    const row = compared({
      what: `state patch over HTTP, ${connections} connections`,
      unit: "requests/s",
      engine: rates("engine"),
      limit: rates("limit"),
      limitName: "node:http, same statements, grouped alike",
      goal: { is: "at least", value: 0.4, aim: 0.6 },
      note:
        `Processor time of a request: the server ${engine.cost()}, bare node:http ${limit.cost()}; ` +
        `the clients of both ${engine.clients()}, in a process beside them.`
    })
    return [row]
  })
