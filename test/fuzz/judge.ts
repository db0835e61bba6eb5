/** Whether an answer is one that the document promises (http.md 1.3, 1.6). */
import type { Answer } from "./client.ts"
import { type Contract, nodeOf, type Operation } from "./contract.ts"
import { isTold } from "./keys.ts"
import type { Request } from "./requests.ts"

/** Twists after which the request may be that of another operation, or of none. */
const elsewhere: ReadonlySet<string> = new Set(["an id is anything", "an id in another form", "another method"])

const utf8 = new TextDecoder("utf-8", { fatal: true })

/** What must be in no answer: where the server lives, and how it is built. */
const leaks = [
  /\n\s+at /,
  /node_modules/,
  /file:\/\//,
  /\/src\/(?:core|http|layers|storage)\//,
  /node:internal/,
  /SQLITE_/i
]

/** The rest of http.md 1.6, which no schema can say. */
const wrongError = (status: number, text: string, body: unknown): string | undefined => {
  const { code, detail, message } = nodeOf(body)
  const told = code === "governance_violation" ? nodeOf(detail)["message"] : detail
  if (told !== message) return "`detail` and `message` are not the same"
  if (status !== 409) return undefined
  const aboutLeases = String(code).startsWith("lease_")
  return text.toLowerCase().includes("lease") === aboutLeases ? undefined : "the letters `lease` (http.md 1.6)"
}

export interface Judge {
  /** What is wrong with the answer; undefined if nothing. */
  readonly wrong: (request: Request, answer: Answer) => string | undefined
}

export const judgeOf = (contract: Contract): Judge => {
  const find = (path: string, method: string): Operation | undefined =>
    contract.operations.find((operation) => operation.path === path && operation.method === method)

  /** By an operation, or as one that no operation has. */
  const unlike = (operation: Operation | undefined, request: Request, answer: Answer): string | undefined => {
    const { body, headers, status } = answer
    const missing = contract
      .requiredHeaders(operation, status)
      .find((name) => headers[name.toLowerCase()] === undefined)
    if (missing !== undefined) return `the header ${missing} is missing`
    const type = headers["content-type"]
    if (request.method === "HEAD") {
      if (body.length > 0) return "HEAD with a body"
      return status < 400 || operation === undefined || operation.statuses.has(String(status))
        ? undefined
        : `status ${status} is not documented`
    }
    if (operation?.isStream === true && status === 200) {
      return type?.startsWith("text/event-stream") === true ? undefined : `a stream of ${type}`
    }
    if (operation?.isFile === true && status === 200) return undefined
    if (body.length === 0) {
      if (request.method === "OPTIONS" && status === 204 && operation === undefined) {
        return headers["allow"] === undefined ? "OPTIONS without Allow" : undefined
      }
      return contract.check(operation, status, undefined)
    }
    if (type !== "application/json") return `the type of the body is ${type}`
    let parsed: unknown
    let text
    try {
      text = utf8.decode(body)
      parsed = JSON.parse(text)
    } catch {
      return "the body is not JSON"
    }
    if (!text.isWellFormed()) return "the body has a lone surrogate"
    return contract.check(operation, status, parsed) ?? (status < 400 ? undefined : wrongError(status, text, parsed))
  }

  return {
    wrong: (request, answer) => {
      if (answer.status >= 500) return `status ${answer.status}`
      const text = answer.body.toString("latin1")
      if (isTold(text) || Object.values(answer.headers).some(isTold)) return "the key is told"
      const leak = leaks.find((pattern) => pattern.test(text))
      if (leak !== undefined) return `the body has ${leak}`
      if (headersInjected(answer)) return "a header of the request's making"
      const operation = find(request.operation.path, request.method === "HEAD" ? "GET" : request.method)
      const wrong = unlike(operation, request, answer)
      return wrong !== undefined && request.twists.some((name) => elsewhere.has(name))
        ? unlike(undefined, request, answer) && wrong
        : wrong
    }
  }
}

const headersInjected = ({ headers }: Answer): boolean => "x-injected" in headers
