import { assert, describe, it } from "@effect/vitest"
import { root, run, node } from "./processes.ts"

/** Everything that a process has loaded after this code: files by their path in the package, and Node's own modules. */
const loadedBy = async (code: string): Promise<ReadonlyArray<string>> => {
  const program = `
    import { registerHooks } from "node:module"
    const loaded = new Set()
    registerHooks({ resolve: (name, context, next) => { const found = next(name, context); loaded.add(found.url); return found } })
    ${code}
    console.log(JSON.stringify([...loaded, ...process.moduleLoadList]))`
  const flags = ["--conditions=openintent-source", "--input-type=module", "--eval", program]
  const { code: exitCode, stderr, stdout } = await run(node, flags, { cwd: root }).ended
  assert.strictEqual(exitCode, 0, stderr)
  const urls = JSON.parse(stdout.trim().split("\n").at(-1)!) as ReadonlyArray<string>
  return urls.map((url) => url.replace(/^file:.*\/(src|node_modules)\//, "$1/"))
}

const sqlite = /node:sqlite|NativeModule (internal\/)?sqlite|^src\/storage\/sqlite/
const memory = /^src\/storage\/memory/
const engine = /^src\/core\/(Engine|Commands)\.ts/
const server = /^node:https?$|NativeModule _http_server|^src\/http\/|@effect\/platform-node/
const client = /^src\/http\/remote|HttpApiClient|FetchHttpClient/
const exporter = /^src\/layers\/telemetry|observability\/Otlp/

const none = (loaded: ReadonlyArray<string>, patterns: ReadonlyArray<RegExp>) =>
  assert.deepStrictEqual(
    loaded.filter((url) => patterns.some((pattern) => pattern.test(url))),
    []
  )

const use = `
  const { id } = await engine.intents.create({ title: "one" })
  await engine.leases.acquire(id, { scope: "a" })
  await engine.close()`

describe("what is loaded", () => {
  it("importing openintent: no storage, no engine, no server, no client", async () => {
    const loaded = await loadedBy(`await import("openintent")`)
    none(loaded, [sqlite, memory, engine, server, client])
    assert.include(loaded, "src/index.ts")
  })

  it("the memory engine: no driver, no server, no client", async () => {
    const loaded = await loadedBy(`
      const { createEngine } = await import("openintent")
      const engine = await createEngine({ storage: "memory:" })${use}`)
    none(loaded, [sqlite, server, client])
    assert.include(loaded, "src/storage/memory/MemoryStorage.ts")
    none(await loadedBy(`await import("openintent/memory")`), [sqlite, server, client])
  })

  it("the SQLite engine: no server, no client, no other storage", async () => {
    const loaded = await loadedBy(`
      const { createEngine } = await import("openintent")
      const engine = await createEngine({ storage: "sqlite::memory:" })${use}`)
    none(loaded, [memory, server, client])
    assert.include(loaded, "node:sqlite")
    none(await loadedBy(`await import("openintent/sqlite")`), [memory, server, client])
  })

  it("the server: what the others must not", async () => {
    const loaded = await loadedBy(`await import("openintent/server")`)
    for (const path of ["src/http/server.ts", "NativeModule _http_server"]) assert.include(loaded, path)
    none(loaded, [sqlite, memory, exporter])
  })

  it("the remote engine: no storage, no engine, no server", async () => {
    const loaded = await loadedBy(`await import("openintent/remote")`)
    none(loaded, [
      sqlite,
      memory,
      engine,
      /^node:https?$|NativeModule _http_server|@effect\/platform-node|^src\/http\/server/
    ])
  })
})
