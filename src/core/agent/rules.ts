/** Assignment of agents (http.md 7). Pure. */
import * as Result from "effect/Result"
import type { Aggregate, Decision, Write } from "../Aggregate.ts"
import { moveOn } from "../Aggregate.ts"
import type { Env } from "../Env.ts"
import type { NewEvent } from "../event/LogEvent.ts"
import { systemEvent } from "../event/LogEvent.ts"
import type { Denied } from "../governance/GovernanceErrors.ts"
import { denyAssignment } from "../governance/standing.ts"
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

/** The assignment to store: one that holds keeps its id and its time. */
export const assignment = (
  intent: Intent,
  { agentId, role }: { readonly agentId: string; readonly role: string },
  held: StoredAssignment | undefined,
  env: Env
): StoredAssignment => ({
  id: held?.id ?? env.newId(),
  intentId: intent.id,
  agentId,
  role,
  state: "assigned",
  assignedAt: held?.assignedAt ?? env.now,
  intentCreatedAt: intent.createdAt
})

/** Stores it in the place of the one that holds; who comes back gets a new row, so that lists stay in order. */
export const putAssignment = (record: StoredAssignment, known: StoredAssignment | undefined): ReadonlyArray<Write> =>
  known?.state === "unassigned"
    ? [
        { _tag: "Remove", table: "assignments", before: known },
        { _tag: "Put", table: "assignments", record, before: undefined }
      ]
    : [{ _tag: "Put", table: "assignments", record, before: known }]

export const assignmentEvent = (
  { agentId, assignedAt, id, intentId, role }: StoredAssignment,
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
    {
      assignment_id: id,
      assigned_at: assignedAt.epochMilliseconds,
      ...(retryAttempt === undefined && lastError === undefined
        ? undefined
        : { retry_attempt: retryAttempt ?? null, last_error: lastError ?? null })
    }
  )

/** The intent and the assignment of this agent to it, if there ever was one. */
export interface AssignmentFacts {
  readonly found: Aggregate | undefined
  readonly known: StoredAssignment | undefined
}

/** The assignment, if it holds. */
const heldOf = ({ known }: AssignmentFacts): StoredAssignment | undefined =>
  known?.state === "assigned" ? known : undefined

export interface AssignCommand extends Omit<Told, "reassigned"> {
  readonly intentId: string
  readonly agentId: string
  readonly role: string
  readonly actor: string
}

/** Assigns, or assigns again: one row an agent, and an event each time (http.md 7.1). */
export const decideAssign = (
  facts: AssignmentFacts,
  command: AssignCommand,
  env: Env
): Result.Result<Decision<StoredAssignment>, IntentNotFound | Denied> => {
  const { found, known } = facts
  if (found === undefined) return Result.fail(new IntentNotFound({ intentId: command.intentId }))
  const denied = denyAssignment(found.intent, command.agentId, command.actor)
  if (denied !== undefined) return Result.fail(denied)
  const held = heldOf(facts)
  const record = assignment(found.intent, command, held, env)
  return Result.succeed({
    value: record,
    writes: putAssignment(record, known),
    events: [assignmentEvent(record, command.actor, { ...command, reassigned: held !== undefined }, env)],
    guards: [moveOn(found)]
  })
}

export const decideUnassign = (
  facts: AssignmentFacts,
  { actor, agentId, intentId }: { readonly actor: string; readonly agentId: string; readonly intentId: string },
  env: Env
): Result.Result<Decision<void>, IntentNotFound | AssignmentNotFound> => {
  const { found } = facts
  const held = heldOf(facts)
  if (found === undefined) return Result.fail(new IntentNotFound({ intentId }))
  if (held === undefined) return Result.fail(new AssignmentNotFound({ intentId, agentId }))
  return Result.succeed({
    value: undefined,
    writes: [{ _tag: "Put", table: "assignments", record: { ...held, state: "unassigned" }, before: held }],
    events: [systemEvent(env, intentId, "agent_unassigned", actor, { agent_id: agentId })],
    guards: [moveOn(found)]
  })
}
