/** The fuzz: clients that ask for whatever the document names, each one request after the other, and the judge. */
import { randomOf } from "../crash/random.ts"
import { type Child, type Measured, start } from "./child.ts"
import { type Answer, clientOf } from "./client.ts"
import { type Contract, contractOf, nodeOf, type Operation } from "./contract.ts"
import { type Judge, judgeOf } from "./judge.ts"
import { adminKey } from "./keys.ts"
import { Known } from "./known.ts"
import { oddities, sendOdd } from "./raw.ts"
import { type Recipe, recipe, type Request } from "./requests.ts"
import type { Order } from "./server.ts"

export interface Options extends Order {
  readonly requests: number
  /** The same seed asks much the same: ids differ, and clients that run side by side change what is there for others. */
  readonly seed: number
  readonly clients?: number
}

/** A fault that was found, and how to see it again. */
export interface Found {
  readonly wrong: string
  readonly request: string
  readonly answer: string
  readonly twists: ReadonlyArray<string>
}

export interface Report {
  readonly requests: number
  /** Answers by status. */
  readonly statuses: ReadonlyMap<number, number>
  /** Successes by operation. */
  readonly successes: ReadonlyMap<string, number>
  readonly operations: ReadonlyArray<Operation>
  readonly codes: ReadonlyMap<string, number>
  readonly measured: ReadonlyArray<Measured & { readonly afterRequests: number }>
  readonly found: ReadonlyArray<Found>
  readonly seconds: number
}

const count = <K>(map: Map<K, number>, name: K) => map.set(name, (map.get(name) ?? 0) + 1)

const quoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`

/** As a command that sends the same. */
const asCurl = ({ body, headers, method, target }: Request, port: number): string => {
  const text = body?.toString("utf8") ?? ""
  const same = body === undefined || Buffer.from(text).equals(body)
  const shown = body === undefined ? "" : same ? text : body.toString("base64")
  const short = shown.length > 4000 ? `${shown.slice(0, 4000)}… (${shown.length} characters)` : shown
  const parts = [
    same ? "" : `echo ${quoted(short)} | base64 -d |`,
    `curl -i -X ${method} --path-as-is`,
    ...headers.map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    body === undefined ? "" : same ? `--data-binary ${quoted(short)}` : "--data-binary @-",
    quoted(`http://127.0.0.1:${port}${target}`)
  ]
  return parts.filter((part) => part !== "").join(" ")
}

const shown = ({ body, headers, status }: Answer) =>
  `${status} ${JSON.stringify(headers)} ${body.toString("utf8").slice(0, 2000)}`

const bodyOf = ({ body, headers }: Answer): unknown => {
  if (headers["content-type"] !== "application/json" || body.length === 0) return undefined
  try {
    return JSON.parse(body.toString("utf8"))
  } catch {
    return undefined
  }
}

/** How many more bytes live at the end than when half was asked, by when all that is kept for good is there. */
export const growthOf = ({ measured }: Report): number => {
  const [half, end] = [measured.at(-3), measured.at(-1)]
  return half === undefined || end === undefined ? 0 : end.heapBytes - half.heapBytes
}

/**
 * What the second half of a run may leave in memory: what the collector leaves over, and a little for each request,
 * since some of what is stored is attended to in memory too (webhooks). A leak of a small object a request is more.
 */
export const growthMaxBytes = ({ requests }: Report): number => 4_000_000 + 80 * (requests / 2)

/** After so many requests a client sends one that no client library would: see `raw.ts`. */
const oddEvery = 100
/** After so many faults there is no use in going on. */
const foundMax = 5

export const run = async (options: Options): Promise<Report> => {
  const began = performance.now()
  const { clients = 8, fault, limited, requests, seed, storage } = options
  const child = await start({ storage, fault, limited })
  try {
    const response = await fetch(`http://127.0.0.1:${child.port}/openapi.json`)
    const contract = contractOf(nodeOf(await response.json()))
    const fuzz = new Fuzz(child, contract, judgeOf(contract), limited === true)
    const measured = [{ ...(await child.measure()), afterRequests: 0 }]
    // The first part fills what is kept for good: code, caches, pools.
    const marks = [0.3, 0.5, 0.75, 1].map((share) => Math.floor((requests * share) / clients))
    const lanes = Array.from({ length: clients }, (_, lane) => fuzz.client(seed * 1000 + lane))
    let done = 0
    for (const mark of marks) {
      const steps = mark - done
      await Promise.all(lanes.map((lane) => lane(steps)))
      done = mark
      measured.push({ ...(await child.measure()), afterRequests: mark * clients })
      if (fuzz.found.length > 0) break
    }
    if (fuzz.found.length === 0 && limited !== true) await fuzz.aftermath()
    return {
      requests: fuzz.asked,
      statuses: fuzz.statuses,
      successes: fuzz.successes,
      operations: contract.operations,
      codes: fuzz.codes,
      measured,
      found: fuzz.found,
      seconds: (performance.now() - began) / 1000
    }
  } finally {
    await child.stop()
  }
}

class Fuzz {
  readonly statuses = new Map<number, number>()
  readonly successes = new Map<string, number>()
  readonly codes = new Map<string, number>()
  readonly found: Array<Found> = []
  asked = 0
  readonly #knowns: Array<Known> = []
  readonly #child: Child
  readonly #contract: Contract
  readonly #judge: Judge
  /** Then what is odd may be refused before anybody looks at it. */
  readonly #limited: boolean
  readonly #client
  #odds = 0

  constructor(child: Child, contract: Contract, judge: Judge, limited: boolean) {
    this.#limited = limited
    this.#child = child
    this.#contract = contract
    this.#judge = judge
    this.#client = clientOf(child.port, 64)
  }

  /** One client. It asks for as many requests as it is told, one after the other. */
  client(seed: number): (steps: number) => Promise<void> {
    const random = randomOf(seed)
    const known = new Known()
    this.#knowns.push(known)
    const { operations } = this.#contract
    const creators = operations.filter(({ method, path }) => method === "POST" && !path.includes("{"))
    const making = { contract: this.#contract, known, random, randomOf }
    let step = 0
    const choose = (): Operation => {
      // New things to ask about, or all that there is has ended some time.
      if (step < 10 || random.below(12) === 0) return random.oneOf(creators)
      if (random.below(8) > 0) return random.oneOf(operations)
      // Of a few the one that has succeeded least: some need much to be there before.
      const few = Array.from({ length: 12 }, () => random.oneOf(operations))
      const successes = ({ name }: Operation) => this.successes.get(name) ?? 0
      return few.reduce((least, other) => (successes(other) < successes(least) ? other : least))
    }
    return async (steps) => {
      for (const end = step + steps; step < end && this.found.length < foundMax; step++) {
        if (!this.#limited && step % oddEvery === oddEvery - 1) await this.#odd()
        else await this.#step(recipe(making, choose()), known)
      }
    }
  }

  async #step(made: Recipe, known: Known): Promise<void> {
    const { request } = made
    const wrong = await this.#ask(request, known)
    if (wrong === undefined) return
    // With as few twists as show it, one left out after the other.
    let kept = [...request.twists]
    let smallest = { request, wrong }
    for (const name of request.twists) {
      const fewer = kept.filter((other) => other !== name)
      const smaller = made.with(fewer)
      const still = await this.#ask(smaller, known)
      if (still !== undefined) [kept, smallest] = [fewer, { request: smaller, wrong: still }]
    }
    this.found.push({
      wrong: smallest.wrong.text,
      request: asCurl(smallest.request, this.#child.port),
      answer: smallest.wrong.answer,
      twists: kept
    })
  }

  /** What is wrong with the answer, if anything is; what it tells is learnt. */
  async #ask(request: Request, known: Known): Promise<{ readonly text: string; readonly answer: string } | undefined> {
    let answer
    this.asked++
    try {
      answer = await this.#client.send(request)
    } catch (error) {
      return { text: `no answer: ${String(error)}`, answer: this.#child.output().slice(-2000) }
    }
    if (answer === undefined) return undefined
    count(this.statuses, answer.status)
    const body = bodyOf(answer)
    const text = this.#judge.wrong(request, answer)
    if (text !== undefined) {
      // What the server logged of a fault of its own.
      const log = answer.status < 500 ? "" : `\n${this.#child.output().slice(-4000)}`
      return { text: `${request.operation.name}: ${text}`, answer: shown(answer) + log }
    }
    const { code } = nodeOf(body)
    if (answer.status >= 400) count(this.codes, `${answer.status} ${String(code)}`)
    else if (answer.status === 200 || answer.status === 204) {
      if (request.method !== request.operation.method) return undefined
      count(this.successes, request.operation.name)
      if (!request.twists.includes("an id is anything")) known.answered(request.operation, request.ids, body)
    }
    return undefined
  }

  /** The next one: in turn, so that none is left out. */
  async #odd(): Promise<void> {
    const oddity = oddities[this.#odds++ % oddities.length]
    if (oddity === undefined) return
    this.asked++
    const wrong = await sendOdd(this.#child.port, oddity)
    if (wrong !== undefined) {
      this.found.push({ wrong, request: `test/fuzz/raw.ts: ${oddity.name}`, answer: "", twists: [] })
    }
  }

  /** That all is as it should be: what was stored can be read and holds together, and a new client is served. */
  async aftermath(): Promise<void> {
    const get = async (path: string, init: RequestInit = {}) => {
      const response = await fetch(`http://127.0.0.1:${this.#child.port}${path}`, {
        ...init,
        headers: { "X-API-Key": adminKey, "Content-Type": "application/json", ...init.headers }
      })
      return { status: response.status, body: nodeOf(await response.json()) }
    }
    const wrong = (text: string, answer: unknown) =>
      this.found.push({ wrong: text, request: "afterwards", answer: JSON.stringify(answer).slice(0, 2000), twists: [] })

    for (const id of new Set(this.#knowns.flatMap((known) => known.intents))) {
      const path = `/api/v1/intents/${id}`
      const intent = await get(path)
      if (intent.status !== 200) wrong(`intent ${id} cannot be read`, intent)
      const events = await get(`${path}/events?include=all&order=asc&limit=1000`)
      const listed = nodeOf(events.body)["events"]
      const sequences = Array.isArray(listed) ? listed.map((event) => Number(nodeOf(event)["sequence"])) : []
      if (events.status !== 200 || sequences.length === 0) wrong(`the events of ${id} cannot be read`, events)
      if (sequences.some((sequence, at) => at > 0 && sequence <= (sequences[at - 1] ?? 0)))
        wrong(`events of ${id} are out of order`, sequences)
      if (Number(events.body["total"]) < 1000 && sequences.length !== events.body["total"])
        wrong(`events of ${id} are missing`, events.body["total"])
    }
    const created = await get("/api/v1/intents", { method: "POST", body: '{"title":"Afterwards","state":{"a":1}}' })
    const patched = await get(`/api/v1/intents/${String(created.body["id"])}/state`, {
      method: "POST",
      headers: { "If-Match": "1" },
      body: '{"patches":[{"op":"set","path":"/a","value":{"b":2}}]}'
    })
    if (JSON.stringify([patched.status, patched.body["version"], patched.body["state"]]) !== '[200,2,{"a":{"b":2}}]') {
      wrong("a plain request is not served as before", { created, patched })
    }
    this.#client.close()
  }
}
