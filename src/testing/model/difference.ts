/** What is stored, held against the model. */
import type { Assignment } from "../../core/agent/Assignment.ts"
import type { Lease } from "../../core/lease/Lease.ts"
import type { Entry, Instant, World } from "../Call.ts"
import { canonical, isSame } from "../canonical.ts"
import { statusAt } from "./leases.ts"
import { type ExpectedEvent, type ModelWorld, isExpiry, activeAt, seen } from "./world.ts"

const tells = (expected: ExpectedEvent, actual: ExpectedEvent): boolean =>
  expected.type === actual.type &&
  expected.actor === actual.actor &&
  expected.source === actual.source &&
  Object.entries(expected.payload).every(([key, value]) => isSame(actual.payload[key], value))

const leaseSeen = (at: Instant) => (lease: Lease) => {
  activeAt(lease, at)
  return canonical({ ...lease, status: statusAt(lease, at) })
}

const agentSeen = ({ agentId, role }: Assignment) => `${agentId} ${role}`

/** What is stored differently from the model, or undefined. Throws `Unsure`. */
export const difference = (model: ModelWorld, world: World): string | undefined => {
  for (const [id, expected] of model) {
    const actual: Entry | undefined = world.entries.get(id)
    if (actual === undefined) return `intent ${id} is gone`
    if (!isSame(seen(actual.intent), seen(expected.intent))) {
      return `the stored intent is ${canonical(seen(actual.intent))}, but must be ${canonical(seen(expected.intent))}`
    }
    const events = actual.events.filter((event) => !isExpiry(event))
    const at = Math.max(events.length, expected.events.length)
    for (let i = 0; i < at; i++) {
      const [found, wanted] = [events[i], expected.events[i]]
      if (found === undefined) return `an event is missing: ${canonical(wanted)}`
      if (wanted === undefined) return `an event is too many: ${canonical(found)}`
      if (!tells(wanted, found)) return `an event is ${canonical(found)}, but must be ${canonical(wanted)}`
    }
    const leases = [actual.leases, expected.leases].map((leases) => leases.map(leaseSeen(world.at)).toSorted())
    if (!isSame(leases[0], leases[1]))
      return `the stored leases are ${canonical(leases[0])}, but must be ${canonical(leases[1])}`
    const agents = [actual.agents, expected.agents].map((agents) => agents.map(agentSeen).toSorted())
    if (!isSame(agents[0], agents[1]))
      return `assigned are ${canonical(agents[0])}, but must be ${canonical(agents[1])}`
  }
  for (const id of world.entries.keys()) if (!model.has(id)) return `intent ${id} should not exist`
  return undefined
}
