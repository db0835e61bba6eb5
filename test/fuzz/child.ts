/** The process of the server, seen from that of the fuzz. */
import { type ChildProcess, fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Order, Told } from "./server.ts"

export type Measured = Extract<Told, { readonly _tag: "Measured" }>

export interface Child {
  readonly port: number
  readonly measure: () => Promise<Measured>
  readonly stop: () => Promise<void>
  /** What it wrote to its outputs and has not been asked for. */
  readonly output: () => string
}

const script = fileURLToPath(new URL("server.ts", import.meta.url))
const node = fileURLToPath(new URL("../../node_modules/.bin/node", import.meta.url))

const heard = <T extends Told["_tag"]>(child: ChildProcess, tag: T, output: () => string) => {
  const { promise, reject, resolve } = Promise.withResolvers<Extract<Told, { readonly _tag: T }>>()
  const isTold = (told: Told): told is Extract<Told, { readonly _tag: T }> => told._tag === tag
  const listen = (told: Told) => {
    if (!isTold(told)) return
    child.off("message", listen).off("close", gone)
    resolve(told)
  }
  const gone = () => reject(new Error(`the server has ended: ${output()}`))
  child.on("message", listen).on("close", gone)
  return promise
}

export const start = async (order: Order): Promise<Child> => {
  const child = fork(script, [JSON.stringify(order)], {
    execPath: node,
    execArgv: ["--conditions=openintent-source"],
    stdio: ["ignore", "pipe", "pipe", "ipc"]
  })
  let output = ""
  const keep = (chunk: Buffer) => void (output = (output + chunk.toString()).slice(-20_000))
  child.stdout?.on("data", keep)
  child.stderr?.on("data", keep)
  const told = () => output
  const { port } = await heard(child, "Listening", told)
  return {
    port,
    output: told,
    measure: () => {
      const measured = heard(child, "Measured", told)
      child.send("measure")
      return measured
    },
    stop: async () => {
      const ended = new Promise((resolve) => child.once("exit", resolve))
      child.disconnect()
      await ended
    }
  }
}
