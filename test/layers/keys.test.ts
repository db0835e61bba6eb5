/** `openintent keys`, beside a server that runs on the same file. */
import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { newFolder, openintent, started } from "./processes.ts"

const form = /^oi_([0-9A-Za-z]{12})_[0-9A-Za-z]{38}$/

const keysIn = (folder: string) => {
  const database = ["--database-url", `sqlite:${join(folder, "work.db")}`]
  return (...args: ReadonlyArray<string>) => openintent(["keys", ...args, ...database]).ended
}

const statusOf = async (url: string, key: string, method = "GET") => {
  const init = { method, headers: { "x-api-key": key, "content-type": "application/json" } }
  const answer = await fetch(`${url}/api/v1/intents`, method === "GET" ? init : { ...init, body: `{"title":"x"}` })
  await answer.arrayBuffer()
  return answer.status
}

const until = async (status: number, ask: () => Promise<number>) => {
  while ((await ask()) !== status) await new Promise((resolve) => setTimeout(resolve, 20))
}

describe("openintent keys", () => {
  it("makes a key that a running server knows, and revokes it", async () => {
    const folder = newFolder()
    const keys = keysIn(folder)
    const file = join(folder, "work.db")
    const server = openintent(["serve", "--port", "0", "--database-url", `sqlite:${file}`])
    const { annotations } = await started(server)
    assert.strictEqual(annotations.keys, "development")

    const made = await keys("create", "--role", "read-only", "--agents", "ann, bob", "--label", "reader")
    assert.strictEqual(made.code, 0, made.stderr)
    const key = made.stdout.trim()
    const [, id = ""] = form.exec(key) ?? []
    assert.strictEqual(made.stdout, `${key}\n`)
    assert.match(made.stderr, new RegExp(`^Key ${id} \\(read-only, agents: ann,bob\\) opens .*\\n$`))
    assert.notInclude(made.stderr, key)

    await until(200, () => statusOf(annotations.url, key))
    assert.strictEqual(await statusOf(annotations.url, key, "POST"), 403)
    assert.strictEqual(await statusOf(annotations.url, "dev-user-key"), 401)

    const revoked = await keys("revoke", id)
    assert.strictEqual(revoked.code, 0, revoked.stderr)
    assert.include(revoked.stdout, id)
    await until(401, () => statusOf(annotations.url, key))

    server.process.kill("SIGTERM")
    assert.strictEqual((await server.ended).code, 0)
    const kept = readdirSync(folder).map((name) => readFileSync(join(folder, name)).toString("latin1"))
    for (const bytes of [...kept, server.output(), server.errors()]) assert.notInclude(bytes, key.slice(20))
  })

  it("lists what was made, for people and for programs, and never a key", async () => {
    const keys = keysIn(newFolder())
    const plain = await keys("create", "--json")
    const { key, ...first } = JSON.parse(plain.stdout)
    assert.match(key, form)
    assert.strictEqual(plain.stderr, "")
    const { stdout: second } = await keys("create", "--role", "admin", "--expires", "90d", "--label", "the boss")
    await keys("revoke", first.id)

    const [text, json] = await Promise.all([keys("list"), keys("list", "--json")])
    const listed = JSON.parse(json.stdout).keys
    assert.deepStrictEqual(listed[0], { ...first, state: "revoked", revoked_at: listed[0].revoked_at })
    assert.deepInclude(listed[1], { label: "the boss", role: "admin", agent_ids: [], state: "open", revoked_at: null })
    assert.strictEqual(Date.parse(listed[1].expires_at) - Date.parse(listed[1].created_at) <= 90 * 86_400_000, true)
    const [head, ...rows] = text.stdout.trimEnd().split("\n")
    assert.match(head ?? "", /^ID +STATE +ROLE +AGENTS +CREATED +EXPIRES +LABEL$/)
    assert.match(rows[0] ?? "", new RegExp(`^${first.id} +revoked +agent +any +\\S+ +never$`))
    assert.match(rows[1] ?? "", /open +admin +any +\S+ +\S+ +the boss$/)
    for (const shown of [text.stdout, json.stdout, text.stderr, json.stderr]) {
      assert.notInclude(shown, key.slice(20))
      assert.notInclude(shown, second.trim().slice(20))
    }
  })

  it("says in one line what cannot be done", async () => {
    const folder = newFolder()
    const keys = keysIn(folder)
    const missing = await keys("list")
    assert.deepStrictEqual([missing.code, missing.stdout], [2, ""])
    assert.match(missing.stderr, /^openintent: cannot look into .*work\.db.*\n$/)
    assert.deepStrictEqual(readdirSync(folder), [])
    await keys("create")
    const [unknown, wrong, system, memory] = await Promise.all([
      keys("revoke", "nope"),
      keys("create", "--expires", "9y"),
      keys("create", "--agents", "system"),
      openintent(["keys", "create", "--database-url", "memory:"]).ended
    ])
    assert.deepStrictEqual([unknown.code, unknown.stderr], [1, "openintent: No key has the id nope\n"])
    assert.strictEqual(wrong.code, 2)
    assert.include(wrong.stderr, "90d")
    assert.deepStrictEqual([system.code, system.stderr], [1, "openintent: agentIds[0] must not be system\n"])
    assert.strictEqual(memory.code, 2)
    assert.match(memory.stderr, /^openintent: memory: .*\n$/)
  })

  it("a server can know read-only keys by flag or variable", async () => {
    const args = ["serve", "--port", "0", "--database-url", "memory:"]
    const server = openintent([...args, "--read-only-keys", "reader,both", "--api-keys", "both"])
    const { annotations } = await started(server)
    assert.strictEqual(annotations.keys, "configured")
    const statuses = await Promise.all(["reader", "both"].map((key) => statusOf(annotations.url, key, "POST")))
    assert.deepStrictEqual(statuses, [403, 200])
    if (process.platform === "linux") {
      // Others on the machine see how it was started.
      const shown = readFileSync(`/proc/${server.process.pid}/cmdline`, "latin1")
      assert.match(shown, /^openintent\0*$/)
    }
    const other = openintent(args, { env: { OPENINTENT_READ_ONLY_KEYS: "reader" } })
    const { url } = (await started(other)).annotations
    assert.deepStrictEqual([await statusOf(url, "reader"), await statusOf(url, "dev-user-key")], [200, 401])
    for (const running of [server, other]) running.process.kill("SIGTERM")
    await Promise.all([server.ended, other.ended])
  })
})
