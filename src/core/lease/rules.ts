/** Who may hold a scope, until when, and what a lease protects (semantics 3). Pure. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import type { Aggregate, Decision } from "../Aggregate.ts"
import { putLease, unchanged } from "../Aggregate.ts"
import type { Env } from "../Env.ts"
import type { NewEvent } from "../event/LogEvent.ts"
import { automaticEvent, systemEvent } from "../event/LogEvent.ts"
import { IntentNotFound } from "../intent/IntentErrors.ts"
import type { ParsedPatch } from "../intent/statePatch.ts"
import { isoTime } from "../time.ts"
import type { Lease } from "./Lease.ts"
import { asOf, isActiveAt } from "./Lease.ts"
import { LeaseConflict, LeaseExpired, LeaseHeld, LeaseNotFound } from "./LeaseErrors.ts"

/** Whether `prefix` is `name` or one of its ancestors, by dots. */
const covers = (prefix: string, name: string): boolean =>
  name === prefix || (name.startsWith(prefix) && name[prefix.length] === ".")

/** Two scopes conflict when they are equal or either covers the whole intent; hierarchical: or one is above the other. */
export const scopesConflict = (a: string, b: string, matching: ScopeMatching): boolean =>
  a === b || a === "*" || b === "*" || (matching === "hierarchical" && (covers(a, b) || covers(b, a)))

export type ScopeMatching = "exact" | "hierarchical"

/** The event of a lease that is over, and why. */
const released = (lease: Lease, reason: string, event: (payload: { [key: string]: string }) => NewEvent): NewEvent =>
  event({ lease_id: lease.id, scope: lease.scope, agent_id: lease.agentId, reason })

/** Ends leases that are over by time but still stored as active (semantics 3.7). */
const expire = (over: ReadonlyArray<Lease>, env: Env): Decision<void> => ({
  value: undefined,
  writes: over.map((lease) => putLease({ ...lease, status: "expired" }, lease)),
  events: over.map((lease) =>
    released(lease, "expired", (payload) => automaticEvent(env, lease.intentId, "lease_released", payload))
  )
})

export interface AcquireCommand {
  readonly intentId: string
  readonly agentId: string
  readonly scope: string
  readonly duration: Duration.Duration
  readonly matching: ScopeMatching
}

/** Grants the scope, or names the active lease in its way: an agent's own is in its way too (semantics 3.3). */
export const decideAcquire = (
  found: Aggregate | undefined,
  { agentId, duration, intentId, matching, scope }: AcquireCommand,
  env: Env
): Result.Result<Decision<Lease>, IntentNotFound | LeaseConflict> => {
  if (found === undefined) return Result.fail(new IntentNotFound({ intentId }))
  const rivals = found.leases.filter((lease) => scopesConflict(lease.scope, scope, matching))
  const existing = rivals.find((lease) => isActiveAt(lease, env.now))
  if (existing !== undefined) return Result.fail(new LeaseConflict({ existing }))
  const lease: Lease = {
    id: env.newId(),
    intentId,
    agentId,
    scope,
    status: "active",
    fencingToken: found.revision + 1,
    acquiredAt: env.now,
    expiresAt: DateTime.addDuration(env.now, duration),
    releasedAt: null
  }
  // A lease that is over but still stored as active would break the unique index: write its end first.
  const ended = expire(rivals, env)
  const acquired = systemEvent(env, intentId, "lease_acquired", agentId, {
    lease_id: lease.id,
    scope,
    agent_id: agentId,
    duration_seconds: Duration.toSeconds(duration),
    expires_at: isoTime(lease.expiresAt)
  })
  return Result.succeed({
    value: lease,
    writes: [...ended.writes, putLease(lease, undefined)],
    events: [...ended.events, acquired]
  })
}

/** A command about one lease. `ended` is the stored one, where it is no longer among the active. */
export interface LeaseCommand {
  readonly intentId: string
  readonly leaseId: string
  readonly agentId: string
}

/** What is no longer active never changes again, so it may have been read at any time. */
const find = (found: Aggregate, { intentId, leaseId }: LeaseCommand, ended: Lease | undefined): Lease | undefined =>
  found.leases.find((lease) => lease.id === leaseId) ?? (ended?.intentId === intentId ? ended : undefined)

/** Owner only, active only; counted from now; never resurrects (semantics 3.5). */
export const decideRenew = (
  found: Aggregate | undefined,
  command: LeaseCommand & { readonly duration: Duration.Duration },
  ended: Lease | undefined,
  env: Env
): Result.Result<Decision<Lease>, IntentNotFound | LeaseNotFound | LeaseExpired> => {
  const { agentId, duration, intentId, leaseId } = command
  if (found === undefined) return Result.fail(new IntentNotFound({ intentId }))
  const lease = find(found, command, ended)
  const status = lease === undefined ? undefined : asOf(lease, env.now).status
  if (lease === undefined || lease.agentId !== agentId || status === "released" || status === "revoked") {
    return Result.fail(new LeaseNotFound({ intentId, leaseId }))
  }
  if (status === "expired") return Result.fail(new LeaseExpired({ intentId, leaseId }))
  const renewed: Lease = { ...lease, expiresAt: DateTime.addDuration(env.now, duration) }
  return Result.succeed({
    value: renewed,
    writes: [putLease(renewed, lease)],
    events: [
      systemEvent(env, intentId, "lease_renewed", agentId, {
        lease_id: leaseId,
        scope: lease.scope,
        duration_seconds: Duration.toSeconds(duration),
        expires_at: isoTime(renewed.expiresAt)
      })
    ]
  })
}

/** Ends a lease: by its owner, or revoked by anybody who may. One that is over is answered as it is. */
export const decideEnd = (
  found: Aggregate | undefined,
  command: LeaseCommand & { readonly as: "released" | "revoked"; readonly note: string | undefined },
  ended: Lease | undefined,
  env: Env
): Result.Result<Decision<Lease>, IntentNotFound | LeaseNotFound> => {
  const { agentId, as, intentId, leaseId, note } = command
  if (found === undefined) return Result.fail(new IntentNotFound({ intentId }))
  const lease = find(found, command, ended)
  if (lease === undefined || (as === "released" && lease.agentId !== agentId)) {
    return Result.fail(new LeaseNotFound({ intentId, leaseId }))
  }
  if (!isActiveAt(lease, env.now)) {
    const over = asOf(lease, env.now)
    return Result.succeed(over.status === lease.status ? unchanged(lease) : { ...expire([lease], env), value: over })
  }
  const end: Lease = { ...lease, status: as, releasedAt: env.now }
  return Result.succeed({
    value: end,
    writes: [putLease(end, lease)],
    events: [
      released(lease, as, (payload) =>
        systemEvent(env, intentId, "lease_released", agentId, note === undefined ? payload : { ...payload, note })
      )
    ]
  })
}

/** Ends the active leases of an agent whose work goes to another. */
export const releaseAll = (found: Aggregate, agentId: string, reason: string, env: Env): Decision<void> => {
  const held = found.leases.filter((lease) => lease.agentId === agentId && isActiveAt(lease, env.now))
  return {
    value: undefined,
    writes: held.map((lease) => putLease({ ...lease, status: "released", releasedAt: env.now }, lease)),
    events: held.map((lease) =>
      released(lease, reason, (payload) => automaticEvent(env, lease.intentId, "lease_released", payload))
    )
  }
}

/** Writes the end of every lease that is over by now. */
export const decideExpire = (found: Aggregate | undefined, env: Env): Result.Result<Decision<void>> =>
  Result.succeed(expire(found?.leases.filter((lease) => !isActiveAt(lease, env.now)) ?? [], env))

/** A patch as far as leases have a say in it. */
export interface LeasedPatch {
  readonly intentId: string
  readonly agentId: string
  readonly patches: ReadonlyArray<ParsedPatch>
  /** The fencing token that it is made under, if it is presented. */
  readonly leaseToken: number | undefined
  readonly enforceLeases: boolean
}

/**
 * Whether a patch may touch what it touches. A presented token must be of an active lease of the agent (decision 17);
 * another agent's lease covers `*`, its scope read as a path with dots, what is below it and what is above (semantics 3.6).
 */
export const checkLeases = (
  leases: ReadonlyArray<Lease>,
  { agentId, enforceLeases, intentId, leaseToken, patches }: LeasedPatch,
  now: DateTime.Utc
): LeaseExpired | LeaseHeld | undefined => {
  if (leaseToken !== undefined) {
    const holds = (lease: Lease) =>
      lease.fencingToken === leaseToken && lease.agentId === agentId && isActiveAt(lease, now)
    if (!leases.some(holds)) return new LeaseExpired({ intentId, leaseId: null })
  }
  if (!enforceLeases || leases.length === 0) return undefined
  const others = leases.filter((lease) => lease.agentId !== agentId && isActiveAt(lease, now))
  if (others.length === 0) return undefined
  for (const { path, segments } of patches) {
    const name = segments.join(".")
    const existing = others.find(({ scope }) => scope === "*" || covers(scope, name) || covers(name, scope))
    if (existing !== undefined) return new LeaseHeld({ existing, path })
  }
  return undefined
}
