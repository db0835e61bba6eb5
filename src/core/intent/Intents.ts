/** `intents` of the embedded engine: reads the input and names the rule. */
import * as Effect from "effect/Effect"
import type { CommandsShape } from "../Commands.ts"
import { CurrentAgent } from "../CurrentAgent.ts"
import type { EngineOptions } from "../EngineOptions.ts"
import type { Env } from "../Env.ts"
import { tellDenial } from "../governance/denials.ts"
import type { Intents } from "../OpenIntent.ts"
import type { StorageShape } from "../Storage.ts"
import { told } from "../storageFaults.ts"
import { Checks, limits, whenValid } from "../validate.ts"
import { gatherCreation, gatherPatch, gatherStatus } from "./facts.ts"
import { readCreation, readStatus } from "./input.ts"
import { IntentNotFound } from "./IntentErrors.ts"
import { listIntents, readListIntents } from "./list.ts"
import { decideAssignedPatch, decidePatch, type PatchCommand } from "./patchRules.ts"
import type { StatusFacts } from "./rules.ts"
import { decideCreate, decideStatus } from "./rules.ts"
import { readPatches } from "./statePatch.ts"

const version = (checks: Checks, value: unknown) =>
  checks.readInt("version", value, undefined, 1, Number.MAX_SAFE_INTEGER)

export const makeIntents = (
  storage: StorageShape,
  commands: CommandsShape,
  { enforceLeases, enforceParentGate }: EngineOptions
): Intents => {
  const { execute, executeWide } = commands
  const tell = tellDenial(commands)

  /** Where the policy asks whether the agent is assigned, that is read, and the intent guards it. */
  const patchAssigned = (command: PatchCommand) =>
    Effect.catchTag(
      executeWide({
        intentId: command.intentId,
        gather: (on) => gatherPatch(on, command),
        decide: (facts, env) => decideAssignedPatch(facts, command, env)
      }),
      "Denied",
      tell
    )

  return {
    create: Effect.fnUntraced(function* (input) {
      const creation = yield* Effect.fromResult(readCreation(input, yield* CurrentAgent))
      const { intent } = creation
      return yield* executeWide({
        intentId: intent.parentIntentId ?? undefined,
        gather: (on) => gatherCreation(on, intent, enforceParentGate),
        decide: (facts, env) => decideCreate(facts, creation, env)
      })
    }),
    get: (intentId) =>
      Effect.flatMap(told(storage.get("intents", [intentId])), ([intent]) =>
        intent === undefined ? Effect.fail(new IntentNotFound({ intentId })) : Effect.succeed(intent)
      ),
    list: (query = {}) =>
      Effect.flatMap(Effect.fromResult(readListIntents(query)), (filter) => told(listIntents(storage, filter))),
    patchState: (intentId, input) =>
      Effect.flatMap(CurrentAgent, (agent) => {
        const checks = new Checks()
        const command = {
          intentId,
          agentId: checks.readAgent("agent", agent),
          version: version(checks, input.version),
          patches: readPatches(checks, input),
          leaseToken:
            input.leaseToken === undefined
              ? undefined
              : checks.readInt("leaseToken", input.leaseToken, undefined, 0, Number.MAX_SAFE_INTEGER),
          enforceLeases
        }
        return whenValid(checks.finishSized(command), () =>
          // One frame, and no table of tags: this is the hottest path.
          Effect.catch(execute({ intentId, decide: (found, env) => decidePatch(found, command, env) }), (error) =>
            error._tag === "AssignmentUnread"
              ? patchAssigned(command)
              : error._tag === "Denied"
                ? tell(error)
                : Effect.fail(error)
          )
        )
      }),
    setStatus: Effect.fnUntraced(function* (intentId, input) {
      const checks = new Checks()
      const command = yield* Effect.fromResult(
        checks.finish({
          intentId,
          agentId: checks.readAgent("agent", yield* CurrentAgent),
          version: version(checks, input.version),
          status: readStatus(checks, "status", input.status),
          reason: checks.readOptionalText("reason", input.reason, limits.noteLength)
        })
      )
      const change = {
        intentId,
        gather: (on: StorageShape) => gatherStatus(on, command, enforceParentGate),
        decide: (facts: StatusFacts, env: Env) => decideStatus(facts, command, env)
      }
      return yield* executeWide(change).pipe(
        // Guards prove what is written, not what is refused. The children were read after the intent, and it may have
        // moved on in between: then they were no reason, and the caller is to hear of that. So it is decided again on one read.
        Effect.catchTag("ChildrenIncomplete", () => executeWide({ ...change, exclusively: true })),
        Effect.catchTag("Denied", tell)
      )
    })
  }
}
