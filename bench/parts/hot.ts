/** Many callers on one intent, held against as many on intents of their own. */
import * as Effect from "effect/Effect"
import { join } from "node:path"
import type { Intent } from "../../src/core/intent/Intent.ts"
import { callers, createIntents, type EngineRun, withEngine } from "../engine/EngineRun.ts"
import { withFolder } from "../engine/files.ts"
import { interleave, timed } from "../measure/interleave.ts"
import { type Options, slices } from "../measure/Options.ts"
import { compared, type Row } from "../measure/Row.ts"

const count = 64

type Operation = (run: EngineRun, intent: Intent, caller: number, i: number) => Effect.Effect<unknown, unknown>

const append: Operation = ({ engine }, intent, caller, i) =>
  engine.events.append(intent.id, { type: "comment", payload: { text: `note ${i} of caller ${caller}` } })

/** A scope of its own for each caller, so that nobody is in the way. */
const lease: Operation = ({ engine }, intent, caller) =>
  Effect.flatMap(engine.leases.acquire(intent.id, { scope: `part-${caller}` }), ({ id }) =>
    engine.leases.release(intent.id, id)
  )

const measure = (options: Options, what: string, unit: string, operation: Operation): Promise<Row> =>
  withFolder((folder) =>
    withEngine(join(folder, "engine.db"), async (run) => {
      const [hot, ...others] = await createIntents(run, count + 1)
      const rates = await interleave(
        {
          hot: timed((operations) => callers(run, count, operations, (caller, i) => operation(run, hot!, caller, i))),
          distinct: timed((operations) =>
            callers(run, count, operations, (caller, i) => operation(run, others[caller]!, caller, i))
          )
        },
        slices(options, count)
      )
      return compared({
        what: `${what}, ${count} callers on one hot intent`,
        unit,
        engine: rates("hot"),
        limit: rates("distinct"),
        limitName: `the engine, ${count} callers on ${count} intents`,
        goal: { is: "at least", value: 1 }
      })
    })
  )

/** Appends, and leases on different scopes. */
export const hot = async (options: Options): Promise<ReadonlyArray<Row>> => [
  await measure(options, "append", "appends/s", append),
  await measure(options, "acquire and release", "pairs/s", lease)
]
