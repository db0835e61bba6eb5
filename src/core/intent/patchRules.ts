/** What a patch of the state may do (http.md 4.4). Pure. */
import * as Result from "effect/Result"
import type { Aggregate, Decision } from "../Aggregate.ts"
import { moveOn, putIntent, unchanged } from "../Aggregate.ts"
import type { Env } from "../Env.ts"
import { TooLarge } from "../Errors.ts"
import { systemEvent } from "../event/LogEvent.ts"
import type { Denied } from "../governance/GovernanceErrors.ts"
import type { AssignmentUnread } from "../governance/standing.ts"
import { denyUnread, denyWriter } from "../governance/standing.ts"
import { isLargerThan } from "../json.ts"
import type { LeaseExpired, LeaseHeld } from "../lease/LeaseErrors.ts"
import type { LeasedPatch } from "../lease/rules.ts"
import { checkLeases } from "../lease/rules.ts"
import { limits } from "../validate.ts"
import type { Intent } from "./Intent.ts"
import type { IntentNotFound, InvalidPatch, VersionConflict } from "./IntentErrors.ts"
import { checkVersion } from "./rules.ts"
import { applyPatches, loggedPatches, touched } from "./statePatch.ts"

export interface PatchCommand extends LeasedPatch {
  readonly version: number
}

type PatchRefused = IntentNotFound | VersionConflict | LeaseExpired | LeaseHeld | InvalidPatch | TooLarge

/** Applies the patches, or names the first rule that refuses, in the order of the errors. */
const patching = <D>(
  found: Aggregate | undefined,
  command: PatchCommand,
  deny: (intent: Intent) => D | undefined,
  env: Env
): Result.Result<Decision<Intent>, PatchRefused | D> => {
  const checked = checkVersion(found, command.intentId, command.version)
  if (checked._tag === "Failure") return Result.fail(checked.failure)
  const { intent, leases } = checked.success
  const denied = command.patches.length === 0 ? undefined : deny(intent)
  if (denied !== undefined) return Result.fail(denied)
  const refused = checkLeases(leases, command, env.now)
  if (refused !== undefined) return Result.fail(refused)
  if (command.patches.length === 0) return Result.succeed(unchanged(intent))
  const patched = applyPatches(intent.state, command.patches)
  if (patched._tag === "Failure") return Result.fail(patched.failure)
  const state = patched.success
  if (isLargerThan(state, limits.stateBytes))
    return Result.fail(new TooLarge({ field: "state", maxBytes: limits.stateBytes }))
  const version = intent.version + 1
  const after: Intent = { ...intent, state, version, updatedAt: env.now }
  return Result.succeed({
    value: after,
    writes: [putIntent(after, intent)],
    events: [
      systemEvent(
        env,
        intent.id,
        "state_patched",
        command.agentId,
        { patches: loggedPatches(command.patches), version },
        { old_state: touched(intent.state, command.patches) }
      )
    ]
  })
}

/** Decides on the intent and its leases alone, which is not enough where the policy asks who is assigned. */
export const decidePatch = (
  found: Aggregate | undefined,
  command: PatchCommand,
  env: Env
): Result.Result<Decision<Intent>, PatchRefused | Denied | AssignmentUnread> =>
  patching(found, command, (intent) => denyUnread(intent, command.agentId), env)

export interface PatchFacts {
  readonly found: Aggregate | undefined
  readonly isAssigned: boolean
}

/** Decides where it was read whether the agent is assigned; the intent moves on with each assignment, so it guards that. */
export const decideAssignedPatch = (
  { found, isAssigned }: PatchFacts,
  command: PatchCommand,
  env: Env
): Result.Result<Decision<Intent>, PatchRefused | Denied> =>
  Result.map(
    patching(found, command, (intent) => denyWriter(intent, { agentId: command.agentId, isAssigned }), env),
    (decision) => (found === undefined ? decision : { ...decision, guards: [moveOn(found)] })
  )
