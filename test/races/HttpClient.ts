/** A client of a server: one connection that is kept alive, so that many of them really arrive at the same time. */
import * as Schema from "effect/Schema"
import { Agent, request } from "node:http"
import { ErrorBody, EventsPage, IntentBody, LeaseBody } from "../../src/http/wire.ts"

export interface Answer {
  readonly status: number
  readonly body: unknown
}

export interface Asked {
  readonly body?: object
  readonly ifMatch?: number
  readonly headers?: { readonly [name: string]: string }
}

const intentBody = Schema.decodeUnknownSync(IntentBody)
const leaseBody = Schema.decodeUnknownSync(LeaseBody)
const errorBody = Schema.decodeUnknownSync(ErrorBody)
const eventsPage = Schema.decodeUnknownSync(EventsPage)

/** What an answer must be, as the contract has it; throws where it is something else. */
export const intentOf = ({ body, status }: Answer): IntentBody => {
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`)
  return intentBody(body)
}
export const leaseOf = ({ body, status }: Answer): LeaseBody => {
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`)
  return leaseBody(body)
}
export const eventsOf = ({ body, status }: Answer): typeof EventsPage.Type => {
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`)
  return eventsPage(body)
}
export const conflictOf = ({ body, status }: Answer): ErrorBody => {
  if (status !== 409) throw new Error(`${status} ${JSON.stringify(body)}`)
  return errorBody(body)
}

export class HttpClient implements Disposable {
  readonly agentId: string
  readonly #url: string
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })

  constructor(url: string, agentId: string) {
    this.agentId = agentId
    this.#url = url
  }

  /** Rejects when the connection breaks before the whole answer is there. */
  ask(method: string, path: string, { body, headers = {}, ifMatch }: Asked = {}): Promise<Answer> {
    const content = body === undefined ? undefined : JSON.stringify(body)
    return new Promise((resolve, reject) => {
      const sent = request(
        `${this.#url}${path}`,
        {
          method,
          agent: this.#agent,
          headers: {
            "x-api-key": "dev-user-key",
            "x-agent-id": this.agentId,
            ...(content === undefined
              ? {}
              : { "content-type": "application/json", "content-length": Buffer.byteLength(content) }),
            ...(ifMatch === undefined ? {} : { "if-match": String(ifMatch) }),
            ...headers
          }
        },
        (response) => {
          let text = ""
          response.setEncoding("utf8")
          response.on("data", (chunk: string) => (text += chunk))
          response.on("error", reject)
          response.on("end", () => {
            if (!response.complete) return reject(new Error("half an answer"))
            const isJson = response.headers["content-type"] === "application/json" && text !== ""
            resolve({ status: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : undefined })
          })
        }
      )
      sent.on("error", reject)
      sent.end(content)
    })
  }

  createIntent(body: object): Promise<Answer> {
    return this.ask("POST", "/api/v1/intents", { body })
  }

  getIntent(intentId: string): Promise<Answer> {
    return this.ask("GET", `/api/v1/intents/${intentId}`)
  }

  patchState(intentId: string, version: number, patches: ReadonlyArray<object>): Promise<Answer> {
    return this.ask("POST", `/api/v1/intents/${intentId}/state`, { body: { patches }, ifMatch: version })
  }

  setStatus(intentId: string, version: number, status: string): Promise<Answer> {
    return this.ask("POST", `/api/v1/intents/${intentId}/status`, { body: { status }, ifMatch: version })
  }

  append(intentId: string, body: object): Promise<Answer> {
    return this.ask("POST", `/api/v1/intents/${intentId}/events`, { body })
  }

  listEvents(intentId: string, query: string): Promise<Answer> {
    return this.ask("GET", `/api/v1/intents/${intentId}/events?${query}`)
  }

  acquire(intentId: string, scope: string, seconds = 300): Promise<Answer> {
    return this.ask("POST", `/api/v1/intents/${intentId}/leases`, { body: { scope, duration_seconds: seconds } })
  }

  release(intentId: string, leaseId: string): Promise<Answer> {
    return this.ask("DELETE", `/api/v1/intents/${intentId}/leases/${leaseId}`)
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }
}
