/** The same request by many clients at once, of which one may win. */
import { assert } from "@effect/vitest"
import { conflictOf, eventsOf, type HttpClient, intentOf, leaseOf } from "./HttpClient.ts"

/** The one client that was answered with 200; the answers of the others. */
const winnerOf = (clients: ReadonlyArray<HttpClient>, answers: ReadonlyArray<{ status: number; body: unknown }>) => {
  const pairs = clients.map((client, i) => ({ client, answer: answers[i]! }))
  const winners = pairs.filter(({ answer }) => answer.status === 200)
  assert.lengthOf(winners, 1, JSON.stringify(pairs.map(({ answer }) => answer.status)))
  return { ...winners[0]!, losers: pairs.filter(({ answer }) => answer.status !== 200).map(({ answer }) => answer) }
}

/** All patch the same version; answers the version after it. */
export const raceForVersion = async (
  clients: ReadonlyArray<HttpClient>,
  id: string,
  version: number
): Promise<number> => {
  const answers = await Promise.all(
    clients.map((client) => client.patchState(id, version, [{ op: "set", path: "/winner", value: client.agentId }]))
  )
  const { answer, client, losers } = winnerOf(clients, answers)
  const intent = intentOf(answer)
  assert.strictEqual(intent.version, version + 1)
  assert.deepStrictEqual(intent.state, { winner: client.agentId })
  for (const lost of losers) {
    const { code, current_version } = conflictOf(lost)
    assert.deepStrictEqual({ code, current_version }, { code: "version_conflict", current_version: version + 1 })
  }
  return intent.version
}

/** All acquire the same scope; the winner then releases it. */
export const raceForLease = async (clients: ReadonlyArray<HttpClient>, id: string, scope: string): Promise<void> => {
  const answers = await Promise.all(clients.map((client) => client.acquire(id, scope)))
  const { answer, client, losers } = winnerOf(clients, answers)
  const lease = leaseOf(answer)
  assert.deepStrictEqual([lease.agent_id, lease.scope, lease.status], [client.agentId, scope, "active"])
  for (const lost of losers) {
    const { code, existing_lease } = conflictOf(lost)
    assert.strictEqual(code, "lease_conflict")
    assert.deepStrictEqual([existing_lease?.id, existing_lease?.agent_id], [lease.id, client.agentId])
  }
  assert.strictEqual((await client.release(id, lease.id)).status, 200)
}

/** Versions of all `state_patched` events of the intent, oldest first. */
export const patchedVersions = async (client: HttpClient, id: string): Promise<ReadonlyArray<unknown>> => {
  const { events } = eventsOf(await client.listEvents(id, "event_type=state_patched&order=asc&limit=1000"))
  return events.map(({ payload }) => payload["version"])
}
