/** State patches in process: many callers on as many intents, and one caller alone. */
import { join } from "node:path"
import { callers, patcher, withEngine } from "../engine/EngineRun.ts"
import { copyFile, withFolder } from "../engine/files.ts"
import { interleave, timed } from "../measure/interleave.ts"
import { type Options, slices } from "../measure/Options.ts"
import { compared, type Goal, microseconds, type Row } from "../measure/Row.ts"
import { recordPatches } from "../raw/patchRecord.ts"
import { RawPatches } from "../raw/RawPatches.ts"

const measure = (options: Options, count: number, what: string, goal: Goal): Promise<Row> =>
  withFolder(async (folder) => {
    const file = join(folder, "engine.db")
    const record = await recordPatches(file, count)
    const raw = new RawPatches(copyFile(file, join(folder, "raw.db")), record)
    try {
      return await withEngine(file, async (run) => {
        const intents = await run.run(run.engine.intents.list({ limit: count, order: "asc" }))
        const patch = patcher(run, intents.items)
        const rates = await interleave(
          {
            engine: timed((operations) => callers(run, count, operations, patch)),
            limit: timed((operations) => raw.loop(operations, record.group))
          },
          slices(options, count)
        )
        const [engine, limit] = [rates("engine"), rates("limit")]
        return compared({
          what,
          unit: "patches/s",
          engine,
          limit,
          limitName: `node:sqlite, same statements in groups of ${record.group}`,
          goal,
          note: `A patch takes ${microseconds(engine)}, of which raw SQLite ${microseconds(limit)}.`
        })
      })
    } finally {
      raw.close()
    }
  })

/** Both rows. */
export const patch = async (options: Options): Promise<ReadonlyArray<Row>> => [
  await measure(options, 64, "state patch, 64 callers on 64 intents", { is: "at least", value: 0.6, aim: 0.75 }),
  await measure(options, 1, "state patch, one caller alone", { is: "at least", value: 0.75, aim: 0.9 })
]
