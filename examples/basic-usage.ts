/**
 * A whole life of an intent, written once against the interface, and run over the embedded engine and over a server.
 * Run it with Node 24: `node examples/basic-usage.ts`, where `openintent` is installed (`npm run build` does it here).
 */
import { connect, createEngine, type Engine, LeaseHeld, VersionConflict } from "openintent"
import { startServer } from "openintent/server"

/** Patches what is there now: when somebody else was quicker, it reads again and tries again. */
const setTitle = async (engine: Engine, intentId: string, version: number, title: string): Promise<string> => {
  try {
    await engine.intents.patchState(intentId, { version, state: { title } })
    return `title set at version ${version}`
  } catch (error) {
    if (!(error instanceof VersionConflict)) throw error
    return `conflict: expected ${error.expected}, found ${error.current}; ${await setTitle(engine, intentId, error.current, title)}`
  }
}

const lifeOfAnIntent = async (engine: Engine): Promise<ReadonlyArray<string>> => {
  const editor = engine.as("editor")
  const writer = engine.as("writer")

  // Create it and say who works on it.
  const { id, version } = await editor.intents.create({
    title: "Report on tides",
    status: "active",
    state: { sections: [] }
  })
  const { agentId, role } = await editor.agents.assign(id, { agentId: "writer", role: "author" })
  const story = [`${agentId} is assigned as ${role}`]

  // Log what happens beside the state.
  await writer.events.append(id, { type: "comment", payload: { text: "starting with the findings" } })

  // Patch under a lease: while the writer holds it, nobody else changes the sections.
  {
    await using lease = await writer.leases.acquire(id, { scope: "sections", duration: "1 minute" })
    const append = [{ op: "append", path: "/sections", value: "Findings" }] as const
    const refused = await editor.intents.patchState(id, { version, patches: append }).catch((error: unknown) => error)
    if (refused instanceof LeaseHeld) story.push(`the editor is refused: ${refused.message}`)
    const patched = await writer.intents.patchState(id, { version, patches: append, leaseToken: lease.fencingToken })
    story.push(`sections: ${JSON.stringify(patched.state["sections"])}`)
  }

  // The editor still knows the first version only: a conflict, handled.
  story.push(await setTitle(editor, id, version, "The tides"))

  // Complete it and read the history back.
  const latest = await editor.intents.get(id)
  const done = await editor.intents.setStatus(id, { version: latest.version, status: "completed", reason: "delivered" })
  story.push(`${done.status} at version ${done.version}: ${JSON.stringify(done.state)}`)
  const history = await editor.events.list(id, { order: "asc" })
  return [...story, ...history.items.map((event) => `  ${event.type} by ${event.actor}`)]
}

await using embedded = await createEngine({ storage: "memory:" })
const here = await lifeOfAnIntent(embedded)

await using server = await startServer({ storage: "memory:", port: 0 })
await using remote = await connect({ url: server.url, apiKey: "dev-user-key" })
const there = await lifeOfAnIntent(remote)

console.log(here.join("\n"))
console.log(here.join() === there.join() ? "the same over HTTP" : `over HTTP:\n${there.join("\n")}`)
