import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import type { PageOptions } from "../Page.ts"

/** An exclusive, time-limited claim on a scope of an intent (RFC 0003). At `expiresAt` it is over, whatever was stored. */
export interface Lease {
  readonly id: string
  readonly intentId: string
  readonly agentId: string
  /** Any non-blank text of at most 255 characters; `*` is the whole intent. */
  readonly scope: string
  readonly status: "active" | "released" | "expired" | "revoked"
  /** Grows with every grant on the intent and stays on renewal, so that a write of a holder who lost it can be told apart. */
  readonly fencingToken: number
  readonly acquiredAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
  /** When it was released or revoked; null otherwise. */
  readonly releasedAt: DateTime.Utc | null
}
export type LeaseStatus = Lease["status"]

export const isActiveAt = (lease: Lease, now: DateTime.Utc): boolean =>
  lease.status === "active" && now.epochMilliseconds < lease.expiresAt.epochMilliseconds

/** The lease as it is at `now`: one that is stored as active and over is expired (semantics 3.2). */
export const asOf = (lease: Lease, now: DateTime.Utc): Lease =>
  lease.status === "active" && !isActiveAt(lease, now) ? { ...lease, status: "expired" } : lease

export interface AcquireLease {
  readonly scope: string
  /** 1 second to 24 hours in whole seconds, default 5 minutes. */
  readonly duration?: Duration.Input | undefined
}

export interface RenewLease {
  /** From now on, so it may also shorten. 1 second to 24 hours, default 5 minutes. */
  readonly duration?: Duration.Input | undefined
}

export interface ListLeases extends PageOptions {
  /** As it is now; default `active`. */
  readonly status?: LeaseStatus | "all" | undefined
}

export interface WithLeaseOptions {
  /** How long the lease outlives a holder that dies: 1 second to 24 hours, default 1 minute. Renewed at a third of it. */
  readonly ttl?: Duration.Input | undefined
}
