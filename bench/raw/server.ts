/**
 * State patches over bare `node:http`: parses the request, does the same SQLite work, answers a body of the same shape.
 * Takes a file and the statements (JSON in a file), prints its URL.
 */
import { readFileSync } from "node:fs"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { PatchRecord } from "./patchRecord.ts"
import { RawPatches } from "./RawPatches.ts"

interface Stored {
  readonly title: string
  readonly description: string
  readonly dependsOn: ReadonlyArray<string>
  readonly constraints: object
  readonly state: { readonly [key: string]: unknown }
  readonly confidence: number
  readonly version: number
  readonly governancePolicy: null
  readonly createdAt: number
  readonly updatedAt: number
}

interface PatchBody {
  readonly patches: ReadonlyArray<{ readonly op: "set"; readonly path: string; readonly value: unknown }>
}

interface Waiting {
  readonly row: number
  readonly body: string
  readonly event: ReadonlyArray<string | number>
  readonly answer: () => void
}

const [, , file = "", recordFile = ""] = process.argv
// Written by `recordPatches`, and read by nobody else.
const record = JSON.parse(readFileSync(recordFile, "utf8")) as PatchRecord
const raw = new RawPatches(file, record)
const rows = new Map(record.rows.map(({ intentId }, row) => [intentId, row]))
const intents = record.rows.map(({ body }) => JSON.parse(body) as Stored)

let queue: Array<Waiting> = []

const flush = () => {
  const batch = queue
  queue = []
  raw.begin()
  for (const { body, event, row } of batch) raw.write(row, body, event)
  raw.commit()
  for (const { answer } of batch) answer()
}

const time = (millis: number) => `${new Date(millis).toISOString().slice(0, -1)}000`

const send = (response: ServerResponse, status: number, body: object, etag?: string) => {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    ...(etag === undefined ? {} : { etag })
  })
  response.end(text)
}

const wire = (id: string, intent: Stored) => ({
  id,
  title: intent.title,
  description: intent.description,
  created_by: "local",
  parent_intent_id: null,
  parent_id: null,
  depends_on: intent.dependsOn,
  constraints: intent.constraints,
  state: intent.state,
  status: "active",
  status_detail: "active",
  confidence: intent.confidence,
  version: intent.version,
  governance_policy: intent.governancePolicy,
  created_at: time(intent.createdAt),
  updated_at: time(intent.updatedAt)
})

const patch = (request: IncomingMessage, response: ServerResponse, text: string) => {
  const id = request.url?.split("/")[4] ?? ""
  const row = rows.get(id)
  if (row === undefined) return send(response, 404, { code: "not_found" })
  const intent = intents[row]!
  if (Number(request.headers["if-match"]) !== intent.version) return send(response, 409, { code: "version_conflict" })
  const { patches } = JSON.parse(text) as PatchBody
  const state = { ...intent.state }
  const before: { [key: string]: unknown } = {}
  for (const { path, value } of patches) {
    const key = path.slice(1)
    before[key] = state[key]
    state[key] = value
  }
  const [version, now] = [intent.version + 1, Date.now()]
  const after: Stored = { ...intent, state, version, updatedAt: now }
  intents[row] = after
  const event = [
    ...record.rows[row]!.event.slice(0, -1),
    JSON.stringify({
      actor: "dev-user",
      source: "system",
      payload: { patches, version },
      extra: { old_state: before },
      createdAt: now
    })
  ]
  if (queue.length === 0) setImmediate(flush)
  const answer = () => send(response, 200, wire(id, after), `"${version}"`)
  queue.push({ row, body: JSON.stringify(after), event, answer })
}

const server = createServer((request, response) => {
  const chunks: Array<Buffer> = []
  request.on("data", (chunk: Buffer) => chunks.push(chunk))
  request.on("end", () => patch(request, response, Buffer.concat(chunks).toString()))
})
server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  console.log(`http://127.0.0.1:${typeof address === "object" ? address?.port : address}`)
})
