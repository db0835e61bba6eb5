/** What the policy of an intent says to an agent that writes there: it is asked only where there is a policy. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { Intent, Status } from "../intent/Intent.ts"
import type { StorageError, StorageShape } from "../Storage.ts"
import { assignmentKey } from "../tables.ts"
import { Denied } from "./GovernanceErrors.ts"
import type { Agreement, Breach, Writer } from "./policy.ts"
import { checkAgent, checkStatus, checkWriter, effectivePolicy } from "./policy.ts"

/** Assignments that a quorum counts. */
const assignedMax = 100_000

/** What a policy has to know of an agent that changes the status, and of those who agreed. */
export interface Standing extends Agreement {
  readonly isAssigned: boolean
}

const unread: Standing = { isAssigned: false, approved: 0, assigned: 0 }

/** Whether the agent is assigned to the intent now. Whoever is assigned or unassigned moves the intent on. */
export const readAssigned = (
  storage: StorageShape,
  intentId: string,
  agentId: string
): Effect.Effect<boolean, StorageError> =>
  Effect.map(storage.get("assignments", [assignmentKey(intentId, agentId)]), ([known]) => known?.state === "assigned")

/** Reads what the policy asks for, and no more; to be read after the revision of the intent, which guards it. */
export const gatherStanding = (
  storage: StorageShape,
  { governancePolicy, id }: Intent,
  { agentId, status }: { readonly agentId: string; readonly status: Status }
): Effect.Effect<Standing, StorageError> => {
  if (governancePolicy === null) return Effect.succeed(unread)
  const { completionMode, writeScope } = effectivePolicy(governancePolicy)
  return Effect.gen(function* () {
    const isAssigned = writeScope === "assigned_only" && (yield* readAssigned(storage, id, agentId))
    if (status !== "completed" || completionMode === "auto") return { ...unread, isAssigned }
    const isQuorum = completionMode === "quorum"
    const assigned = isQuorum
      ? yield* storage.count({ table: "assignments", index: "byIntent", keys: [[id]] }, assignedMax)
      : 0
    const completions = { table: "approvals", index: "approved", keys: [[id, "complete"]] } as const
    return { isAssigned, assigned, approved: yield* storage.count(completions, Math.max(1, assigned)) }
  })
}

const denied = (breach: Breach | undefined, intentId: string, agentId: string): Denied | undefined =>
  breach && new Denied({ intentId, agentId, breach })

/** Whether the policy forbids the agent this change of status. A standing that was not read speaks for nobody. */
export const denyStatus = (
  { governancePolicy, id }: Intent,
  { isAssigned, ...agreement }: Standing = unread,
  change: { readonly agentId: string; readonly status: Status; readonly reason: string | undefined }
): Denied | undefined =>
  governancePolicy === null
    ? undefined
    : denied(
        checkStatus(effectivePolicy(governancePolicy), { agentId: change.agentId, isAssigned }, change, agreement),
        id,
        change.agentId
      )

/** Whether the policy forbids the agent to write. */
export const denyWriter = ({ governancePolicy, id }: Intent, writer: Writer): Denied | undefined =>
  governancePolicy === null
    ? undefined
    : denied(checkWriter(effectivePolicy(governancePolicy), writer), id, writer.agentId)

/** Whether the policy forbids to assign an agent. The denied one is who asks for it. */
export const denyAssignment = (
  { governancePolicy, id }: Intent,
  assignee: string,
  agentId: string
): Denied | undefined =>
  governancePolicy === null ? undefined : denied(checkAgent(effectivePolicy(governancePolicy), assignee), id, agentId)

/** A signal, and no error of the engine: to decide, it has to be read whether the agent is assigned. */
export class AssignmentUnread extends Data.TaggedError("AssignmentUnread") {}

/** The same where it was not read whether the agent is assigned, which few policies ask for. */
export const denyUnread = (intent: Intent, agentId: string): Denied | AssignmentUnread | undefined =>
  intent.governancePolicy === null
    ? undefined
    : effectivePolicy(intent.governancePolicy).writeScope === "assigned_only"
      ? new AssignmentUnread()
      : denyWriter(intent, { agentId, isAssigned: false })
