/** A process with an embedded engine is killed while it writes, again and again, on one file. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { newFolder, node, run } from "../layers/processes.ts"
import { Acknowledged } from "./Acknowledged.ts"
import { kills, seed, shares, timeoutMs } from "./kills.ts"
import { randomOf } from "./random.ts"
import { readStored } from "./stored.ts"
import { verify } from "./verify.ts"

const writer = fileURLToPath(new URL("./embeddedWriter.ts", import.meta.url))

const acknowledgedOf = Schema.decodeUnknownSync(Schema.fromJsonString(Acknowledged))

/** Runs the writer until a random moment after its first acknowledgement, and answers all that it told. */
const oneLife = async (file: string, lifeSeed: number, millis: number): Promise<ReadonlyArray<Acknowledged>> => {
  const child = run(node, [writer, file, String(lifeSeed)])
  await child.until(/\n/)
  await setTimeout(millis)
  child.process.kill("SIGKILL")
  const { code, stderr, stdout } = await child.ended
  assert.strictEqual(code, null, stderr)
  // What follows the last line break was cut off.
  return stdout
    .slice(0, stdout.lastIndexOf("\n"))
    .split("\n")
    .map((line) => acknowledgedOf(line))
}

describe("crash: embedded engine", () => {
  it(
    `keeps what it acknowledged, and nothing half, over ${kills} kills (seed ${seed})`,
    { timeout: timeoutMs },
    async () => {
      const folder = newFolder()
      const random = randomOf(seed)
      for (const [i, count] of shares(kills).entries()) {
        const file = join(folder, `${i}.db`)
        const acknowledged: Array<Acknowledged> = []
        for (let kill = 0; kill < count; kill++) {
          acknowledged.push(...(await oneLife(file, random.below(2 ** 31), random.below(120))))
          verify(readStored(file), acknowledged)
        }
        assert.isAbove(acknowledged.length, count * 10)
      }
    }
  )
})
