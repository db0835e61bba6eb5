/** `graph` of the embedded engine. */
import * as Effect from "effect/Effect"
import type { CommandsShape } from "../Commands.ts"
import { CurrentAgent } from "../CurrentAgent.ts"
import type { EngineOptions } from "../EngineOptions.ts"
import type { Intent } from "../intent/Intent.ts"
import type { Graph } from "../OpenIntent.ts"
import type { Page } from "../Page.ts"
import type { PageRequest } from "../paging.ts"
import { readPageOptions } from "../paging.ts"
import type { StorageError, StorageShape } from "../Storage.ts"
import { told } from "../storageFaults.ts"
import { Checks, limits } from "../validate.ts"
import { gatherAddition, gatherRemoval } from "./facts.ts"
import type { ChangeDependency, ListNeighbours } from "./Graph.ts"
import * as navigation from "./navigation.ts"
import { readGraph } from "./overview.ts"
import type { DependencyCommand } from "./rules.ts"
import { decideAdd, decideRemove } from "./rules.ts"

/** `min`: characters that the id of the dependency has at least. */
const readCommand = Effect.fnUntraced(function* (
  intentId: string,
  { dependencyId, version }: ChangeDependency,
  min: 0 | 1
) {
  const checks = new Checks()
  const command: DependencyCommand = {
    intentId,
    agentId: checks.readAgent("agent", yield* CurrentAgent),
    dependencyId: checks.readText("dependencyId", dependencyId, min, limits.agentIdLength),
    version: checks.readInt("version", version, undefined, 1, Number.MAX_SAFE_INTEGER)
  }
  return yield* Effect.fromResult(checks.finish(command))
})

export const makeGraph = (
  storage: StorageShape,
  { executeWide, mustExist }: CommandsShape,
  { enforceParentGate }: EngineOptions
): Graph => {
  const neighbours = (
    read: (storage: StorageShape, intentId: string, page: PageRequest) => Effect.Effect<Page<Intent>, StorageError>
  ): Graph["children"] =>
    Effect.fnUntraced(function* (intentId: string, query: ListNeighbours = {}) {
      const page = yield* Effect.fromResult(readPageOptions(query))
      yield* mustExist(intentId)
      return yield* told(read(storage, intentId, page))
    })

  return {
    addDependency: Effect.fnUntraced(function* (intentId, input) {
      const command = yield* readCommand(intentId, input, 1)
      const add = (walks: boolean) =>
        executeWide({
          intentId,
          gather: (on) => gatherAddition(on, command, { enforceParentGate, walks }),
          decide: (facts, env) => decideAdd(facts, command, env),
          ...(walks ? { exclusively: true } : undefined)
        })
      // In nearly every graph that grows no walk is needed, and adding contends with nobody but the two ends.
      return yield* Effect.catchTag(add(false), "WalkNeeded", () =>
        Effect.catchTag(add(true), "WalkNeeded", Effect.die)
      )
    }),
    removeDependency: Effect.fnUntraced(function* (intentId, input) {
      const command = yield* readCommand(intentId, input, 0)
      return yield* executeWide({
        intentId,
        gather: (on) => gatherRemoval(on, command),
        decide: (facts, env) => decideRemove(facts, command, env)
      })
    }),
    children: neighbours(navigation.children),
    descendants: neighbours(navigation.descendants),
    ancestors: neighbours(navigation.ancestors),
    dependencies: neighbours(navigation.dependencies),
    dependents: neighbours(navigation.dependents),
    ready: neighbours(navigation.ready),
    blocked: neighbours(navigation.blocked),
    get: (intentId) => Effect.andThen(mustExist(intentId), told(readGraph(storage, intentId)))
  }
}
