/** A server on which everything exists that an operation can name, and bodies that it takes. */
import { Agent, request } from "node:http"
import * as Duration from "effect/Duration"
import { type Serving, serving } from "../serving.ts"
import { type Operation, operationsOf } from "./operations.ts"

/** Of nobody else: it must never be seen in an answer (invariant 55). */
export const key = "k-3f9c51-secret"

export interface Reply {
  readonly status: number
  readonly type: string
  readonly text: string
}

export interface Send {
  /** Undefined: that one is not sent. */
  readonly headers?: { readonly [name: string]: string | undefined }
  readonly raw?: string | Buffer
  readonly body?: unknown
  readonly query?: string
  /** In the place of the ids of the world, as they stand in the path. */
  readonly ids?: { readonly [param: string]: string }
  readonly method?: string
}

export interface World extends AsyncDisposable {
  readonly server: Serving
  readonly ids: { readonly [param: string]: string }
  readonly operations: ReadonlyArray<Operation>
  /** The path of the operation, with ids that exist. A stream is cut off after its head. */
  readonly send: (operation: Operation, send?: Send) => Promise<Reply>
  /** A body that the operation takes. */
  readonly body: (operation: Operation) => { readonly [name: string]: unknown }
  /** All that can be read, by operation. */
  readonly everything: (headers?: Send["headers"]) => Promise<{ readonly [name: string]: string }>
}

/** What each operation takes where the type alone does not say it: the value of a field, by the operation or for all. */
const examples: { readonly [name: string]: (ids: { readonly [name: string]: string }) => unknown } = {
  event_type: () => "comment",
  dependency_id: (ids) => ids["other"],
  "portfolios.addIntent.intent_id": (ids) => ids["other"],
  intent_id: (ids) => ids["intentId"],
  storage_url: () => "https://files.example/notes.txt",
  outcome: () => "keep both",
  failure_ids: () => [],
  // As it is already.
  "intents.setStatus.status": () => "blocked",
  "intents.patchStateOrStatus.status": () => "blocked",
  "graph.addDependency.dependency_id": (ids) => ids["other"]
}

const plain = (operation: Operation, ids: { readonly [name: string]: string }) => {
  const body: { [name: string]: unknown } = {}
  for (const { isRequired, name, types, values } of operation.fields ?? []) {
    const example = examples[`${operation.name}.${name}`] ?? (isRequired ? examples[name] : undefined)
    if (example !== undefined) body[name] = example(ids)
    else if (isRequired) body[name] = values?.[0] ?? (types.has("string") ? "Release" : types.has("array") ? [] : 1)
  }
  if (operation.name === "attachments.add") body["storage_url"] = examples["storage_url"]?.(ids)
  if (operation.name === "governance.recordDecision") body["outcome"] = examples["outcome"]?.(ids)
  return body
}

export const world = async (): Promise<World> => {
  const server = await serving({ keys: [{ key, role: "admin" }], streamRefusalDelay: Duration.zero })
  const make = async (path: string, body: unknown = {}, headers = {}) => {
    const answer = await server.ask("POST", `/api/v1${path}`, { key, body, headers })
    if (answer.status !== 200) throw new Error(`${path}: ${answer.text}`)
    return answer.body
  }
  const { body: document } = await server.ask("GET", "/openapi.json")
  const { id: other } = await make("/intents", { title: "Release of others" })
  const { id: dependencyId } = await make("/intents", { title: "First the release" })
  const { id: intentId } = await make("/intents", {
    title: "Release",
    state: { Release: 1 },
    depends_on: [dependencyId]
  })
  const at = `/intents/${intentId}`
  await make(`${at}/children`, { title: "Part of the release" })
  const { id: leaseId } = await make(`${at}/leases`, { scope: "Release notes" })
  await make(`${at}/agents`, { agent_id: "borea" })
  await make(`${at}/arbitrate`, { reason: "two releases" })
  await make(`${at}/decisions`, { decision: "the first release", decision_type: "choice" })
  const { id: approvalId } = await make(`${at}/approvals`, { action: "release" })
  const { id: attachmentId } = await make(`${at}/attachments`, {
    filename: "release.txt",
    mime_type: "text/plain",
    content_base64: "aGk="
  })
  const { id: subscriptionId } = await make("/subscriptions", { intent_id: intentId })
  const { id: portfolioId } = await make("/portfolios", { name: "Releases" })
  await make(`/portfolios/${portfolioId}/intents`, { intent_id: intentId })
  await make(`${at}/costs`, { cost_type: "tokens", amount: 0.1, unit: "USD" })
  const { id: reservationId } = await make(`${at}/costs/reservations`, { amount: 2 })
  await server.ask("PUT", `/api/v1${at}/retry-policy`, { key, body: {} })
  await make(`${at}/failures`, { error_message: "no release" })
  await make(`${at}/events`, { event_type: "llm_request_completed", payload: { request_id: "r", total_tokens: 3 } })
  const { body: current } = await server.ask("GET", `/api/v1${at}`, { key })

  const ids: { readonly [name: string]: string } = {
    intentId,
    dependencyId,
    leaseId,
    approvalId,
    attachmentId,
    subscriptionId,
    portfolioId,
    reservationId,
    other,
    agentId: "borea",
    deliveryId: "d"
  }
  const operations = operationsOf(document).filter(
    ({ path }) => path.startsWith("/api/v1/") && !path.endsWith("/health")
  )
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })

  const send: World["send"] = (operation, { body, headers, ids: odd = {}, method, query = "", raw } = {}) => {
    const { name, needsVersion } = operation
    const own = name.startsWith("streams.")
      ? { id: /gent/.test(name) ? "borea" : /ortfolio/.test(name) ? portfolioId : intentId }
      : ids
    const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, param: string) => odd[param] ?? Object(own)[param] ?? "")
    const content = raw ?? (body === undefined ? undefined : JSON.stringify(body))
    const { promise, resolve, reject } = Promise.withResolvers<Reply>()
    const all: { [name: string]: string | number | undefined } = {
      "X-API-Key": key,
      "X-Agent-ID": "atlas",
      "If-Match": needsVersion ? String(current.version) : undefined,
      "Content-Type": content === undefined ? undefined : "application/json",
      "Content-Length": content === undefined ? undefined : Buffer.byteLength(content),
      ...headers
    }
    const asked = request({
      agent,
      port: server.port,
      host: "127.0.0.1",
      method: method ?? operation.method,
      path: path + query,
      headers: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
    })
    asked.on("error", reject)
    asked.on("response", (response) => {
      const type = response.headers["content-type"] ?? ""
      const answered = (text: string) => resolve({ status: response.statusCode ?? 0, type, text })
      response.on("error", reject)
      if (type.startsWith("text/event-stream")) {
        response.once("data", (chunk) => {
          answered(String(chunk))
          asked
            .off("error", reject)
            .on("error", () => undefined)
            .destroy()
        })
        return
      }
      const chunks: Array<Buffer> = []
      response.on("data", (chunk) => chunks.push(chunk))
      response.on("end", () => answered(Buffer.concat(chunks).toString("utf8")))
    })
    asked.end(content)
    return promise
  }

  const everything: World["everything"] = async (headers = {}) => {
    const found: { [name: string]: string } = {}
    for (const operation of operations) {
      if (operation.method !== "GET" || operation.isStream) continue
      if (operation.name === "events.verify") continue // The log is sealed meanwhile, whoever asks for what.
      const all = operation.name === "events.list" ? "?include=all" : ""
      const { status, text } = await send(operation, { query: all, headers })
      if (status !== 200) throw new Error(`${operation.name}: ${text}`)
      found[operation.name] = text
    }
    return found
  }

  return {
    server,
    ids,
    operations,
    send,
    body: (operation) => plain(operation, ids),
    everything,
    [Symbol.asyncDispose]: async () => {
      agent.destroy()
      await server.close()
    }
  }
}
