/** What the rules of one intent read, and what they answer. */
import type { NewEvent } from "./event/LogEvent.ts"
import type { Intent } from "./intent/Intent.ts"
import { deepFreeze } from "./json.ts"
import type { Lease } from "./lease/Lease.ts"
import type { GuardedTable, RecordOf, StoredTable } from "./tables.ts"

/** An intent and the revision it was read at. */
export interface Versioned {
  readonly intent: Intent
  /** One more with each command that changed anything here. Guards commits, and is where fencing tokens come from. */
  readonly revision: number
}

/** All that the rules of one intent need to know, read at one instant. `leases` are those stored as active. */
export interface Aggregate extends Versioned {
  readonly leases: ReadonlyArray<Lease>
}

type Put = {
  readonly [T in StoredTable]: {
    readonly _tag: "Put"
    readonly table: T
    readonly record: RecordOf<T>
    /** The stored record that this one takes the place of; undefined for a new one. */
    readonly before: RecordOf<T> | undefined
  }
}[StoredTable]

type Remove = {
  readonly [T in StoredTable]: { readonly _tag: "Remove"; readonly table: T; readonly before: RecordOf<T> }
}[StoredTable]

/** A record to store, or to take away. */
export type Write = Put | Remove

/**
 * The revision that must still be stored (0: no such record) and the one that takes its place. Equal: it is only
 * checked. Every write of a guarded record comes with a guard that moves it on.
 */
export interface Guard {
  readonly table: GuardedTable
  readonly key: string
  readonly expected: number
  readonly next: number
}

/** The intent must be as it was read, and moves on by one. */
export const moveOn = ({ intent, revision }: Versioned): Guard => ({
  table: "intents",
  key: intent.id,
  expected: revision,
  next: revision + 1
})

/** What of an intent a guard needs. */
export interface Held {
  readonly intent: Pick<Intent, "id">
  readonly revision: number
}

/** The intent must be as it was read, and stays so: what was decided rests on it. */
export const holdStill = ({ intent, revision }: Held): Guard => ({
  table: "intents",
  key: intent.id,
  expected: revision,
  next: revision
})

/** What a command does: its answer, the records that change, and the events that tell of it. */
export interface Decision<out A> {
  readonly value: A
  readonly writes: ReadonlyArray<Write>
  readonly events: ReadonlyArray<NewEvent>
  /** Guards on other records than the command's own intent. */
  readonly guards?: ReadonlyArray<Guard>
}

/** Nothing to change: only an answer. */
export const unchanged = <A>(value: A): Decision<A> => ({ value, writes: [], events: [] })

export const putIntent = (intent: Intent, before: Intent | undefined): Write => ({
  _tag: "Put",
  table: "intents",
  record: intent,
  before
})
export const putLease = (lease: Lease, before: Lease | undefined): Write => ({
  _tag: "Put",
  table: "leases",
  record: lease,
  before
})

export const putDependency = ({ createdAt, id }: Intent, dependencyId: string): Write => ({
  _tag: "Put",
  table: "dependencies",
  record: { intentId: id, dependencyId, intentCreatedAt: createdAt },
  before: undefined
})

/** The aggregate after a command of its own made these writes. */
export const apply = (aggregate: Aggregate, writes: ReadonlyArray<Write>): Aggregate => {
  let { intent, leases } = aggregate
  for (const write of writes) {
    if (write._tag !== "Put") continue
    if (write.table === "intents" && write.record.id === intent.id) intent = write.record
    else if (write.table === "leases" && write.record.intentId === intent.id) {
      const others = leases.filter((lease) => lease.id !== write.record.id)
      leases = write.record.status === "active" ? [...others, write.record] : others
    }
  }
  return { intent, leases, revision: aggregate.revision + 1 }
}

/** What several commands in a row write to the records of one intent: the last of each, in place of what was stored. */
export const netWrites = (writes: ReadonlyArray<Write>): ReadonlyArray<Write> => {
  if (writes.length < 2) return writes
  const intents = new Map<string, Write>()
  const leases = new Map<string, Write>()
  const others: Array<Write> = []
  for (const write of writes) {
    if (write._tag === "Put" && write.table === "intents") {
      const earlier = intents.get(write.record.id)
      intents.set(
        write.record.id,
        earlier?._tag === "Put" && earlier.table === "intents" ? { ...write, before: earlier.before } : write
      )
    } else if (write._tag === "Put" && write.table === "leases") {
      const earlier = leases.get(write.record.id)
      leases.set(
        write.record.id,
        earlier?._tag === "Put" && earlier.table === "leases" ? { ...write, before: earlier.before } : write
      )
    } else others.push(write)
  }
  // In the order of the first write of each: a lease that ended for another one to begin comes before it.
  return [...intents.values(), ...leases.values(), ...others]
}

/** Frozen, so that nobody who is given a part of it can change what is remembered. */
export const freezeAggregate = (aggregate: Aggregate): Aggregate => {
  const { intent, leases } = aggregate
  if (!Object.isFrozen(intent)) {
    deepFreeze(intent.state)
    deepFreeze(intent.constraints)
    deepFreeze(intent.governancePolicy)
    Object.freeze(intent.dependsOn)
    Object.freeze(intent.portfolioIds)
    Object.freeze(intent.budgetIds)
    Object.freeze(intent)
  }
  for (const lease of leases) Object.freeze(lease)
  return aggregate
}
