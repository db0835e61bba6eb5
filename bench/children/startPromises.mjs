// Prints a line when a first intent is durable. Takes the built package and a file.
const [build, file] = process.argv.slice(2)
const { createEngine } = await import(`${build}/index.js`)
const engine = await createEngine({ storage: `sqlite:${file}` })
await engine.intents.create({ title: "First" })
console.log("durable")
await engine.close()
