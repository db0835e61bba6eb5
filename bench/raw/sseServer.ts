/**
 * Server-sent events over bare `node:http`: what is posted is written to every open stream. Prints its URL.
 */
import { createServer, type ServerResponse } from "node:http"

const streams = new Set<ServerResponse>()
let sequence = 0

/** What one turn of the event loop is told goes out as one write, as the engine has it. */
let gathered = ""
const flush = () => {
  const chunk = Buffer.from(gathered)
  gathered = ""
  for (const stream of streams) stream.write(chunk)
}

const server = createServer((request, response) => {
  if (request.method === "GET") {
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" })
    response.write(`retry: 3000\nevent: connected\ndata: {"kind":"intent","id":"${request.url}"}\n\n`)
    streams.add(response)
    response.on("close", () => streams.delete(response))
    return
  }
  const chunks: Array<Buffer> = []
  request.on("data", (chunk: Buffer) => chunks.push(chunk))
  request.on("end", () => {
    const body: { readonly event_type: string; readonly payload: unknown } = JSON.parse(
      Buffer.concat(chunks).toString()
    )
    sequence++
    const data = {
      intent_id: "0199e3a0-0000-7000-8000-000000000000",
      event_id: "0199e3a0-0000-7000-8000-000000000001",
      event_type: body.event_type,
      actor: "dev-user",
      payload: body.payload,
      created_at: `${new Date().toISOString().slice(0, -1)}000`,
      sequence,
      source: "client"
    }
    const frame = `id: ${sequence}\nevent: ${body.event_type}\ndata: ${JSON.stringify(data)}\n\n`
    if (gathered === "") setImmediate(flush)
    gathered += frame
    const text = JSON.stringify(data)
    response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) })
    response.end(text)
  })
})
server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  console.log(`http://127.0.0.1:${typeof address === "object" ? address?.port : address}`)
})
