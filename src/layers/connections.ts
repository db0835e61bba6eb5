/** Node's HTTP server, with what it does to clients that are slow, silent or many. */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http"
import { Socket } from "node:net"
import type { Duplex } from "node:stream"
import type { BodyFault, ReadBytes } from "../http/bodyBytes.ts"
import { isRequestId, requestIdHeader, requestIds } from "../http/requestIds.ts"
import type { LeaveOpen } from "../http/streams/Outlet.ts"

/** What clients may take: time, connections, memory. */
export interface ConnectionOptions {
  /**
   * Connections that are open at once. One more takes the place of the one that has had no request for longest; where
   * all have one under way, it is answered with 503.
   */
  readonly maxConnections: number
  /** How long the head of a request may take to arrive, from the first byte; of a new connection, from its beginning. */
  readonly headersTimeout: Duration.Input
  /** Of the head of a request, in bytes. */
  readonly maxHeaderBytes: number
  /** How long a body may take to arrive, beside what `minBodyRate` allows for its bytes. */
  readonly bodyGrace: Duration.Input
  /** Bytes in a second: a body that arrives more slowly after `bodyGrace` is given up. */
  readonly minBodyRate: number
  /** How long an answer, or a part of a stream, may wait without the client taking any of it. */
  readonly answerTimeout: Duration.Input
  /** How long a connection without a request is kept. More than a proxy before the server keeps its own. */
  readonly keepAliveTimeout: Duration.Input
  /** How often these times are looked at. */
  readonly checkInterval: Duration.Input
}

const defaultConnectionOptions: ConnectionOptions = {
  maxConnections: 16_384,
  headersTimeout: "15 seconds",
  maxHeaderBytes: 16_384,
  bodyGrace: "20 seconds",
  minBodyRate: 1024,
  answerTimeout: "30 seconds",
  keepAliveTimeout: "65 seconds",
  checkInterval: "1 second"
}

/** Requests under way on one connection. Each may have an answer in memory, so those who do not wait for any are cut. */
const pipelinedMax = 100

/** How long a client that was refused may take to read why. Closing at once may take the answer back. */
const lingerMillis = 1000

type Unreadable = readonly [status: string, code: string, message: string]

/** Node's own answers to what is no HTTP request it can read, in the contract's form (http.md 1.3). */
const unreadable: { readonly [code: string]: Unreadable } = {
  HPE_HEADER_OVERFLOW: [
    "431 Request Header Fields Too Large",
    "headers_too_large",
    "The request's headers are too large"
  ],
  ERR_HTTP_REQUEST_TIMEOUT: ["408 Request Timeout", "request_timeout", "The request did not arrive in time"]
}
const noRequest: Unreadable = ["400 Bad Request", "bad_request", "This is no HTTP request"]
const tooMany: Unreadable = ["503 Service Unavailable", "busy", "Too many connections"]

/** The last that is said on a connection. It is of no use after this: nobody knows where the next request would begin. */
const dismissWith = (socket: Duplex, [status, code, message]: Unreadable, requestId: string, more = ""): void => {
  const body = JSON.stringify({ detail: message, message, code })
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nX-Request-ID: ${requestId}\r\n${more}Connection: close\r\n\r\n${body}`
  )
  const timer = setTimeout(() => socket.destroy(), lingerMillis)
  socket.once("close", () => clearTimeout(timer))
}

/** On any of Node's servers over HTTP/1.1. */
export const leaveOpen: LeaveOpen = (request, { headers, status }, begin) => {
  const response = NodeHttpServerRequest.toServerResponse(request)
  if (!(response instanceof ServerResponse) || request.method === "HEAD" || response.destroyed) return false
  response.writeHead(status, headers)
  // Who handles the request takes it for answered, and leaves it alone. Node itself goes by another field.
  Object.defineProperty(response, "writableEnded", { value: true })
  const { gone, ready } = begin(response)
  response.on("drain", ready).on("close", gone)
  return true
}

/** What is known of a connection. */
interface Connection {
  /** How many requests are under way. */
  requests: number
  /** The request whose body arrives, or did when it was last looked at. */
  receiving: IncomingMessage | undefined
  /** When that began, by `performance.now()`, and how many bytes the connection had brought by then. */
  since: number
  bytesBefore: number
  /** Tells whoever reads the body that it does not come. */
  giveUp: (() => void) | undefined
  /** What is wrong with what came after the requests that are under way: said when those are answered. */
  last: Unreadable | undefined
  /** Bytes of answers that the client had taken when it was last looked at, and since when it has taken no more. */
  taken: number
  waitingSince: number | undefined
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0"

/**
 * Reads a body without a fiber of its own and without Node's `finished`, which costs more than all else that is done for
 * a small one.
 */
const readBytes =
  (connections: ReadonlyMap<Socket, Connection>): ReadBytes =>
  (request, maxBytes) =>
    Effect.callback<Uint8Array, BodyFault>((resume) => {
      const source = NodeHttpServerRequest.toIncomingMessage(request)
      if (source.destroyed || source.readableEnded) return resume(Effect.fail("unreadable"))
      const connection = connections.get(source.socket)
      const chunks: Array<Uint8Array> = []
      let bytes = 0
      const stop = () => {
        source.off("data", onData).off("end", onEnd).off("close", onClose)
        if (connection !== undefined) connection.giveUp = undefined
      }
      const fail = (fault: BodyFault) => {
        stop()
        source.resume() // What still comes is passed over, until the connection is closed.
        resume(Effect.fail(fault))
      }
      const onData = (chunk: Uint8Array) => {
        bytes += chunk.length
        if (bytes > maxBytes) fail("too-large")
        else chunks.push(chunk)
      }
      const onEnd = () => {
        stop()
        const [first, ...others] = chunks
        resume(Effect.succeed(first !== undefined && others.length === 0 ? first : Buffer.concat(chunks)))
      }
      const onClose = () => fail("unreadable")
      source.on("data", onData).on("end", onEnd).on("close", onClose)
      if (connection !== undefined) connection.giveUp = () => fail("too-slow")
      if (source.headers.expect !== undefined) {
        const response = NodeHttpServerRequest.toServerResponse(request)
        if (response instanceof ServerResponse) response.writeContinue()
      }
      return Effect.sync(stop)
    })

/** A server as it is made here. */
export interface NodeServer {
  readonly server: Server
  /** Reads bodies, and gives up those that do not come. */
  readonly readBytes: ReadBytes
  /**
   * Sends those away who have no request under way. `server.close` waits for them: for a connection that has sent
   * nothing, or half a head, for as long as it likes.
   */
  readonly dismiss: () => void
}

export const makeServer = (options: Partial<ConnectionOptions> = {}): NodeServer => {
  const { maxConnections, maxHeaderBytes, minBodyRate, ...times } = { ...defaultConnectionOptions, ...options }
  const millis = (time: Duration.Input) => Duration.toMillis(time)
  const bodyGrace = millis(times.bodyGrace)
  const answerTimeout = millis(times.answerTimeout)
  const checkInterval = millis(times.checkInterval)
  const nextId = requestIds(Date.now(), Math.random())
  /** Those that are open: where they become many, in the order of their last requests. */
  const connections = new Map<Socket, Connection>()
  let dismissing = false

  const change = (socket: Socket, by: 1 | -1): Connection | undefined => {
    const connection = connections.get(socket)
    if (connection === undefined) return undefined // Closed.
    connection.requests += by
    if (connection.requests > 0) return connection
    if (connection.last !== undefined) dismissWith(socket, connection.last, nextId())
    else if (dismissing) socket.end()
    if (connections.size > maxConnections / 2) {
      connections.delete(socket)
      connections.set(socket, connection)
    }
    return connection
  }
  // One for all: of streams there are many, and each consists of little else.
  function ended(this: ServerResponse) {
    change(this.req.socket, -1)
  }
  function forget(this: Socket) {
    connections.delete(this)
  }

  const begun = (request: IncomingMessage, response: ServerResponse) => {
    const { headers, socket } = request
    if (!isRequestId(headers[requestIdHeader]?.toString())) headers[requestIdHeader] = nextId()
    response.on("close", ended)
    const connection = change(socket, 1)
    if (connection === undefined) return
    if (connection.requests > pipelinedMax) return void socket.destroy()
    if (!hasBody(request)) return
    connection.receiving = request
    connection.since = performance.now()
    connection.bytesBefore = socket.bytesRead
  }

  /** Whether there is room for one more, if need be by closing the one that has been idle longest. */
  const makeRoom = (): boolean => {
    if (connections.size < maxConnections) return true
    for (const [socket, { requests }] of connections) {
      if (requests > 0) continue
      socket.destroy()
      connections.delete(socket)
      return true
    }
    return false
  }

  const isLate = ({ bytesBefore, since }: Connection, { bytesRead }: Socket, now: number): boolean =>
    now - since > bodyGrace + ((bytesRead - bytesBefore) / minBodyRate) * 1000

  /** Whether answers wait for a client that takes nothing. A timer of Node's would be set anew with every request. */
  const isStuck = (connection: Connection, { bytesWritten, writableLength }: Socket, now: number): boolean => {
    const taken = bytesWritten - writableLength
    if (writableLength === 0) connection.waitingSince = undefined
    else if (connection.waitingSince === undefined || taken > connection.taken) connection.waitingSince = now
    connection.taken = taken
    return connection.waitingSince !== undefined && now - connection.waitingSince > answerTimeout
  }

  const check = () => {
    const now = performance.now()
    for (const [socket, connection] of connections) {
      if (isStuck(connection, socket, now)) {
        socket.destroy()
        continue
      }
      if (connection.receiving === undefined) continue
      if (connection.receiving.complete) connection.receiving = undefined
      else if (!isLate(connection, socket, now)) continue
      else if (connection.giveUp !== undefined) connection.giveUp()
      // Answered already. Else it is not the client that is slow: nobody reads its body yet.
      else if (connection.requests === 0) socket.destroy()
    }
  }
  let checking: NodeJS.Timeout | undefined

  const server = createServer({
    headersTimeout: millis(times.headersTimeout),
    keepAliveTimeout: millis(times.keepAliveTimeout),
    connectionsCheckingInterval: checkInterval,
    maxHeaderSize: maxHeaderBytes,
    requestTimeout: 0 // A large body may take long, as long as it comes: `check`.
  })
    .on("listening", () => (checking = setInterval(check, checkInterval).unref()))
    .on("close", () => clearInterval(checking))
    .on("connection", (socket) => {
      if (dismissing) return void socket.destroy()
      if (!makeRoom()) return dismissWith(socket, tooMany, nextId(), "Retry-After: 1\r\n")
      connections.set(socket, {
        requests: 0,
        receiving: undefined,
        since: 0,
        bytesBefore: 0,
        giveUp: undefined,
        last: undefined,
        taken: 0,
        waitingSince: undefined
      })
      socket.on("close", forget)
    })
    .on("request", begun)
    .on("checkContinue", begun)
    // There is nothing to upgrade to: such a request is answered, and nobody looks after the connection any more.
    .on("upgrade", (_request, socket) => {
      if (socket instanceof Socket) socket.setTimeout(answerTimeout, () => socket.destroy())
    })
    .on("clientError", (error: NodeJS.ErrnoException, socket) => {
      const isSilent = !(socket instanceof Socket) || socket.bytesRead === 0
      if (error.code === "ECONNRESET" || !socket.writable || isSilent) return void socket.destroy()
      const wrong = unreadable[error.code ?? ""] ?? noRequest
      const connection = connections.get(socket)
      // Of what is wrong with a body the request is told now; of what follows a request, after its answer.
      const isBetween = connection?.receiving === undefined || connection.receiving.complete
      if (connection !== undefined && connection.requests > 0 && isBetween) connection.last ??= wrong
      else dismissWith(socket, wrong, nextId())
    })

  const dismiss = () => {
    dismissing = true
    for (const [socket, { requests }] of connections) if (requests === 0) socket.destroy()
  }
  return { server, dismiss, readBytes: readBytes(connections) }
}
