/** A page of the file is overwritten behind the server's back, and later put right again (issue 4, point 5). */
import { closeSync, openSync, readSync, writeSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { newFolder } from "../layers/processes.ts"
import {
  assertUnavailable,
  eventually,
  integrityOf,
  newIntent,
  readFile,
  refusedToServe,
  type Served,
  serve,
  tells
} from "./served.ts"

const pageSize = 4096

/** Overwrites a page and answers how to put back what was there. */
const spoil = (file: string, page: number): (() => void) => {
  const at = (page - 1) * pageSize
  const before = Buffer.alloc(pageSize)
  const write = (bytes: Buffer) => {
    const descriptor = openSync(file, "r+")
    try {
      if (bytes !== before) readSync(descriptor, before, 0, pageSize, at)
      writeSync(descriptor, bytes, 0, pageSize, at)
    } finally {
      closeSync(descriptor)
    }
  }
  // Leaves the header of page 1 as it is, so that it is still a database.
  write(Buffer.alloc(pageSize, 0xa5))
  return () => write(before)
}

/** The pages with rows of a table or entries of an index, in their order. */
const leavesOf = (file: string, name: string): ReadonlyArray<number> =>
  readFile(file, (db) =>
    db
      .prepare("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path")
      .all(name)
      .map(({ pageno }) => Number(pageno))
  )

/** Brings the log into the file, as it happens by itself now and then. */
const checkpoint = (file: string): void =>
  readFile(file, (db) => {
    const { busy } = db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get() ?? {}
    assert.strictEqual(busy, 0)
  })

/** A commit of somebody else: pages are read from the file again after it. */
const invalidate = (file: string): void =>
  readFile(file, (db) => db.exec(`UPDATE counters SET n = n WHERE "key" = 'storage.time'`))

const attach = ({ ask }: Served, intent: string) =>
  ask("POST", `${intent}/attachments`, {
    body: { filename: "a", content_type: "text/plain", content_base64: Buffer.alloc(100).toString("base64") }
  })

describe("a page that is not what was written", () => {
  it("is told where it is met, the rest is served, and all is well when it is put right", async () => {
    const file = join(newFolder(), "work.db")
    const server = await serve(file)
    const { ask } = server
    const intent = await newIntent(server)
    for (let i = 0; i < 60; i++) {
      const payload = { n: i, fill: "x".repeat(500) }
      assert.strictEqual(
        (await ask("POST", `${intent}/events`, { body: { event_type: "comment", payload } })).status,
        200
      )
    }
    assert.strictEqual((await attach(server, intent)).status, 200)
    const held = await newIntent(server)
    const lease = await ask("POST", `${held}/leases`, { body: { scope: "plan", duration_seconds: 1 } })
    assert.strictEqual(lease.status, 200)
    const events = (await ask("GET", `${intent}/events?limit=1000&include=all`)).body.events
    checkpoint(file)

    const [firstEvents = 0] = leavesOf(file, "events")
    const [attachments = 0] = leavesOf(file, "attachments")
    const [leases = 0] = leavesOf(file, "leases")
    const restores = [firstEvents, attachments, leases].map((page) => spoil(file, page))
    invalidate(file)

    for (const path of [`${intent}/events?limit=1000&order=asc`, `${intent}/attachments`, `${held}/leases`]) {
      assertUnavailable(await ask("GET", path))
    }
    assertUnavailable(await attach(server, intent))
    assert.isTrue(tells(server, /malformed|not what was written/), server.log())
    // The sweeper comes to the lease, cannot read it, and goes on.
    await eventually(server.log, (log) => log.split("the sweep of leases was interrupted").length > 2)
    // What is elsewhere is read and written.
    assert.strictEqual((await ask("GET", intent)).status, 200)
    assert.strictEqual((await ask("GET", "/health/live")).status, 200)
    const other = await newIntent(server)
    const told = await ask("POST", `${other}/events`, { body: { event_type: "comment", payload: { n: -1 } } })
    assert.strictEqual(told.status, 200, told.text)

    for (const restore of restores) restore()
    const read = await ask("GET", `${intent}/events?limit=1000&include=all`)
    assert.deepStrictEqual(read.body?.events, events, read.text)
    assert.strictEqual((await ask("GET", `${intent}/attachments`)).body.attachments.length, 1)
    assert.strictEqual((await attach(server, intent)).status, 200)
    await eventually(
      async () => (await ask("GET", `${held}/events?include=all`)).body.events,
      (found: ReadonlyArray<any>) => found.some(({ event_type }) => event_type === "lease_released")
    )
    assert.strictEqual((await server.stop()).code, 0)
    assert.strictEqual(integrityOf(file), "ok")
  })

  it("is read again although it was kept as bad: text that is no JSON any more", async () => {
    const file = join(newFolder(), "work.db")
    const server = await serve(file)
    const [good, bad] = [await newIntent(server), await newIntent(server)]
    const id = bad.split("/").at(-1) ?? ""
    const body = readFile(file, (db) => db.prepare("SELECT body FROM intents WHERE id = ?").get(id)?.["body"])
    const write = (text: unknown) =>
      readFile(file, (db) => db.prepare("UPDATE intents SET body = ? WHERE id = ?").run(String(text), id))
    for (const text of ["{", "null", "[]", String(body).replace("Faults", "")]) {
      write(text.startsWith('{"') ? text.slice(0, -2) : text)
      assertUnavailable(await server.ask("GET", bad))
      assert.strictEqual((await server.ask("GET", good)).status, 200)
    }
    assert.isTrue(tells(server, /row 2 of intents is not what was written/), server.log())
    write(body)
    assert.strictEqual((await server.ask("GET", bad)).status, 200)
    await server.stop()
  })

  it("at the start, where it is met, is a refusal in one line, and the file is left as it is", async () => {
    const file = join(newFolder(), "work.db")
    const server = await serve(file)
    await newIntent(server)
    assert.strictEqual((await server.stop()).code, 0)
    for (const page of [1, ...leavesOf(file, "events").slice(0, 1)]) {
      const restore = spoil(file, page)
      const { code, stderr, stdout } = await refusedToServe(file)
      assert.deepStrictEqual([code, stdout], [1, ""])
      assert.match(
        stderr,
        /^openintent: cannot open sqlite:\/\/\/\/\S+: .*(malformed|not a database|not what was written).*\n$/
      )
      restore()
    }
    assert.strictEqual(integrityOf(file), "ok")
    const again = await serve(file)
    assert.strictEqual((await again.ask("GET", "/api/v1/intents")).body.total, 1)
    assert.strictEqual((await again.stop()).code, 0)
  })
})
