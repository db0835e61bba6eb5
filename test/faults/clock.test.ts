/** The clock of the machine is set back and forth under a server, and between two runs (issue 4, point 5). */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { assert, describe, it } from "vitest"
import { answering, listeningSink } from "../http/webhooks/sink.ts"
import { newFolder, root } from "../layers/processes.ts"
import { eventually, integrityOf, newIntent, readFile, type Served, serve } from "./served.ts"

const hour = 3_600_000

/** A clock that a server takes for that of the machine. */
interface ShiftedClock {
  readonly serve: (file: string) => Promise<Served>
  /** From now on it is this far from the machine's. */
  readonly set: (server: Served | undefined, millis: number) => Promise<void>
}

const newClock = (): ShiftedClock => {
  const file = join(newFolder(), "shift")
  writeFileSync(file, "0")
  const preload = pathToFileURL(join(root, "test/faults/shiftedClock.mjs")).href
  return {
    serve: (database) => serve(database, { nodeFlags: ["--import", preload], env: { CLOCK_SHIFT: file } }),
    set: async (server, millis) => {
      writeFileSync(file, String(millis))
      if (server === undefined) return
      server.child.process.kill("SIGUSR2")
      const read = `${file}.read`
      await eventually(
        () => (existsSync(read) ? readFileSync(read, "utf8") : ""),
        (text) => text === String(millis)
      )
    }
  }
}

/** Times and ids of the log in its order, as they are stored. */
const storedLog = (file: string) =>
  readFile(file, (db) =>
    db
      .prepare("SELECT id, type, json_extract(body, '$.createdAt') AS at FROM events ORDER BY position")
      .all()
      .map(({ at, id, type }) => ({ id: String(id), type: String(type), at: Number(at) }))
  )

const assertInOrder = (file: string) => {
  const log = storedLog(file)
  const times = log.map(({ at }) => at)
  assert.deepStrictEqual(
    times,
    times.toSorted((a, b) => a - b)
  )
  const ids = log.map(({ id }) => id)
  assert.deepStrictEqual(ids, ids.toSorted())
  assert.strictEqual(integrityOf(file), "ok")
}

const acquire = ({ ask }: Served, intent: string, agent: string, seconds: number) =>
  ask("POST", `${intent}/leases`, { agent, body: { scope: "plan", duration_seconds: seconds } })

describe("a clock that is set back an hour", () => {
  it("leases, reservations, webhooks and what is due end or go on in their own time", async () => {
    const file = join(newFolder(), "work.db")
    const clock = newClock()
    const server = await clock.serve(file)
    const { ask } = server
    const intent = await newIntent(server)
    const sink = await listeningSink()
    // The first try fails, so that the next one is due after the clock was set back.
    sink.onRequest = (n, response) => answering(n === 1 ? 500 : 200)(n, response)
    const hook = { event_types: ["comment"], webhook_url: sink.url }
    assert.strictEqual((await ask("POST", `${intent}/subscriptions`, { body: hook })).status, 200)
    assert.strictEqual((await acquire(server, intent, "a", 2)).status, 200)
    const reservations = `${intent}/costs/reservations`
    assert.strictEqual((await ask("POST", reservations, { body: { amount: 1, ttl_seconds: 1 } })).status, 200)
    assert.strictEqual((await ask("POST", `${intent}/events`, { body: { event_type: "comment" } })).status, 200)
    await sink.until(1)

    await clock.set(server, -hour)
    assert.strictEqual((await acquire(server, intent, "b", 2)).status, 409, "it is held")
    const granted = await eventually(
      () => acquire(server, intent, "b", 2),
      ({ status }) => status !== 409
    )
    assert.strictEqual(granted.status, 200, "an hour has not passed")
    await sink.until(2)
    // Receivers refuse what is not of their time: it is signed with the time of the machine.
    const [, second] = sink.got
    const behindMs = Date.now() - Number(second?.headers["webhook-timestamp"]) * 1000
    assert.isTrue(behindMs > hour / 2 && behindMs < 2 * hour, `${behindMs} ms`)
    await eventually(
      async () => (await ask("GET", reservations)).body.reservations,
      ([reservation]) => reservation.status === "expired"
    )
    const { leases } = (await ask("GET", `${intent}/leases?status=active`)).body
    assert.deepStrictEqual(
      leases.filter(({ status }: any) => status === "active").map(({ agent_id }: any) => agent_id),
      ["b"]
    )

    // Forth: all is over that has a time, and what was over before does not come back when it is set right.
    await clock.set(server, hour)
    assert.strictEqual((await acquire(server, intent, "c", 60)).status, 200)
    await clock.set(server, 0)
    assert.strictEqual((await acquire(server, intent, "b", 2)).status, 409)
    assert.strictEqual((await ask("POST", `${intent}/events`, { body: { event_type: "comment" } })).status, 200)
    await sink.until(3)
    assert.strictEqual((await server.stop()).code, 0)
    assertInOrder(file)
  })

  it("between two runs: what the first held is given back in its time, and the log goes on after it", async () => {
    const file = join(newFolder(), "work.db")
    const clock = newClock()
    const sink = await listeningSink()
    const first = await clock.serve(file)
    const intent = await newIntent(first)
    const hook = { event_types: ["comment"], webhook_url: sink.url }
    assert.strictEqual((await first.ask("POST", `${intent}/subscriptions`, { body: hook })).status, 200)
    assert.strictEqual((await first.ask("POST", `${intent}/events`, { body: { event_type: "comment" } })).status, 200)
    await sink.until(1)
    assert.strictEqual((await acquire(first, intent, "a", 2)).status, 200)
    await first.stop("SIGKILL") // With the claim to delivery in its hands.

    await clock.set(undefined, -hour)
    const second = await clock.serve(file)
    assert.strictEqual((await second.ask("POST", `${intent}/events`, { body: { event_type: "comment" } })).status, 200)
    await sink.until(2)
    const granted = await eventually(
      () => acquire(second, intent, "b", 60),
      ({ status }) => status !== 409
    )
    assert.strictEqual(granted.status, 200)
    assert.strictEqual((await second.stop()).code, 0)
    assertInOrder(file)
  })
})
