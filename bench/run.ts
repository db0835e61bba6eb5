/**
 * `npm run bench`, or `node bench/run.ts [--quick] [--against CLI] [part …]`: measures the engine against the raw limit of this machine,
 * prints one table, and writes it to `bench/results/bench.json`.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { availableParallelism, cpus } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { resultsFolder } from "./engine/files.ts"
import type { Options } from "./measure/Options.ts"
import { isMet, type Row } from "./measure/Row.ts"
import { table } from "./measure/table.ts"
import { completing } from "./parts/completing.ts"
import { growth } from "./parts/growth.ts"
import { hot } from "./parts/hot.ts"
import { http } from "./parts/http.ts"
import { httpOperations } from "./parts/httpOperations.ts"
import { memory } from "./parts/memory.ts"
import { operations } from "./parts/operations.ts"
import { patch } from "./parts/patch.ts"
import { sse } from "./parts/sse.ts"
import { start } from "./parts/start.ts"
import { trust } from "./parts/trust.ts"

const parts: { readonly [name: string]: (options: Options) => Promise<ReadonlyArray<Row>> } = {
  patch,
  hot,
  http,
  sse,
  trust,
  httpOperations,
  completing,
  growth,
  memory,
  start,
  operations
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: "boolean", default: false }, against: { type: "string" } }
})
const unknown = positionals.filter((name) => !Object.hasOwn(parts, name))
if (unknown.length > 0)
  throw new Error(`no such part: ${unknown.join(", ")}; there are ${Object.keys(parts).join(", ")}`)

const rows: Array<Row & { readonly part: string; readonly met: boolean | null }> = []
for (const [part, measure] of Object.entries(parts)) {
  if (positionals.length > 0 && !positionals.includes(part)) continue
  process.stderr.write(`${part} …\n`)
  for (const row of await measure(values)) rows.push({ part, ...row, met: isMet(row) ?? null })
}

const machine = `${availableParallelism()} cores of ${cpus()[0]?.model.trim() ?? "an unknown processor"}, Node ${process.versions.node}`
console.log(`\n${table(rows)}\n\nMedians, quartiles in brackets; slices of both taken in turn, on ${machine}.`)
mkdirSync(resultsFolder, { recursive: true })
const file = join(resultsFolder, "bench.json")
writeFileSync(
  file,
  `${JSON.stringify({ date: new Date().toISOString(), machine, quick: values.quick, rows }, undefined, 2)}\n`
)
console.log(`Written to ${file}`)
