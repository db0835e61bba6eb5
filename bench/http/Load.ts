/** Clients that cost little: plain sockets, one request at a time on each, and no more parsing than is needed. */
import { connect, type Socket } from "node:net"

/** A connection that is kept alive. */
class Client {
  readonly #socket: Socket
  #received = ""
  #resolve: ((response: string) => void) | undefined
  #reject: ((error: Error) => void) | undefined

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true })
    this.#socket.setEncoding("latin1")
    this.#socket.on("data", (chunk: string) => this.#take(chunk))
    this.#socket.on("error", (error) => this.#reject?.(error))
    this.#socket.on("close", () => this.#reject?.(new Error("the server closed the connection")))
  }

  /** Sends a request as it is, and answers the whole response, of which the status is checked. */
  send(request: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
      this.#socket.write(request, "latin1")
    })
  }

  #take(chunk: string): void {
    this.#received = this.#received === "" ? chunk : this.#received + chunk
    const head = this.#received.indexOf("\r\n\r\n")
    if (head < 0) return
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.#received)?.[1]
    const response = this.#received
    if (length !== undefined && response.length < head + 4 + Number(length)) return
    this.#received = ""
    if (length !== undefined && response.startsWith("HTTP/1.1 200")) this.#resolve?.(response)
    else this.#reject?.(new Error(`not answered as expected: ${response.slice(0, 1000)}`))
  }

  close(): void {
    this.#reject = undefined
    this.#socket.destroy()
  }
}

/** Clients beside each other, each with a connection of its own. */
export interface Clients {
  /** So many operations by all of them together. */
  readonly run: (operations: number) => Promise<void>
  readonly close: () => void
}

/** Sends a request and answers the response. */
export type Send = (method: string, path: string, body?: string, headers?: string) => Promise<string>

/** For each target a client that does its operation again and again, one after the other. */
export const asking = <Target>(
  port: number,
  targets: ReadonlyArray<Target>,
  operation: (send: Send, target: Target, i: number) => Promise<unknown>
): Clients => {
  const clients = targets.map((target) => {
    const client = new Client(port)
    const send: Send = (method, path, body, headers = "") => {
      const head = `${method} /api/v1${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX-API-Key: dev-user-key\r\n${headers}`
      return client.send(
        body === undefined
          ? `${head}\r\n`
          : `${head}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
      )
    }
    return { client, run: (i: number) => operation(send, target, i) }
  })
  const several = async (run: (i: number) => Promise<unknown>, count: number) => {
    for (let i = 0; i < count; i++) await run(i)
  }
  return {
    run: async (operations) => {
      await Promise.all(clients.map(({ run }) => several(run, Math.ceil(operations / clients.length))))
    },
    close: () => {
      for (const { client } of clients) client.close()
    }
  }
}

/** Each client patches its own intent, with the version that follows from its patch before. */
export const patching = (port: number, intents: ReadonlyArray<{ readonly id: string; readonly version: number }>) =>
  asking(
    port,
    intents.map((intent) => ({ ...intent })),
    async (send, target, i) => {
      const body = `{"patches":[{"op":"set","path":"/progress","value":${1_000_000 + i}}]}`
      await send("POST", `/intents/${target.id}/state`, body, `If-Match: ${target.version}\r\n`)
      target.version++
    }
  )
