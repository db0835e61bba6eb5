// Prints the resident memory of a process that imports the modules it is given, in bytes.
import { setTimeout } from "node:timers/promises"

for (const specifier of process.argv.slice(2)) await import(specifier)
await setTimeout(1000)
for (let i = 0; i < 4; i++) globalThis.gc()
console.log(process.memoryUsage.rss())
