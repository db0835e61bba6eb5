/** A server process on a file, and what a test wants to know about both. */
import { existsSync, statSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { asking, type Ask, type Answer } from "../http/serving.ts"
import { bin, type Child, type Ended, node, run, started } from "../layers/processes.ts"
import { assert } from "vitest"

export interface Served {
  readonly url: string
  readonly port: number
  readonly pid: number
  readonly child: Child
  readonly ask: (method: string, path: string, options?: Ask) => Promise<Answer>
  /** All of its log so far. */
  readonly log: () => string
  readonly stop: (signal?: NodeJS.Signals) => Promise<Ended>
}

interface ServeOptions {
  readonly flags?: ReadonlyArray<string>
  /** Of Node, as in `--import`. */
  readonly nodeFlags?: ReadonlyArray<string>
  readonly env?: { readonly [name: string]: string }
}

const serving = (file: string, { env = {}, flags = [], nodeFlags = [] }: ServeOptions): Child => {
  const own = ["serve", "--port", "0", "--database-url", `sqlite:///${file}`, "--webhook-networks", "127.0.0.0/8"]
  return run(node, [...nodeFlags, bin("openintent"), ...own, ...flags], { env })
}

export const serve = async (file: string, options: ServeOptions = {}): Promise<Served> => {
  const child = serving(file, options)
  const { annotations } = await started(child)
  return {
    url: annotations.url,
    port: Number(new URL(annotations.url).port),
    pid: child.process.pid ?? assert.fail("no process"),
    child,
    ask: asking(annotations.url),
    log: () => child.output(),
    stop: (signal = "SIGTERM") => {
      child.process.kill(signal)
      return child.ended
    }
  }
}

/** How a server ends that cannot use the file. */
export const refusedToServe = (file: string): Promise<Ended> => serving(file, {}).ended

/** Asks until it is so. */
export const eventually = async <A>(look: () => A | Promise<A>, is: (found: A) => boolean): Promise<A> => {
  for (;;) {
    const found = await look()
    if (is(found)) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Reads past the engine. */
export const readFile = <A>(file: string, read: (db: DatabaseSync) => A): A => {
  const db = new DatabaseSync(file, { timeout: 5000 })
  try {
    return read(db)
  } finally {
    db.close()
  }
}

export const integrityOf = (file: string): unknown =>
  readFile(file, (db) => db.prepare("PRAGMA integrity_check").get()?.["integrity_check"])

export const sizeOf = (file: string): number => (existsSync(file) ? statSync(file).size : 0)

const intents = "/api/v1/intents"

export const newIntent = async ({ ask }: Served): Promise<string> => {
  const { body, status, text } = await ask("POST", intents, { body: { title: "Faults" } })
  assert.strictEqual(status, 200, text)
  return `${intents}/${body.id}`
}

/** 503, in the contract's form, with when to come again. */
export const assertUnavailable = ({ body, headers, status, text }: Answer): void => {
  assert.deepStrictEqual([status, body?.code], [503, "storage_unavailable"], text)
  assert.match(headers.get("retry-after") ?? "", /^\d+$/)
}

/** The lines of the log that have the driver's own words. */
export const tells = ({ log }: Served, words: RegExp): boolean =>
  log()
    .split("\n")
    .some((line) => line.includes("storage fault") && words.test(line))
