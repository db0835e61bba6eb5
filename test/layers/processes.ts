/** Children: the command line, and scripts that use the sources as `openintent`. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { onTestFinished } from "vitest"

export const root = fileURLToPath(new URL("../..", import.meta.url))

/** Node 24, whatever runs the tests. */
export const node = join(root, "node_modules/.bin/node")

export const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "openintent-"))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Child {
  readonly process: ChildProcess
  readonly output: () => string
  /** What it wrote to stderr so far. */
  readonly errors: () => string
  readonly ended: Promise<Ended>
  /** Until stdout matches; rejects when the process ends before. */
  readonly until: (pattern: RegExp) => Promise<RegExpExecArray>
  readonly line: (pattern: RegExp) => Promise<string>
}

/** Variables that a developer may have set must not reach the children. */
const environment = (variables: { readonly [name: string]: string }) => ({
  PATH: process.env["PATH"],
  HOME: process.env["HOME"],
  ...variables
})

export const run = (
  command: string,
  args: ReadonlyArray<string>,
  options: { readonly cwd?: string; readonly env?: { readonly [name: string]: string } } = {}
): Child => {
  const child = spawn(command, args, {
    cwd: options.cwd ?? newFolder(),
    env: environment(options.env ?? {}),
    detached: true // A group of its own, so that what it started ends with it.
  })
  onTestFinished(() => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL")
    } catch {
      // All of the group has ended.
    }
  })
  let stdout = ""
  let stderr = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text))
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject)
    child.on("close", (code) => resolve({ code, stdout, stderr }))
  })
  const until = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(stdout)
        if (found !== null) resolve(found)
      }
      child.stdout.on("data", look)
      look()
      ended.then(() => reject(new Error(`ended without ${pattern}: ${stdout}${stderr}`)), reject)
    })
  return {
    process: child,
    output: () => stdout,
    errors: () => stderr,
    ended,
    until,
    line: async (pattern) => (await until(new RegExp(`^.*(?:${pattern.source}).*$`, "m")))[0]
  }
}

export const bin = (name: "openintent" | "openintent-server"): string => join(root, `src/layers/bin/${name}.ts`)

/** `openintent …` from the sources. */
export const openintent = (args: ReadonlyArray<string>, options?: Parameters<typeof run>[2]): Child =>
  run(node, [bin("openintent"), ...args], options)

/** A script that imports `openintent`, from the sources. */
export const script = (file: string, options?: Parameters<typeof run>[2], flags: ReadonlyArray<string> = []): Child =>
  run(node, ["--conditions=openintent-source", ...flags, file], options)

export interface Startup {
  readonly message: string
  readonly level: string
  readonly annotations: { readonly url: string; readonly docs: string; readonly storage: string; readonly keys: string }
}

/** What the startup line of a server tells. */
export const started = async (server: Child): Promise<Startup> => JSON.parse(await server.line(/ serves /)) as Startup
