/**
 * The operations of `httpOperations.ts` over bare `node:http`: parses the request, sends the same statements to SQLite,
 * writes grouped as the engine groups them, and answers a body of the same shape. Takes a file and the statements (JSON
 * in a file), prints its URL.
 */
import { readFileSync } from "node:fs"
import { createServer, type ServerResponse } from "node:http"
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"
import { makeIds } from "../../src/core/ids.ts"
import type { OperationRecord } from "./operationRecord.ts"
import type { Recorded } from "./recorder.ts"

const [, , file = "", recordFile = ""] = process.argv
// Written by `httpOperations.ts`, and read by nobody else.
const record = JSON.parse(readFileSync(recordFile, "utf8")) as OperationRecord
const db = new DatabaseSync(file, { timeout: 0, enableForeignKeyConstraints: false })
db.exec("PRAGMA journal_mode = WAL")
db.exec(record.pragmas)
const begin = db.prepare("BEGIN IMMEDIATE")
const commit = db.prepare("COMMIT")
const revisionOf = db.prepare(`SELECT "revision" FROM "intents" WHERE "id" = ?`)
const revisions = new Map<string, number>()

type Ids = { readonly [hole: string]: string }

/** A statement whose values are filled with the ids of a request. */
interface Prepared {
  readonly statement: StatementSync
  readonly values: (ids: Ids) => Array<SQLInputValue>
  /** It moves the revision of an intent on. */
  readonly guards: boolean
}

const filler = (value: SQLInputValue): ((ids: Ids) => SQLInputValue) => {
  if (typeof value !== "string") return () => value
  const parts = value.split(/\{(\w+)\}/)
  if (parts.length === 1) return () => value
  return (ids) => {
    let text = ""
    for (let i = 0; i < parts.length; i++) text += i % 2 === 0 ? parts[i]! : ids[parts[i]!]!
    return text
  }
}

const prepare = ({ sql, values }: Recorded): Prepared => {
  const statement = db.prepare(sql)
  statement.setReturnArrays(true)
  const fillers = values.map(filler)
  return {
    statement,
    values: (ids) => fillers.map((fill) => fill(ids)),
    guards: /^UPDATE "intents" SET "revision" = \? .*AND "revision" = \?$/.test(sql)
  }
}

const operations = new Map(
  Object.entries(record.operations).map(([name, { reads, writes }]) => [
    name,
    { reads: reads.map(prepare), writes: writes.map(prepare) }
  ])
)

const run = ({ guards, statement, values }: Prepared, ids: Ids): void => {
  const filled = values(ids)
  if (guards) {
    const id = filled.at(-2)
    if (typeof id !== "string") throw new Error("no id")
    const revision = revisions.get(id) ?? Number(revisionOf.get(id)?.["revision"])
    filled[0] = revision + 1
    filled[filled.length - 1] = revision
    revisions.set(id, revision + 1)
  }
  if (statement.run(...filled).changes === 0) throw new Error("nothing was written")
}

let queue: Array<{ readonly writes: ReadonlyArray<Prepared>; readonly ids: Ids; readonly answer: () => void }> = []

const flush = () => {
  const batch = queue
  queue = []
  begin.run()
  for (const { ids, writes } of batch) for (const write of writes) run(write, ids)
  commit.run()
  for (const { answer } of batch) answer()
}

const send = (response: ServerResponse, body: object) => {
  const text = JSON.stringify(body)
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) })
  response.end(text)
}

const time = (millis: number) => `${new Date(millis).toISOString().slice(0, -1)}000`

type SqlRow = ReadonlyArray<string | number | null>

/** An intent or an event as the contract shows it, from its row. */
const shown = (row: SqlRow) => {
  const [position, id, first, second, third] = row.slice(-6)
  const { createdAt, updatedAt, ...body } = JSON.parse(String(row.at(-1))) as {
    readonly createdAt: number
    readonly updatedAt?: number
    readonly actor?: string
    readonly payload?: object
    readonly source?: string
  }
  const created_at = time(createdAt)
  if (updatedAt === undefined) {
    const { actor, payload, source } = body
    const event = { id, intent_id: first, event_type: second, actor, agent_id: actor, payload }
    return { ...event, sequence: position, source, created_at }
  }
  const names = { parent_intent_id: second, parent_id: second, created_by: third, status: first, status_detail: first }
  return { id, ...body, ...names, created_at, updated_at: time(updatedAt) }
}

/** Ids that grow, as the engine's do: others would be written all over the indexes. */
const newId = makeIds(() => (Math.random() * 2 ** 32) >>> 0)

const fresh = (ids: { [hole: string]: string }, count: number) => {
  for (let i = 0; i < count; i++) ids[i] = newId(Date.now())
  return ids
}

/** Ids that an operation makes, at most. */
const freshMax = 4

const nameOf = (method: string | undefined, segments: ReadonlyArray<string>): string => {
  const [, , , , intent, noun] = segments
  if (intent === undefined) return "create"
  if (noun === undefined) return "get"
  if (noun === "events") return method === "GET" ? "list" : "append"
  return method === "DELETE" ? "release" : "acquire"
}

const server = createServer((request, response) => {
  const chunks: Array<Buffer> = []
  request.on("data", (chunk: Buffer) => chunks.push(chunk))
  request.on("end", () => {
    const text = Buffer.concat(chunks).toString()
    const given = text === "" ? {} : (JSON.parse(text) as object)
    const segments = (request.url ?? "").replace(/\?.*$/, "").split("/")
    const operation = operations.get(nameOf(request.method, segments))
    if (request.headers["x-api-key"] !== "dev-user-key" || operation === undefined) return response.destroy()
    const ids = fresh({ intent: segments[4] ?? "", lease: segments[6] ?? "" }, freshMax)
    const rows = operation.reads.flatMap(({ statement, values }) => {
      // `setReturnArrays` makes them arrays. Shorter ones are figures.
      const found = statement.all(...values(ids)) as unknown as ReadonlyArray<SqlRow>
      return found.filter((row) => row.length > 4)
    })
    if (operation.writes.length === 0) return send(response, { items: rows.map((row) => shown(row)) })
    if (queue.length === 0) setImmediate(flush)
    const at = time(Date.now())
    const answer = () => send(response, { ...ids, ...given, id: ids["0"], created_at: at, updated_at: at })
    queue.push({ writes: operation.writes, ids, answer })
  })
})
server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  console.log(`http://127.0.0.1:${typeof address === "object" ? address?.port : address}`)
})
