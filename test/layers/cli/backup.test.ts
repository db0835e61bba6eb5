/** Copies of files that others write to. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import {
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync
} from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { createEngine } from "../../../src/layers/createEngine.ts"
import { backup, type BackupOptions } from "../../../src/storage/sqlite/backup.ts"
import type { Acknowledged } from "../../crash/Acknowledged.ts"
import { httpTarget } from "../../crash/httpTarget.ts"
import { randomOf } from "../../crash/random.ts"
import { readStored } from "../../crash/stored.ts"
import { verify } from "../../crash/verify.ts"
import { writeAll } from "../../crash/workload.ts"
import { canMount, newDisk } from "../../faults/disks.ts"
import { newFolder, openintent, started } from "../processes.ts"

/** A file with some events, closed. */
const aFile = async (folder = newFolder(), events = 3): Promise<string> => {
  const file = join(folder, "work.db")
  await using engine = await createEngine({ storage: `sqlite:${file}` })
  const { id } = await engine.intents.create({ title: "one" })
  const payload = { text: "x".repeat(500) }
  await Promise.all(Array.from({ length: events - 1 }, () => engine.events.append(id, { type: "comment", payload })))
  return file
}

const refusal = (options: BackupOptions) =>
  Effect.runPromise(Effect.result(backup(options))).then((result) =>
    Result.isFailure(result) ? ([result.failure.at, result.failure.reason] as const) : assert.fail("a copy was made")
  )

describe("backup", () => {
  it("is compact, as secret as the file, and opens as an engine with all there was", async () => {
    const file = await aFile()
    chmodSync(file, 0o600)
    const to = join(newFolder(), "copy.db")
    const made = await Effect.runPromise(backup({ from: file, to }))
    assert.deepStrictEqual(made, { bytes: statSync(to).size, events: 3, lastPosition: 3, schemaVersion: 1 })
    assert.strictEqual(statSync(to).mode & 0o777, 0o600)
    assert.deepStrictEqual(readStored(to), readStored(file))
    await using engine = await createEngine({ storage: `sqlite:${to}` })
    assert.lengthOf((await engine.intents.list()).items, 1)
    await engine.intents.create({ title: "and goes on" })
  })

  it("replaces a file only if it is told to, also through a link", async () => {
    const from = await aFile()
    const to = join(newFolder(), "copy.db")
    writeFileSync(to, "before")
    assert.deepStrictEqual(await refusal({ from, to }), ["target", `${to} is there already`])
    assert.strictEqual(readFileSync(to, "utf8"), "before")
    await Effect.runPromise(backup({ from, to, replace: true }))
    assert.strictEqual(readStored(to).events.length, 3)
    const link = join(newFolder(), "link.db")
    symlinkSync(from, link)
    for (const same of [from, link])
      assert.deepStrictEqual(await refusal({ from, to: same, replace: true }), [
        "target",
        `${same} is the file to copy`
      ])
    assert.strictEqual(readStored(from).events.length, 3)
  })

  it("leaves nothing where it fails, and says why", async () => {
    const from = await aFile()
    const folder = newFolder()
    const to = join(folder, "copy.db")
    assert.match((await refusal({ from: join(folder, "none.db"), to })).join(), /^source,there is no file/)
    assert.match((await refusal({ from: folder, to })).join(), /^source,there is no file/)
    assert.match((await refusal({ from, to: join(folder, "none", "copy.db") })).join(), /^target,there is no folder/)

    const text = join(newFolder(), "text.db")
    writeFileSync(text, "a letter ".repeat(1000))
    assert.match((await refusal({ from: text, to })).join(), /^source,.*not a database/)

    const other = join(newFolder(), "other.db")
    new DatabaseSync(other).exec("CREATE TABLE theirs (a)")
    assert.match((await refusal({ from: other, to })).join(), /^source,.*not one of openintent/)

    // A log of what was there before would be read into the copy.
    writeFileSync(`${to}-wal`, "")
    assert.match((await refusal({ from, to, replace: true })).join(), /^target,.*is in use, or was not closed/)
    assert.deepStrictEqual(readdirSync(folder), ["copy.db-wal"])
  })

  it("refuses a damaged file, and leaves nothing", async () => {
    const from = await aFile(newFolder(), 300)
    const pages = Math.floor(statSync(from).size / 4096)
    const file = openSync(from, "r+")
    for (let page = Math.floor(pages / 2); page < pages - 1; page++)
      writeSync(file, Buffer.alloc(4096, 0x5a), 0, 4096, page * 4096)
    closeSync(file)
    const folder = newFolder()
    assert.match((await refusal({ from, to: join(folder, "copy.db") })).join(), /^copy,.*(malformed|damaged)/)
    assert.deepStrictEqual(readdirSync(folder), [])
  })

  it.skipIf(!canMount)("on a disk that becomes full leaves nothing, and works when there is room", async () => {
    const from = await aFile(newFolder(), 3000)
    const { path: disk } = newDisk(1)
    const to = join(disk, "copy.db")
    assert.match((await refusal({ from, to })).join(), /full/)
    assert.deepStrictEqual(readdirSync(disk), [])
    const small = await aFile()
    await Effect.runPromise(backup({ from: small, to }))
    assert.strictEqual(readStored(to).integrity, "ok")
  })
})

describe("openintent backup", () => {
  it("copies the file of a server under load: all that was acknowledged before, and nothing half", async () => {
    const cwd = newFolder()
    const file = join(cwd, "openintent.db")
    const server = openintent(["serve", "--port", "0"], { cwd })
    using target = httpTarget((await started(server)).annotations.url)
    const acknowledged: Array<Acknowledged> = []
    const writing = writeAll(target, 16, { intents: [] }, randomOf(7), (one) => acknowledged.push(one))
    while (acknowledged.length < 200) await new Promise((resolve) => void setTimeout(resolve, 5))
    const [before, to] = [acknowledged.slice(), join(cwd, "copy.db")]
    const { code, stderr, stdout } = await openintent(["backup", to, "--json"], { cwd }).ended
    assert.deepStrictEqual([code, stderr], [0, ""])
    const told = JSON.parse(stdout) as { readonly events: number; readonly file: string; readonly bytes: number }
    assert.isAbove(acknowledged.length, before.length) // Nobody waited for it.
    const stored = readStored(to)
    assert.deepInclude(told, { file: to, events: stored.events.length, bytes: statSync(to).size })
    verify(stored, before)
    server.process.kill("SIGKILL")
    await server.ended
    await writing
    assert.isAbove(readStored(file).events.length, stored.events.length)
    assert.isFalse(existsSync(`${to}-wal`))
    // In words, and once more: the copy is there.
    const again = await openintent(["backup", to], { cwd }).ended
    assert.deepStrictEqual(
      [again.code, again.stdout, again.stderr],
      [1, "", `openintent: no backup was made: ${to} is there already\n`]
    )
  })
})
