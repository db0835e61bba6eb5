/**
 * A migration as a tree of steps that wait for each other: what may be worked on now, what may not, and why.
 * Run it with Node 24: `node examples/graph.ts`, where `openintent` is installed (`npm run build` does it here).
 */
import { ChildrenIncomplete, createEngine, DependencyCycle, type Engine } from "openintent"

/** Completes an intent at whatever version it has now. */
const complete = async (engine: Engine, id: string) => {
  const { version } = await engine.intents.get(id)
  await engine.intents.setStatus(id, { version, status: "completed" })
}

await using engine = await createEngine({ storage: "memory:", agent: "planner" })
const { graph, intents } = engine

// A goal, its steps, and the order in which they can be done.
const migration = await intents.create({ title: "Move the archive" })
const step = (title: string, ...dependsOn: ReadonlyArray<string>) =>
  intents.create({ title, parentIntentId: migration.id, dependsOn })
const dump = await step("Export the old archive")
const schema = await step("Create the new tables")
const load = await step("Import", dump.id, schema.id)
const check = await step("Compare the counts", load.id)

const tell = async (when: string) => {
  const titles = async (list: typeof graph.ready) =>
    (await list(migration.id)).items.map(({ title }) => title).join(", ")
  console.log(`${when}: ready: ${await titles(graph.ready)}; blocked: ${await titles(graph.blocked)}`)
}

await tell("at first")

// A step that waits for its own result would wait for ever: it is refused, and the way round is named.
try {
  await graph.addDependency(dump.id, { dependencyId: check.id, version: dump.version })
} catch (error) {
  if (!(error instanceof DependencyCycle)) throw error
  const titles = await Promise.all(error.path.map(async (id) => (await intents.get(id)).title))
  console.log(`refused: ${titles.join(" -> ")}`)
}

// Whoever completes the last thing that a step waited for unblocks it, in the same commit.
await complete(engine, dump.id)
await tell("after the export")
await complete(engine, schema.id)
await tell("after the tables")

// On the way it turns out that the import also needs a mapping of the users. That blocks it again.
const mapping = await step("Map the users")
const { version } = await intents.get(load.id)
const again = await graph.addDependency(load.id, { dependencyId: mapping.id, version })
console.log(`${again.title} is ${again.status} at version ${again.version}`)

// The goal cannot be completed before its steps.
try {
  await complete(engine, migration.id)
} catch (error) {
  if (!(error instanceof ChildrenIncomplete)) throw error
  console.log(`not yet: ${error.open.length} steps are open`)
}

for (const { id } of [mapping, load, check, migration]) await complete(engine, id)
const { aggregateStatus, edges, nodes } = await graph.get(migration.id)
console.log(`${nodes.length} intents, ${edges.length} edges, ${aggregateStatus.completionPercentage} % completed`)
