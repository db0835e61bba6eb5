/** Clients that write all the time, whatever they write to, and tell what was acknowledged. */
import type { Acknowledged, AcknowledgedEvent, AcknowledgedIntent, AcknowledgedLease } from "./Acknowledged.ts"
import type { Random } from "./random.ts"

/** A step of a state patch. */
export interface Patch {
  readonly op: "set" | "append" | "remove"
  readonly path: string
  readonly value?: string | number
}

/**
 * An engine, in whatever process. Each call answers what was acknowledged; undefined if it was refused because somebody
 * else was first. Rejects when the engine is gone.
 */
export interface Target {
  readonly create: (agent: string) => Promise<AcknowledgedIntent>
  readonly get: (id: string) => Promise<AcknowledgedIntent>
  readonly patch: (
    agent: string,
    on: AcknowledgedIntent,
    patches: ReadonlyArray<Patch>
  ) => Promise<AcknowledgedIntent | undefined>
  readonly setStatus: (agent: string, on: AcknowledgedIntent, status: string) => Promise<AcknowledgedIntent | undefined>
  readonly append: (agent: string, id: string, note: number) => Promise<AcknowledgedEvent>
  readonly acquire: (agent: string, id: string, scope: string) => Promise<AcknowledgedLease | undefined>
  readonly release: (agent: string, id: string, leaseId: string) => Promise<AcknowledgedLease>
}

/** What every intent of the workload begins with, so that its log gives its state. */
export const initialState = { count: 0, notes: [], plan: { step: 0 } }

const patchesOf = (random: Random): ReadonlyArray<Patch> => {
  const all: ReadonlyArray<Patch> = [
    { op: "set", path: "/count", value: random.below(1000) },
    { op: "set", path: "/plan/step", value: random.below(1000) },
    { op: "set", path: `/key-${random.below(5)}`, value: "x".repeat(random.below(200)) },
    { op: "append", path: "/notes", value: random.below(1000) },
    { op: "remove", path: "/notes" },
    { op: "remove", path: `/key-${random.below(5)}` }
  ]
  return Array.from({ length: 1 + random.below(3) }, () => random.oneOf(all))
}

/** Intents that all clients work on, beside their own. They are kept over the crashes. */
export interface Shared {
  intents: ReadonlyArray<AcknowledgedIntent>
}

/** One client, until the target is gone: rejects with what the connection broke with. */
const client = async (
  target: Target,
  agent: string,
  shared: Shared,
  random: Random,
  tell: (acknowledged: Acknowledged) => void
): Promise<never> => {
  let own = await target.create(agent)
  tell(own)
  /** Goes on with the newest form of the intent: what was answered, or what is there if somebody else was first. */
  const changed = async (on: AcknowledgedIntent, after: AcknowledgedIntent | undefined) => {
    if (after !== undefined) tell(after)
    const newest = after ?? (await target.get(on.id))
    if (on.id === own.id) own = newest
    else shared.intents = shared.intents.map((intent) => (intent.id === on.id ? newest : intent))
  }
  for (;;) {
    const on = random.below(3) === 0 ? random.oneOf([own, ...shared.intents]) : own
    switch (random.below(12)) {
      case 0:
        own = await target.create(agent)
        tell(own)
        break
      case 1:
      case 2:
        await changed(on, await target.setStatus(agent, on, on.status === "active" ? "blocked" : "active"))
        break
      case 3:
      case 4: {
        const lease = await target.acquire(agent, on.id, `key-${random.below(5)}`)
        if (lease === undefined) break
        tell(lease)
        if (random.below(4) > 0) tell(await target.release(agent, on.id, lease.id))
        break
      }
      case 5:
      case 6:
      case 7:
        tell(await target.append(agent, on.id, random.below(1_000_000)))
        break
      default:
        await changed(on, await target.patch(agent, on, patchesOf(random)))
    }
  }
}

/** So many clients, until the target is gone. Answers what each ended with. */
export const writeAll = async (
  target: Target,
  count: number,
  shared: Shared,
  random: Random,
  tell: (acknowledged: Acknowledged) => void
): Promise<ReadonlyArray<unknown>> => {
  const one = async (i: number): Promise<never> => {
    if (shared.intents.length < 2) {
      const made = await target.create("shared")
      tell(made)
      shared.intents = [...shared.intents, made]
    }
    return await client(target, `agent-${i}`, shared, random, tell)
  }
  const ended = await Promise.allSettled(Array.from({ length: count }, (_, i) => one(i)))
  return ended.map((outcome) => (outcome.status === "rejected" ? outcome.reason : undefined))
}
