/** Streams: events to 1,000 connections and what these cost, held against bare `node:http`. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { withFolder } from "../engine/files.ts"
import { patching } from "../http/Load.ts"
import { serve, type Server } from "../http/Server.ts"
import { Subscribers } from "../http/Subscribers.ts"
import { interleave, timed } from "../measure/interleave.ts"
import { type Options, slices } from "../measure/Options.ts"
import { alone, compared, type Row } from "../measure/Row.ts"

const connections = 1000
/** Who posts events at the same time. */
const writers = 8
const cli = new URL("../../src/layers/bin/openintent.ts", import.meta.url)
const rawServer = new URL("../raw/sseServer.ts", import.meta.url)

const serveEngine = (file: string, flags: ReadonlyArray<string> = []): Promise<Server> =>
  serve(cli, ["serve", "--port", "0", "--database-url", `sqlite:///${file}`], flags)

const post = async (port: number, path: string, body: object): Promise<any> => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: "POST",
    headers: { "x-api-key": "dev-user-key", "content-type": "application/json" },
    body: JSON.stringify(body)
  })
  if (!response.ok) throw new Error(await response.text())
  return response.json()
}

const create = async (port: number): Promise<string> => (await post(port, "/api/v1/intents", { title: "t" })).id

/** So many events, by all writers together. */
const say = async (port: number, path: string, count: number): Promise<void> => {
  let left = count
  const writer = async () => {
    while (left-- > 0) await post(port, path, { event_type: "comment", payload: { message: "progress", percent: 42 } })
  }
  await Promise.all(Array.from({ length: writers }, writer))
}

/** Deliveries: events times connections, until the last byte has arrived. */
const delivering = async (port: number, streamPath: string, eventPath: string) => {
  const subscribers = new Subscribers()
  await subscribers.open(port, connections, () => streamPath)
  return {
    run: async (deliveries: number) => {
      const arrived = subscribers.receive(deliveries)
      await say(port, eventPath, deliveries / connections)
      await arrived
    },
    close: () => subscribers.close()
  }
}

const deliveries = async (options: Options, folder: string): Promise<Row> => {
  await using server = await serveEngine(join(folder, "deliveries.db"))
  await using raw = await serve(rawServer, [])
  const id = await create(server.port)
  const ours = await delivering(server.port, `/api/v1/intents/${id}/subscribe`, `/api/v1/intents/${id}/events`)
  const bare = await delivering(raw.port, "/stream", "/events")
  const rates = await interleave(
    { engine: timed(ours.run), limit: timed(bare.run) },
    { ...slices(options, connections), step: connections * writers }
  )
  ours.close()
  bare.close()
  return compared({
    what: `events to ${connections} streams of one intent, ${writers} writers`,
    unit: "deliveries/s",
    engine: rates("engine"),
    limit: rates("limit"),
    limitName: "node:http, a loop over the connections",
    goal: { is: "at least", value: 0.5 }
  })
}

/** Resident memory in KiB. */
const resident = (pid: number | undefined): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? Number.NaN)

/**
 * By how much each stream grows a server that has many already: those are never closed, since what they leave behind
 * would be taken for the new ones.
 */
const growth = async (server: Server, streamPath: string, eventPath: string): Promise<number> => {
  const subscribers = new Subscribers()
  const open = async (count: number, total: number): Promise<number> => {
    await subscribers.open(server.port, count, () => streamPath)
    const arrived = subscribers.receive(16 * total)
    await say(server.port, eventPath, 16)
    await arrived
    await new Promise((resolve) => setTimeout(resolve, 500))
    return resident(server.pid)
  }
  const before = await open(connections, connections)
  const after = await open(3 * connections, 4 * connections)
  subscribers.close()
  return (after - before) / (3 * connections)
}

/** The young generation has one size from the beginning: else how far it has grown is most of what is measured. */
const youngGeneration = ["--min-semi-space-size=16", "--max-semi-space-size=16"]

const memory = async ({ quick }: Options, folder: string): Promise<Row> => {
  const engine: Array<number> = []
  const limit: Array<number> = []
  for (let round = 0; round < (quick ? 2 : 5); round++) {
    await using server = await serveEngine(join(folder, `memory${round}.db`), youngGeneration)
    await using raw = await serve(rawServer, [], youngGeneration)
    const id = await create(server.port)
    engine.push(await growth(server, `/api/v1/intents/${id}/subscribe`, `/api/v1/intents/${id}/events`))
    limit.push(await growth(raw, "/stream", "/events"))
  }
  return compared({
    what: `resident memory of a stream, of ${3 * connections} opened beside ${connections}`,
    unit: "KiB",
    engine,
    limit,
    limitName: "node:http, an open response",
    goal: { is: "at most", value: 1.6 },
    note: "The garbage of opening them is in it, on both sides."
  })
}

const writes = async (options: Options, folder: string): Promise<Row> => {
  await using server = await serveEngine(join(folder, "watched.db"))
  await using quiet = await serveEngine(join(folder, "quiet.db"))
  const callers = 32
  const targets = async (port: number) => {
    const intents: Array<{ readonly id: string; readonly version: number }> = []
    for (let n = 0; n < callers; n++) intents.push({ id: await create(port), version: 1 })
    return intents
  }
  const others: Array<string> = []
  for (let n = 0; n < 100; n++) others.push(await create(server.port))
  const subscribers = new Subscribers()
  await subscribers.open(server.port, connections, (n) => `/api/v1/intents/${others[n % others.length]}/subscribe`)
  const watched = patching(server.port, await targets(server.port))
  const alone = patching(quiet.port, await targets(quiet.port))
  const rates = await interleave({ engine: timed(watched.run), limit: timed(alone.run) }, slices(options, callers))
  watched.close()
  alone.close()
  subscribers.close()
  return compared({
    what: `state patch over HTTP, ${callers} connections, ${connections} streams of other intents`,
    unit: "requests/s",
    engine: rates("engine"),
    limit: rates("limit"),
    limitName: "the same without any stream",
    goal: { is: "at least", value: 0.9 }
  })
}

/** One client that comes back after a long time. */
const replay = async ({ quick }: Options, folder: string): Promise<Row> => {
  await using server = await serveEngine(join(folder, "replay.db"))
  const id = await create(server.port)
  const backlog = quick ? 2000 : 5000
  await say(server.port, `/api/v1/intents/${id}/events`, backlog)
  const rates: Array<number> = []
  for (let round = 0; round < (quick ? 3 : 10); round++) {
    const subscribers = new Subscribers()
    const arrived = subscribers.receive(backlog)
    const start = performance.now()
    await subscribers.open(server.port, 1, () => `/api/v1/intents/${id}/subscribe?last_event_id=1`)
    await arrived
    rates.push((backlog * 1000) / (performance.now() - start))
    subscribers.close()
  }
  return alone(`resume of one stream, ${backlog} events back`, "events/s", rates)
}

/** Four rows. */
export const sse = (options: Options): Promise<ReadonlyArray<Row>> =>
  withFolder(async (folder) => [
    await deliveries(options, folder),
    await memory(options, folder),
    await writes(options, folder),
    await replay(options, folder)
  ])
