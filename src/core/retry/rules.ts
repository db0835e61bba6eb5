/** Retry policies and failures (semantics 6). Pure. When a stored retry is taken or handed out is in `dueRetries.ts`. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import { assignment, assignmentEvent, putAssignment } from "../agent/rules.ts"
import type { Aggregate, Decision, Write } from "../Aggregate.ts"
import { moveOn, unchanged } from "../Aggregate.ts"
import { systemAgent } from "../CurrentAgent.ts"
import type { Env } from "../Env.ts"
import { automaticEvent, systemEvent } from "../event/LogEvent.ts"
import { denyAssignment } from "../governance/standing.ts"
import { IntentNotFound } from "../intent/IntentErrors.ts"
import { releaseAll } from "../lease/rules.ts"
import type { StoredAssignment } from "../tables.ts"
import { assignmentKey } from "../tables.ts"
import { isoTime } from "../time.ts"
import { delayBefore, mayRetry } from "./delay.ts"
import type { Failure, RetryPolicy } from "./Retry.ts"
import type { DueRetry } from "./tables.ts"

export type PolicyCommand = Omit<RetryPolicy, "id" | "createdAt" | "updatedAt"> & { readonly actor: string }

/** Takes the place of the policy before, which leaves its id and the time of its creation (http.md 15.1). */
export const decideSetPolicy = (
  { before, found }: { readonly found: Aggregate | undefined; readonly before: RetryPolicy | undefined },
  { actor, ...given }: PolicyCommand,
  env: Env
): Result.Result<Decision<RetryPolicy>, IntentNotFound> => {
  const { intentId, maxRetries, strategy } = given
  if (found === undefined) return Result.fail(new IntentNotFound({ intentId }))
  const record: RetryPolicy = {
    ...given,
    id: before?.id ?? env.newId(),
    createdAt: before?.createdAt ?? env.now,
    updatedAt: env.now
  }
  return Result.succeed({
    value: record,
    writes: [{ _tag: "Put", table: "retryPolicies", record, before }],
    events: [
      systemEvent(env, intentId, "retry_policy_set", actor, {
        policy_id: record.id,
        strategy,
        max_retries: maxRetries
      })
    ],
    guards: [moveOn(found)]
  })
}

/** The run that a failure is of. */
export interface Holding {
  /** Undefined for its first failure, which gives it its id. */
  readonly runId: string | undefined
  readonly hold: Duration.Duration
}

export interface FailureCommand {
  readonly given: Pick<Failure, "intentId" | "agentId" | "errorCode" | "errorMessage" | "metadata">
  readonly attemptNumber: number | undefined
  readonly willRetry: boolean | undefined
  readonly retryScheduledAt: DateTime.Utc | undefined
  /** For the jitter: uniform in [0, 1). */
  readonly random: number
  /** Of a run of this engine, which tries again itself. */
  readonly holding: Holding | undefined
  readonly handOutRetries: boolean
  readonly fallbackAgents: boolean
}

export interface FailureFacts {
  readonly found: Aggregate | undefined
  readonly policy: RetryPolicy | undefined
  /** How many were recorded before. */
  readonly failures: number
  /** The assignment of the policy's fallback agent, if there ever was one. */
  readonly fallback: StoredAssignment | undefined
  /** The retry that the attempt was, if one was stored. */
  readonly due: DueRetry | undefined
}

/** The failure as it is recorded: what was not given is computed by the policy. */
const failureOf = (
  { failures, policy }: FailureFacts,
  { attemptNumber = failures + 1, given, random, retryScheduledAt, willRetry }: FailureCommand,
  env: Env
): Failure => {
  const isAllowed = mayRetry(policy, attemptNumber, given.errorCode)
  const isRetried = willRetry ?? isAllowed
  const computed = () =>
    isRetried && isAllowed ? DateTime.addDuration(env.now, delayBefore(policy, attemptNumber, random)) : null
  return {
    ...given,
    id: env.newId(),
    attemptNumber,
    willRetry: isRetried,
    retryScheduledAt: retryScheduledAt ?? computed(),
    resolvedAt: null,
    createdAt: env.now
  }
}

/** The retry that the failed attempt was, if it was stored: that of its run, or of the agent that others speak for. */
export const retryKey = ({ given: { agentId, intentId }, holding }: FailureCommand): string | undefined =>
  holding === undefined ? assignmentKey(intentId, agentId) : holding.runId

/** What becomes of the stored retry: the next attempt takes its place, or it is done with. */
const nextRetry = (
  { agentId, attemptNumber, errorCode, errorMessage, id, intentId, retryScheduledAt, willRetry }: Failure,
  before: DueRetry | undefined,
  command: FailureCommand
): ReadonlyArray<Write> => {
  const { handOutRetries, holding } = command
  if (willRetry && retryScheduledAt !== null && (holding !== undefined || handOutRetries)) {
    const record: DueRetry = {
      id: retryKey(command) ?? id,
      intentId,
      agentId,
      attempt: attemptNumber + 1,
      dueAt: retryScheduledAt,
      heldUntil: holding === undefined ? retryScheduledAt : DateTime.addDuration(retryScheduledAt, holding.hold),
      lastError: errorMessage ?? errorCode
    }
    return [{ _tag: "Put", table: "retries", record, before }]
  }
  return before === undefined ? [] : [{ _tag: "Remove", table: "retries", before }]
}

/** Another agent takes over: it is assigned, and what the failing one had leased is free. */
const fallBack = (
  found: Aggregate,
  failure: Failure,
  agentId: string,
  known: StoredAssignment | undefined,
  env: Env
): Decision<void> => {
  const record = assignment(found.intent, { agentId, role: "fallback" }, undefined, env)
  const released = releaseAll(found, failure.agentId, "fallback", env)
  return {
    value: undefined,
    writes: [...released.writes, ...putAssignment(record, known)],
    events: [
      ...released.events,
      assignmentEvent(record, systemAgent, { reassigned: false }, env),
      automaticEvent(env, failure.intentId, "fallback_triggered", {
        from_agent: failure.agentId,
        to_agent: agentId,
        failure_id: failure.id
      })
    ]
  }
}

const nothing = unchanged(undefined)

/** Records a failure, its retry if that is for the engine to see to, and the fallback that it triggers. */
export const decideFailure = (
  facts: FailureFacts,
  command: FailureCommand,
  env: Env
): Result.Result<Decision<Failure>, IntentNotFound> => {
  const { due, failures, fallback, found, policy } = facts
  const { intentId } = command.given
  if (found === undefined) return Result.fail(new IntentNotFound({ intentId }))
  const failure = failureOf(facts, command, env)
  const next = policy?.fallbackAgentId ?? null
  const fallsBack =
    command.fallbackAgents &&
    policy !== undefined &&
    next !== null &&
    next !== failure.agentId &&
    fallback?.state !== "assigned" &&
    denyAssignment(found.intent, next, systemAgent) === undefined &&
    (!failure.willRetry || failures + 1 >= policy.failureThreshold)
  const taken = fallsBack ? fallBack(found, failure, next, fallback, env) : nothing
  return Result.succeed({
    value: failure,
    writes: [
      { _tag: "Put", table: "failures", record: failure, before: undefined },
      ...nextRetry(failure, due, command),
      ...taken.writes
    ],
    events: [
      systemEvent(env, intentId, "failure_recorded", failure.agentId, {
        failure_id: failure.id,
        attempt_number: failure.attemptNumber,
        error_code: failure.errorCode,
        error_type: failure.errorCode,
        error_message: failure.errorMessage,
        will_retry: failure.willRetry,
        retry_scheduled_at: failure.retryScheduledAt && isoTime(failure.retryScheduledAt)
      }),
      ...taken.events
    ],
    guards: [moveOn(found)]
  })
}

export interface ResolveCommand {
  readonly intentId: string
  readonly actor: string
}

export interface ResolveFacts {
  readonly found: Aggregate | undefined
  readonly failures: ReadonlyArray<Failure>
  /** The retry whose attempt succeeded, if one was stored. */
  readonly due: DueRetry | undefined
}

/** A later attempt succeeded. What is resolved stays as it is, and ids of other intents are passed over. */
export const decideResolve = (
  { due, failures, found }: ResolveFacts,
  { actor, intentId }: ResolveCommand,
  env: Env
): Result.Result<Decision<ReadonlyArray<Failure>>, IntentNotFound> => {
  if (found === undefined) return Result.fail(new IntentNotFound({ intentId }))
  const own = failures.filter((failure) => failure.intentId === intentId)
  const open = own.filter((failure) => failure.resolvedAt === null)
  const resolve = (failure: Failure): Failure =>
    failure.resolvedAt === null ? { ...failure, resolvedAt: env.now } : failure
  const value = own.map(resolve)
  if (open.length === 0 && due === undefined) return Result.succeed(unchanged(value))
  return Result.succeed({
    value,
    writes: [
      ...open.map((before): Write => ({ _tag: "Put", table: "failures", record: resolve(before), before })),
      ...(due === undefined ? [] : [{ _tag: "Remove", table: "retries", before: due } as const])
    ],
    events:
      open.length === 0
        ? []
        : [systemEvent(env, intentId, "failures_resolved", actor, { failure_ids: open.map(({ id }) => id) })],
    guards: [moveOn(found)]
  })
}
