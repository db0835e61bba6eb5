/** What the rules of dependencies have to know of the neighbours. */
import * as Effect from "effect/Effect"
import { readVersioned } from "../intent/readVersioned.ts"
import type { Reached, StorageError, StorageShape } from "../Storage.ts"
import type { AdditionFacts, DependencyCommand, RemovalFacts } from "./rules.ts"
import { unmetFinder } from "./unmet.ts"

const everything = Number.POSITIVE_INFINITY

/** The ids from the start of a walk to `to`, both included; undefined if it was not reached. */
const pathTo = (reached: ReadonlyArray<Reached>, to: string): ReadonlyArray<string> | undefined => {
  const origins = new Map(reached.map(({ from, id }) => [id, from]))
  if (!origins.has(to)) return undefined
  const path: Array<string> = []
  for (let at: string | undefined = to; at !== undefined; at = origins.get(at)) path.push(at)
  return path.toReversed()
}

/** Whether anything depends on the intent. */
const hasDependents = (storage: StorageShape, intentId: string): Effect.Effect<boolean, StorageError> =>
  Effect.map(
    storage.count({ table: "dependencies", index: "byDependency", keys: [[intentId]] }, 1),
    (count) => count > 0
  )

/** `walks`: look for a cycle along dependencies, where one is possible. */
export const gatherAddition = (
  storage: StorageShape,
  { dependencyId, intentId, version }: DependencyCommand,
  { enforceParentGate, walks }: { readonly enforceParentGate: boolean; readonly walks: boolean }
): Effect.Effect<AdditionFacts, StorageError> =>
  Effect.gen(function* () {
    const { aggregate: found } = yield* storage.load(intentId)
    const [dependency] = yield* readVersioned(storage, [dependencyId])
    const facts = { found, dependency, cycle: undefined, isUnwalked: false }
    // Where the answer is known without a walk, none is made.
    if (found === undefined || dependency === undefined || found.intent.version !== version) return facts
    if (found.intent.dependsOn.includes(dependencyId)) return facts
    if (dependencyId === intentId) return { ...facts, cycle: [intentId, intentId] }
    const { parentIntentId } = found.intent
    if (enforceParentGate && parentIntentId !== null) {
      // Parents never change, so this needs no guard.
      const up = pathTo(yield* storage.reachable(["parent"], intentId, everything), dependencyId)
      if (up !== undefined) return { ...facts, cycle: [...up, intentId] }
    }
    // After their revisions were read.
    if (dependency.intent.dependsOn.length === 0 || !(yield* hasDependents(storage, intentId))) return facts
    if (!walks) return { ...facts, isUnwalked: true }
    const back = pathTo(yield* storage.reachable(["dependencies"], dependencyId, everything), intentId)
    return { ...facts, cycle: back && [intentId, ...back] }
  })

export const gatherRemoval = (
  storage: StorageShape,
  { dependencyId, intentId }: DependencyCommand
): Effect.Effect<RemovalFacts, StorageError> =>
  Effect.gen(function* () {
    const { aggregate: found } = yield* storage.load(intentId)
    if (found?.intent.status !== "blocked") return { found, unmet: undefined }
    const [unmet] = yield* unmetFinder(storage, dependencyId)([found.intent])
    return { found, unmet }
  })
