/** The one interface: the embedded engine and the remote client both implement it (design.md 1.3). */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { AssignAgent, Assignment, AssignmentNotFound, ListAssignments } from "./agent/Assignment.ts"
import { CurrentAgent } from "./CurrentAgent.ts"
import type { EngineError, Forbidden, TooLarge, Unauthorized, ValidationError } from "./Errors.ts"
import type { AppendEvent, FollowEvents, ListEvents, LogEvent } from "./event/LogEvent.ts"
import type { CreateIntent, Intent, ListIntents, PatchState, SetStatus } from "./intent/Intent.ts"
import type { Page } from "./Page.ts"
import type {
  ChildrenIncomplete,
  DependenciesIncomplete,
  DependencyCycle,
  IntentNotFound,
  InvalidPatch,
  InvalidTransition,
  ParentNotFound,
  UnknownDependency,
  VersionConflict
} from "./intent/IntentErrors.ts"
import type { AcquireLease, Lease, ListLeases, RenewLease, WithLeaseOptions } from "./lease/Lease.ts"
import type { LeaseConflict, LeaseExpired, LeaseHeld, LeaseNotFound } from "./lease/LeaseErrors.ts"

/**
 * What every call can end with beside its own errors: the input is not valid, the engine cannot be reached or write
 * now, or (remote only) the key or agent may not do it.
 */
export type CommonError = ValidationError | EngineError | Unauthorized | Forbidden

/** Goals with versioned state (RFC 0001). */
export interface Intents {
  /**
   * Creates an intent with version 1. A parent must exist (`ParentNotFound`), so must all dependencies
   * (`UnknownDependency`); depending on one's own parent or an ancestor is a `DependencyCycle`.
   */
  readonly create: (
    input: CreateIntent
  ) => Effect.Effect<Intent, ParentNotFound | UnknownDependency | DependencyCycle | TooLarge | CommonError>
  readonly get: (intentId: string) => Effect.Effect<Intent, IntentNotFound | CommonError>
  readonly list: (query?: ListIntents) => Effect.Effect<Page<Intent>, CommonError>
  /**
   * Applies patches in order, all or nothing (http.md 4.4). No patches: the version is checked and nothing changes.
   *
   * **Details**: of several errors the first in this order wins: `ValidationError`, `IntentNotFound`,
   * `VersionConflict`, `LeaseExpired` (a token that no longer holds), `LeaseHeld`, `InvalidPatch`, `TooLarge`.
   */
  readonly patchState: (
    intentId: string,
    input: PatchState
  ) => Effect.Effect<
    Intent,
    IntentNotFound | VersionConflict | LeaseExpired | LeaseHeld | InvalidPatch | TooLarge | CommonError
  >
  /**
   * Moves the intent along the table of semantics 1.4. The status it has: nothing changes. Completing unblocks, in the
   * same commit, the dependents that waited for it alone.
   */
  readonly setStatus: (
    intentId: string,
    input: SetStatus
  ) => Effect.Effect<
    Intent,
    IntentNotFound | VersionConflict | InvalidTransition | DependenciesIncomplete | ChildrenIncomplete | CommonError
  >
}

/** The append-only log (semantics 8). */
export interface Events {
  /** Adds an event of a client. Changes neither the intent nor its version, and contends with nobody. */
  readonly append: (
    intentId: string,
    input: AppendEvent
  ) => Effect.Effect<LogEvent, IntentNotFound | TooLarge | CommonError>
  readonly list: (intentId: string, query?: ListEvents) => Effect.Effect<Page<LogEvent>, IntentNotFound | CommonError>
  /**
   * Every event after a position, of one intent or of all, each once and in order: first those in the log, then new
   * ones as they are committed. Ends only with its consumer or an error; resume with the last position seen. A slow
   * consumer costs no memory, since each page is read from the log when it is wanted.
   */
  readonly follow: (query?: FollowEvents) => Stream.Stream<LogEvent, IntentNotFound | CommonError>
}

/** Exclusive claims on a scope of an intent, so that agents do not collide (RFC 0003). */
export interface Leases {
  /** Grants the scope to the acting agent, or fails with the lease in its way: an agent's own is in its way too. */
  readonly acquire: (
    intentId: string,
    input: AcquireLease
  ) => Effect.Effect<Lease, IntentNotFound | LeaseConflict | CommonError>
  /** Moves the end of an active lease of the acting agent to now + duration. Never resurrects: `LeaseExpired`. */
  readonly renew: (
    intentId: string,
    leaseId: string,
    input?: RenewLease
  ) => Effect.Effect<Lease, IntentNotFound | LeaseNotFound | LeaseExpired | CommonError>
  /** Ends a lease of the acting agent. One that is over already is answered as it is, and nothing changes. */
  readonly release: (
    intentId: string,
    leaseId: string
  ) => Effect.Effect<Lease, IntentNotFound | LeaseNotFound | CommonError>
  /** Ends any agent's lease, as an administrator. One that is over already is answered as it is. */
  readonly revoke: (
    intentId: string,
    leaseId: string,
    input?: { readonly reason?: string | undefined }
  ) => Effect.Effect<Lease, IntentNotFound | LeaseNotFound | CommonError>
  /** Oldest first; the active ones unless another status is asked for. */
  readonly list: (intentId: string, query?: ListLeases) => Effect.Effect<Page<Lease>, IntentNotFound | CommonError>
  /**
   * Holds the scope while `use` runs: acquires it, renews it in the background, interrupts `use` and fails with
   * `LeaseExpired` if it is lost, releases it at the end, whatever the end.
   */
  readonly withLease: <A, E, R>(
    intentId: string,
    scope: string,
    options: WithLeaseOptions,
    use: (lease: Lease) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | IntentNotFound | LeaseConflict | LeaseExpired | CommonError, R>
}

/** Who works on an intent (http.md 7). */
export interface Agents {
  /** Assigns an agent, or again with a new role: the assignment keeps its id, and the agent is told each time. */
  readonly assign: (intentId: string, input: AssignAgent) => Effect.Effect<Assignment, IntentNotFound | CommonError>
  readonly list: (
    intentId: string,
    query?: ListAssignments
  ) => Effect.Effect<Page<Assignment>, IntentNotFound | CommonError>
  readonly unassign: (
    intentId: string,
    agentId: string
  ) => Effect.Effect<void, IntentNotFound | AssignmentNotFound | CommonError>
}

export interface OpenIntentShape {
  readonly intents: Intents
  readonly events: Events
  readonly leases: Leases
  readonly agents: Agents
  readonly health: {
    /** Succeeds when the engine can read and write now. */
    readonly check: Effect.Effect<void, CommonError>
  }
}

/** The engine, embedded or remote. Every call acts as the `CurrentAgent`. */
export class OpenIntent extends Context.Service<OpenIntent, OpenIntentShape>()("openintent/core/OpenIntent") {
  /** Runs an effect acting as this agent. */
  static readonly as =
    (agentId: string) =>
    <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.provideService(effect, CurrentAgent, agentId)
}
