/** From spawning a process to its first durable commit (decision 31). */
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { build } from "../engine/build.ts"
import { firstOutput } from "../engine/children.ts"
import { withEngine } from "../engine/EngineRun.ts"
import { withFolder } from "../engine/files.ts"
import type { Options } from "../measure/Options.ts"
import { compared, type Goal, type Row } from "../measure/Row.ts"
import { median } from "../measure/statistics.ts"
import { type Recorded, recording } from "../raw/recorder.ts"

/** Schema and rows of a first intent, as the engine writes them, for the program without an engine. */
const firstCommit = async (file: string): Promise<string> => {
  let writes: ReadonlyArray<Recorded> = []
  const all = await recording(() =>
    withEngine(file, async ({ engine, run }) => {
      writes = await recording(() => run(Effect.asVoid(engine.intents.create({ title: "First" }))))
    })
  )
  const db = new DatabaseSync(file, { readOnly: true })
  const stored = db.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'").all()
  db.close()
  return JSON.stringify({
    pragmas: all.find(({ sql }) => sql.includes("PRAGMA synchronous"))?.sql,
    schema: stored.map(({ sql }) => sql),
    writes: writes.filter(({ sql }) => sql.startsWith("INSERT") || sql.startsWith("UPDATE"))
  })
}

/** Bare Node, the layer alone, and the promise facade with all that it exports, by turns. */
export const start = (options: Options): Promise<ReadonlyArray<Row>> =>
  withFolder(async (folder) => {
    const built = build()
    const given = await firstCommit(join(folder, "record.db"))
    const millis = { raw: [] as Array<number>, layer: [] as Array<number>, promises: [] as Array<number> }
    for (let round = -1; round < (options.quick ? 5 : 21); round++) {
      const file = (name: string) => join(folder, `${name}${round}.db`)
      const raw = await firstOutput("startRaw.mjs", [file("raw"), given])
      const layer = await firstOutput("startLayer.mjs", [built, file("layer")])
      const promises = await firstOutput("startPromises.mjs", [built, file("promises")])
      if (round < 0) continue // The files are read from the disk for the first time.
      millis.raw.push(raw)
      millis.layer.push(layer)
      millis.promises.push(promises)
    }
    const row = (what: string, engine: ReadonlyArray<number>, goal: Goal | undefined): Row =>
      compared({
        what: `spawn to first durable commit, ${what}`,
        unit: "ms",
        engine,
        limit: millis.raw,
        limitName: "bare node:sqlite, same schema and rows",
        ...(goal === undefined ? {} : { goal }),
        note: `${Math.round(median(engine) - median(millis.raw))} ms more than bare Node.`
      })
    return [
      row("openintent/sqlite", millis.layer, { is: "at most", value: 8 }),
      row("createEngine", millis.promises, { is: "at most", value: 8 })
    ]
  })
