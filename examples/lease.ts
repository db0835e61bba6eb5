/**
 * Two deployers and one configuration: exclusive claims, work beside them, and a holder that comes back too late.
 * Run it with Node 24: `node examples/lease.ts`, where `openintent` is installed (`npm run build` does it here).
 */
import { createEngine, LeaseConflict, LeaseExpired, LeaseHeld } from "openintent"

await using engine = await createEngine({ storage: "memory:" })
const [blue, green, operator] = [engine.as("blue"), engine.as("green"), engine.as("operator")]

const { id, version } = await engine.intents.create({
  title: "Deploy release 4.2",
  state: { config: { replicas: 2 }, notes: [] }
})

// Of several who ask for a scope one gets it. The others are told who has it.
const lease = await blue.leases.acquire(id, { scope: "config", duration: "5 minutes" })
const conflict = await green.leases.acquire(id, { scope: "config" }).catch((error: unknown) => error)
if (conflict instanceof LeaseConflict) console.log(`${conflict.existing.scope} is held by ${conflict.existing.agentId}`)

// While it is held, nobody else patches what it covers; the rest of the state is free.
const patches = [{ op: "set", path: "/config/replicas", value: 3 }] as const
const held = await green.intents.patchState(id, { version, patches }).catch((error: unknown) => error)
if (held instanceof LeaseHeld) console.log(`green may not patch ${held.path}`)
const noted = await green.intents.patchState(id, {
  version,
  patches: [{ op: "append", path: "/notes", value: "waiting" }]
})
console.log(`green notes: ${JSON.stringify(noted.state["notes"])}`)

// blue hangs. An operator takes its lease away, and green goes on.
await operator.leases.revoke(id, lease.id, { reason: "no sign of life" })
const done = await green.leases.withLease(id, "config", { ttl: "1 minute" }, ({ fencingToken }) =>
  green.intents.patchState(id, { version: noted.version, patches, leaseToken: fencingToken })
)
console.log(`green sets: ${JSON.stringify(done.state["config"])}`)

// blue wakes up and believes that it still holds the lease. Its token says that it does not.
const late = await blue.intents
  .patchState(id, { version: done.version, patches, leaseToken: lease.fencingToken })
  .catch((error: unknown) => error)
if (late instanceof LeaseExpired) console.log("blue is too late, and nothing has changed")

// `withLease` has released green's, whatever came of the work.
const all = await engine.leases.list(id, { status: "all" })
for (const { agentId, scope, status } of all.items) console.log(`  ${scope} of ${agentId}: ${status}`)
