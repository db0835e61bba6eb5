/** What each operation yields in process, for information. */
import * as Effect from "effect/Effect"
import { join } from "node:path"
import type { Intent } from "../../src/core/intent/Intent.ts"
import { callers, createIntents, type EngineRun, patcher, withEngine } from "../engine/EngineRun.ts"
import { withFolder } from "../engine/files.ts"
import { interleave, timed } from "../measure/interleave.ts"
import { type Options, slices } from "../measure/Options.ts"
import { alone, type Row } from "../measure/Row.ts"

const count = 64

type Operation = (caller: number, i: number) => Effect.Effect<unknown, unknown>

const statusChanges = ({ engine }: EngineRun, intents: ReadonlyArray<Intent>): Operation => {
  const known = [...intents]
  return (caller) => {
    const { id, status, version } = known[caller]!
    return Effect.map(
      engine.intents.setStatus(id, { version, status: status === "active" ? "blocked" : "active" }),
      (intent) => {
        known[caller] = intent
      }
    )
  }
}

/** What the callers do on a new file with active intents, one for each. */
const measured: {
  readonly [what: string]: (run: EngineRun, intents: ReadonlyArray<Intent>) => Operation | Promise<Operation>
} = {
  create:
    ({ engine }) =>
    (caller, i) =>
      engine.intents.create({ title: `Task ${i} of ${caller}`, state: { step: i } }),
  "patch state": patcher,
  "set status": statusChanges,
  "acquire and release a lease": ({ engine }, intents) => {
    return (caller) => {
      const { id } = intents[caller]!
      return Effect.flatMap(engine.leases.acquire(id, { scope: "draft" }), (lease) =>
        engine.leases.release(id, lease.id)
      )
    }
  },
  "append an event":
    ({ engine }, intents) =>
    (caller, i) =>
      engine.events.append(intents[caller]!.id, { type: "comment", payload: { text: `note ${i}` } }),
  "get an intent":
    ({ engine }, intents) =>
    (caller) =>
      engine.intents.get(intents[caller]!.id),
  "list 50 events": async ({ engine, run }, [intent]) => {
    const id = intent?.id ?? ""
    const append = (i: number) => engine.events.append(id, { type: "comment", payload: { text: `note ${i}` } })
    await run(
      Effect.forEach(
        Array.from({ length: 100 }, (_, i) => i),
        append,
        { discard: true }
      )
    )
    return () => engine.events.list(id, { limit: 50 })
  },
  "list 50 intents":
    ({ engine }) =>
    () =>
      engine.intents.list({ limit: 50, status: "active" })
}

/** One row an operation. */
export const operations = async (options: Options): Promise<ReadonlyArray<Row>> => {
  const rows: Array<Row> = []
  for (const [what, make] of Object.entries(measured)) {
    const rates = await withFolder((folder) =>
      withEngine(join(folder, "engine.db"), async (run) => {
        const operation = await make(run, await createIntents(run, count))
        const contestant = timed((operations) => callers(run, count, operations, operation))
        return await interleave({ [what]: contestant }, slices(options, count))
      })
    )
    rows.push(alone(`${what}, ${count} callers`, "operations/s", rates(what)))
  }
  return rows
}
