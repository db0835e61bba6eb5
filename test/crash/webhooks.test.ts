/** A process that delivers webhooks is killed again and again: every event arrives, in order, under one id (semantics 9.2). */
import { assert, describe, it } from "@effect/vitest"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { answering, listeningSink } from "../http/webhooks/sink.ts"
import { newFolder, node, run } from "../layers/processes.ts"
import { createEngine } from "../../src/layers/createEngine.ts"
import { kills, seed, timeoutMs } from "./kills.ts"
import { randomOf } from "./random.ts"

const writer = fileURLToPath(new URL("./webhookWriter.ts", import.meta.url))

/** Each life begins with starting Node, so they are fewer than those of the storage. */
const lives = Math.ceil(kills / 5)
const eventsOfLife = 12

describe("crash: webhooks", () => {
  it(
    `all arrive over ${lives} kills, in order, and duplicates share their id (seed ${seed})`,
    { timeout: timeoutMs },
    async () => {
      const file = join(newFolder(), "work.db")
      const random = randomOf(seed)
      const sink = await listeningSink()
      // One in four fails or is late, so that deaths fall into waits and requests too.
      sink.onRequest = (n, response) => {
        if (n % 4 === 0) answering(500)(n, response)
        else if (n % 4 === 1) globalThis.setTimeout(() => response.end(), 10)
        else response.end()
      }
      const engine = await createEngine({ storage: `sqlite:${file}`, webhooks: { allowPrivate: true } })
      const { id: intentId } = await engine.intents.create({ title: "t" })
      const subscriptions = [
        await engine.subscriptions.create({ intentId, webhookUrl: sink.url, eventTypes: ["comment"] }),
        await engine.subscriptions.create({ webhookUrl: sink.url, eventTypes: ["comment"] })
      ]
      await engine.close()

      const written: Array<number> = []
      for (let life = 0; life < lives; life++) {
        const child = run(node, [writer, file, intentId, String(eventsOfLife)])
        await child.until(/\n/)
        await sink.until(sink.got.length + 1 + random.below(eventsOfLife))
        await setTimeout(random.below(20))
        child.process.kill("SIGKILL")
        const { code, stderr, stdout } = await child.ended
        assert.isNull(code, stderr)
        written.push(...(stdout.slice(0, stdout.lastIndexOf("\n")).match(/^\d+$/gm) ?? []).map(Number))
      }
      const last = run(node, [writer, file, intentId, "1"])
      const final = Number((await last.until(/^\d+$/m))[0])
      written.push(final)
      const arrivedOf = (id: string) =>
        sink.got.filter(({ json }) => json.subscription_id === id).map(({ json }) => json.event.sequence as number)
      while (!subscriptions.every(({ id }) => arrivedOf(id).includes(final))) await sink.until(sink.got.length + 1)

      for (const { id } of subscriptions) {
        const sequences = arrivedOf(id)
        const firsts = [...new Set(sequences)]
        assert.deepStrictEqual(
          firsts,
          firsts.toSorted((a, b) => a - b)
        )
        const missing = written.filter((position) => !firsts.includes(position))
        assert.deepStrictEqual(missing, [])
      }
      const ids = new Map<string, Set<string>>()
      for (const { headers, json } of sink.got) {
        const key = `${json.subscription_id} ${json.event.id}`
        ids.set(key, (ids.get(key) ?? new Set()).add(String(headers["x-openintent-delivery"])))
      }
      for (const [key, shared] of ids) assert.strictEqual(shared.size, 1, key)
    }
  )
})
