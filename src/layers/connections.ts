import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { Socket } from "node:net"

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
  const begun = ({ socket }: IncomingMessage, response: ServerResponse) => {
    change(socket, 1)
    response.on("close", () => change(socket, -1))
  }
  const server = createServer()
    .on("connection", (socket) => {
      if (dismissing) return void socket.destroy()
      requests.set(socket, 0)
      socket.on("close", () => requests.delete(socket))
    })
    .on("request", begun)
    .on("checkContinue", begun)

  const dismiss = () => {
    dismissing = true
    for (const [socket, under] of requests) if (under === 0) socket.destroy()
  }
  return { server, dismiss }
}
