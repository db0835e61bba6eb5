/** Leases and agents: invariants 34 to 41 of semantics 10, and fencing tokens (decision 17). */
import * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"
import type { Lease } from "../../core/lease/Lease.ts"
import { allCalls, type CallOf, type Entry, refusalOf, type Step } from "../Call.ts"
import { canonical, isSame } from "../canonical.ts"
import { covers, isActive, scopesConflict } from "../model/leases.ts"
import { applyEdits, editsOf } from "../model/patches.ts"
import { aloneOf, callsOf, hasAnswered, type Rule, successions, systemEvents, worldsOf } from "./Rule.ts"

const named = ({ agentId, id, scope }: Lease) => `${id} (${scope}, ${agentId})`

function* conflicts(leases: ReadonlyArray<Lease>): Generator<string> {
  for (const [i, one] of leases.entries()) {
    for (const other of leases.slice(i + 1)) {
      if (scopesConflict(one.scope, other.scope)) yield `${named(one)} and ${named(other)} are active at the same time`
    }
  }
}

/** The moment from which a lease held nothing any more. */
const endOf = ({ expiresAt, releasedAt }: Lease): DateTime.Utc =>
  releasedAt === null ? expiresAt : DateTime.min(releasedAt, expiresAt)

const exclusive: Rule = {
  id: "34",
  title: "at most one active lease per scope; beside * no other",
  family: "leases",
  *judge(history) {
    for (const world of worldsOf(history)) {
      for (const { leases } of world.entries.values())
        yield* conflicts(leases.filter((lease) => lease.status === "active"))
    }
    for (const call of callsOf(allCalls(history), "Watch")) {
      if (Result.isSuccess(call.result)) for (const { active } of call.result.success) yield* conflicts(active)
    }
    for (const { leases } of history.end.entries.values()) {
      for (const lease of leases) {
        for (const other of leases) {
          if (lease.fencingToken >= other.fencingToken || !scopesConflict(lease.scope, other.scope)) continue
          if (DateTime.isGreaterThan(endOf(lease), other.acquiredAt))
            yield `${named(other)} was granted before ${named(lease)} was over`
        }
      }
    }
  }
}

const isFinal = (lease: Lease) => lease.status !== "active"

const lifecycle: Rule = {
  id: "35",
  title: "the status follows from what was stored and the time; what is over stays as it is",
  family: "leases",
  *judge(history) {
    for (const { at, entries } of worldsOf(history)) {
      for (const { leases } of entries.values()) {
        for (const lease of leases) {
          const ended = lease.status === "released" || lease.status === "revoked"
          if (ended !== (lease.releasedAt !== null))
            yield `${named(lease)} is ${lease.status} with releasedAt ${canonical(lease.releasedAt)}`
          if (lease.status === "active" && isActive(lease, at) === false)
            yield `${named(lease)} is active after its end`
          if (lease.status === "expired" && isActive(lease, at) === true)
            yield `${named(lease)} is expired before its end`
        }
      }
    }
    for (const [{ leases }, later] of successions(history)) {
      for (const lease of leases) {
        const now = later.leases.find((other) => other.id === lease.id)
        if (now === undefined) yield `${named(lease)} is gone`
        else if (isFinal(lease) && !isSame(lease, now))
          yield `${named(lease)} was over as ${canonical(lease)} and is ${canonical(now)}`
      }
    }
  }
}

const leaseBefore = (
  step: Step,
  { intentId, leaseId }: { readonly intentId: string; readonly leaseId: string }
): Lease | undefined => step.before.entries.get(intentId)?.leases.find((lease) => lease.id === leaseId)

const renewal: Rule = {
  id: "36",
  title: "only the owner renews, only while active, to now + duration",
  family: "leases",
  *judge(history) {
    for (const step of history.steps) {
      for (const call of callsOf(step.calls, "Renew")) {
        if (Result.isFailure(call.result)) continue
        const lease = leaseBefore(step, call)
        const { agentId, expiresAt } = call.result.success
        if (agentId !== call.agent) yield `${call.name}: ${call.agent} renewed a lease of ${agentId}`
        if (lease === undefined) yield `${call.name}: renewed a lease that is not of this intent`
        else if (isFinal(lease) || isActive(lease, step.before.at) === false)
          yield `${call.name}: renewed a lease that was over`
        const end = expiresAt.epochMilliseconds - call.seconds * 1_000
        if (end < step.before.at.from || end > step.after.at.to)
          yield `${call.name}: expiresAt is ${DateTime.formatIso(expiresAt)}, not now + ${call.seconds} s`
      }
    }
  }
}

const free: Rule = {
  id: "37",
  title: "a scope that nobody holds can be acquired by anyone",
  family: "leases",
  *judge(history) {
    for (const { before, call, step } of aloneOf(history, "Acquire")) {
      const error = refusalOf(call)
      if (error === undefined || error._tag === "Busy") continue
      const held = before.leases.some(
        (lease) =>
          scopesConflict(lease.scope, call.scope) &&
          isActive(lease, { ...step.before.at, to: step.before.at.from }) !== false
      )
      if (!held) yield `${call.name}: refused with ${error._tag}, although nobody holds ${call.scope}`
    }
  }
}

const oneGrant: Rule = {
  id: "38",
  title: "of acquires of one scope at the same time one is granted, and the others name its lease",
  family: "leases",
  *judge(history) {
    for (const step of history.steps) {
      const calls = callsOf(step.calls, "Acquire")
      for (const [id, { leases }] of step.before.entries) {
        const own = calls.filter((call) => call.intentId === id)
        const granted = own.flatMap((call) => (Result.isSuccess(call.result) ? [call.result.success] : []))
        if (!hasAnswered(step, id, "Release", "Revoke")) yield* conflicts(granted)
        for (const call of own) yield* namesHolder(call, [...leases.filter((lease) => !isFinal(lease)), ...granted])
      }
    }
  }
}

function* namesHolder(call: CallOf<"Acquire">, holders: ReadonlyArray<Lease>): Generator<string> {
  const error = refusalOf(call)
  if (error?._tag !== "LeaseConflict") return
  const { existing } = error
  if (!scopesConflict(existing.scope, call.scope))
    yield `${call.name}: refused because of ${named(existing)}, which is not in the way of ${call.scope}`
  if (!holders.some((lease) => lease.id === existing.id))
    yield `${call.name}: refused because of ${named(existing)}, which nobody holds`
}

const reasons: { readonly [status in Lease["status"]]: string | undefined } = {
  active: undefined,
  released: "released",
  expired: "expired",
  revoked: "revoked"
}

const toldOnce: Rule = {
  id: "39",
  title: "each lease has one lease_acquired, and one lease_released once it is over (expired: within a second)",
  family: "leases",
  *judge(history) {
    for (const { events, leases } of history.end.entries.values()) {
      for (const lease of leases) {
        const of = (type: string) =>
          systemEvents(events, type).filter((event) => event.payload["lease_id"] === lease.id)
        const [acquired, released] = [of("lease_acquired"), of("lease_released")]
        if (acquired.length !== 1) yield `${named(lease)} has ${acquired.length} events lease_acquired`
        const reason = reasons[lease.status]
        const wanted = reason === undefined ? [] : [reason]
        const found = released.map((event) => event.payload["reason"])
        if (!isSame(found, wanted))
          yield `${named(lease)} is ${lease.status}, but its events lease_released have the reasons ${canonical(found)}`
      }
    }
  }
}

/** Leases of others on what the patch touches, that are active for sure, and those that may be. */
const inTheWay = (call: CallOf<"Patch">, { leases }: Entry, step: Step) => {
  const touched = leases.filter(
    (lease) =>
      lease.agentId !== call.agent &&
      editsOf(call.input).some(({ segments }) => segments && covers(lease.scope, segments))
  )
  const at = { from: step.before.at.from, to: step.after.at.to }
  return {
    surely: touched.filter((lease) => isActive(lease, at) === true),
    perhaps: touched.filter((lease) => isActive(lease, at) !== false)
  }
}

const guards: Rule = {
  id: "40",
  title: "a patch under another's active scope never succeeds, one beside all scopes is not hindered",
  family: "leases",
  *judge(history) {
    for (const { before, call, step } of aloneOf(history, "Patch")) {
      const { perhaps, surely } = inTheWay(call, before, step)
      const [held] = surely
      if (held !== undefined && Result.isSuccess(call.result))
        yield `${call.name}: answered, although ${named(held)} covers it`
      const tag = refusalOf(call)?._tag
      if (perhaps.length === 0 && tag === "LeaseHeld")
        yield `${call.name}: refused with LeaseHeld, although no lease of another covers it`
      const sound =
        call.input.version === before.intent.version &&
        call.input.leaseToken === undefined &&
        applyEdits(before.intent.state, editsOf(call.input)) !== undefined
      if (perhaps.length === 0 && sound && tag !== undefined && tag !== "Busy")
        yield `${call.name}: refused with ${tag}, although nothing is in its way`
    }
  }
}

const assignedOnce: Rule = {
  id: "41",
  title: "an agent is assigned at most once; assigning again keeps the list, unassigning restores it",
  family: "log",
  *judge(history) {
    for (const world of worldsOf(history)) {
      for (const [id, { agents }] of world.entries) {
        const ids = agents.map((assignment) => assignment.agentId)
        if (new Set(ids).size !== ids.length) yield `${id} has the agents ${ids.join(", ")}`
      }
    }
    const others = ({ agents }: Entry, agentId: string) => agents.filter((assignment) => assignment.agentId !== agentId)
    for (const { after, before, call } of aloneOf(history, "Assign")) {
      const { agentId } = call.input
      const [was, is] = [before, after].map(({ agents }) => agents.find((assignment) => assignment.agentId === agentId))
      if (!isSame(others(before, agentId), others(after, agentId))) yield `${call.name}: changed other assignments`
      if (Result.isSuccess(call.result) && is?.id !== call.result.success.id)
        yield `${call.name}: the assignment is not in the list`
      if (was !== undefined && is?.id !== was.id) yield `${call.name}: assigned again, but with another id`
    }
    for (const { after, before, call } of aloneOf(history, "Unassign")) {
      if (Result.isSuccess(call.result) && !isSame(after.agents, others(before, call.agentId)))
        yield `${call.name}: leaves ${canonical(after.agents)}`
    }
  }
}

const fenced: Rule = {
  id: "fencing",
  title: "fencing tokens grow with every grant, stay on renewal, and an old one is refused (decision 17)",
  family: "leases",
  *judge(history) {
    for (const [id, { events, leases }] of history.end.entries) {
      let latest = 0
      for (const event of systemEvents(events, "lease_acquired")) {
        const lease = leases.find((lease) => lease.id === event.payload["lease_id"])
        if (lease === undefined) yield `the log of ${id} has a lease that does not exist`
        else if (lease.fencingToken <= latest)
          yield `${named(lease)} has the token ${lease.fencingToken} after ${latest}`
        else latest = lease.fencingToken
      }
    }
    for (const [{ leases }, later] of successions(history)) {
      for (const lease of leases) {
        const now = later.leases.find((other) => other.id === lease.id)
        if (now !== undefined && now.fencingToken !== lease.fencingToken)
          yield `the token of ${named(lease)} was ${lease.fencingToken} and is ${now.fencingToken}`
      }
    }
    for (const { before, call, step } of aloneOf(history, "Patch")) {
      const token = call.input.leaseToken
      if (token === undefined || Result.isFailure(call.result) || editsOf(call.input).length === 0) continue
      const holds = before.leases.some(
        (lease) =>
          lease.fencingToken === token && lease.agentId === call.agent && isActive(lease, step.before.at) !== false
      )
      if (!holds) yield `${call.name}: answered with the token ${token}, of which ${call.agent} has no active lease`
    }
  }
}

export const leaseRules: ReadonlyArray<Rule> = [
  exclusive,
  lifecycle,
  renewal,
  free,
  oneGrant,
  toldOnce,
  guards,
  assignedOnce,
  fenced
]
