/** Servers as processes of their own. */
import { type ChildProcess, spawn } from "node:child_process"
import { readFileSync } from "node:fs"

export interface Server extends AsyncDisposable {
  readonly port: number
  readonly pid: number | undefined
  /** Seconds of processor time so far; not a number where the system does not tell. */
  readonly processorSeconds: () => number
}

/** Ticks of a second in `/proc`: fixed on Linux. */
const ticks = 100

const processorSeconds = (pid: number | undefined): number => {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
    return (Number(fields[11]) + Number(fields[12])) / ticks
  } catch {
    return Number.NaN
  }
}

const listening = (child: ChildProcess): Promise<number> =>
  new Promise((resolve, reject) => {
    let output = ""
    child.stdout?.on("data", (chunk) => {
      output += String(chunk)
      const port = /http:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1]
      if (port !== undefined) resolve(Number(port))
    })
    child.once("error", reject)
    child.once("close", (code) => reject(new Error(`a server ended with ${code}: ${output}`)))
  })

/** Runs a TypeScript program that prints its URL. */
export const serve = async (
  program: URL,
  values: ReadonlyArray<string>,
  flags: ReadonlyArray<string> = []
): Promise<Server> => {
  const child = spawn(process.execPath, [...flags, program.pathname, ...values], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  const ended = new Promise((resolve) => child.once("close", resolve))
  const port = await listening(child)
  return {
    port,
    pid: child.pid,
    processorSeconds: () => processorSeconds(child.pid),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM")
      await ended
    }
  }
}
