/**
 * A page that shows what happens to a ticket: the event stream read by hand, cut, and resumed where it was; and the same
 * with the remote engine, which resumes by itself.
 * Run it with Node 24: `node examples/sse.ts`, where `openintent` is installed (`npm run build` does it here).
 */
import { connect } from "openintent"
import { startServer } from "openintent/server"

/** A frame of the stream: lines of `name: value` up to an empty one. */
interface Frame {
  readonly id?: string
  readonly event?: string
  readonly data?: string
}

/** The frames of a stream, as they come. Comments, which keep the connection open, have no name. */
async function* frames(url: string, headers: Record<string, string>): AsyncGenerator<Frame> {
  const { body } = await fetch(url, { headers })
  let waiting = ""
  for await (const text of (body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    const parts = (waiting + text).split("\n\n")
    waiting = parts.pop() ?? ""
    for (const part of parts) {
      const lines = part
        .split("\n")
        .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)])
      yield Object.fromEntries(lines) as Frame
    }
  }
}

await using server = await startServer({ storage: "memory:", port: 0 })
await using engine = await connect({ url: server.url, apiKey: "dev-user-key", agent: "desk" })
const { id } = await engine.intents.create({ title: "Printer is out of paper", status: "active" })

// By hand, until the first change; then the connection is cut, by the break.
const url = `${server.url}/api/v1/intents/${id}/subscribe`
const headers = { "X-API-Key": "dev-user-key" }
let lastEventId = ""
for await (const frame of frames(url, headers)) {
  console.log(`stream: ${frame.event ?? ""}`)
  // From `connected` on nothing is missed, so now there may be something to see.
  if (frame.event === "connected") await engine.intents.patchState(id, { version: 1, state: { paper: "ordered" } })
  if (frame.id === undefined) continue
  const { new_state } = JSON.parse(frame.data ?? "") as { new_state: object }
  console.log(`  ${JSON.stringify(new_state)}`)
  lastEventId = frame.id
  break
}

// Meanwhile things happen that nobody sees.
await engine.as("printer").events.append(id, { type: "comment", payload: { text: "paper is in" } })
await engine.intents.setStatus(id, { version: 2, status: "completed", reason: "refilled" })

// With the last id the stream goes on behind it.
for await (const { data, event } of frames(url, { ...headers, "Last-Event-ID": lastEventId })) {
  console.log(`resumed: ${event ?? ""}`)
  if (event !== "STATUS_CHANGED") continue
  const { new_status, payload } = JSON.parse(data ?? "") as { new_status: string; payload: { reason: string } }
  console.log(`  ${new_status}: ${payload.reason}`)
  break
}

// The remote engine reads the same stream, typed, and connects again by itself. 0 is the beginning of the log.
for await (const { actor, type } of engine.events.follow({ intentId: id, after: 0 })) {
  console.log(`follow: ${type} by ${actor}`)
  if (type === "status_changed") break
}
