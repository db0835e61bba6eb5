/** Compares a file with what was acknowledged: nothing of it is missing, and nothing at all is half there. */
import { assert } from "@effect/vitest"
import { creatorCounter, statusCounter } from "../../src/core/counters.ts"
import { statuses } from "../../src/core/intent/Intent.ts"
import type { Acknowledged, AcknowledgedEvent, AcknowledgedIntent, AcknowledgedLease } from "./Acknowledged.ts"
import { type Replayed, replay } from "./replay.ts"
import type { Stored } from "./stored.ts"

const grouped = <A>(values: ReadonlyArray<A>, key: (value: A) => string): ReadonlyMap<string, ReadonlyArray<A>> =>
  Map.groupBy(values, key)

/** Row and log of every intent agree: version, state, status (semantics 2 and 8). */
const verifyIntents = ({ events, intents }: Stored): ReadonlyMap<string, ReadonlyArray<Replayed>> => {
  const logs = grouped(events, (event) => event.intent_id)
  assert.deepStrictEqual(new Set(logs.keys()), new Set(intents.map(({ id }) => id)), "intents and logs")
  return new Map(
    intents.map(({ body: { state, version }, id, status }) => {
      const versions = replay((logs.get(id) ?? []).map(({ body: { payload }, type }) => ({ type, payload })))
      assert.deepStrictEqual<Replayed | undefined>({ version, status, state }, versions.at(-1), `row and log of ${id}`)
      return [id, versions]
    })
  )
}

const verifyAcknowledgedIntent = (
  { id, state, status, version }: AcknowledgedIntent,
  versions: ReadonlyMap<string, ReadonlyArray<Replayed>>
) => assert.deepStrictEqual(versions.get(id)?.[version - 1], { version, status, state }, `version ${version} of ${id}`)

const verifyAcknowledgedEvent = (
  { id, intentId, payload, position }: AcknowledgedEvent,
  events: ReadonlyMap<number, Stored["events"][number]>
) => {
  const found = events.get(position)
  assert.deepStrictEqual(
    { id: found?.id, intentId: found?.intent_id, payload: found?.body.payload },
    { id, intentId, payload },
    `event ${position}`
  )
}

const verifyAcknowledgedLease = (told: AcknowledgedLease, leases: ReadonlyMap<string, Stored["leases"][number]>) => {
  const { agentId, fencingToken, id, intentId, scope, status } = told
  const found = leases.get(id)
  assert.deepStrictEqual(
    { intentId: found?.intent_id, scope: found?.scope, ...found?.body },
    { intentId, scope, agentId, fencingToken },
    `lease ${id}`
  )
  // One that was told to be active may have been released since, by a request that was not answered.
  if (status !== "active") assert.strictEqual(found?.status, status, `lease ${id}`)
}

const leaseIdOf = (payload: { readonly [name: string]: unknown }): string =>
  typeof payload["lease_id"] === "string" ? payload["lease_id"] : ""

/** Every lease has one event of its grant, and one of its end if it has ended (semantics 3); tokens grow. */
const verifyLeases = ({ events, leases }: Stored) => {
  const eventsOf = (type: string) =>
    grouped(
      events.filter((event) => event.type === type),
      ({ body: { payload } }) => leaseIdOf(payload)
    )
  const [acquired, released] = [eventsOf("lease_acquired"), eventsOf("lease_released")]
  assert.deepStrictEqual(new Set(acquired.keys()), new Set(leases.map(({ id }) => id)), "leases and grants")
  for (const { id, status } of leases) {
    assert.lengthOf(acquired.get(id) ?? [], 1, `grants of ${id}`)
    assert.deepStrictEqual(
      (released.get(id) ?? []).map(({ body: { payload } }) => payload["reason"]),
      status === "active" ? [] : [status],
      `ends of ${id}`
    )
  }
  const tokens = new Map(leases.map(({ body, id }) => [id, body.fencingToken]))
  const latest = new Map<string, number>()
  for (const { body, intent_id, type } of events) {
    if (type !== "lease_acquired") continue
    const token = tokens.get(leaseIdOf(body.payload)) ?? 0
    assert.isAbove(token, latest.get(intent_id) ?? 0, `token of ${intent_id}`)
    latest.set(intent_id, token)
  }
}

const verifyCounters = ({ counters, events, intents }: Stored) => {
  const figures = new Map(counters.map(({ key, n }) => [key, n]))
  const byStatus = grouped(intents, ({ status }) => status)
  for (const status of statuses) {
    assert.strictEqual(
      figures.get(statusCounter(status)) ?? 0,
      byStatus.get(status)?.length ?? 0,
      `how many are ${status}`
    )
  }
  const created = grouped(
    events.filter(({ type }) => type === "intent_created"),
    ({ body: { actor } }) => actor
  )
  for (const [agent, found] of created)
    assert.strictEqual(figures.get(creatorCounter(agent)), found.length, `how many ${agent} made`)
}

export const verify = (stored: Stored, acknowledged: ReadonlyArray<Acknowledged>): void => {
  assert.strictEqual(stored.integrity, "ok")
  const versions = verifyIntents(stored)
  verifyLeases(stored)
  verifyCounters(stored)
  const events = new Map(stored.events.map((event) => [event.position, event]))
  const leases = new Map(stored.leases.map((lease) => [lease.id, lease]))
  for (const told of acknowledged) {
    switch (told.kind) {
      case "intent":
        verifyAcknowledgedIntent(told, versions)
        break
      case "event":
        verifyAcknowledgedEvent(told, events)
        break
      case "lease":
        verifyAcknowledgedLease(told, leases)
    }
  }
}
