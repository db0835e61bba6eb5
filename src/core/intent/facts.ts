/** What the rules of creation and status have to know of the neighbours, read in few round trips. */
import * as Effect from "effect/Effect"
import type { Versioned } from "../Aggregate.ts"
import type { StorageError, StorageShape } from "../Storage.ts"
import type { Intent, Status } from "./Intent.ts"
import { isTerminal, statuses } from "./Intent.ts"
import type { CreationFacts, StatusCommand, StatusFacts, Waiting } from "./rules.ts"
import { needsDependencies } from "./transitions.ts"

/** Generations that a walk to the root follows. */
const ancestorsMax = 100_000
const pageSize = 1000
/** Open children that a refusal names. */
const openChildrenMax = 100

const openStatuses: ReadonlyArray<Status> = statuses.filter((status) => !isTerminal(status))

/** Revisions first: a record that changes between the two reads is newer than its guard, which then does not hold. */
const readVersioned = (
  storage: StorageShape,
  ids: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<Versioned | undefined>, StorageError> =>
  ids.length === 0
    ? Effect.succeed([])
    : Effect.zipWith(storage.revisions("intents", ids), storage.get("intents", ids), (revisions, intents) =>
        intents.map((intent, i) => intent && { intent, revision: revisions[i]! })
      )

const nothing: ReadonlyArray<string> = []

export const gatherCreation = (
  storage: StorageShape,
  { dependsOn, parentIntentId }: Pick<Intent, "dependsOn" | "parentIntentId">,
  enforceParentGate: boolean
): Effect.Effect<CreationFacts, StorageError> =>
  Effect.gen(function* () {
    const [parent] = yield* readVersioned(storage, parentIntentId === null ? nothing : [parentIntentId])
    const dependencies = yield* readVersioned(storage, dependsOn)
    const walks = parent !== undefined && dependsOn.length > 0 && enforceParentGate
    const above = walks ? yield* storage.reachable("parent", parent.intent.id, "up", ancestorsMax) : nothing
    return { parent, dependencies, ancestors: walks ? [parent.intent.id, ...above] : nothing }
  })

/** Dependents of the intent that are blocked, each with one other dependency that keeps it so, if there is one. */
const gatherWaiting = (storage: StorageShape, intentId: string): Effect.Effect<ReadonlyArray<Waiting>, StorageError> =>
  Effect.gen(function* () {
    const dependents: Array<string> = []
    let after = 0
    for (;;) {
      const rows = yield* storage.page({
        table: "dependencies",
        index: "byDependency",
        keys: [[intentId]],
        direction: "asc",
        after,
        limit: pageSize
      })
      for (const { record } of rows) dependents.push(record.intentId)
      if (rows.length < pageSize) break
      after = rows.at(-1)!.position
    }
    const blocked = (yield* readVersioned(storage, dependents)).filter((one) => one?.intent.status === "blocked")
    const others = [...new Set(blocked.flatMap((one) => one!.intent.dependsOn))].filter((id) => id !== intentId)
    const unmet = new Map<string, Versioned>()
    for (const other of yield* readVersioned(storage, others)) {
      if (other !== undefined && other.intent.status !== "completed") unmet.set(other.intent.id, other)
    }
    return blocked.map((one) => {
      const by = one!.intent.dependsOn.find((id) => unmet.has(id))
      return { ...one!, unmet: by === undefined ? undefined : unmet.get(by) }
    })
  })

export const gatherStatus = (
  storage: StorageShape,
  { intentId, status, version }: StatusCommand,
  enforceParentGate: boolean
): Effect.Effect<StatusFacts, StorageError> =>
  Effect.gen(function* () {
    const { aggregate: found } = yield* storage.load(intentId)
    const nobody: StatusFacts = { found, unmet: [], openChildren: [], waiting: [] }
    // Where the answer is known without the neighbours, they are not asked.
    if (found === undefined || found.intent.version !== version || found.intent.status === status) return nobody
    if (isTerminal(found.intent.status) || !needsDependencies(status)) return nobody
    const { dependsOn } = found.intent
    const dependencies = dependsOn.length === 0 ? [] : yield* storage.get("intents", dependsOn)
    const unmet = dependsOn.filter((_, i) => dependencies[i]?.status !== "completed")
    if (status !== "completed") return { ...nobody, unmet }
    const children = enforceParentGate
      ? yield* storage.page({
          table: "intents",
          index: "byParentAndStatus",
          keys: openStatuses.map((open) => [intentId, open]),
          direction: "asc",
          limit: openChildrenMax
        })
      : []
    const openChildren = children.map(({ record }) => record.id)
    const waiting = yield* gatherWaiting(storage, intentId)
    return { found, unmet, openChildren, waiting }
  })
