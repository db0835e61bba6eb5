/**
 * What it costs to trust the server (rights, idempotency keys, request ids, metrics, traces): the same load on servers
 * with more and less of it, in turn. With `--against` the plain one is the server of another checkout.
 */
import { randomUUID } from "node:crypto"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { withFolder } from "../engine/files.ts"
import { asking, type Send } from "../http/Load.ts"
import { costing } from "../http/costing.ts"
import { serve, type Server } from "../http/Server.ts"
import { interleave, timed } from "../measure/interleave.ts"
import { type Options, slices } from "../measure/Options.ts"
import { compared, type Goal, type Row } from "../measure/Row.ts"

const connections = 32
const ownCli = new URL("../../src/layers/bin/openintent.ts", import.meta.url)
const collector = new URL("../children/collector.mjs", import.meta.url)

const start = (cli: URL, file: string, more: ReadonlyArray<string> = []) =>
  serve(cli, ["serve", "--port", "0", "--database-url", `sqlite:///${file}`, ...more])

const intentBody = `{"title":"Work package","state":{"progress":0,"owner":"agent-research"},"status":"active"}`

/** An intent of its own for each connection, made over HTTP: each server has a file of its own version. */
const createIntents = (port: number) =>
  Promise.all(
    Array.from({ length: connections }, async () => {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/intents`, {
        method: "POST",
        headers: { "x-api-key": "dev-user-key", "content-type": "application/json" },
        body: intentBody
      })
      const { id, version } = (await response.json()) as { readonly id: string; readonly version: number }
      return { id, version }
    })
  )

interface Target {
  readonly id: string
  version: number
}

const operations: {
  readonly [what: string]: (send: Send, target: Target, i: number, headers: string) => Promise<unknown>
} = {
  "state patch": async (send, target, i, headers) => {
    const body = `{"patches":[{"op":"set","path":"/progress","value":${1_000_000 + i}}]}`
    await send("POST", `/intents/${target.id}/state`, body, `If-Match: ${target.version}\r\n${headers}`)
    target.version++
  },
  create: (send, _, __, headers) => send("POST", "/intents", intentBody, headers)
}

const noHeaders = () => ""
const idempotencyKey = () => `Idempotency-Key: ${randomUUID()}\r\n`

const contestant = async (
  server: Server,
  operation: (send: Send, target: Target, i: number, headers: string) => Promise<unknown>,
  headers: () => string
) => {
  const targets = await createIntents(server.port)
  const clients = asking(server.port, targets, (send, target, i) => operation(send, target, i, headers()))
  return { ...costing(server, timed(clients.run)), close: clients.close }
}

/** Two rows an operation, three against another checkout: each is a share of the plain rate. */
export const trust = (options: Options): Promise<ReadonlyArray<Row>> =>
  withFolder(async (folder) => {
    const plainCli = options.against === undefined ? ownCli : pathToFileURL(options.against)
    const plainName = options.against === undefined ? "the server by default" : "the other checkout"
    await using collecting = await serve(collector, [])
    await using plain = await start(plainCli, join(folder, "plain.db"))
    await using own = await start(ownCli, join(folder, "own.db"))
    await using keyed = await start(ownCli, join(folder, "keyed.db"))
    const endpoint = `http://127.0.0.1:${collecting.port}`
    await using traced = await start(ownCli, join(folder, "traced.db"), ["--otlp-endpoint", endpoint])
    const rows: Array<Row> = []
    for (const [what, operation] of Object.entries(operations)) {
      const contestants = {
        plain: await contestant(plain, operation, noHeaders),
        own: await contestant(own, operation, noHeaders),
        keyed: await contestant(keyed, operation, idempotencyKey),
        traced: await contestant(traced, operation, noHeaders)
      }
      const rates = await interleave(contestants, slices(options, connections))
      for (const { close } of Object.values(contestants)) close()
      const row = (name: keyof typeof contestants, how: string, goal: Goal) =>
        compared({
          what: `${what} over HTTP, ${how}`,
          unit: "requests/s",
          engine: rates(name),
          limit: rates("plain"),
          limitName: plainName,
          goal,
          note: `Processor time of a request: ${contestants[name].cost()}, of the plain one ${contestants.plain.cost()}.`
        })
      // Held against itself, the server as it is by default would be twice the same.
      if (options.against !== undefined) rows.push(row("own", "as it is by default", { is: "at least", value: 0.9 }))
      rows.push(
        row("keyed", "each with an idempotency key", { is: "at least", value: 0.9 }),
        row("traced", "traces exported to a collector", { is: "at least", value: 0.75 })
      )
    }
    return rows
  })
