/** Two servers and an embedded engine on one SQLite file (decision 19). */
import { assert, describe, it } from "@effect/vitest"
import { join } from "node:path"
import type { LogEvent } from "../../src/core/event/LogEvent.ts"
import { createEngine } from "../../src/layers/createEngine.ts"
import { newFolder, openintent, started } from "../layers/processes.ts"
import { eventsOf, HttpClient, intentOf, leaseOf } from "./HttpClient.ts"
import { patchedVersions, raceForLease, raceForVersion } from "./race.ts"

const [clientCount, rounds, leaseCount] = [64, 25, 24]

/** Two servers on a new file, and clients of which every second one asks the second server. */
const setUp = async () => {
  const storage = `sqlite:///${join(newFolder(), "shared.db")}`
  const servers = [0, 1].map(() => openintent(["serve", "--port", "0", "--database-url", storage]))
  const urls = (await Promise.all(servers.map(started))).map(({ annotations }) => annotations.url)
  const clients = Array.from({ length: clientCount }, (_, i) => new HttpClient(urls[i % 2]!, `agent-${i}`))
  const stop = async () => {
    for (const client of clients) client[Symbol.dispose]()
    for (const server of servers) server.process.kill("SIGTERM")
    assert.deepStrictEqual(
      (await Promise.all(servers.map(({ ended }) => ended))).map(({ code }) => code),
      [0, 0]
    )
  }
  return { storage, clients, stop }
}

/** Follows until this many events that match have come. */
const take = async (events: AsyncIterable<LogEvent>, count: number, matches: (event: LogEvent) => boolean) => {
  const found: Array<LogEvent> = []
  for await (const event of events) if (matches(event) && found.push(event) === count) break
  return found
}

describe("races: two servers on one file", () => {
  it(`of ${clientCount} clients of both exactly one wins a version, and one a scope`, async () => {
    const { clients, stop } = await setUp()
    const [one, two] = [clients[0]!, clients[1]!]
    const { id, version: first } = intentOf(await one.createIntent({ title: "Race", status: "active" }))
    let version = first
    for (let round = 0; round < rounds; round++) {
      version = await raceForVersion(clients, id, version)
      await raceForLease(clients, id, "draft")
    }
    const expected = Array.from({ length: rounds }, (_, i) => first + 1 + i)
    assert.deepStrictEqual([await patchedVersions(one, id), await patchedVersions(two, id)], [expected, expected])
    await stop()
  })

  it("who follows the log in one process sees the commits of the others, each once and in order", async () => {
    const { clients, stop, storage } = await setUp()
    await using engine = await createEngine({ storage })
    const { id } = intentOf(await clients[0]!.createIntent({ title: "Followed", status: "active" }))
    const followed = take(
      engine.events.follow({ intentId: id, after: 0 }),
      clientCount,
      ({ type }) => type === "comment"
    )
    const acknowledged = await Promise.all(
      clients.map((client) => client.append(id, { event_type: "comment", payload: { by: client.agentId } }))
    )
    assert.deepStrictEqual([...new Set(acknowledged.map(({ status }) => status))], [200])
    const seen = await followed
    const { events } = eventsOf(await clients[1]!.listEvents(id, "event_type=comment&order=asc&limit=1000"))
    assert.deepStrictEqual(
      seen.map(({ id, position }) => [id, position]),
      events.map(({ id, sequence }) => [id, sequence])
    )
    assert.deepStrictEqual(new Set(seen.map(({ actor }) => actor)), new Set(clients.map(({ agentId }) => agentId)))
    await stop()
  })

  it("leases that are over are swept once, whoever sweeps (semantics 3.7)", async () => {
    const { clients, stop, storage } = await setUp()
    await using engine = await createEngine({ storage })
    const isExpiry = ({ payload, type }: LogEvent) => type === "lease_released" && payload["reason"] === "expired"
    const swept = take(engine.events.follow({ after: 0 }), leaseCount, isExpiry)
    const leases = await Promise.all(
      clients.slice(0, leaseCount).map(async (client) => {
        const { id } = intentOf(await client.createIntent({ title: "Swept", status: "active" }))
        return leaseOf(await client.acquire(id, "draft", 1))
      })
    )
    const ids = new Set(leases.map(({ id }) => id))
    assert.deepStrictEqual(new Set((await swept).map(({ payload }) => payload["lease_id"])), ids)
    await stop() // Whatever else they were about to write is written now.
    const ends = await Promise.all(
      leases.map(({ intent_id }) => engine.events.list(intent_id, { type: "lease_released" }))
    )
    assert.deepStrictEqual(
      ends.map(({ total }) => total),
      leases.map(() => 1)
    )
  })
})
