/** Setting and removing the policy of an intent (http.md appendix A). Pure. */
import * as Result from "effect/Result"
import type { Aggregate, Decision } from "../Aggregate.ts"
import { putIntent } from "../Aggregate.ts"
import type { Env } from "../Env.ts"
import { systemEvent } from "../event/LogEvent.ts"
import type { Intent } from "../intent/Intent.ts"
import type { IntentNotFound, VersionConflict } from "../intent/IntentErrors.ts"
import { checkVersion } from "../intent/rules.ts"
import type { JsonObject } from "../json.ts"

export interface PolicyCommand {
  readonly intentId: string
  readonly agentId: string
  readonly version: number
  /** Takes the place of the whole one before; null removes it. */
  readonly policy: JsonObject | null
}

/** A step of the version each time, whatever the policy was. */
export const decidePolicy = (
  found: Aggregate | undefined,
  { agentId, intentId, policy, version: expected }: PolicyCommand,
  env: Env
): Result.Result<Decision<Intent>, IntentNotFound | VersionConflict> => {
  const checked = checkVersion(found, intentId, expected)
  if (checked._tag === "Failure") return Result.fail(checked.failure)
  const { intent } = checked.success
  const version = intent.version + 1
  const after: Intent = { ...intent, governancePolicy: policy, version, updatedAt: env.now }
  const event =
    policy === null
      ? systemEvent(env, intentId, "governance.policy_removed", agentId, { version })
      : systemEvent(env, intentId, "governance.policy_set", agentId, { governance_policy: policy, version })
  return Result.succeed({ value: after, writes: [putIntent(after, intent)], events: [event] })
}
