/** Faults to plant in the server, to show that the fuzz finds them. */
import type { OutgoingHttpHeaders, ServerResponse } from "node:http"
import { nodeOf } from "./contract.ts"

export const faultNames = [
  "an undocumented status",
  "a body without a field",
  "a body with a field of no name",
  "an error as plain text",
  "a prototype written to",
  "memory that grows",
  "a stack trace",
  "an unhandled rejection"
] as const
export type Fault = (typeof faultNames)[number]

const kept: Array<unknown> = []

/** How many requests pass between two that the fault hits. */
const every = 7

interface Altered {
  readonly status?: number
  readonly type?: string
  readonly body?: string
}

/** Answers with something else than the server meant to. */
const alter = (response: ServerResponse, change: (status: number, body: string) => Altered): void => {
  const writeHead = response.writeHead.bind(response)
  const end = response.end.bind(response)
  let meant = 200
  let headers: OutgoingHttpHeaders = {}
  Object.assign(response, {
    writeHead: (status: number, _text: string, given: OutgoingHttpHeaders) => {
      meant = status
      headers = { ...given }
      return response
    },
    end: (content: string | Uint8Array | undefined) => {
      const body = content === undefined ? "" : Buffer.from(content).toString()
      const changed = change(meant, body)
      delete headers["content-length"] // That of what was meant.
      if (changed.type !== undefined) headers["content-type"] = changed.type
      writeHead(changed.status ?? meant, headers)
      return end(changed.body ?? body)
    }
  })
}

/** Of the answer, if it is a record. */
const withoutId = (body: string): string => {
  const { id: _, ...rest } = nodeOf(JSON.parse(body))
  return JSON.stringify(rest)
}

/** What some answers become. */
const alterations: { readonly [fault in Fault]?: (status: number, body: string) => Altered } = {
  "an undocumented status": (status) => (status === 200 ? { status: 201 } : {}),
  "a body without a field": (status, body) => (status === 200 ? { body: withoutId(body) } : {}),
  "a body with a field of no name": (status, body) =>
    status === 200 ? { body: body.replace("{", '{"unheard_of":1,') } : {},
  "an error as plain text": (status) => (status === 400 ? { type: "text/plain", body: "Bad Request" } : {}),
  "a stack trace": (status, body) =>
    status === 400 ? { body: body.replace('"message":"', String.raw`"message":"no\n    at f (file:///srv/x.js)`) } : {}
}

/** To be called with what Node tells about each request. */
export const plant = (fault: Fault): ((response: ServerResponse) => void) => {
  const alteration = alterations[fault]
  let requests = 0
  return (response) => {
    if (fault === "memory that grows") kept.push(Array.from({ length: 10_000 }, () => requests))
    if (++requests % every > 0) return
    if (fault === "a prototype written to") Reflect.set(Object.prototype, "polluted", true)
    else if (fault === "an unhandled rejection") void Promise.reject(new Error("planted"))
    else if (alteration !== undefined && response.req.method === "POST") alter(response, alteration)
  }
}
