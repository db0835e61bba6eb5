/** Calls on leases, as the model answers them. */
import * as Result from "effect/Result"
import type { Lease } from "../../core/lease/Lease.ts"
import type { CallOf, Instant } from "../Call.ts"
import { scopesConflict, statusAt } from "./leases.ts"
import {
  type ModelEntry,
  type ModelWorld,
  wrong,
  activeAt,
  refused,
  answered,
  mustBe,
  withEntry,
  within
} from "./world.ts"

export const acquire = (
  world: ModelWorld,
  call: CallOf<"Acquire">,
  { leases }: ModelEntry,
  at: Instant
): ModelWorld => {
  const { agent, intentId, scope, seconds } = call
  const inTheWay = leases.filter((lease) => scopesConflict(lease.scope, scope) && activeAt(lease, at))
  if (inTheWay.length > 0) {
    const error = refused(call, "LeaseConflict")
    if (error._tag === "LeaseConflict" && !inTheWay.some((lease) => lease.id === error.existing.id)) {
      wrong("LeaseConflict names a lease that is not in the way")
    }
    return world
  }
  const lease = answered(call)
  mustBe(
    "the lease",
    [lease.intentId, lease.agentId, lease.scope, lease.status, lease.releasedAt],
    [intentId, agent, scope, "active", null]
  )
  mustBe("its duration", lease.expiresAt.epochMilliseconds - lease.acquiredAt.epochMilliseconds, seconds * 1_000)
  within("acquiredAt", lease.acquiredAt, at, 0)
  return withEntry(
    world,
    intentId,
    { leases: [...leases, lease] },
    {
      type: "lease_acquired",
      actor: agent,
      source: "system",
      payload: { lease_id: lease.id, scope, agent_id: agent, duration_seconds: seconds }
    }
  )
}

const replaced = (leases: ReadonlyArray<Lease>, lease: Lease) =>
  leases.map((other) => (other.id === lease.id ? lease : other))

export const renew = (world: ModelWorld, call: CallOf<"Renew">, { leases }: ModelEntry, at: Instant): ModelWorld => {
  const { agent, intentId, leaseId, seconds } = call
  const lease = leases.find((lease) => lease.id === leaseId && lease.agentId === agent)
  const status = lease && (activeAt(lease, at) ? "active" : statusAt(lease, at))
  if (lease === undefined || status === "released" || status === "revoked") {
    refused(call, "LeaseNotFound")
    return world
  }
  if (status === "expired") {
    refused(call, "LeaseExpired")
    return world
  }
  const renewed = answered(call)
  within("expiresAt", renewed.expiresAt, at, seconds * 1_000)
  mustBe("the rest of the lease", { ...renewed, expiresAt: lease.expiresAt }, lease)
  return withEntry(
    world,
    intentId,
    { leases: replaced(leases, renewed) },
    {
      type: "lease_renewed",
      actor: agent,
      source: "system",
      payload: { lease_id: lease.id, scope: lease.scope, duration_seconds: seconds }
    }
  )
}

export const end = (
  world: ModelWorld,
  call: CallOf<"Release"> | CallOf<"Revoke">,
  { leases }: ModelEntry,
  at: Instant
): ModelWorld => {
  const { agent, intentId, leaseId } = call
  const revokes = call._tag === "Revoke"
  const lease = leases.find((lease) => lease.id === leaseId && (revokes || lease.agentId === agent))
  if (revokes && Result.isFailure(call.result) && call.result.failure._tag === "Forbidden") return world
  if (lease === undefined) {
    refused(call, "LeaseNotFound")
    return world
  }
  const status = revokes ? "revoked" : "released"
  const ended = answered(call)
  if (!activeAt(lease, at)) {
    mustBe("a lease that was over", ended, { ...lease, status: statusAt(lease, at) })
    return world
  }
  mustBe("the lease", { ...ended, releasedAt: null }, { ...lease, status, releasedAt: null })
  if (ended.releasedAt === null) wrong("releasedAt is missing")
  return withEntry(
    world,
    intentId,
    { leases: replaced(leases, ended) },
    {
      type: "lease_released",
      actor: agent,
      source: "system",
      payload: { lease_id: lease.id, scope: lease.scope, agent_id: lease.agentId, reason: status }
    }
  )
}
