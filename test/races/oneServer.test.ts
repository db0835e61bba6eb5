/** Many clients of one server, over real sockets, on one version and on one scope (issue 2, section 5). */
import { assert, describe, it } from "@effect/vitest"
import { join } from "node:path"
import { newFolder, openintent, started } from "../layers/processes.ts"
import { HttpClient, intentOf } from "./HttpClient.ts"
import { patchedVersions, raceForLease, raceForVersion } from "./race.ts"

const [clientCount, rounds] = [64, 200]

const setUp = async () => {
  const server = openintent(["serve", "--port", "0", "--database-url", `sqlite:///${join(newFolder(), "races.db")}`])
  const { url } = (await started(server)).annotations
  const clients = Array.from({ length: clientCount }, (_, i) => new HttpClient(url, `agent-${i}`))
  const { id, version } = intentOf(await clients[0]!.createIntent({ title: "Race", status: "active" }))
  return { clients, id, version }
}

describe("races: one server", () => {
  it(`of ${clientCount} patches of one version exactly one wins, ${rounds} times (semantics 2)`, async () => {
    const { clients, id, version: first } = await setUp()
    let version = first
    for (let round = 0; round < rounds; round++) version = await raceForVersion(clients, id, version)
    assert.strictEqual(intentOf(await clients[0]!.getIntent(id)).version, first + rounds)
    assert.deepStrictEqual(
      await patchedVersions(clients[0]!, id),
      Array.from({ length: rounds }, (_, i) => first + 1 + i)
    )
    for (const client of clients) client[Symbol.dispose]()
  })

  it(`of ${clientCount} requests for one scope exactly one is granted, ${rounds} times (semantics 3.4)`, async () => {
    const { clients, id } = await setUp()
    for (let round = 0; round < rounds; round++) await raceForLease(clients, id, round % 2 === 0 ? "draft" : "*")
    for (const client of clients) client[Symbol.dispose]()
  })
})
