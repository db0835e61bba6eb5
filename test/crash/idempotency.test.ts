/** Requests with a key are sent again and again over kills of the server: each has one effect and one answer. */
import { assert, describe, it } from "@effect/vitest"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { setTimeout } from "node:timers/promises"
import { newFolder, openintent, started } from "../layers/processes.ts"
import { kills, seed, timeoutMs } from "./kills.ts"
import { type Random, randomOf } from "./random.ts"

const clientCount = 16

interface Sent {
  readonly path: string
  readonly body: object
  readonly version?: number
}

interface Answered {
  readonly text: string
  readonly isReplay: boolean
}

/** The server of the moment, and whether the clients are to end. */
interface Shared {
  url: string
  isOver: boolean
  /** Requests that were sent more than once before they were answered. */
  resent: number
  /** Those whose first answer was lost: the effect was there already. */
  lost: number
}

const send = async (shared: Shared, key: string, { body, path, version }: Sent): Promise<Answered | undefined> => {
  const headers = {
    "x-api-key": "dev-user-key",
    "x-agent-id": "atlas",
    "content-type": "application/json",
    "idempotency-key": key,
    ...(version === undefined ? undefined : { "if-match": String(version) })
  }
  try {
    const response = await fetch(`${shared.url}/api/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) })
    const text = await response.text()
    if (response.status === 503) return undefined
    // Anything else would be an effect of the first try that the second one sees: a conflict of versions, of leases.
    assert.strictEqual(response.status, 200, text)
    return { text, isReplay: response.headers.get("idempotency-replayed") === "true" }
  } catch (error) {
    if (error instanceof TypeError) return undefined // `fetch`: the server is gone, and will be back.
    throw error
  }
}

/** Until it is answered. */
const insist = async (shared: Shared, key: string, sent: Sent): Promise<Answered> => {
  for (let tries = 0; ; tries++) {
    const answered = await send(shared, key, sent)
    if (answered !== undefined) {
      if (tries > 0) shared.resent++
      if (answered.isReplay) shared.lost++
      return answered
    }
    await setTimeout(5)
  }
}

/** What one client has had acknowledged. Each of its requests is marked with its key. */
interface Acknowledged {
  readonly intents: Array<string>
  readonly patches: Array<string>
  readonly events: Array<string>
  readonly costs: Array<string>
  readonly leases: Array<string>
}

const client = async (name: string, shared: Shared, random: Random): Promise<readonly [id: string, Acknowledged]> => {
  const done: Acknowledged = { intents: [], patches: [], events: [], costs: [], leases: [] }
  const answers: Array<readonly [key: string, sent: Sent, text: string]> = []
  const first = await insist(shared, name, { path: "/intents", body: { title: name, constraints: { max_cost: 1e6 } } })
  const { id }: { readonly id: string } = JSON.parse(first.text)
  let version = 1
  for (let n = 0; !shared.isOver; n++) {
    const key = `${name}-${n}`
    const at = `/intents/${id}`
    const [kind, sent] = random.oneOf<readonly [keyof Acknowledged, Sent]>([
      ["intents", { path: `${at}/children`, body: { title: key } }],
      ["patches", { path: `${at}/state`, body: { patches: [{ op: "append", path: "/keys", value: key }] }, version }],
      ["events", { path: `${at}/events`, body: { event_type: "comment", payload: { key } } }],
      ["costs", { path: `${at}/costs`, body: { cost_type: key, amount: 1, unit: "USD" } }],
      ["leases", { path: `${at}/leases`, body: { scope: key } }]
    ])
    const { text } = await insist(shared, key, sent)
    if (kind === "patches") assert.strictEqual(JSON.parse(text).version, ++version)
    done[kind].push(key)
    answers.push([key, sent, text])
    const [oldKey, old, oldText] = random.oneOf(answers)
    const again = await send(shared, oldKey, old)
    if (again !== undefined) assert.deepStrictEqual(again, { text: oldText, isReplay: true })
  }
  return [id, done]
}

/** What is in the file of one client's intent, by the keys of the requests that made it. */
const readKeys = (file: string, id: string): Acknowledged => {
  using db = new DatabaseSync(file, { readOnly: true })
  const all = (value: string, from: string): Array<string> =>
    db
      .prepare(`SELECT ${value} AS "key" FROM ${from} ORDER BY position`)
      .all(id)
      .map(({ key }) => String(key))
  return {
    intents: all("body->>'title'", "intents WHERE parent_id = ?"),
    patches: all("value", "intents, json_each(body, '$.state.keys') WHERE intents.id = ?"),
    events: all("body->'payload'->>'key'", "events WHERE intent_id = ? AND type = 'comment'"),
    costs: all("body->>'costType'", "costs WHERE intent_id = ?"),
    leases: all("scope", "leases WHERE intent_id = ?")
  }
}

describe("crash: idempotency keys", () => {
  it(`have one effect and one answer over ${kills} kills (seed ${seed})`, { timeout: timeoutMs }, async () => {
    const file = join(newFolder(), "keys.db")
    const random = randomOf(seed)
    const start = async () => {
      const server = openintent(["serve", "--port", "0", "--database-url", `sqlite:///${file}`])
      shared.url = (await started(server)).annotations.url
      return server
    }
    const shared: Shared = { url: "", isOver: false, resent: 0, lost: 0 }
    let server = await start()
    const clients = Array.from({ length: clientCount }, (_, i) => client(`c${i}`, shared, randomOf(seed + i)))
    const working = Promise.all(clients)
    const killing = async () => {
      for (let kill = 0; kill < kills; kill++) {
        await setTimeout(random.below(300))
        server.process.kill("SIGKILL")
        await server.ended
        server = await start()
      }
      await setTimeout(300)
      shared.isOver = true
    }
    const [done] = await Promise.all([working, killing()])

    server.process.kill("SIGTERM")
    await server.ended
    for (const [id, acknowledged] of done) assert.deepStrictEqual(readKeys(file, id), acknowledged)
    // The kills met requests, and some of those had taken effect: else this has shown nothing.
    assert.isAbove(shared.resent, kills)
    assert.isAbove(shared.lost, 0)
  })
})
