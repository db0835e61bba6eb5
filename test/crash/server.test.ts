/** A server is killed under load, again and again, and started again on its file (issue 2, section 5). */
import { assert, describe, it } from "@effect/vitest"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { newFolder, openintent, started } from "../layers/processes.ts"
import type { Acknowledged } from "./Acknowledged.ts"
import { httpTarget } from "./httpTarget.ts"
import { kills, seed, shares, timeoutMs } from "./kills.ts"
import { type Random, randomOf } from "./random.ts"
import { readStored } from "./stored.ts"
import { verify } from "./verify.ts"
import { type Shared, writeAll } from "./workload.ts"

const clientCount = 32

const codeOf = (reason: unknown): string =>
  reason instanceof Error && "code" in reason && typeof reason.code === "string" ? reason.code : ""

/** Starts a server on the file, writes, and kills it at a random moment. */
const oneLife = async (file: string, shared: Shared, random: Random, tell: (acknowledged: Acknowledged) => void) => {
  const server = openintent(["serve", "--port", "0", "--database-url", `sqlite:///${file}`])
  const { url } = (await started(server)).annotations
  using target = httpTarget(url)
  const writing = writeAll(target, clientCount, shared, random, tell)
  await setTimeout(random.below(600))
  server.process.kill("SIGKILL")
  await server.ended
  // An answer that is none of the contract's, or not one that is expected, would be a reason without such a code.
  for (const reason of await writing) assert.match(codeOf(reason), /^(ECONNRESET|ECONNREFUSED|EPIPE)$/, String(reason))
}

/** A file, after as many kills; answers how much was acknowledged. */
const manyLives = async (file: string, count: number, random: Random): Promise<number> => {
  const acknowledged: Array<Acknowledged> = []
  const shared: Shared = { intents: [] }
  for (let kill = 0; kill < count; kill++) {
    await oneLife(file, shared, random, (one) => acknowledged.push(one))
    verify(readStored(file), acknowledged)
  }
  // And it serves what is there.
  const server = openintent(["serve", "--port", "0", "--database-url", `sqlite:///${file}`])
  using target = httpTarget((await started(server)).annotations.url)
  const { intents } = readStored(file)
  for (const { body, id, status } of intents.slice(-20)) {
    assert.deepStrictEqual(await target.get(id), { kind: "intent", id, status, ...body })
  }
  return acknowledged.length
}

describe("crash: server", () => {
  it(
    `keeps what it acknowledged, and nothing half, over ${kills} kills (seed ${seed})`,
    { timeout: timeoutMs },
    async () => {
      const folder = newFolder()
      const left = shares(kills).map((count, i) => ({
        file: join(folder, `${i}.db`),
        count,
        random: randomOf(seed + i)
      }))
      let acknowledged = 0
      const lane = async () => {
        for (let one = left.shift(); one !== undefined; one = left.shift()) {
          acknowledged += await manyLives(one.file, one.count, one.random)
        }
      }
      await Promise.all([lane(), lane()])
      assert.isAbove(acknowledged, kills * 10)
    }
  )
})
