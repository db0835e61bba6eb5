import * as Effect from "effect/Effect"
import type { CommandsShape } from "../Commands.ts"
import type { EngineError } from "../Errors.ts"
import { systemEvent } from "../event/LogEvent.ts"
import { unkeyed } from "../receipt/KeyedCall.ts"
import { type Denied, GovernanceViolation } from "./GovernanceErrors.ts"

/**
 * The violation that a denied caller is answered with, once its event is in the log: a commit of its own, that contends
 * with nobody (http.md appendix A). To be used as `Effect.catchTag("Denied", tellDenial(commands))`.
 */
export const tellDenial =
  ({ append }: Pick<CommandsShape, "append">) =>
  ({ agentId, breach, intentId }: Denied): Effect.Effect<never, GovernanceViolation | EngineError> => {
    const { isUntold, reason, rule, ...mode } = breach
    const violation = new GovernanceViolation({ intentId, rule, reason, ...mode })
    return isUntold === true
      ? Effect.fail(violation)
      : Effect.andThen(
          // No receipt: a refusal is not kept, and this is not what the call is answered with.
          unkeyed(
            append((env) =>
              systemEvent(env, intentId, "governance.violation", agentId, { rule, detail: violation.message })
            )
          ),
          Effect.fail(violation)
        )
  }
