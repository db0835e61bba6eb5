/** A stream as a plain client reads it: bytes of a socket, split into frames. */
import { connect, type Socket } from "node:net"

export interface Frame {
  readonly event: string
  readonly id: string | undefined
  /** Parsed. */
  readonly data: any
  readonly retry: string | undefined
}

/** Text between two empty lines. A comment is a frame of the name `:`. */
const frameOf = (text: string): Frame => {
  const fields = new Map<string, string>()
  for (const line of text.split("\n")) {
    const [name = "", value = ""] = line.split(/: ?(.*)/s)
    fields.set(name === "" ? ":" : name, value)
  }
  const data = fields.get("data")
  return {
    event: fields.get("event") ?? (fields.has(":") ? ":" : "message"),
    id: fields.get("id"),
    retry: fields.get("retry"),
    data: data === undefined ? fields.get(":") : JSON.parse(data)
  }
}

export interface Sse {
  /** The next frame; rejects when the stream ends before. */
  readonly next: () => Promise<Frame>
  /** Resolves when the stream has ended; answers the head of the response and all of the body. */
  readonly ended: Promise<{ readonly head: string; readonly body: string }>
  readonly head: () => string
  /** All frames so far that were not taken. */
  readonly frames: Array<Frame>
  readonly socket: Socket
  readonly close: () => void
}

/** Takes `Transfer-Encoding: chunked` apart; what is not whole yet is left. */
const unchunk = (text: Buffer): { readonly body: Buffer; readonly rest: Buffer } => {
  const parts: Array<Buffer> = []
  let at = 0
  for (;;) {
    const end = text.indexOf("\r\n", at)
    if (end < 0) break
    const size = Number.parseInt(text.toString("latin1", at, end), 16)
    if (text.length < end + 2 + size + 2) break
    parts.push(text.subarray(end + 2, end + 2 + size))
    at = end + 2 + size + 2
  }
  return { body: Buffer.concat(parts), rest: text.subarray(at) }
}

/** Opens a stream over a socket of its own. `limit`: the socket is cut after so many bytes. */
export const openSse = (
  port: number,
  path: string,
  headers: { readonly [name: string]: string | undefined } = {},
  limit = Number.POSITIVE_INFINITY
): Sse => {
  const socket = connect({ port, host: "127.0.0.1" })
  const all = { "X-API-Key": "dev-user-key", Accept: "text/event-stream", ...headers }
  const lines = Object.entries(all).map(([name, value]) => (value === undefined ? "" : `${name}: ${value}\r\n`))
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${lines.join("")}\r\n`)
  let head = ""
  let raw: Buffer = Buffer.alloc(0)
  let body = ""
  let text = ""
  let received = 0
  const decoder = new TextDecoder()
  const frames: Array<Frame> = []
  let waiting: { resolve: (frame: Frame) => void; reject: (error: Error) => void } | undefined
  let isOver = false
  const { promise: ended, resolve: end } = Promise.withResolvers<{ head: string; body: string }>()
  socket.on("data", (chunk: Buffer) => {
    const kept = chunk.subarray(0, Math.max(0, limit - received))
    received += chunk.length
    raw = Buffer.concat([raw, kept])
    if (head === "") {
      const at = raw.indexOf("\r\n\r\n")
      if (at >= 0) {
        head = raw.toString("latin1", 0, at)
        raw = raw.subarray(at + 4)
      }
    }
    if (head !== "" && /transfer-encoding: chunked/i.test(head)) {
      const split = unchunk(raw)
      raw = split.rest
      const decoded = decoder.decode(split.body, { stream: true })
      body += decoded
      text += decoded
    } else if (head !== "") {
      body += raw.toString()
      raw = Buffer.alloc(0)
    }
    const parts = text.split("\n\n")
    text = parts.pop() ?? ""
    for (const part of parts) frames.push(frameOf(part))
    const first = waiting === undefined ? undefined : frames.shift()
    if (first !== undefined) {
      const { resolve } = waiting!
      waiting = undefined
      resolve(first)
    }
    if (received >= limit) socket.destroy()
  })
  socket.on("error", () => undefined)
  socket.on("close", () => {
    isOver = true
    waiting?.reject(new Error(`the stream ended: ${head} ${body.slice(-500)}`))
    end({ head, body })
  })
  return {
    next: () =>
      new Promise((resolve, reject) => {
        const first = frames.shift()
        if (first !== undefined) resolve(first)
        else if (isOver) reject(new Error(`the stream has ended: ${head} ${body.slice(-500)}`))
        else waiting = { resolve, reject }
      }),
    ended,
    head: () => head,
    frames,
    socket,
    close: () => socket.destroy()
  }
}
