/**
 * `openintent`: the interface, its records and errors, and the engine with promises.
 *
 * The engines as Effect Layers are in `openintent/memory`, `openintent/sqlite` and `openintent/remote`, the server in
 * `openintent/server`, so that nobody loads what is not used.
 */
export { connect, type ConnectOptions, createEngine, type CreateEngineOptions } from "./layers/createEngine.ts"
export type { Engine, HeldLease, PromisedLeases, PromisedRetries } from "./layers/promises.ts"
export { UnsupportedStorage } from "./layers/storageUrl.ts"

export { CurrentAgent } from "./core/CurrentAgent.ts"
export type { EngineOptions } from "./core/EngineOptions.ts"
export {
  type Agents,
  type Attachments,
  type CommonError,
  type Costs,
  type Events,
  type Governance,
  type Graph,
  type Intents,
  type Leases,
  type Llm,
  type LlmLogging,
  OpenIntent,
  type OpenIntentShape,
  type Portfolios,
  type Retries,
  type Subscriptions
} from "./core/OpenIntent.ts"

export { type AssignAgent, type Assignment, AssignmentNotFound, type ListAssignments } from "./core/agent/Assignment.ts"
export type { AddAttachment, Attachment, AttachmentContent, ListAttachments } from "./core/attachment/Attachment.ts"
export { AttachmentNotFound, ContentNotStored } from "./core/attachment/AttachmentErrors.ts"
export type {
  Cost,
  CostSummary,
  ListCosts,
  NewReservation,
  PortfolioCosts,
  RecordCost,
  Reservation,
  ReservationStatus,
  ReserveCost,
  SettleCost,
  Settlement
} from "./core/cost/Cost.ts"
export { BudgetExceeded, ReservationEnded, ReservationNotFound } from "./core/cost/CostErrors.ts"
export type {
  ChangeDependency,
  GraphEdge,
  GraphNode,
  GraphStatus,
  IntentGraph,
  ListNeighbours
} from "./core/graph/Graph.ts"
export {
  DependencyIntentNotFound,
  DependencyNotFound,
  DuplicateDependency,
  IntentTerminal
} from "./core/graph/GraphErrors.ts"
export type { AppendEvent, FollowEvents, ListEvents, LogEvent, Visibility } from "./core/event/LogEvent.ts"
export type { ChainBreak, SealedPoint, Verification, VerifyEvents } from "./core/seal/Verification.ts"
export type {
  Approval,
  ApprovalStatus,
  DecideApproval,
  ListApprovals,
  RequestApproval
} from "./core/governance/Approval.ts"
export type {
  Arbitration,
  ArbitrationStatus,
  ListArbitrations,
  ListDecisions,
  Outcome,
  RecordDecision,
  RecordedDecision,
  RequestArbitration
} from "./core/governance/Arbitration.ts"
export type {
  CompletionMode,
  IntentPolicy,
  Policy,
  PolicyRule,
  SetPolicy,
  WriteScope
} from "./core/governance/policy.ts"
export type { CreateIntent, Intent, ListIntents, Patch, PatchState, SetStatus, Status } from "./core/intent/Intent.ts"
export type { Page, PageOptions } from "./core/Page.ts"
export type { Json, JsonObject } from "./core/json.ts"
export type {
  AddIntent,
  AggregateStatus,
  CreatePortfolio,
  ListMembers,
  ListPortfolios,
  MemberRole,
  Membership,
  Portfolio,
  PortfolioMember,
  PortfolioStatus
} from "./core/portfolio/Portfolio.ts"
export type { AcquireLease, Lease, LeaseStatus, ListLeases, RenewLease, WithLeaseOptions } from "./core/lease/Lease.ts"
export type {
  LlmRequest,
  LlmRequestCompleted,
  LlmRequestFailed,
  LlmRequestStarted,
  LlmStream,
  LlmRollUp,
  LlmSummary,
  LlmUsage,
  StreamCancelled,
  StreamChunk,
  StreamCompleted,
  ToolCall,
  ToolCallCompleted,
  ToolCallFailed,
  ToolCallStarted
} from "./core/llm/Llm.ts"
export {
  type Failure,
  type ListFailures,
  type RecordFailure,
  type RetryPolicy,
  RetryPolicyNotFound,
  type RetryStrategy,
  type RunOptions,
  type SetRetryPolicy
} from "./core/retry/Retry.ts"

export {
  Busy,
  IdempotencyKeyReused,
  type EngineError,
  Forbidden,
  type Issue,
  RateLimited,
  StorageUnavailable,
  TooLarge,
  Unauthorized,
  ValidationError
} from "./core/Errors.ts"
export {
  ApprovalNotFound,
  ApprovalNotPending,
  ArbitrationNotFound,
  GovernanceViolation
} from "./core/governance/GovernanceErrors.ts"
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
export { MembershipNotFound, PortfolioIncomplete, PortfolioNotFound } from "./core/portfolio/PortfolioErrors.ts"
export {
  type CreatedSubscription,
  type CreateSubscription,
  type Delivery,
  DeliveryNotFound,
  type ListDeliveries,
  type ListSubscriptions,
  type Subscription,
  SubscriptionNotFound
} from "./core/subscription/Subscription.ts"
export { StorageError } from "./core/Storage.ts"
