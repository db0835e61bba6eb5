/** Files that look as if an engine had worked on them for long, written straight through the storage port. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { Write } from "../../src/core/Aggregate.ts"
import { counterDeltas } from "../../src/core/counters.ts"
import type { NewEvent } from "../../src/core/event/LogEvent.ts"
import { makeIds } from "../../src/core/ids.ts"
import type { Intent } from "../../src/core/intent/Intent.ts"
import type { Lease } from "../../src/core/lease/Lease.ts"
import { Storage } from "../../src/core/Storage.ts"
import { SqliteStorage } from "../../src/storage/sqlite/SqliteStorage.ts"

export interface Prefill {
  readonly events: number
  readonly intents: number
}

/** A file with that much in it, and some of its intents: the hot one first, the others from all of its time. */
export interface Prefilled {
  readonly file: string
  readonly intentIds: ReadonlyArray<string>
}

/** Share of all events that one hot intent has. */
export const hotShare = 0.2
/** Intents that are worked on at the same time: work comes and goes. */
const windowSize = 200
/** Events of one commit. */
const batchSize = 5000
/** One ended lease for so many events. */
const eventsPerLease = 20

const begin = Date.UTC(2026, 0, 1)
const time = (i: number) => DateTime.makeUnsafe(begin + i * 10)

/** A small generator of its own (mulberry32), so that every run fills alike. */
const randomOf = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
}

const intentOf = (id: string, i: number): Intent => ({
  id,
  title: `Work package ${i}`,
  description: "One of many",
  createdBy: `agent-${i % 7}`,
  parentIntentId: null,
  dependsOn: [],
  constraints: {},
  state: { progress: 0, owner: `agent-${i % 7}`, summary: "collects the sources and writes the first draft" },
  status: i % 3 === 0 ? "completed" : "active",
  confidence: 50,
  version: 1,
  governancePolicy: null,
  portfolioIds: [],
  budgetIds: [],
  createdAt: time(i),
  updatedAt: time(i)
})

const types = ["state_patched", "comment", "state_patched", "tool_call_completed", "lease_acquired", "lease_released"]

const eventOf = (id: string, intentId: string, i: number): NewEvent => {
  const type = types[i % types.length] ?? "comment"
  return {
    id,
    intentId,
    type,
    actor: `agent-${i % 7}`,
    source: type === "comment" ? "client" : "system",
    payload: { patches: [{ op: "set", path: "/progress", value: i }], version: i },
    extra: null,
    traceId: null,
    parentEventId: null,
    createdAt: time(i)
  }
}

const leaseOf = (id: string, intentId: string, i: number): Lease => ({
  id,
  intentId,
  agentId: `agent-${i % 7}`,
  scope: `part-${i % 16}`,
  status: "released",
  fencingToken: 1,
  acquiredAt: time(i),
  expiresAt: time(i + 1000),
  releasedAt: time(i + 100)
})

const put = {
  intent: (record: Intent): Write => ({ _tag: "Put", table: "intents", record, before: undefined }),
  lease: (record: Lease): Write => ({ _tag: "Put", table: "leases", record, before: undefined })
}

/** Writes the file. */
export const prefill = (file: string, { events, intents }: Prefill): Promise<Prefilled> =>
  Effect.gen(function* () {
    const storage = yield* Storage
    const random = randomOf(1)
    const newId = makeIds(random)
    const records = Array.from({ length: intents }, (_, i) => intentOf(newId(begin + i), i))
    for (let from = 0; from < intents; from += batchSize) {
      const writes = records.slice(from, from + batchSize).map(put.intent)
      const guards = records
        .slice(from, from + batchSize)
        .map(({ id: key }) => ({ table: "intents" as const, key, expected: 0, next: 1 }))
      yield* storage.commit({ guards, writes, events: [], counters: counterDeltas(writes) })
    }
    const [hot = ""] = records.map(({ id }) => id)
    // Over the run of all events the window moves from the first intents to the last.
    const target = (i: number): string => {
      if (random() < hotShare * 2 ** 32) return hot
      const first = Math.floor((i / events) * Math.max(0, intents - windowSize))
      return records[first + (random() % Math.min(windowSize, intents))]?.id ?? hot
    }
    for (let from = 0; from < events; from += batchSize) {
      const places = Array.from({ length: Math.min(batchSize, events - from) }, (_, i) => from + i)
      yield* storage.commit({
        guards: [],
        writes: places
          .filter((i) => i % eventsPerLease === 0)
          .map((i) => put.lease(leaseOf(newId(begin + i * 10), target(i), i))),
        events: places.map((i) => eventOf(newId(begin + i * 10), target(i), i)),
        counters: new Map()
      })
    }
    const others = Array.from(
      { length: 63 },
      (_, i) => records[1 + Math.floor(((i + 0.5) / 63) * (intents - 1))]?.id ?? hot
    )
    return { file, intentIds: [hot, ...others] }
  }).pipe(Effect.provide(SqliteStorage.layer({ path: file, synchronous: "NORMAL" })), Effect.runPromise)
