/** An embedded engine that many callers write to until it is killed. Takes a file and a seed; prints acknowledgements. */
import type { Intent } from "../../src/core/intent/Intent.ts"
import { VersionConflict } from "../../src/core/intent/IntentErrors.ts"
import type { Lease } from "../../src/core/lease/Lease.ts"
import { LeaseConflict, LeaseHeld } from "../../src/core/lease/LeaseErrors.ts"
import { createEngine } from "../../src/layers/createEngine.ts"
import type { Engine } from "../../src/layers/promises.ts"
import type { Acknowledged, AcknowledgedIntent, AcknowledgedLease } from "./Acknowledged.ts"
import { randomOf } from "./random.ts"
import { initialState, type Target, writeAll } from "./workload.ts"

const [, , file = "", seed = "0"] = process.argv

const shown = ({ id, state, status, version }: Intent): AcknowledgedIntent => ({
  kind: "intent",
  id,
  version,
  status,
  state
})

const shownLease = ({ agentId, fencingToken, id, intentId, scope, status }: Lease): AcknowledgedLease => ({
  kind: "lease",
  id,
  intentId,
  agentId,
  scope,
  status,
  fencingToken
})

/** Undefined if somebody else was first. */
const unlessConflict = async <A, B>(answer: Promise<A>, show: (value: A) => B): Promise<B | undefined> => {
  try {
    return show(await answer)
  } catch (error) {
    if (error instanceof VersionConflict || error instanceof LeaseConflict || error instanceof LeaseHeld)
      return undefined
    throw error
  }
}

const targetOf = (engine: Engine): Target => ({
  create: async (agent) =>
    shown(await engine.as(agent).intents.create({ title: "Crash", status: "active", state: initialState })),
  get: async (id) => shown(await engine.intents.get(id)),
  patch: (agent, { id, version }, patches) =>
    unlessConflict(engine.as(agent).intents.patchState(id, { version, patches }), shown),
  setStatus: (agent, { id, version }, status) =>
    unlessConflict(
      engine.as(agent).intents.setStatus(id, { version, status: status === "blocked" ? "blocked" : "active" }),
      shown
    ),
  append: async (agent, intentId, note) => {
    const { id, payload, position } = await engine
      .as(agent)
      .events.append(intentId, { type: "comment", payload: { note } })
    return { kind: "event", id, intentId, position, payload }
  },
  acquire: (agent, id, scope) => unlessConflict(engine.as(agent).leases.acquire(id, { scope }), shownLease),
  release: async (agent, id, leaseId) => shownLease(await engine.as(agent).leases.release(id, leaseId))
})

const tell = (acknowledged: Acknowledged) => process.stdout.write(`${JSON.stringify(acknowledged)}\n`)

const engine = await createEngine({ storage: `sqlite:${file}` })
const known = await engine.intents.list({ createdBy: "shared", limit: 2 })
const [reason] = await writeAll(targetOf(engine), 64, { intents: known.items.map(shown) }, randomOf(Number(seed)), tell)
throw reason
