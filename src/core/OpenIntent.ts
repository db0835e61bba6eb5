/** The one interface: the embedded engine and the remote client both implement it (design.md 1.3). */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { AssignAgent, Assignment, AssignmentNotFound, ListAssignments } from "./agent/Assignment.ts"
import type { AddAttachment, Attachment, AttachmentContent, ListAttachments } from "./attachment/Attachment.ts"
import type { AttachmentNotFound, ContentNotStored } from "./attachment/AttachmentErrors.ts"
import type {
  Cost,
  CostSummary,
  ListCosts,
  NewReservation,
  PortfolioCosts,
  RecordCost,
  Reservation,
  ReserveCost,
  SettleCost,
  Settlement
} from "./cost/Cost.ts"
import type { BudgetExceeded, ReservationEnded, ReservationNotFound } from "./cost/CostErrors.ts"
import { CurrentAgent } from "./CurrentAgent.ts"
import type { EngineError, Forbidden, RateLimited, TooLarge, Unauthorized, ValidationError } from "./Errors.ts"
import type { AppendEvent, FollowEvents, ListEvents, LogEvent } from "./event/LogEvent.ts"
import type { Approval, DecideApproval, ListApprovals, RequestApproval } from "./governance/Approval.ts"
import type {
  Arbitration,
  ListArbitrations,
  ListDecisions,
  RecordDecision,
  RecordedDecision,
  RequestArbitration
} from "./governance/Arbitration.ts"
import type {
  ApprovalNotFound,
  ApprovalNotPending,
  ArbitrationNotFound,
  GovernanceViolation
} from "./governance/GovernanceErrors.ts"
import type { IntentPolicy, SetPolicy } from "./governance/policy.ts"
import type { ChangeDependency, IntentGraph, ListNeighbours } from "./graph/Graph.ts"
import type {
  DependencyIntentNotFound,
  DependencyNotFound,
  DuplicateDependency,
  IntentTerminal
} from "./graph/GraphErrors.ts"
import type { CreateIntent, Intent, ListIntents, PatchState, SetStatus } from "./intent/Intent.ts"
import type { Page } from "./Page.ts"
import { CurrentKey } from "./receipt/KeyedCall.ts"
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
import type {
  Failure,
  ListFailures,
  RecordFailure,
  RetryPolicy,
  RetryPolicyNotFound,
  RunOptions,
  SetRetryPolicy
} from "./retry/Retry.ts"
import type { Verification, VerifyEvents } from "./seal/Verification.ts"
import type {
  CreatedSubscription,
  CreateSubscription,
  Delivery,
  DeliveryNotFound,
  ListDeliveries,
  ListSubscriptions,
  Subscription,
  SubscriptionNotFound
} from "./subscription/Subscription.ts"
import type {
  LlmRequestCompleted,
  LlmRequestFailed,
  LlmRequestStarted,
  LlmStream,
  LlmSummary,
  StreamCancelled,
  StreamChunk,
  StreamCompleted,
  ToolCallCompleted,
  ToolCallFailed,
  ToolCallStarted
} from "./llm/Llm.ts"
import type {
  AddIntent,
  AggregateStatus,
  CreatePortfolio,
  ListMembers,
  ListPortfolios,
  Membership,
  Portfolio,
  PortfolioMember,
  PortfolioStatus
} from "./portfolio/Portfolio.ts"
import type { MembershipNotFound, PortfolioIncomplete, PortfolioNotFound } from "./portfolio/PortfolioErrors.ts"

/**
 * What every call can end with beside its own errors: the input is not valid, the engine cannot be reached or write
 * now, or (remote only) the key or agent may not do it.
 */
export type CommonError = ValidationError | EngineError | Unauthorized | Forbidden | RateLimited

/** Goals with versioned state (RFC 0001). */
export interface Intents {
  /**
   * Creates an intent with version 1. A parent must exist (`ParentNotFound`), so must all dependencies
   * (`UnknownDependency`); depending on one's own parent or an ancestor is a `DependencyCycle`. A budget below 100
   * others is a `ValidationError`.
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
   * `VersionConflict`, `GovernanceViolation`, `LeaseExpired` (a token that no longer holds), `LeaseHeld`,
   * `InvalidPatch`, `TooLarge`.
   */
  readonly patchState: (
    intentId: string,
    input: PatchState
  ) => Effect.Effect<
    Intent,
    | IntentNotFound
    | VersionConflict
    | GovernanceViolation
    | LeaseExpired
    | LeaseHeld
    | InvalidPatch
    | TooLarge
    | CommonError
  >
  /**
   * Moves the intent along the table of semantics 1.4. The status it has: nothing changes. Completing unblocks, in the
   * same commit, the dependents that waited for it alone. What the policy of the intent forbids is a
   * `GovernanceViolation`, before any other rule but the version.
   */
  readonly setStatus: (
    intentId: string,
    input: SetStatus
  ) => Effect.Effect<
    Intent,
    | IntentNotFound
    | VersionConflict
    | GovernanceViolation
    | InvalidTransition
    | DependenciesIncomplete
    | ChildrenIncomplete
    | CommonError
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
   * Every event after a position, of one intent, portfolio or agent or of all, each once and in order: first those in
   * the log, then new ones as they are committed. Ends only with its consumer or an error; resume with the last position
   * seen. A slow consumer costs no memory: what it is too slow for is read from the log when it is wanted.
   *
   * **Details**: an intent belongs to an agent or a portfolio from the event that says so to the one that ends it, both
   * shown. An agent is not told to whom else its intents are given. Agents need no registration, so any id will do.
   */
  readonly follow: (query?: FollowEvents) => Stream.Stream<LogEvent, IntentNotFound | PortfolioNotFound | CommonError>
  /**
   * Recomputes the chain of hashes over the log of an intent, and compares it with what was sealed behind the writers:
   * the first event that was changed, removed or put in since then is the `break` of the answer. What is not sealed yet
   * (about half a second, with `sealEvents`) is counted and not judged.
   *
   * **Gotchas**: who can rewrite log and seals together leaves no break. Keep the `head` elsewhere, and give it as
   * `expect` the next time.
   */
  readonly verify: (
    intentId: string,
    options?: VerifyEvents
  ) => Effect.Effect<Verification, IntentNotFound | CommonError>
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

/** Who decides, and by which rules (RFC 0004, http.md 9 and appendix A). */
export interface Governance {
  /** Asks for a decision. Changes neither the status nor the version of the intent. */
  readonly requestArbitration: (
    intentId: string,
    input: RequestArbitration
  ) => Effect.Effect<Arbitration, IntentNotFound | TooLarge | CommonError>
  /** Oldest first. */
  readonly arbitrations: (
    intentId: string,
    query?: ListArbitrations
  ) => Effect.Effect<Page<Arbitration>, IntentNotFound | CommonError>
  /**
   * Records a decision, which resolves at most one arbitration: the one that it names, which must be pending
   * (`ArbitrationNotFound`), else, if its type is `arbitration`, the oldest pending one. With none it is recorded too.
   */
  readonly recordDecision: (
    intentId: string,
    input: RecordDecision
  ) => Effect.Effect<RecordedDecision, IntentNotFound | ArbitrationNotFound | TooLarge | CommonError>
  /** Oldest first. */
  readonly decisions: (
    intentId: string,
    query?: ListDecisions
  ) => Effect.Effect<Page<RecordedDecision>, IntentNotFound | CommonError>
  /** Sets the whole policy of the intent, which from then on holds for everybody. A step of the version. */
  readonly setPolicy: (
    intentId: string,
    input: SetPolicy
  ) => Effect.Effect<Intent, IntentNotFound | VersionConflict | TooLarge | CommonError>
  readonly policy: (intentId: string) => Effect.Effect<IntentPolicy, IntentNotFound | CommonError>
  /** Removes the policy, if there is one. A step of the version all the same. */
  readonly removePolicy: (
    intentId: string,
    input: { readonly version: number }
  ) => Effect.Effect<Intent, IntentNotFound | VersionConflict | CommonError>
  /** Asks for an approval of an action. */
  readonly requestApproval: (
    intentId: string,
    input: RequestApproval
  ) => Effect.Effect<Approval, IntentNotFound | TooLarge | CommonError>
  /** Oldest first. */
  readonly approvals: (
    intentId: string,
    query?: ListApprovals
  ) => Effect.Effect<Page<Approval>, IntentNotFound | CommonError>
  readonly approval: (
    intentId: string,
    approvalId: string
  ) => Effect.Effect<Approval, IntentNotFound | ApprovalNotFound | CommonError>
  /** Approves as the acting agent, once. The contract lets everybody do so, also who asked for it. */
  readonly approve: (
    intentId: string,
    approvalId: string,
    input?: DecideApproval
  ) => Effect.Effect<Approval, IntentNotFound | ApprovalNotFound | ApprovalNotPending | CommonError>
  /** Denies as the acting agent, once. */
  readonly deny: (
    intentId: string,
    approvalId: string,
    input?: DecideApproval
  ) => Effect.Effect<Approval, IntentNotFound | ApprovalNotFound | ApprovalNotPending | CommonError>
}

/** Parents and dependencies (RFC 0002): parents form a forest, dependencies never a cycle. */
export interface Graph {
  /**
   * Makes the intent depend on another one; while that is not completed, the intent is `blocked`.
   *
   * **Details**: of several errors the first in this order wins: `ValidationError`, `IntentNotFound`,
   * `DependencyIntentNotFound`, `VersionConflict`, `DuplicateDependency`, `DependencyCycle` (with the ids that lead back
   * to the intent, or up to the ancestor that it must not depend on), `IntentTerminal`, and a `ValidationError` for more
   * than 1,000 dependencies.
   */
  readonly addDependency: (
    intentId: string,
    input: ChangeDependency
  ) => Effect.Effect<
    Intent,
    | IntentNotFound
    | DependencyIntentNotFound
    | VersionConflict
    | DuplicateDependency
    | DependencyCycle
    | IntentTerminal
    | CommonError
  >
  /**
   * Ends a dependency. An intent that is `blocked`, and has no other that is not completed, becomes `pending`.
   *
   * **Details**: of several errors the first in this order wins: `ValidationError`, `IntentNotFound`,
   * `DependencyNotFound`, `VersionConflict`, `IntentTerminal`.
   */
  readonly removeDependency: (
    intentId: string,
    input: ChangeDependency
  ) => Effect.Effect<Intent, IntentNotFound | DependencyNotFound | VersionConflict | IntentTerminal | CommonError>
  /** By creation. */
  readonly children: Neighbours
  /** All levels below, depth first: each before those below it, siblings by creation. At most 100,000. */
  readonly descendants: Neighbours
  /** Nearest first, up to the root. At most 100,000. */
  readonly ancestors: Neighbours
  /** In the order of `dependsOn`. */
  readonly dependencies: Neighbours
  /** By creation. */
  readonly dependents: Neighbours
  /** Children that are not terminal and wait for no dependency. */
  readonly ready: Neighbours
  /** Children that are not terminal and wait for a dependency. */
  readonly blocked: Neighbours
  /** Everything that is reached from the intent by "child of" and "depends on" steps, and how far it has come. */
  readonly get: (intentId: string) => Effect.Effect<IntentGraph, IntentNotFound | CommonError>
}

type Neighbours = (
  intentId: string,
  query?: ListNeighbours
) => Effect.Effect<Page<Intent>, IntentNotFound | CommonError>

/** Who works on an intent (http.md 7). */
export interface Agents {
  /** Assigns an agent, or again with a new role: the assignment keeps its id, and the agent is told each time. */
  readonly assign: (
    intentId: string,
    input: AssignAgent
  ) => Effect.Effect<Assignment, IntentNotFound | GovernanceViolation | CommonError>
  readonly list: (
    intentId: string,
    query?: ListAssignments
  ) => Effect.Effect<Page<Assignment>, IntentNotFound | CommonError>
  readonly unassign: (
    intentId: string,
    agentId: string
  ) => Effect.Effect<void, IntentNotFound | AssignmentNotFound | CommonError>
}

/**
 * Intents that are looked after together (RFC 0007, http.md 13). A portfolio with an `auto_complete_threshold` becomes
 * completed in the commit of the member whose change of status takes it there.
 */
export interface Portfolios {
  readonly create: (input: CreatePortfolio) => Effect.Effect<Portfolio, TooLarge | CommonError>
  /** Oldest first. */
  readonly list: (query?: ListPortfolios) => Effect.Effect<Page<Portfolio>, CommonError>
  readonly get: (portfolioId: string) => Effect.Effect<Portfolio, PortfolioNotFound | CommonError>
  /**
   * Any status may follow any other. With `require_all_completed` in its policy a portfolio is completed only when its
   * members are (`PortfolioIncomplete`). The status it has: nothing changes.
   */
  readonly setStatus: (
    portfolioId: string,
    input: { readonly status: PortfolioStatus }
  ) => Effect.Effect<Portfolio, PortfolioNotFound | PortfolioIncomplete | CommonError>
  /**
   * Makes the intent a member, or gives the member that it is this role and priority. An intent is in at most 100
   * portfolios at a time: one more is a `ValidationError`.
   */
  readonly addIntent: (
    portfolioId: string,
    input: AddIntent
  ) => Effect.Effect<Membership, PortfolioNotFound | IntentNotFound | CommonError>
  readonly removeIntent: (
    portfolioId: string,
    intentId: string
  ) => Effect.Effect<void, PortfolioNotFound | MembershipNotFound | CommonError>
  /** The greatest priority first, then in the order of joining. */
  readonly members: (
    portfolioId: string,
    query?: ListMembers
  ) => Effect.Effect<Page<PortfolioMember>, PortfolioNotFound | CommonError>
  /** A running figure: it costs the same for any number of members. */
  readonly aggregate: (portfolioId: string) => Effect.Effect<AggregateStatus, PortfolioNotFound | CommonError>
  /** Portfolios that the intent is a member of, in the order of joining. */
  readonly ofIntent: (
    intentId: string,
    query?: ListMembers
  ) => Effect.Effect<Page<Portfolio>, IntentNotFound | CommonError>
}

/** Files that belong to an intent (RFC 0005, http.md 10). */
export interface Attachments {
  /**
   * Adds a file, or a reference to one. Does not change the version.
   *
   * **Details**: content beyond `attachmentBytesMax`, or beyond what `attachmentBytesPerIntent` leaves, is `TooLarge`;
   * one attachment more than `attachmentsPerIntent` is a `ValidationError`.
   */
  readonly add: (
    intentId: string,
    input: AddAttachment
  ) => Effect.Effect<Attachment, IntentNotFound | TooLarge | CommonError>
  /** Oldest first, without their contents. */
  readonly list: (
    intentId: string,
    query?: ListAttachments
  ) => Effect.Effect<Page<Attachment>, IntentNotFound | CommonError>
  /** Removes it and its content. One of another intent is not found (semantics 44). */
  readonly remove: (
    intentId: string,
    attachmentId: string
  ) => Effect.Effect<void, IntentNotFound | AttachmentNotFound | CommonError>
  /** The bytes, if they are stored here. */
  readonly content: (
    intentId: string,
    attachmentId: string
  ) => Effect.Effect<AttachmentContent, IntentNotFound | AttachmentNotFound | ContentNotStored | CommonError>
}

/** How an event of the language models is logged: with `events.append`, whose errors it has. */
type Log<Input> = (intentId: string, input: Input) => Effect.Effect<LogEvent, IntentNotFound | TooLarge | CommonError>

/** What agents do with tools and language models, as events with the payloads of semantics 8.1 (RFC 0008). */
export interface LlmLogging {
  readonly toolCallStarted: Log<ToolCallStarted>
  readonly toolCallCompleted: Log<ToolCallCompleted>
  readonly toolCallFailed: Log<ToolCallFailed>
  readonly requestStarted: Log<LlmRequestStarted>
  readonly requestCompleted: Log<LlmRequestCompleted>
  readonly requestFailed: Log<LlmRequestFailed>
  readonly streamStarted: Log<LlmStream>
  readonly streamChunk: Log<StreamChunk>
  readonly streamCompleted: Log<StreamCompleted>
  readonly streamCancelled: Log<StreamCancelled>
}

export interface Llm extends LlmLogging {
  /**
   * Requests and tokens of the intent, by model and by agent, as clients told them, and its costs (decision 28).
   *
   * **Details**: a streamed request counts once, with the tokens of `requestCompleted`. A stream outside of any request
   * counts as one, and what a cancelled one carried counts too.
   */
  readonly summary: (intentId: string) => Effect.Effect<LlmSummary, IntentNotFound | CommonError>
}

/** What is done about work that failed (RFC 0010, http.md 15). */
export interface Retries {
  /** Sets the policy of the intent, in full: what is left out has its default. Changes no version. */
  readonly setPolicy: (
    intentId: string,
    input?: SetRetryPolicy
  ) => Effect.Effect<RetryPolicy, IntentNotFound | CommonError>
  readonly policy: (intentId: string) => Effect.Effect<RetryPolicy, IntentNotFound | RetryPolicyNotFound | CommonError>
  /**
   * Records that an attempt failed, and by the policy whether and when it is to be tried again (semantics 6). Nobody is
   * made to try again, unless the engine has `handOutRetries`. Where the policy's fallback agent takes over, it is
   * assigned, and the leases of the failing agent end, in the same commit.
   */
  readonly recordFailure: (
    intentId: string,
    input?: RecordFailure
  ) => Effect.Effect<Failure, IntentNotFound | TooLarge | CommonError>
  /** Oldest first. */
  readonly failures: (
    intentId: string,
    query?: ListFailures
  ) => Effect.Effect<Page<Failure>, IntentNotFound | CommonError>
  /** Says that a later attempt succeeded. Ids of no failure of this intent are passed over; at most 1000. */
  readonly resolveFailures: (
    intentId: string,
    failureIds: ReadonlyArray<string>
  ) => Effect.Effect<ReadonlyArray<Failure>, IntentNotFound | CommonError>
  /**
   * Does the work, and again by the policy of the intent when it fails: each failure is recorded, and the next attempt
   * waits for its time. Success resolves the failures. The error of the last attempt is the error of the run, as it is.
   * Without a policy there is one attempt.
   *
   * **Details**: only typed failures are tried again; a defect ends the run. `work` may be a function of the attempt,
   * from 1. Fails with `IntentNotFound` before any work is done.
   *
   * On an embedded engine the retry is stored with the failure until its attempt has ended. If the run goes before that
   * (interrupted, or its process ended), the engine assigns the agent to the intent again once the retry is due and
   * `retryHold` has passed, with the attempt and the last error, in whichever process runs then; continue with
   * `RunOptions.attempt`. A run that was held up so long that its retry was handed out, or whose intent has ended, stops
   * with the last error and interrupts the attempt under way. A remote engine stores nothing: there a run and what
   * `handOutRetries` of the server hands out know nothing of each other.
   */
  readonly run: <A, E, R>(
    intentId: string,
    work: Effect.Effect<A, E, R> | ((attempt: number) => Effect.Effect<A, E, R>),
    options?: RunOptions
  ) => Effect.Effect<A, E | IntentNotFound | TooLarge | CommonError, R>
}

/**
 * What was spent, and what may be (RFC 0009, http.md 14). Budgets are in the constraints of an intent (`max_cost`, or
 * `budget` with `max_total_cents`, `max_per_agent_cents`, `max_per_call_cents`, `alert_threshold_percent` and
 * `currency`), for all that is spent on it and below it; and in the policy of a portfolio (`max_cost`), for its members
 * and all below them. Only amounts whose unit is a budget's currency count against it.
 */
export interface Costs {
  /**
   * Records what was spent. Budgets do not refuse it, unless the switch `enforceBudgets` is on: it is told that their
   * threshold is reached (`budget_alert`) and that they are exceeded (`budget_exceeded`). The policy of the intent may
   * (`GovernanceViolation`): who writes, and its own `max_cost`.
   */
  readonly record: (
    intentId: string,
    input: RecordCost
  ) => Effect.Effect<Cost, IntentNotFound | GovernanceViolation | BudgetExceeded | TooLarge | CommonError>
  /** Oldest first. */
  readonly list: (intentId: string, query?: ListCosts) => Effect.Effect<Page<Cost>, IntentNotFound | CommonError>
  /** Exact sums, whatever the number of costs. */
  readonly summary: (intentId: string) => Effect.Effect<CostSummary, IntentNotFound | CommonError>
  /**
   * Sets an amount aside before it is spent, if every budget above has room for it: of many who reserve at once, none
   * gets more than there is.
   */
  readonly reserve: (
    intentId: string,
    input: ReserveCost
  ) => Effect.Effect<NewReservation, IntentNotFound | GovernanceViolation | BudgetExceeded | CommonError>
  /** Puts what was spent in the place of a reservation, even if it is more than was reserved, or than a budget allows. */
  readonly settle: (
    intentId: string,
    reservationId: string,
    input: SettleCost
  ) => Effect.Effect<
    Settlement,
    IntentNotFound | ReservationNotFound | ReservationEnded | GovernanceViolation | TooLarge | CommonError
  >
  /** Gives back what is reserved. If it was given back already, or is over, it is answered as it is. */
  readonly release: (
    intentId: string,
    reservationId: string
  ) => Effect.Effect<Reservation, IntentNotFound | ReservationNotFound | ReservationEnded | CommonError>
  /** Of any status, oldest first. */
  readonly reservations: (
    intentId: string,
    query?: ListCosts
  ) => Effect.Effect<Page<Reservation>, IntentNotFound | CommonError>
  /** Sums over the members of a portfolio, and the total of each (http.md 13.9). */
  readonly ofPortfolio: (portfolioId: string) => Effect.Effect<PortfolioCosts, PortfolioNotFound | CommonError>
}

/** Who is told of events: by webhook, or as a record of who wants to know (RFC 0006, http.md 11). */
export interface Subscriptions {
  /**
   * Subscribes to what is committed from now on: of an intent, of a portfolio, or of all. The answer alone carries the
   * secret that deliveries are signed with.
   */
  readonly create: (
    input: CreateSubscription
  ) => Effect.Effect<CreatedSubscription, IntentNotFound | PortfolioNotFound | CommonError>
  readonly get: (subscriptionId: string) => Effect.Effect<Subscription, SubscriptionNotFound | CommonError>
  /** Oldest first; also those that are not active any more. */
  readonly list: (query?: ListSubscriptions) => Effect.Effect<Page<Subscription>, CommonError>
  /** Takes it away, with its deliveries. A request under way may still arrive. */
  readonly remove: (subscriptionId: string) => Effect.Effect<void, SubscriptionNotFound | CommonError>
  /** Its deliveries, oldest first. */
  readonly deliveries: (
    subscriptionId: string,
    query?: ListDeliveries
  ) => Effect.Effect<Page<Delivery>, SubscriptionNotFound | CommonError>
  /** Makes one more attempt soon, also of what was delivered or given up. Answers before it is made. */
  readonly redeliver: (
    subscriptionId: string,
    deliveryId: string
  ) => Effect.Effect<Delivery, SubscriptionNotFound | DeliveryNotFound | CommonError>
}

export interface OpenIntentShape {
  readonly intents: Intents
  readonly costs: Costs
  readonly events: Events
  readonly leases: Leases
  readonly agents: Agents
  readonly governance: Governance
  readonly portfolios: Portfolios
  readonly attachments: Attachments
  readonly llm: Llm
  readonly retries: Retries
  readonly graph: Graph
  readonly subscriptions: Subscriptions
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

  /**
   * Runs an effect in which each call takes effect once per key: made again with the same key, by the same agent, within
   * 24 hours (`receiptsKept`), it changes nothing and answers what it did the first time, also after a crash. With
   * another input it is an `IdempotencyKeyReused`.
   *
   * **Details**: a key is 1 to 255 visible characters of ASCII, and belongs to the call and the ids it names: another
   * call with the same key is one of its own. Refusals are not kept. Calls that are a PUT, PATCH or DELETE over HTTP
   * (`renew`, `release`, `remove`, `unassign`, `setPolicy`, …) are made as ever, and so are those that hold or run work
   * of yours (`withLease`, `retries.run`). The `version` and the `leaseToken` are not part of the input.
   */
  static readonly once =
    (key: string) =>
    <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.provideService(effect, CurrentKey, key)
}
