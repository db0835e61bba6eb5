/** What an idle engine holds of the memory of its process (decision 31). */
import { join } from "node:path"
import { build, packagesOf } from "../engine/build.ts"
import { outputOf } from "../engine/children.ts"
import { withFolder } from "../engine/files.ts"
import type { Options } from "../measure/Options.ts"
import type { Row } from "../measure/Row.ts"
import { median, spread } from "../measure/statistics.ts"

const flags = ["--expose-gc"]
const megabytes = (output: string) => Number(output) / 1024 ** 2

/**
 * Resident memory after garbage collection, of the engine and of a process with its imports, by turns. The goal is that
 * of 10,000 patches one after the other; with many callers V8's young generation grows to its limit and stays there.
 */
export const memory = (options: Options): Promise<ReadonlyArray<Row>> =>
  withFolder(async (folder) => {
    const built = build()
    // `createEngine` loads the storage when it is asked for.
    const modules = [...new Set(["index.js", "layers/sqlite.js"].flatMap((entry) => packagesOf(join(built, entry))))]
    const base: Array<number> = []
    const engine = { one: [] as Array<number>, many: [] as Array<number> }
    for (let round = 0; round < (options.quick ? 3 : 9); round++) {
      const after = (name: string, callers: number) =>
        megabytes(outputOf("memoryEngine.mjs", [built, join(folder, `${name}${round}.db`), String(callers)], flags))
      base.push(megabytes(outputOf("memoryBase.mjs", modules, flags)))
      engine.one.push(after("one", 1))
      engine.many.push(after("many", 64))
    }
    const row = (what: string, of: ReadonlyArray<number>, goal: Pick<Row, "goal">): Row => ({
      what: `resident memory, idle after 10,000 patches, ${what}`,
      unit: "MB more",
      engine: spread(of.map((value, i) => value - (base[i] ?? 0))),
      limit: {
        name: `at most 40 MB more than the same ${modules.length} modules of effect`,
        ...spread(of.map(() => 40))
      },
      ratio: spread(of.map((value, i) => (value - (base[i] ?? 0)) / 40)),
      ...goal,
      note: `The process with the engine ${median(of).toFixed(0)} MB, the one with its imports ${median(base).toFixed(0)} MB.`
    })
    return [
      row("one caller", engine.one, { goal: { is: "at most", value: 1 } }),
      row("64 callers, mostly V8's young generation", engine.many, {})
    ]
  })
