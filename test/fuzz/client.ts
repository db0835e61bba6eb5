/** Requests over HTTP, as Node's client sends them, and their answers. */
import { Agent, request as httpRequest } from "node:http"
import type { Request } from "./requests.ts"

export interface Answer {
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  readonly body: Buffer
}

export interface Client {
  /** Undefined: it cannot be sent, since the client itself refuses it. Rejects if there is no answer. */
  readonly send: (request: Request) => Promise<Answer | undefined>
  readonly close: () => void
}

/** Of an answer that does not come. */
const patienceMs = 20_000

export const clientOf = (port: number, connections: number): Client => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const send = ({ body, headers, method, target }: Request): Promise<Answer | undefined> => {
    const { promise, reject, resolve } = Promise.withResolvers<Answer | undefined>()
    let asked
    try {
      asked = httpRequest({ agent, host: "127.0.0.1", port, method, path: target, timeout: patienceMs })
      for (const [name, value] of headers) asked.setHeader(name, value)
      if (body !== undefined && !asked.hasHeader("transfer-encoding")) asked.setHeader("Content-Length", body.length)
    } catch {
      // A header or path that Node's client has no form for: `raw.ts` sends those.
      asked?.on("error", () => undefined).destroy()
      return Promise.resolve(undefined)
    }
    const own = asked
    let answered = false
    own.on("timeout", () => own.destroy(new Error("no answer in time")))
    // After an answer that came before all was sent, the connection ends.
    own.on("error", (error) => (answered ? undefined : reject(error)))
    own.on("response", (response) => {
      answered = true
      const chunks: Array<Buffer> = []
      const isStream = response.headers["content-type"]?.startsWith("text/event-stream") === true
      const done = () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)])),
          body: Buffer.concat(chunks)
        })
      response.on("error", (error) => reject(error))
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk)
        if (!isStream) return
        // It would never end: its beginning is enough.
        done()
        own.destroy()
      })
      response.on("end", done)
      if (isStream && method === "HEAD") own.destroy()
    })
    own.end(body)
    return promise
  }
  return { send, close: () => agent.destroy() }
}
