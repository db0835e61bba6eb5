/** What no client library sends: bytes on a socket, and bodies that no server should keep. */
import { connect } from "node:net"
import { adminKey, isTold } from "./keys.ts"

export interface Oddity {
  readonly name: string
  /** Written in this order; a number is a body of so many bytes. */
  readonly parts: (key: string) => ReadonlyArray<string | number | Buffer>
  /** Every status that may answer the first request; undefined: the connection may be closed without. */
  readonly statuses: ReadonlyArray<number | undefined>
  /** The client goes when it has sent all; else it waits, since Node drops what a client that has gone asked for. */
  readonly goes?: boolean
  /** How many answers there may be at most; default 1: more would mean that a request was smuggled in. */
  readonly answers?: number
}

const head = (key: string, ...lines: ReadonlyArray<string>) =>
  [...lines.slice(0, 1), "Host: 127.0.0.1", `X-API-Key: ${key}`, ...lines.slice(1), "", ""].join("\r\n")

const post = "POST /api/v1/intents HTTP/1.1"
const get = "GET /api/v1/intents?limit=1 HTTP/1.1"
const json = "Content-Type: application/json"
const smuggled = "GET /api/v1/intents?smuggled=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
const body = '{"title":"Raw"}'
const mebibyte = 1024 * 1024
const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth)

export const oddities: ReadonlyArray<Oddity> = [
  {
    name: "length and chunks",
    parts: (key) => [head(key, post, json, "Content-Length: 4", "Transfer-Encoding: chunked"), `0\r\n\r\n${smuggled}`],
    statuses: [400]
  },
  {
    name: "two lengths",
    parts: (key) => [head(key, post, json, "Content-Length: 15", "Content-Length: 0"), body],
    statuses: [400]
  },
  {
    name: "two equal lengths",
    parts: (key) => [head(key, post, json, "Content-Length: 15", "Content-Length: 15", "Connection: close"), body],
    statuses: [400, 200]
  },
  { name: "no length", parts: (key) => [head(key, post, json, "Content-Length: x"), body], statuses: [400] },
  { name: "a length below zero", parts: (key) => [head(key, post, json, "Content-Length: -1"), body], statuses: [400] },
  {
    name: "chunks of another name",
    parts: (key) => [head(key, post, json, "Transfer-Encoding: xchunked"), body],
    statuses: [400, 501]
  },
  {
    name: "chunks twice",
    parts: (key) => [
      head(key, post, json, "Transfer-Encoding: chunked, chunked", "Connection: close"),
      `f\r\n${body}\r\n0\r\n\r\n`
    ],
    statuses: [400, 200]
  },
  {
    name: "chunks",
    parts: (key) => [
      head(key, post, json, "Transfer-Encoding: chunked", "Connection: close"),
      `f;a=b\r\n${body}\r\n0\r\nX-Trailer: 1\r\n\r\n`
    ],
    statuses: [200]
  },
  {
    name: "a chunk of no size",
    parts: (key) => [head(key, post, json, "Transfer-Encoding: chunked"), `zz\r\n${body}\r\n0\r\n\r\n`],
    statuses: [400, undefined]
  },
  {
    name: "a chunk of a huge size",
    parts: (key) => [head(key, post, json, "Transfer-Encoding: chunked"), `ffffffffffffffffff\r\n${body}`],
    statuses: [400, undefined]
  },
  {
    name: "lines that end with LF alone",
    parts: (key) => [head(key, get, "Connection: close").replaceAll("\r\n", "\n")],
    statuses: [200, 400]
  },
  {
    name: "a folded header",
    parts: (key) => [head(key, get, "X-Folded: a\r\n b", "Connection: close")],
    statuses: [200, 400]
  },
  {
    name: "space before the colon",
    parts: (key) => [head(key, get, "Content-Length : 4", "Connection: close")],
    statuses: [400]
  },
  { name: "a header without a name", parts: (key) => [head(key, get, ": x", "Connection: close")], statuses: [400] },
  { name: "NUL in a header", parts: (key) => [head(key, get, "X-Nul: a\0b", "Connection: close")], statuses: [400] },
  {
    name: "the whole URL as the target",
    parts: (key) => [head(key, "GET http://127.0.0.1/api/v1/intents?limit=1 HTTP/1.1", "Connection: close")],
    statuses: [200, 400, 404, 421]
  },
  {
    name: "the whole URL of another host",
    parts: (key) => [head(key, "GET http://evil.example/api/v1/intents HTTP/1.1", "Connection: close")],
    statuses: [200, 400, 404, 421]
  },
  {
    name: "an asterisk as the target",
    parts: (key) => [head(key, "OPTIONS * HTTP/1.1", "Connection: close")],
    statuses: [204, 400, 404]
  },
  {
    name: "CONNECT",
    parts: (key) => [head(key, "CONNECT 127.0.0.1:22 HTTP/1.1", "Connection: close")],
    statuses: [undefined, 400, 404, 405]
  },
  {
    name: "an upgrade",
    parts: (key) => [head(key, get, "Connection: Upgrade, close", "Upgrade: websocket", "Sec-WebSocket-Key: x")],
    statuses: [200, 400, undefined]
  },
  {
    name: "an upgrade to HTTP/2",
    parts: () => ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    statuses: [400, 505]
  },
  { name: "HTTP/1.0", parts: (key) => [head(key, "GET /api/v1/intents?limit=1 HTTP/1.0")], statuses: [200] },
  {
    name: "HTTP/1.0 without a host",
    parts: () => ["GET /health HTTP/1.0\r\nConnection: close\r\n\r\n"],
    statuses: [200, 400, 421]
  },
  {
    name: "HTTP/1.1 without a host",
    parts: () => ["GET /health HTTP/1.1\r\nConnection: close\r\n\r\n"],
    statuses: [400, 421]
  },
  {
    name: "two hosts",
    parts: () => ["GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"],
    statuses: [200, 400, 421]
  },
  { name: "HTTP/0.9", parts: () => ["GET /health\r\n\r\n"], statuses: [200, 400, 421] },
  { name: "a version that is none", parts: () => ["GET /health HTTP/9.9\r\n\r\n"], statuses: [400, 505] },
  {
    name: "a method in lower case",
    parts: (key) => [head(key, "get /health HTTP/1.1", "Connection: close")],
    statuses: [400, 405]
  },
  {
    name: "a method of its own",
    parts: (key) => [head(key, "FLY /health HTTP/1.1", "Connection: close")],
    statuses: [400, 405]
  },
  {
    name: "a target with spaces",
    parts: (key) => [head(key, "GET /health /x HTTP/1.1", "Connection: close")],
    statuses: [400]
  },
  {
    name: "a target with raw bytes",
    parts: (key) => [
      Buffer.from(head(key, "GET /api/v1/intents/\xff\xfe\x80 HTTP/1.1", "Connection: close"), "latin1")
    ],
    statuses: [400, 404]
  },
  {
    name: "a fragment in the target",
    parts: (key) => [head(key, "GET /api/v1/intents#x?limit=1 HTTP/1.1", "Connection: close")],
    statuses: [200, 400, 404]
  },
  {
    name: "a long target",
    parts: (key) => [head(key, `GET /api/v1/intents?q=${"x".repeat(60_000)} HTTP/1.1`, "Connection: close")],
    statuses: [400, 414, 431]
  },
  {
    name: "TLS",
    parts: () => [Buffer.from("16030100a5010000a10303", "hex"), Buffer.alloc(160, 7)],
    statuses: [400, undefined]
  },
  { name: "zeros", parts: () => [Buffer.alloc(5000)], statuses: [400, undefined] },
  { name: "nothing, and gone", parts: () => [], goes: true, statuses: [undefined] },
  {
    name: "half a head, and gone",
    parts: () => ["GET /health HTTP/1.1\r\nHos"],
    goes: true,
    statuses: [undefined, 400]
  },
  {
    name: "half a body, and gone",
    parts: (key) => [head(key, post, json, "Content-Length: 1000"), body],
    goes: true,
    statuses: [undefined, 400]
  },
  {
    name: "two requests at once",
    parts: (key) => [head(key, get), head(key, get, "Connection: close")],
    statuses: [200],
    answers: 2
  },
  {
    name: "a body that waits to be asked for",
    parts: (key) => [head(key, post, json, "Content-Length: 15", "Expect: 100-continue", "Connection: close"), body],
    statuses: [100, 200],
    answers: 2
  },
  {
    name: "an expectation that is none",
    parts: (key) => [head(key, post, json, "Content-Length: 15", "Expect: x", "Connection: close"), body],
    statuses: [200, 417]
  },
  {
    name: "64 MB, announced",
    parts: (key) => [head(key, post, json, `Content-Length: ${64 * mebibyte}`), 64 * mebibyte],
    statuses: [413]
  },
  {
    name: "64 MB in chunks",
    parts: (key) => [
      head(key, post, json, "Transfer-Encoding: chunked"),
      ...Array.from({ length: 64 }, () => [`${mebibyte.toString(16)}\r\n`, mebibyte, "\r\n"]).flat(),
      "0\r\n\r\n"
    ],
    statuses: [413]
  },
  {
    name: "100,000 levels",
    parts: (key) => [head(key, post, json, "Content-Length: 200000", "Connection: close"), nested(100_000)],
    statuses: [400]
  }
]

const patienceMs = 15_000

/** Sends it, and tells what is wrong with what comes back. */
export const sendOdd = (
  port: number,
  { answers = 1, goes = false, name, parts, statuses }: Oddity
): Promise<string | undefined> => {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const chunks: Array<Buffer> = []
  const socket = connect({ port, host: "127.0.0.1" })
  const late = setTimeout(() => {
    resolve(`${name}: no answer in time`)
    socket.destroy()
  }, patienceMs)
  const judge = () => {
    clearTimeout(late)
    socket.destroy()
    const text = Buffer.concat(chunks).toString("latin1")
    const found = [...text.matchAll(/^HTTP\/1\.[01] (\d{3})/gm)].map(([, status]) => Number(status))
    if (isTold(text)) return resolve(`${name}: the key is told`)
    if (found.length > answers) return resolve(`${name}: ${found.length} answers: ${found.join()}`)
    if (!statuses.includes(found[0])) return resolve(`${name}: answered ${found[0]}: ${text.slice(0, 500)}`)
    if (found.length === 0) return resolve(undefined)
    const [header = "", ...rest] = text.split("\r\n\r\n")
    const content = rest.join("\r\n\r\n")
    // No chunk at all: no body.
    const isEmpty = content === "" || (/^transfer-encoding: chunked\r?$/im.test(header) && content.startsWith("0\r\n"))
    if ((found[0] ?? 0) >= 400 && !isEmpty && !/^content-type: application\/json\r?$/im.test(header)) {
      return resolve(`${name}: an error that is not JSON: ${text.slice(0, 500)}`)
    }
    return resolve(undefined)
  }
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk)
    // The rest of the body is of no use.
    if (/^HTTP\/1\.1 413 [^]*}$/.test(Buffer.concat(chunks).toString("latin1"))) judge()
  })
  socket.on("close", judge)
  // Refused while it was sent: the answer may have come before.
  socket.on("error", () => undefined)
  const write = async () => {
    for (const part of parts(adminKey)) {
      if (socket.destroyed) return
      const more = socket.write(typeof part === "number" ? Buffer.alloc(part, " ") : part)
      if (!more)
        await new Promise((drained) =>
          socket.once("drain", () => drained(undefined)).once("close", () => drained(undefined))
        )
    }
    if (goes && !socket.destroyed) socket.end()
  }
  socket.on("connect", () => void write())
  return promise
}
