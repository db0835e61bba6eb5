// Prints a line when a first intent is durable. Takes the built package and a file. Imports what an embedder needs.
const [build, file] = process.argv.slice(2)
const [{ sqlite }, { OpenIntent }, Effect] = await Promise.all([
  import(`${build}/layers/sqlite.js`),
  import(`${build}/index.js`),
  import("effect/Effect")
])
const program = Effect.flatMap(OpenIntent, ({ intents }) =>
  Effect.tap(intents.create({ title: "First" }), () => Effect.sync(() => console.log("durable")))
)
await Effect.runPromise(Effect.provide(program, sqlite(file)))
