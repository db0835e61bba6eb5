/** Completing an intent that others wait for: its time is to be in their number. */
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { type EngineRun, withEngine } from "../engine/EngineRun.ts"
import { withFolder } from "../engine/files.ts"
import type { Options } from "../measure/Options.ts"
import { compared, type Row } from "../measure/Row.ts"

const [few, many] = [100, 1000]

/** Microseconds for each dependent that is unblocked. */
const complete = async ({ engine, run }: EngineRun, dependents: number): Promise<number> => {
  const { id, version } = await run(engine.intents.create({ title: "What all wait for" }))
  const create = (i: number) => engine.intents.create({ title: `Waits, ${i}`, dependsOn: [id] })
  await run(
    Effect.forEach(
      Array.from({ length: dependents }, (_, i) => i),
      create,
      { concurrency: 64, discard: true }
    )
  )
  const start = performance.now()
  await run(engine.intents.setStatus(id, { version, status: "completed" }))
  return ((performance.now() - start) * 1000) / dependents
}

/** One row. */
export const completing = ({ quick }: Options): Promise<ReadonlyArray<Row>> =>
  withFolder((folder) =>
    withEngine(join(folder, "engine.db"), async (run) => {
      const samples: { readonly [name in "few" | "many"]: Array<number> } = { few: [], many: [] }
      await complete(run, many) // Until it is as fast as it gets.
      for (let round = 0; round < (quick ? 5 : 15); round++) {
        samples.many.push(await complete(run, many))
        samples.few.push(await complete(run, few))
      }
      return [
        compared({
          what: `completing an intent with ${many.toLocaleString("en")} dependents`,
          unit: "µs a dependent",
          engine: samples.many,
          limit: samples.few,
          limitName: `the same with ${few}`,
          goal: { is: "at most", value: 1.3 }
        })
      ]
    })
  )
