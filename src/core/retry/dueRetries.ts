/**
 * Who makes an attempt that is due: the run that holds it, or the agent whom it is handed out to. Both move on the
 * intent's revision when they take it, so it is one of them. Pure.
 */
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import { assignment, assignmentEvent, putAssignment } from "../agent/rules.ts"
import type { Aggregate, Decision } from "../Aggregate.ts"
import { moveOn, unchanged } from "../Aggregate.ts"
import { systemAgent } from "../CurrentAgent.ts"
import type { Env } from "../Env.ts"
import { denyAssignment } from "../governance/standing.ts"
import { isTerminal } from "../intent/Intent.ts"
import type { StoredAssignment } from "../tables.ts"
import type { DueRetry } from "./tables.ts"
import { handOutAt } from "./tables.ts"

export interface DueFacts {
  readonly found: Aggregate | undefined
  readonly due: DueRetry | undefined
}

/** Takes it away, unless it is gone already. */
const drop = ({ due, found }: DueFacts, value: boolean): Decision<boolean> =>
  due === undefined || found === undefined
    ? unchanged(value)
    : { value, writes: [{ _tag: "Remove", table: "retries", before: due }], events: [], guards: [moveOn(found)] }

/**
 * A sign of life of the run that holds the retry: whether the attempt is still its own. It is not once it was handed
 * out, nor when the intent has ended.
 */
export const decideKeep = (facts: DueFacts, hold: Duration.Duration, env: Env): Result.Result<Decision<boolean>> => {
  const { due, found } = facts
  if (due === undefined || found === undefined || isTerminal(found.intent.status)) {
    return Result.succeed(drop(facts, false))
  }
  const record: DueRetry = { ...due, heldUntil: DateTime.addDuration(env.now, hold) }
  return Result.succeed({
    value: true,
    writes: [{ _tag: "Put", table: "retries", record, before: due }],
    events: [],
    guards: [moveOn(found)]
  })
}

/**
 * Hands the attempt out to its agent, which is assigned if it is not. Nobody is told if the intent has ended, or its
 * policy no longer allows the agent.
 */
export const decideHandOut = (
  facts: DueFacts & { readonly known: StoredAssignment | undefined },
  env: Env
): Result.Result<Decision<boolean>> => {
  const { due, found, known } = facts
  if (due === undefined || handOutAt(due) > env.now.epochMilliseconds) return Result.succeed(unchanged(false))
  if (found === undefined || isTerminal(found.intent.status)) return Result.succeed(drop(facts, false))
  const { agentId, attempt, lastError } = due
  if (denyAssignment(found.intent, agentId, systemAgent) !== undefined) return Result.succeed(drop(facts, false))
  const held = known?.state === "assigned" ? known : undefined
  const record = assignment(found.intent, { agentId, role: held?.role ?? "worker" }, held, env)
  const told = { reassigned: true, retryAttempt: attempt, lastError: lastError ?? undefined }
  return Result.succeed({
    value: true,
    writes: [{ _tag: "Remove", table: "retries", before: due }, ...putAssignment(record, known)],
    events: [assignmentEvent(record, systemAgent, told, env)],
    guards: [moveOn(found)]
  })
}
