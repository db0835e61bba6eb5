/** Scopes and time of leases as semantics 3 has them, written for the kit from that text alone. */
import type { Lease } from "../../core/lease/Lease.ts"
import type { Instant } from "../Call.ts"

export const scopesConflict = (a: string, b: string): boolean => a === b || a === "*" || b === "*"

/** Whether a lease on the scope forbids others to patch the path. */
export const covers = (scope: string, segments: ReadonlyArray<string>): boolean => {
  const path = segments.join(".")
  return scope === "*" || scope === path || path.startsWith(`${scope}.`) || scope.startsWith(`${path}.`)
}

/** Whether the lease is active at the instant; undefined if it ends within it. */
export const isActive = (lease: Lease, at: Instant): boolean | undefined => {
  const end = lease.expiresAt.epochMilliseconds
  if (lease.status !== "active" && lease.status !== "expired") return false
  return end > at.to ? true : end <= at.from ? false : undefined
}

/** The status that it has at an instant for which `isActive` knows. */
export const statusAt = (lease: Lease, at: Instant): Lease["status"] =>
  lease.status === "active" || lease.status === "expired"
    ? isActive(lease, at) === true
      ? "active"
      : "expired"
    : lease.status
