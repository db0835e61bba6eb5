// Prints the resident memory of an idle embedded engine after 10,000 patches, in bytes. Takes the built
// package, a file, and how many callers share the patches.
import { setTimeout } from "node:timers/promises"

const [build, file, count] = process.argv.slice(2)
const among = Number(count)
const { createEngine } = await import(`${build}/index.js`)
const engine = await createEngine({ storage: `sqlite:${file}` })
const state = { progress: 0, owner: "agent-research", summary: "collects the sources and writes the first draft" }

const callers = Array.from({ length: among }, async (_, caller) => {
  let { id, version } = await engine.intents.create({ title: `Work package ${caller}`, state, status: "active" })
  for (let i = caller; i < 10_000; i += among) {
    const patches = [{ op: "set", path: "/progress", value: i }]
    version = (await engine.intents.patchState(id, { version, patches })).version
  }
})
await Promise.all(callers)
await setTimeout(1000)
for (let i = 0; i < 4; i++) globalThis.gc()
console.log(process.memoryUsage.rss())
await engine.close()
