/** `agents` of the embedded engine. */
import * as Effect from "effect/Effect"
import type { CommandsShape } from "../Commands.ts"
import { CurrentAgent } from "../CurrentAgent.ts"
import { tellDenial } from "../governance/denials.ts"
import type { Agents } from "../OpenIntent.ts"
import { countRange, readPage, readPageOptions } from "../paging.ts"
import type { StorageError, StorageShape } from "../Storage.ts"
import { told } from "../storageFaults.ts"
import type { StoredAssignment } from "../tables.ts"
import { assignmentKey } from "../tables.ts"
import { Checks, limits, whenValid } from "../validate.ts"
import type { Assignment } from "./Assignment.ts"
import type { AssignmentFacts } from "./rules.ts"
import { decideAssign, decideUnassign } from "./rules.ts"

const shown = ({ agentId, assignedAt, id, intentId, role }: StoredAssignment): Assignment => ({
  id,
  intentId,
  agentId,
  role,
  assignedAt
})

const gather =
  (intentId: string, agentId: string) =>
  (storage: StorageShape): Effect.Effect<AssignmentFacts, StorageError> =>
    Effect.zipWith(
      storage.load(intentId),
      storage.get("assignments", [assignmentKey(intentId, agentId)]),
      ({ aggregate }, [known]) => ({ found: aggregate, known })
    )

export const makeAgents = (storage: StorageShape, { append, executeWide, mustExist }: CommandsShape): Agents => ({
  assign: Effect.fnUntraced(function* (intentId, input) {
    const checks = new Checks()
    const { retryAttempt } = input
    const command = yield* Effect.fromResult(
      checks.finish({
        intentId,
        actor: checks.readAgent("agent", yield* CurrentAgent),
        agentId: checks.readAgent("agentId", input.agentId),
        role: checks.readText("role", input.role ?? "worker", 1, limits.nameLength),
        delegatedBy: checks.readOptionalText("delegatedBy", input.delegatedBy, limits.agentIdLength),
        retryAttempt:
          retryAttempt === undefined || retryAttempt === null
            ? undefined
            : checks.readInt("retryAttempt", retryAttempt, undefined, 0, Number.MAX_SAFE_INTEGER),
        lastError: checks.readOptionalText("lastError", input.lastError, limits.noteLength)
      })
    )
    return shown(
      yield* Effect.catchTag(
        executeWide({
          intentId,
          gather: gather(intentId, command.agentId),
          decide: (facts, env) => decideAssign(facts, command, env)
        }),
        "Denied",
        tellDenial({ append })
      )
    )
  }),
  list: Effect.fnUntraced(function* (intentId, query = {}) {
    const page = yield* Effect.fromResult(readPageOptions(query))
    yield* mustExist(intentId)
    const range = { table: "assignments", index: "byIntent", keys: [[intentId]] } as const
    const found = yield* told(readPage(storage, { ...range, direction: "asc" }, page, countRange(storage, range)))
    return { ...found, items: found.items.map(shown) }
  }),
  unassign: (intentId, agentId) =>
    Effect.flatMap(CurrentAgent, (agent) => {
      const checks = new Checks()
      return whenValid(checks.finish(checks.readAgent("agent", agent)), (actor) =>
        executeWide({
          intentId,
          gather: gather(intentId, agentId),
          decide: (facts, env) => decideUnassign(facts, { intentId, agentId, actor }, env)
        })
      )
    })
})
