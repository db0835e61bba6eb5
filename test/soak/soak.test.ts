/**
 * A server under load for a long time, with restarts: it leaks nothing, and what it keeps is right (issue 4).
 * `OPENINTENT_SOAK_MINUTES=10` runs it for so long; without it a few seconds see to it that it can be run.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { assert, describe, it } from "vitest"
import type { Acknowledged } from "../crash/Acknowledged.ts"
import { type Random, randomOf } from "../crash/random.ts"
import { readStored } from "../crash/stored.ts"
import { verify } from "../crash/verify.ts"
import type { Shared } from "../crash/workload.ts"
import { integrityOf, type Served, serve, sizeOf } from "../faults/served.ts"
import { createEngine } from "../../src/layers/createEngine.ts"
import { newFolder } from "../layers/processes.ts"
import { growthOf, type Sample, type Slope } from "./figures.ts"
import { Inspector } from "./Inspector.ts"
import { load } from "./load.ts"
import { Pace } from "./Pace.ts"

const minutes = Number(process.env["OPENINTENT_SOAK_MINUTES"] ?? 0)
const isLong = minutes > 0
const seed = Number(process.env["OPENINTENT_SOAK_SEED"] ?? 1)

/**
 * How long each part lasts. What is remembered fills with what is done and not with time: it is filled at full speed, and
 * only after that sampled.
 */
const seconds = isLong
  ? { measuring: 10, lives: [minutes * 3, minutes * 3], filling: minutes * 15, last: minutes * 39, between: 10 }
  : { measuring: 0.5, lives: [0.5, 0.5], filling: 0.3, last: 1.7, between: 0.4 }

/** Intents that are known, counts that are tracked: what remembers so many must have seen them before it is measured. */
const intentsBefore = isLong ? 12_000 : 50

/**
 * Megabytes an hour. What is remembered up to a bound is let go of in portions of a megabyte, which a few minutes cannot
 * tell from growth: it fails where there is more than that for certain (two standard errors), so the longer the finer.
 */
const growthMax = 1
const descriptorsMax = 3
/** The log is written back at 16 MB and cut to 32 at most; a large commit may be on top. */
const walBytesMax = 40 * 1024 * 1024

const start = (file: string): Promise<Served> =>
  serve(file, { nodeFlags: ["--inspect=127.0.0.1:0"], flags: ["--api-keys", "dev-user-key"] })

const codeOf = (reason: unknown): unknown => (reason instanceof Error && "code" in reason ? reason.code : reason)

const residentBytes = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024

/** Samples while the load is paused, until it is told to stop. */
const sampling = async (file: string, server: Served, inspector: Inspector, pace: Pace, stop: AbortSignal) => {
  const samples: Array<Sample> = []
  const from = performance.now()
  let slowestMillis = 0
  for (let next = from; !stop.aborted;) {
    const asked = performance.now()
    await server.ask("GET", "/health/live")
    slowestMillis = Math.max(slowestMillis, performance.now() - asked)
    if (performance.now() < next) {
      await setTimeout(50)
      continue
    }
    next = performance.now() + seconds.between * 1000
    await pace.pausedFor(async () => {
      await setTimeout(isLong ? 500 : 50) // What goes on in the background, and connections that were cut.
      const sample: Sample = {
        seconds: (performance.now() - from) / 1000,
        heapBytes: await inspector.collectedBytes(),
        residentBytes: residentBytes(server.pid),
        descriptors: readdirSync(`/proc/${server.pid}/fd`).length,
        walBytes: sizeOf(`${file}-wal`),
        fileBytes: sizeOf(file),
        slowestMillis
      }
      samples.push(sample)
      if (isLong) process.stdout.write(`${shown(sample)}\n`)
    })
    slowestMillis = 0
  }
  return samples
}

/** Calls a second that the server answers when it is asked as fast as it can. */
const fullRate = async (pace: Pace): Promise<number> => {
  const [before, from] = [pace.count, performance.now()]
  await setTimeout(seconds.measuring * 1000)
  return ((pace.count - before) * 1000) / (performance.now() - from)
}

/** Intents and appends to them, so that what is bounded is full. */
const fill = async ({ ask }: Served): Promise<void> => {
  const one = async (i: number) => {
    const body = { title: "Crash", status: "active", state: { count: 0, notes: [], plan: { step: 0 } } }
    const { body: made } = await ask("POST", "/api/v1/intents", { agent: `filler-${i}`, body })
    await ask("POST", `/api/v1/intents/${made.id}/events`, { body: { event_type: "comment", payload: {} } })
  }
  await Promise.all(
    Array.from({ length: 8 }, async (_, lane) => {
      for (let i = lane; i < intentsBefore; i += 8) await one(i)
    })
  )
}

/** In one line, for people. */
const shown = (sample: Sample): string => {
  const { descriptors, fileBytes, heapBytes, residentBytes, seconds, slowestMillis, walBytes } = sample
  return [
    `${seconds.toFixed(0)} s`,
    `heap ${(heapBytes / 2 ** 20).toFixed(3)} MB`,
    `resident ${(residentBytes / 2 ** 20).toFixed(1)} MB`,
    `${descriptors} descriptors`,
    `log ${(walBytes / 2 ** 20).toFixed(1)} MB`,
    `file ${(fileBytes / 2 ** 20).toFixed(1)} MB`,
    `slowest ${slowestMillis.toFixed(0)} ms`
  ].join(", ")
}

describe.skipIf(process.platform !== "linux")("soak", () => {
  it(
    `${isLong ? `${minutes} minutes` : "some seconds"} at half load, with restarts (seed ${seed})`,
    { timeout: (minutes * 1.5 + 1) * 60_000 },
    async () => {
      const file = join(newFolder(), "work.db")
      const acknowledged: Array<Acknowledged> = []
      const tell = (one: Acknowledged) => void acknowledged.push(one)
      const shared: Shared = { intents: [] }
      const random: Random = randomOf(seed)
      let rate = 0

      for (const [life, length] of seconds.lives.entries()) {
        const server = await start(file)
        const pace = new Pace(life === 0 ? Number.POSITIVE_INFINITY : rate / 2)
        const loading = load(server, shared, random, pace, tell)
        if (life === 0) {
          rate = await fullRate(pace)
          pace.perSecond = rate / 2
        }
        await setTimeout(length * 1000)
        // Once by accident, once in order: either way nothing that was acknowledged is gone.
        const isKilled = life % 2 === 0
        if (!isKilled) pace.end()
        else await server.stop("SIGKILL")
        for (const end of await loading)
          assert.include(["ECONNRESET", "ECONNREFUSED", "EPIPE"], codeOf(end), String(end))
        if (!isKilled) assert.strictEqual((await server.stop()).code, 0)
      }

      const server = await start(file)
      const inspector = await Inspector.connect(server.child.errors())
      await fill(server)
      const pace = new Pace(Number.POSITIVE_INFINITY)
      const loading = load(server, shared, random, pace, tell)
      await Promise.race([setTimeout(seconds.filling * 1000), loading])
      pace.perSecond = rate / 2
      const stop = new AbortController()
      const taking = sampling(file, server, inspector, pace, stop.signal)
      await Promise.race([setTimeout(seconds.last * 1000), loading])
      stop.abort()
      const samples = await taking
      pace.end()
      assert.deepStrictEqual(await loading, [])
      await setTimeout(isLong ? 3000 : 500)
      inspector.close() // A process does not end before.
      assert.strictEqual((await server.stop()).code, 0, "it ends when it is told to")

      const warm = samples.slice(isLong ? Math.ceil(samples.length / 3) : 1)
      const growth = growthOf(warm, "heapBytes")
      const told = ({ error, perX }: Slope) => `${perX.toFixed(2)} ± ${error.toFixed(2)} MB/h`
      const resident = growthOf(warm, "residentBytes")
      const summary = `half of ${rate.toFixed(0)} calls a second; heap ${told(growth)}, resident ${told(resident)}`
      if (isLong) process.stdout.write(`${summary}\n`)
      const report = [summary, ...samples.map(shown)].join("\n")
      assert.isAbove(warm.length, 1, report)
      assert.isBelow(Math.max(...samples.map(({ walBytes }) => walBytes)), walBytesMax, report)
      if (isLong) {
        assert.isBelow(growth.perX - 2 * growth.error, growthMax, report)
        const half = Math.floor(warm.length / 2)
        const most = (part: ReadonlyArray<Sample>) => Math.max(...part.map(({ descriptors }) => descriptors))
        assert.isAtMost(most(warm.slice(half)), most(warm.slice(0, half)) + descriptorsMax, report)
      }

      assert.strictEqual(integrityOf(file), "ok")
      const stored = readStored(file)
      verify(stored, acknowledged)
      await using engine = await createEngine({ storage: `sqlite:${file}` })
      const [longest, latest] = [shared.intents, stored.intents.slice(-100)]
      for (const { id } of [...longest, ...latest]) {
        const found = await engine.events.verify(id)
        assert.deepInclude(found, { valid: true, break: null }, id)
      }
    }
  )
})
