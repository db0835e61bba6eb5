/** What a doctor finds, and that it changes nothing. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import {
  chmodSync,
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync
} from "node:fs"
import { createHash } from "node:crypto"
import { dirname, join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { createEngine } from "../../../src/layers/createEngine.ts"
import { examine } from "../../../src/layers/doctor/examine.ts"
import { judgeFile, judgeFileSystem } from "../../../src/layers/doctor/file.ts"
import { judgeMachine } from "../../../src/layers/doctor/machine.ts"
import { judgeSettings } from "../../../src/layers/doctor/settings.ts"
import { newFolder, openintent, started } from "../processes.ts"

/** A closed file with intents, children and events, all sealed. */
const aFile = async (): Promise<string> => {
  const file = join(newFolder(), "openintent.db")
  await using engine = await createEngine({ storage: `sqlite:${file}` })
  const { id } = await engine.intents.create({ title: "root" })
  await Promise.all(Array.from({ length: 40 }, () => engine.intents.create({ title: "child", parentIntentId: id })))
  const payload = { text: "x".repeat(500) }
  await Promise.all(Array.from({ length: 200 }, () => engine.events.append(id, { type: "comment", payload })))
  while (!(await engine.events.verify(id)).head || (await engine.events.verify(id)).unsealedCount > 0)
    await new Promise((resolve) => void setTimeout(resolve, 20))
  chmodSync(file, 0o600)
  return file
}

const change = (file: string, sql: string): void => {
  const db = new DatabaseSync(file)
  db.exec(sql)
  db.close()
}

/** The ids of the checks at these levels. */
const found = (file: string, isWhole = false) =>
  Effect.runPromise(
    Effect.map(examine({ file, isWhole, variables: {} }), (checks) => {
      const at = (level: string) => checks.filter((check) => check.level === level).map(({ id }) => id)
      // The machine of a test may be small.
      const own = (ids: ReadonlyArray<string>) => ids.filter((id) => !/^(limits|disk|file\.system)/.test(id))
      return { warnings: own(at("warning")), problems: own(at("problem")), checks }
    })
  )

const messageOf = (checks: ReadonlyArray<{ readonly id: string; readonly message: string }>, id: string) =>
  checks.find((check) => check.id === id)?.message ?? assert.fail(`no check ${id}`)

describe("doctor: a file", () => {
  it("finds a good one good, and leaves it and its folder as they are", async () => {
    const file = await aFile()
    const state = () => [
      createHash("sha256").update(readFileSync(file)).digest("hex"),
      statSync(file).mtimeMs,
      readdirSync(dirname(file))
    ]
    const before = state()
    for (const isWhole of [false, true]) {
      const { checks, problems, warnings } = await found(file, isWhole)
      assert.deepStrictEqual({ problems, warnings }, { problems: [], warnings: [] }, JSON.stringify(checks))
      assert.strictEqual(
        checks.some(({ id }) => id === "seals.valid"),
        isWhole
      )
    }
    assert.deepStrictEqual(state(), before)
  })

  it("tells what is missing, empty, no file, no database, another's or newer", async () => {
    const folder = newFolder()
    const at = (name: string) => join(folder, name)
    assert.deepStrictEqual((await found(at("none.db"))).problems, ["file.exists"])
    assert.deepStrictEqual((await found(folder)).problems, ["file.exists"])
    writeFileSync(at("empty.db"), "", { mode: 0o600 })
    assert.deepStrictEqual((await found(at("empty.db"))).problems, [])
    writeFileSync(at("text.db"), "a letter ".repeat(1000), { mode: 0o600 })
    assert.deepStrictEqual((await found(at("text.db"))).problems, ["database.application"])
    change(at("other.db"), "CREATE TABLE theirs (a)")
    assert.match(messageOf((await found(at("other.db"))).checks, "database.application"), /another application/)
    const file = await aFile()
    change(file, "PRAGMA user_version = 99")
    assert.match(messageOf((await found(file)).checks, "database.schema"), /newer openintent/)
    change(file, "PRAGMA user_version = 0")
    assert.include((await found(file)).warnings, "database.schema")
  })

  it("finds damage, in the middle and at the end", async () => {
    const [torn, cut] = await Promise.all([aFile(), aFile()])
    const descriptor = openSync(torn, "r+")
    const pages = Math.floor(statSync(torn).size / 4096)
    for (let page = Math.floor(pages / 2); page < pages - 1; page++)
      writeSync(descriptor, Buffer.alloc(4096, 0x5a), 0, 4096, page * 4096)
    closeSync(descriptor)
    truncateSync(cut, statSync(cut).size - 40 * 4096)
    for (const file of [torn, cut]) assert.isAbove((await found(file)).problems.length, 0, file)
    assert.include((await found(torn)).problems, "database.integrity")
  })

  it("finds a clock that is behind, figures that are wrong, a log that was changed or cut, keys without an end", async () => {
    const file = await aFile()
    const future = Date.now() + 3_600_000
    change(
      file,
      `UPDATE events SET body = json_set(body, '$.createdAt', ${future}) WHERE position = (SELECT max(position) FROM events)`
    )
    const { checks, problems } = await found(file, true)
    assert.sameMembers(problems, ["clock", "seals.valid"])
    assert.match(messageOf(checks, "clock"), /^the clock is (1 h|59 min)/)
    change(file, `DELETE FROM events WHERE position > 100`)
    assert.include((await found(file)).problems, "seals.lag")
    change(file, `UPDATE counters SET n = n + 1 WHERE "key" = 'intents/status/draft'`)
    const counters = messageOf((await found(file)).checks, "counters")
    assert.match(counters, /^intents\/status\/draft is 42, but 41 are there/)
    const keys = await openintent(["keys", "create", "--role", "admin", "--database-url", `sqlite:${file}`]).ended
    assert.strictEqual(keys.code, 0, keys.stderr)
    assert.include((await found(file)).warnings, "keys")
  })
})

describe("doctor: what was seen", () => {
  const state = {
    path: "/data/work.db",
    isFile: true,
    bytes: 4096,
    mode: 0o600,
    isReadable: true,
    isWritable: true,
    isFolderWritable: true,
    walBytes: 0,
    wal: { frames: 10, copied: 10 }
  }
  const worst = (findings: ReadonlyArray<{ readonly id: string; readonly level: string }>) =>
    findings.filter(({ level }) => level !== "ok").map(({ id, level }) => `${level} ${id}`)

  it.each([
    [{}, []],
    [{ mode: 0o644 }, ["warning file.permissions"]],
    [{ mode: 0o666 }, ["problem file.permissions"]],
    [{ isReadable: false }, ["problem file.readable"]],
    [{ isWritable: false }, ["problem file.writable"]],
    [{ isFolderWritable: false }, ["problem file.writable"]],
    [{ wal: { frames: 50_000, copied: 10 } }, ["warning wal.checkpoint"]],
    [{ walBytes: 1_000_000_000 }, ["warning wal.size"]],
    [{ walBytes: undefined, wal: undefined }, []]
  ])("file %j: %j", (given, expected) => assert.deepStrictEqual(worst(judgeFile({ ...state, ...given })), expected))

  it.each([
    [{ type: 0xef53, freeBytes: 1e12 }, []],
    [{ type: 0x6969, freeBytes: 1e12 }, ["problem file.system"]],
    [{ type: 0x01021994, freeBytes: 1e12 }, ["warning file.system"]],
    [{ type: 0xef53, freeBytes: 1e6 }, ["problem disk.space"]],
    [{ type: 0xef53, freeBytes: 5e8 }, ["warning disk.space"]]
  ])("file system %j: %j", (given, expected) => assert.deepStrictEqual(worst(judgeFileSystem(given, 4096)), expected))

  it.each([
    [{}, []],
    [{ nodeVersion: "22.18.0" }, ["problem limits.node"]],
    [{ nodeVersion: "22.19.0" }, []],
    [{ openFilesMax: 1024 }, ["warning limits.files"]],
    [{ openFilesMax: undefined }, []],
    [{ memoryAvailableBytes: 1e6 }, ["warning limits.memory"]]
  ])("machine %j: %j", (given, expected) => {
    const machine = { nodeVersion: "24.21.0", openFilesMax: 65_536, memoryBytes: 1e10, memoryAvailableBytes: 1e9 }
    assert.deepStrictEqual(worst(judgeMachine({ ...machine, ...given })), expected)
  })

  it.each([
    [{}, []],
    [{ OPENINTENT_HOST: "0.0.0.0" }, ["warning settings.host"]],
    [{ OPENINTENT_API_KEYS: "dev-user-key" }, ["problem settings.keys"]],
    [{ OPENINTENT_ADMIN_KEYS: "short-secret" }, ["warning settings.keys"]],
    [{ OPENINTENT_WEBHOOK_NETWORKS: "10.0.0.0/8, 0.0.0.0/0" }, ["problem settings.webhooks"]],
    [{ OPENINTENT_CORS_ORIGINS: "*" }, ["warning settings.cors"]]
  ])("settings %j: %j, and no key is told", (variables, expected) => {
    const findings = judgeSettings(variables)
    assert.deepStrictEqual(worst(findings), expected)
    assert.notMatch(JSON.stringify(findings), /dev-user-key|short-secret/)
  })
})

describe("openintent doctor", () => {
  it("looks into the file of a running server; exit codes 0, 1 and 2", async () => {
    const cwd = newFolder()
    await started(openintent(["serve", "--port", "0"], { cwd }))
    const [json, text, missing, memory] = await Promise.all([
      openintent(["doctor", "--full", "--json"], { cwd }).ended,
      openintent(["doctor"], { cwd }).ended,
      openintent(["doctor"]).ended,
      openintent(["doctor", "--database-url", "memory:"]).ended
    ])
    const { checks, level } = JSON.parse(json.stdout) as {
      readonly level: string
      readonly checks: ReadonlyArray<object>
    }
    assert.include(["ok", "warning"], level, json.stdout)
    assert.isTrue(checks.every((check) => Object.keys(check).join() === "id,level,message"))
    assert.deepStrictEqual([json.code, text.code, missing.code, memory.code], [0, 0, 1, 2])
    assert.match(text.stdout, /^ok +database\.schema +schema \d+$/m)
    assert.match(text.stdout, /\n\n0 problems, \d+ warnings?, \d+ ok\n$/)
    assert.match(missing.stdout, /^problem {2}file\.exists/)
    assert.strictEqual(missing.stderr, "")
    assert.match(memory.stderr, /^openintent: memory: is inside of one process[^\n]*\n$/)
  })
})
