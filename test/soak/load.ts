/** Everything that a server of several teams does, all the time, at a given pace. */
import * as Schema from "effect/Schema"
import { createServer } from "node:http"
import { connect } from "node:net"
import type { Acknowledged } from "../crash/Acknowledged.ts"
import { httpTarget } from "../crash/httpTarget.ts"
import type { Random } from "../crash/random.ts"
import { type Shared, type Target, writeAll } from "../crash/workload.ts"
import { type Answer, HttpClient } from "../races/HttpClient.ts"
import type { Served } from "../faults/served.ts"
import { Over, type Pace } from "./Pace.ts"

const clientCount = 16
const subscriberCount = 20

const intents = "/api/v1/intents"

/** The calls of the workload, each when its turn comes. */
const paced = (target: Target, pace: Pace): Target => ({
  create: (agent) => pace.run(() => target.create(agent)),
  get: (id) => pace.run(() => target.get(id)),
  patch: (agent, on, patches) => pace.run(() => target.patch(agent, on, patches)),
  setStatus: (agent, on, status) => pace.run(() => target.setStatus(agent, on, status)),
  append: (agent, id, note) => pace.run(() => target.append(agent, id, note)),
  acquire: (agent, id, scope) => pace.run(() => target.acquire(agent, id, scope)),
  release: (agent, id, leaseId) => pace.run(() => target.release(agent, id, leaseId))
})

const assertOk = ({ body, status }: Answer): void => {
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`)
}

const identified = Schema.decodeUnknownSync(Schema.Struct({ id: Schema.String }))

const idOf = (answer: Answer): string => {
  assertOk(answer)
  return identified(answer.body).id
}

/** Reads a stream to nowhere and cuts it after a while, again and again. */
const subscriber = async (server: Served, path: () => string, random: Random, pace: Pace): Promise<never> => {
  for (;;) {
    const socket = await pace.run(
      () =>
        new Promise<ReturnType<typeof connect>>((resolve, reject) => {
          const opened = connect({ port: server.port, host: "127.0.0.1" }, () => resolve(opened))
          opened.on("error", reject)
          opened.write(`GET ${path()} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: dev-user-key\r\nX-Agent-ID: s\r\n\r\n`)
        })
    )
    socket.resume()
    await new Promise((resolve) => setTimeout(resolve, 100 + random.below(900)))
    socket.destroy()
  }
}

/** Subscribes, lets some be delivered, and removes it. */
const webhook = async (ask: HttpClient, intent: () => string, sink: string, random: Random, pace: Pace) => {
  for (;;) {
    const created = await pace.run(() =>
      ask.ask("POST", "/api/v1/subscriptions", { body: { intent_id: intent(), webhook_url: sink } })
    )
    const id = idOf(created)
    await new Promise((resolve) => setTimeout(resolve, 200 + random.below(800)))
    await pace.run(() => ask.ask("GET", `/api/v1/subscriptions/${id}/deliveries?limit=10`))
    await pace.run(() => ask.ask("DELETE", `/api/v1/subscriptions/${id}`))
  }
}

/** Spends, reserves, settles half of it and lets the other half run out. */
const spender = async (ask: HttpClient, intent: () => string, random: Random, pace: Pace): Promise<never> => {
  for (;;) {
    const costs = `${intents}/${intent()}/costs`
    assertOk(await pace.run(() => ask.ask("POST", costs, { body: { cost_type: "tokens", amount: 5, unit: "tokens" } })))
    const held = idOf(
      await pace.run(() => ask.ask("POST", `${costs}/reservations`, { body: { amount: 1, ttl_seconds: 1 } }))
    )
    if (random.below(2) === 0) {
      // Too late is an answer too.
      await pace.run(() => ask.ask("POST", `${costs}/reservations/${held}/settle`, { body: { amount: 1 } }))
    }
    assertOk(await pace.run(() => ask.ask("GET", `${costs}/summary`)))
  }
}

/** Sends each command twice, as one who did not hear the answer: it is done once. */
const twice = async (ask: HttpClient, intent: () => string, random: Random, pace: Pace): Promise<never> => {
  for (;;) {
    const path = `${intents}/${intent()}/events`
    const body = { event_type: "comment", payload: { note: random.below(1_000_000) } }
    const key = `${random.below(2 ** 30)}-${random.below(2 ** 30)}`
    const once = () => pace.run(() => ask.ask("POST", path, { body, headers: { "idempotency-key": key } }))
    const answers = [await once(), await once()].map(idOf)
    if (answers[0] !== answers[1]) throw new Error(`${key} was done twice: ${answers.join(", ")}`)
  }
}

const reader = async (ask: HttpClient, intent: () => string, random: Random, pace: Pace): Promise<never> => {
  const paths = [
    () => `${intents}?limit=20&offset=${random.below(200)}`,
    () => `${intents}?status=active&limit=50`,
    () => `${intents}/${intent()}`,
    () => `${intents}/${intent()}/events?limit=50&order=desc`,
    () => `${intents}/${intent()}/leases`,
    () => "/health/live",
    () => "/metrics"
  ]
  for (;;) assertOk(await pace.run(() => ask.ask("GET", random.oneOf(paths)())))
}

/** An endpoint that takes what comes. */
const listeningSink = async (): Promise<{ readonly url: string; readonly close: () => void }> => {
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(200).end())
  })
  const port = await new Promise<number>((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resolve(typeof address === "object" && address !== null ? address.port : 0)
    })
  )
  return {
    url: `http://127.0.0.1:${port}/hook`,
    close: () => {
      server.close()
      server.closeAllConnections()
    }
  }
}

/**
 * Loads the server until the pace is over, or until it is gone. Answers what ended its parts, but for the end of the
 * pace: nothing, if all is well.
 */
export const load = async (
  server: Served,
  shared: Shared,
  random: Random,
  pace: Pace,
  tell: (acknowledged: Acknowledged) => void
): Promise<ReadonlyArray<unknown>> => {
  const sink = await listeningSink()
  using target = httpTarget(server.url)
  const clients: Array<HttpClient> = []
  const newClient = (agent: string) => {
    const client = new HttpClient(server.url, agent)
    clients.push(client)
    return client
  }
  const intent = () => shared.intents[random.below(shared.intents.length)]?.id ?? ""
  try {
    const writing = writeAll(paced(target, pace), clientCount, shared, random, tell)
    while (shared.intents.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    const others = await Promise.allSettled([
      ...Array.from({ length: subscriberCount }, (_, i) =>
        subscriber(
          server,
          i % 4 === 0 ? () => "/api/v1/agents/s/subscribe" : () => `${intents}/${intent()}/subscribe`,
          random,
          pace
        )
      ),
      ...[1, 2, 3].map((n) => webhook(newClient(`hook-${n}`), intent, sink.url, random, pace)),
      ...[1, 2].map((n) => spender(newClient(`spender-${n}`), intent, random, pace)),
      ...[1, 2].map((n) => twice(newClient(`twice-${n}`), intent, random, pace)),
      ...[1, 2].map((n) => reader(newClient(`reader-${n}`), intent, random, pace))
    ])
    const ends = [...(await writing), ...others.map((one) => (one.status === "rejected" ? one.reason : undefined))]
    return ends.filter((end) => !(end instanceof Over))
  } finally {
    for (const client of clients) client[Symbol.dispose]()
    sink.close()
  }
}
