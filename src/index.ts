/**
 * `openintent`: the interface, its records and errors, and the engine with promises.
 *
 * The engines as Effect Layers are in `openintent/memory`, `openintent/sqlite` and `openintent/remote`, the server in
 * `openintent/server`, so that nobody loads what is not used.
 */
export { connect, type ConnectOptions, createEngine, type CreateEngineOptions } from "./layers/createEngine.ts"
export type { Engine, HeldLease, PromisedLeases } from "./layers/promises.ts"
export { UnsupportedStorage } from "./layers/storageUrl.ts"

export { CurrentAgent } from "./core/CurrentAgent.ts"
export type { EngineOptions } from "./core/EngineOptions.ts"
export {
  type Agents,
  type CommonError,
  type Events,
  type Intents,
  type Leases,
  OpenIntent,
  type OpenIntentShape
} from "./core/OpenIntent.ts"

export { type AssignAgent, type Assignment, AssignmentNotFound, type ListAssignments } from "./core/agent/Assignment.ts"
export type { AppendEvent, FollowEvents, ListEvents, LogEvent, Visibility } from "./core/event/LogEvent.ts"
export type { CreateIntent, Intent, ListIntents, Patch, PatchState, SetStatus, Status } from "./core/intent/Intent.ts"
export type { Page } from "./core/Page.ts"
export type { Json, JsonObject } from "./core/json.ts"
export type { AcquireLease, Lease, LeaseStatus, ListLeases, RenewLease, WithLeaseOptions } from "./core/lease/Lease.ts"

export {
  Busy,
  type EngineError,
  Forbidden,
  type Issue,
  StorageUnavailable,
  TooLarge,
  Unauthorized,
  ValidationError
} from "./core/Errors.ts"
export {
  ChildrenIncomplete,
  DependenciesIncomplete,
  DependencyCycle,
  IntentNotFound,
  InvalidPatch,
  InvalidTransition,
  ParentNotFound,
  UnknownDependency,
  VersionConflict
} from "./core/intent/IntentErrors.ts"
export { LeaseConflict, LeaseExpired, LeaseHeld, LeaseNotFound } from "./core/lease/LeaseErrors.ts"
export { StorageError } from "./core/Storage.ts"
