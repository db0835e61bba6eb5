import * as Data from "effect/Data"
import type { Lease } from "./Lease.ts"

/** An active lease covers the scope. `existing` is that lease; it may be the caller's own. */
export class LeaseConflict extends Data.TaggedError("LeaseConflict")<{
  readonly existing: Lease
}> {
  override get message() {
    return "Lease already held for this scope"
  }
}

/** A patch touches what another agent has leased. */
export class LeaseHeld extends Data.TaggedError("LeaseHeld")<{
  readonly existing: Lease
  /** The path of the patch that touches it. */
  readonly path: string
}> {
  override get message() {
    return `${this.path} is covered by a lease on ${this.existing.scope} held by ${this.existing.agentId}`
  }
}

/** The lease is over (renewal), or the presented token is of no active lease of this agent here (decision 17). */
export class LeaseExpired extends Data.TaggedError("LeaseExpired")<{
  readonly intentId: string
  readonly leaseId: string | null
}> {
  override get message() {
    return "The lease is no longer active, acquire it again"
  }
}

/** No such lease on this intent, or it is not the acting agent's, or (renewal) it was released or revoked. */
export class LeaseNotFound extends Data.TaggedError("LeaseNotFound")<{
  readonly intentId: string
  readonly leaseId: string
}> {
  override get message() {
    return "Lease not found or not owned by you"
  }
}
