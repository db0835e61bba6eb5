/** The file cannot be written for a while: what callers see, what goes on, and that nothing is lost (issue 4, point 5). */
import { join } from "node:path"
import { assert, describe, it, onTestFinished } from "vitest"
import { answering, listeningSink } from "../http/webhooks/sink.ts"
import { newFolder } from "../layers/processes.ts"
import { canLimitFileSize, canMount, canSetImmutable, limitFileSize, newDisk, setImmutable } from "./disks.ts"
import {
  assertUnavailable,
  eventually,
  integrityOf,
  newIntent,
  readFile,
  refusedToServe,
  type Served,
  serve,
  sizeOf,
  tells
} from "./served.ts"

/** A disk that breaks under a server. */
interface Broken {
  readonly file: string
  readonly breaks: (server: Served) => void
  readonly mends: (server: Served) => void
}

interface Kind {
  readonly name: string
  /** Why it cannot be tried here. */
  readonly missing: string | undefined
  readonly words: RegExp
  readonly make: () => Broken
}

const kinds: ReadonlyArray<Kind> = [
  {
    name: "a disk that is full",
    missing: canMount ? undefined : "file systems cannot be mounted here",
    words: /database or disk is full/,
    make: () => {
      const disk = newDisk(3)
      return { file: join(disk.path, "work.db"), breaks: disk.fill, mends: disk.free }
    }
  },
  {
    name: "a file that became read-only",
    missing: canSetImmutable ? undefined : "files cannot be made immutable here",
    words: /disk I\/O error|readonly database/,
    make: () => {
      const file = join(newFolder(), "work.db")
      onTestFinished(() => void setImmutable(file, false)) // Else it could not be removed.
      return {
        file,
        breaks: () => assert.isTrue(setImmutable(file, true)),
        mends: () => assert.isTrue(setImmutable(file, false))
      }
    }
  },
  {
    name: "files that may not grow",
    missing: canLimitFileSize ? undefined : "prlimit is not there",
    words: /disk I\/O error/,
    make: () => {
      const file = join(newFolder(), "work.db")
      return {
        file,
        breaks: ({ pid }) => assert.isTrue(limitFileSize(pid, sizeOf(`${file}-wal`))),
        mends: ({ pid }) => assert.isTrue(limitFileSize(pid, undefined))
      }
    }
  }
]

const webhookEvents = { event_types: ["comment"] }

describe.each(kinds)("$name", ({ make, missing, words }) => {
  it.skipIf(missing !== undefined)(
    `${missing === undefined ? "" : `(${missing}) `}refuses writes with 503, answers reads, and works again without a restart`,
    async () => {
      const { breaks, file, mends } = make()
      const sink = await listeningSink()
      let answerLate = () => {}
      sink.onRequest = (n, response) => {
        if (n === 2) answerLate = () => answering(200)(n, response)
        else answering(200)(n, response)
      }
      const server = await serve(file)
      const { ask } = server
      const intent = await newIntent(server)
      const told: Array<number> = []
      let refused = 0
      /** Numbers are never used twice, so that a write that was refused and is there all the same would be seen. */
      const comment = async (size = 0) => {
        const n = told.length + refused
        const payload = { n, fill: "x".repeat(size) }
        const answer = await ask("POST", `${intent}/events`, { body: { event_type: "comment", payload } })
        if (answer.status === 200) told.push(n)
        else refused++
        return answer
      }
      const hook = await ask("POST", `${intent}/subscriptions`, { body: { ...webhookEvents, webhook_url: sink.url } })
      assert.strictEqual(hook.status, 200, hook.text)
      const lease = await ask("POST", `${intent}/leases`, { body: { scope: "plan", duration_seconds: 1 } })
      assert.strictEqual(lease.status, 200, lease.text)
      assert.strictEqual((await comment()).status, 200)
      await sink.until(1)

      // One whose answer comes when it cannot be written down: it is kept until it can be, and not sent again meanwhile.
      const late = await comment()
      assert.strictEqual(late.status, 200)
      await sink.until(2)
      breaks(server)
      answerLate()
      assertUnavailable(
        await eventually(
          () => comment(20_000),
          ({ status }) => status !== 200
        )
      )
      const content = Buffer.alloc(600_000, 7).toString("base64")
      const file64 = { filename: "large", content_type: "application/octet-stream", content_base64: content }
      const writes = await Promise.all([
        ...Array.from({ length: 20 }, () => comment(20_000)),
        ask("POST", `${intent}/attachments`, { body: file64 }),
        ask("POST", "/api/v1/portfolios", { body: { name: "x".repeat(200), description: "y".repeat(9000) } })
      ])
      for (const answer of writes) assertUnavailable(answer)
      for (const path of [intent, `${intent}/events`, `${intent}/attachments`, "/api/v1/intents", "/health/live"]) {
        const { status, text } = await ask("GET", path)
        assert.strictEqual(status, 200, `${path}: ${text}`)
      }
      const health = await ask("GET", "/health/ready")
      assert.deepStrictEqual([health.status, health.body.status], [503, "degraded"], health.text)
      assert.isTrue(tells(server, words), server.log())
      // The lease is over, which cannot be written: nobody has it all the same.
      await eventually(server.log, (log) => log.includes("the sweep of leases was interrupted"))
      assert.deepStrictEqual((await ask("GET", `${intent}/leases`)).body.leases, [])

      mends(server)
      assert.strictEqual((await comment()).status, 200, "the first write after it is written")
      assert.strictEqual((await ask("GET", "/health/ready")).status, 200)
      assert.strictEqual((await ask("POST", `${intent}/attachments`, { body: file64 })).status, 200)
      const events = await eventually(
        async () => (await ask("GET", `${intent}/events?include=all`)).body.events,
        (found: ReadonlyArray<any>) => found.some(({ event_type }) => event_type === "lease_released")
      )
      assert.isNotEmpty(events)
      await eventually(
        () => new Set(sink.got.map(({ json }) => json.event.payload.n)).size,
        (n) => n === told.length
      )
      // The log is sealed on, to its end.
      const sealed = await eventually(
        async () => (await ask("GET", `${intent}/events/verify`)).body,
        ({ unsealed_count }) => unsealed_count === 0
      )
      assert.strictEqual(sealed.valid, true, JSON.stringify(sealed))
      const ended = await server.stop()
      assert.deepStrictEqual([ended.code, ended.stderr], [0, ""])

      assert.strictEqual(integrityOf(file), "ok")
      const stored = readFile(file, (db) =>
        db
          .prepare("SELECT json_extract(body, '$.payload.n') AS n FROM events WHERE type = 'comment' ORDER BY position")
          .all()
          .map(({ n }) => Number(n))
          .toSorted((a, b) => a - b)
      )
      // Those sent at once may have been written in another order.
      assert.deepStrictEqual(
        stored,
        told.toSorted((a, b) => a - b)
      )
      // Written with its content, once; nothing is left of the one that was refused.
      const contents = readFile(file, (db) => db.prepare("SELECT count(*) AS n FROM attachment_contents").get()?.["n"])
      assert.strictEqual(contents, 1)
    }
  )
})

describe.skipIf(!canMount)(`a small disk${canMount ? "" : " (file systems cannot be mounted here)"}`, () => {
  it("a checkpoint that finds no room for the file is finished when there is room", async () => {
    const disk = newDisk(20)
    const file = join(disk.path, "work.db")
    const server = await serve(file)
    const intent = await newIntent(server)
    const attach = () =>
      server.ask("POST", `${intent}/attachments`, {
        body: { filename: "a", content_type: "a/b", content_base64: Buffer.alloc(1_000_000, 7).toString("base64") }
      })
    let stored = 0
    const full = await eventually(attach, ({ status }) => {
      if (status === 200) stored++
      return status !== 200
    })
    assertUnavailable(full)
    // The log is beyond the size at which it is written back, and could not be: the file is as small as it was.
    assert.isAbove(sizeOf(`${file}-wal`), 4000 * 4096)
    assert.isBelow(sizeOf(file), 4_000_000)
    disk.resize(64)
    assert.strictEqual((await attach()).status, 200)
    assert.isAbove(sizeOf(file), stored * 1_000_000)
    const before = sizeOf(`${file}-wal`)
    for (let i = 0; i < 5; i++) assert.strictEqual((await attach()).status, 200)
    assert.strictEqual(sizeOf(`${file}-wal`), before, "it begins anew in the log")
    const { code } = await server.stop()
    assert.strictEqual(code, 0)
    assert.strictEqual(sizeOf(`${file}-wal`), 0)
    assert.strictEqual(integrityOf(file), "ok")
    const n = readFile(file, (db) => db.prepare("SELECT count(*) AS n FROM attachment_contents").get()?.["n"])
    assert.strictEqual(n, stored + 6)
  })

  it("one that can only be read is refused in one line, with a file and without, and served when it can be written", async () => {
    const disk = newDisk(4)
    const file = join(disk.path, "work.db")
    disk.setReadOnly(true)
    const none = await refusedToServe(file)
    assert.deepStrictEqual([none.code, none.stdout], [1, ""])
    assert.match(none.stderr, /^openintent: cannot open sqlite:\/\/\/\/\S+: .*(readonly|unable to open).*\n$/)
    disk.setReadOnly(false)
    const first = await serve(file)
    const intent = await newIntent(first)
    await first.stop("SIGKILL") // What it wrote is in the log beside the file.
    disk.setReadOnly(true)
    const refused = await refusedToServe(file)
    assert.deepStrictEqual([refused.code, refused.stdout], [1, ""])
    assert.match(refused.stderr, /^openintent: cannot open sqlite:\/\/\/\/\S+: .*(readonly|unable to open).*\n$/)
    disk.setReadOnly(false)
    const second = await serve(file)
    assert.strictEqual((await second.ask("GET", intent)).status, 200)
    await newIntent(second)
    assert.strictEqual((await second.stop()).code, 0)
  })
})
