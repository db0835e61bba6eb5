/**
 * The server to fuzz, in a process of its own: `startServer` as users have it. It tells its parent, over the channel
 * between them, where it listens, and when asked what its memory and its prototypes are like.
 */
import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import { subscribe } from "node:diagnostics_channel"
import { ServerResponse } from "node:http"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { startServer } from "../../src/layers/server.ts"
import { type Fault, plant } from "./faults.ts"
import { keys } from "./keys.ts"
import { prototypes } from "./prototypes.ts"

export interface Order {
  readonly storage: string
  /** With every limit on: requests of a key are counted, and origins opened. */
  readonly limited?: boolean | undefined
  readonly fault?: Fault | undefined
}

export type Told =
  | { readonly _tag: "Listening"; readonly port: number }
  | {
      readonly _tag: "Measured"
      readonly heapBytes: number
      /** What is not as it was before the first request: properties of shared prototypes. */
      readonly touched: ReadonlyArray<string>
      readonly unexpected: ReadonlyArray<string>
    }

setFlagsFromString("--expose-gc")
const collect: () => void = runInNewContext("gc")

const order: Order = JSON.parse(process.argv[2] ?? "{}")
const before = prototypes()
const unexpected: Array<string> = []

const tell = (told: Told) => process.send?.(told)

const server = await startServer({
  storage: order.storage,
  port: 0,
  apiKeys: keys,
  streamRefusalDelay: Duration.zero,
  ...(order.limited === true
    ? { rateLimit: { limit: 1000, window: Duration.hours(1) }, corsOrigins: ["https://app.example"] }
    : undefined)
})
if (order.fault !== undefined) {
  const fault = plant(order.fault)
  subscribe("http.server.request.start", (message) => {
    if (Predicate.hasProperty(message, "response") && message.response instanceof ServerResponse)
      fault(message.response)
  })
}
// From here on the server is to stay up, whatever happens.
process.on("uncaughtException", (error) => unexpected.push(`uncaught: ${error.stack ?? error.message}`))
process.on("unhandledRejection", (reason) => unexpected.push(`unhandled: ${String(reason)}`))
tell({ _tag: "Listening", port: Number(new URL(server.url).port) })

process.on("message", (asked) => {
  if (asked === "measure") {
    collect()
    // What the first collection freed by finalizers goes with the second.
    setImmediate(() => {
      collect()
      const { arrayBuffers, heapUsed } = process.memoryUsage()
      const after = prototypes()
      tell({
        _tag: "Measured",
        heapBytes: heapUsed + arrayBuffers,
        touched: [...after]
          .filter((property) => !before.has(property))
          .concat([...before].filter((p) => !after.has(p))),
        unexpected: unexpected.splice(0)
      })
    })
  }
})
process.on("disconnect", () => process.exit(0))
