/** Assignment of agents (http.md 7). Pure. */
import * as Result from "effect/Result"
import type { Aggregate, Decision } from "../Aggregate.ts"
import { moveOn } from "../Aggregate.ts"
import type { Env } from "../Env.ts"
import type { NewEvent } from "../event/LogEvent.ts"
import { systemEvent } from "../event/LogEvent.ts"
import type { Intent } from "../intent/Intent.ts"
import { IntentNotFound } from "../intent/IntentErrors.ts"
import type { StoredAssignment } from "../tables.ts"
import { AssignmentNotFound } from "./Assignment.ts"

/** What the agent is told with an assignment, beside its role. */
export interface Told {
  readonly reassigned: boolean
  readonly delegatedBy?: string | undefined
  readonly retryAttempt?: number | undefined
  readonly lastError?: string | undefined
}

/** The assignment to store: a known one keeps its id and its time. */
export const assignment = (
  intent: Intent,
  { agentId, role }: { readonly agentId: string; readonly role: string },
  known: StoredAssignment | undefined,
  env: Env
): StoredAssignment => ({
  id: known?.id ?? env.newId(),
  intentId: intent.id,
  agentId,
  role,
  assignedAt: known?.assignedAt ?? env.now,
  intentCreatedAt: intent.createdAt
})

export const assignmentEvent = (
  { agentId, intentId, role }: StoredAssignment,
  actor: string,
  { delegatedBy, lastError, reassigned, retryAttempt }: Told,
  env: Env
): NewEvent =>
  systemEvent(
    env,
    intentId,
    "agent_assigned",
    actor,
    { agent_id: agentId, role, reassigned, ...(delegatedBy === undefined ? undefined : { delegated_by: delegatedBy }) },
    retryAttempt === undefined && lastError === undefined
      ? null
      : { retry_attempt: retryAttempt ?? null, last_error: lastError ?? null }
  )

/** The intent and the assignment of this agent to it, if there is one. */
export interface AssignmentFacts {
  readonly found: Aggregate | undefined
  readonly known: StoredAssignment | undefined
}

export interface AssignCommand extends Omit<Told, "reassigned"> {
  readonly intentId: string
  readonly agentId: string
  readonly role: string
  readonly actor: string
}

/** Assigns, or assigns again: one row an agent, and an event each time (http.md 7.1). */
export const decideAssign = (
  { found, known }: AssignmentFacts,
  command: AssignCommand,
  env: Env
): Result.Result<Decision<StoredAssignment>, IntentNotFound> => {
  if (found === undefined) return Result.fail(new IntentNotFound({ intentId: command.intentId }))
  const record = assignment(found.intent, command, known, env)
  return Result.succeed({
    value: record,
    writes: [{ _tag: "Put", table: "assignments", record, before: known }],
    events: [assignmentEvent(record, command.actor, { ...command, reassigned: known !== undefined }, env)],
    guards: [moveOn(found)]
  })
}

export const decideUnassign = (
  { found, known }: AssignmentFacts,
  { actor, agentId, intentId }: { readonly actor: string; readonly agentId: string; readonly intentId: string },
  env: Env
): Result.Result<Decision<void>, IntentNotFound | AssignmentNotFound> => {
  if (found === undefined) return Result.fail(new IntentNotFound({ intentId }))
  if (known === undefined) return Result.fail(new AssignmentNotFound({ intentId, agentId }))
  return Result.succeed({
    value: undefined,
    writes: [{ _tag: "Remove", table: "assignments", before: known }],
    events: [systemEvent(env, intentId, "agent_unassigned", actor, { agent_id: agentId })],
    guards: [moveOn(found)]
  })
}
