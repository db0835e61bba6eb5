/** A real endpoint on a free loopback port, that keeps what it got and answers what the test wants. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http"
import { onTestFinished } from "vitest"

export interface Got {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly json: any
}

export interface Sink {
  readonly url: string
  readonly port: number
  readonly got: Array<Got>
  /** Called for the nth request (from 1); answers it, or does not. Default: 200. */
  onRequest: (n: number, response: ServerResponse, request: IncomingMessage) => void
  /** Until so many requests have come. */
  readonly until: (n: number) => Promise<void>
  /** Nobody listens any more; `rise` listens again, on the same port. */
  readonly die: () => Promise<void>
  readonly rise: () => Promise<void>
}

export const answering =
  (status: number, headers: { readonly [name: string]: string } = {}) =>
  (_: number, response: ServerResponse): void =>
    void response.writeHead(status, headers).end("thanks")

const portOf = (address: unknown): number => (address as { readonly port: number }).port

export const listeningSink = async (): Promise<Sink> => {
  let waiting: Array<() => void> = []
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    let body = ""
    request.setEncoding("utf8").on("data", (text: string) => (body += text))
    request.on("end", () => {
      sink.got.push({ headers: request.headers, body, json: JSON.parse(body) })
      sink.onRequest(sink.got.length, response, request)
      for (const look of waiting) look()
    })
  }
  let server = createServer(handle)
  const listen = (port: number) =>
    new Promise<number>((resolve) => server.listen(port, "127.0.0.1", () => resolve(portOf(server.address()))))
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  const port = await listen(0)
  const sink: Sink = {
    url: `http://127.0.0.1:${port}/hook`,
    port,
    got: [],
    onRequest: answering(200),
    until: (n) =>
      new Promise((resolve) => {
        const look = () => {
          if (sink.got.length < n) return
          waiting = waiting.filter((one) => one !== look)
          resolve()
        }
        waiting.push(look)
        look()
      }),
    die: close,
    rise: async () => {
      server = createServer(handle)
      await listen(port)
    }
  }
  onTestFinished(close)
  return sink
}
