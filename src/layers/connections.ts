import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import type { LeaveOpen } from "../http/streams/Outlet.ts"

/** Node's own answers to what is no HTTP request it can read, in the contract's form (http.md 1.3). */
const unreadable: { readonly [code: string]: readonly [status: string, code: string, message: string] } = {
  HPE_HEADER_OVERFLOW: [
    "431 Request Header Fields Too Large",
    "headers_too_large",
    "The request's headers are too large"
  ],
  ERR_HTTP_REQUEST_TIMEOUT: ["408 Request Timeout", "request_timeout", "The request did not arrive in time"]
}

/** The connection is of no use after this: nobody knows where the next request would begin. */
const refuse = (error: NodeJS.ErrnoException, socket: Duplex): void => {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy()
  const [status, code, message] = unreadable[error.code ?? ""] ?? [
    "400 Bad Request",
    "bad_request",
    "This is no HTTP request"
  ]
  const body = JSON.stringify({ detail: message, message, code })
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`
  )
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

/**
 * Node's HTTP server, that can send those away who have no request under way. `server.close` waits for them: for a
 * connection that has sent nothing, or half a head, for as long as it likes.
 */
export const makeServer = (): { readonly server: Server; readonly dismiss: () => void } => {
  /** How many requests are under way on each open connection. */
  const requests = new Map<Socket, number>()
  let dismissing = false

  const change = (socket: Socket, by: 1 | -1) => {
    const under = requests.get(socket)
    if (under === undefined) return // Closed.
    requests.set(socket, under + by)
    if (dismissing && under + by === 0) socket.end()
  }
  // One for all: of streams there are many, and each consists of little else.
  function ended(this: ServerResponse) {
    change(this.req.socket, -1)
  }
  function forget(this: Socket) {
    requests.delete(this)
  }
  const begun = ({ socket }: IncomingMessage, response: ServerResponse) => {
    change(socket, 1)
    response.on("close", ended)
  }
  const server = createServer()
    .on("connection", (socket) => {
      if (dismissing) return void socket.destroy()
      requests.set(socket, 0)
      socket.on("close", forget)
    })
    .on("request", begun)
    .on("checkContinue", begun)
    .on("clientError", refuse)

  const dismiss = () => {
    dismissing = true
    for (const [socket, under] of requests) if (under === 0) socket.destroy()
  }
  return { server, dismiss }
}
