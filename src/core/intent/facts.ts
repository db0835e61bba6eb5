/** What the rules of creation and status have to know of the neighbours, read in few round trips. */
import * as Effect from "effect/Effect"
import { gatherStanding, readAssigned } from "../governance/standing.ts"
import { pagesOf, unmetFinder } from "../graph/unmet.ts"
import { readAll } from "../paging.ts"
import { readPortfolios } from "../portfolio/facts.ts"
import type { StorageError, StorageShape } from "../Storage.ts"
import type { Intent, Status } from "./Intent.ts"
import { isTerminal, statuses } from "./Intent.ts"
import type { PatchCommand, PatchFacts } from "./patchRules.ts"
import type { CreationFacts, StatusCommand, StatusFacts, Waiting } from "./rules.ts"
import { readVersioned } from "./readVersioned.ts"
import { needsDependencies } from "./transitions.ts"

/** Generations that a walk to the root follows. */
const ancestorsMax = 100_000
/** Open children that a refusal names. */
const openChildrenMax = 100

const openStatuses: ReadonlyArray<Status> = statuses.filter((status) => !isTerminal(status))

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
    const above = walks ? yield* storage.reachable(["parent"], parent.intent.id, ancestorsMax) : []
    return { parent, dependencies, ancestors: walks ? [parent.intent.id, ...above.map(({ id }) => id)] : nothing }
  })

/** Dependents of the intent that are blocked, each with one other dependency that keeps it so, if there is one. */
const gatherWaiting = (storage: StorageShape, intentId: string): Effect.Effect<ReadonlyArray<Waiting>, StorageError> =>
  Effect.gen(function* () {
    const edges = yield* readAll(storage, {
      table: "dependencies",
      index: "byDependency",
      keys: [[intentId]],
      direction: "asc"
    })
    const findUnmet = unmetFinder(storage, intentId)
    const waiting: Array<Waiting> = []
    for (const page of pagesOf(edges.map((edge) => edge.intentId))) {
      const dependents = (yield* readVersioned(storage, page)).filter((one) => one !== undefined)
      const blocked = dependents.filter(({ intent }) => intent.status === "blocked")
      const unmet = yield* findUnmet(blocked.map(({ intent }) => intent))
      for (const [i, one] of blocked.entries()) waiting.push({ ...one, unmet: unmet[i] })
    }
    return waiting
  })

export const gatherPatch = (
  storage: StorageShape,
  { agentId, intentId }: Pick<PatchCommand, "agentId" | "intentId">
): Effect.Effect<PatchFacts, StorageError> =>
  Effect.zipWith(storage.load(intentId), readAssigned(storage, intentId, agentId), ({ aggregate }, isAssigned) => ({
    found: aggregate,
    isAssigned
  }))

export const gatherStatus = (
  storage: StorageShape,
  { agentId, intentId, status, version }: StatusCommand,
  enforceParentGate: boolean
): Effect.Effect<StatusFacts, StorageError> =>
  Effect.gen(function* () {
    const { aggregate: found } = yield* storage.load(intentId)
    const unread: StatusFacts = { found, unmet: [], openChildren: [], waiting: [] }
    // Where the answer is known without the neighbours, they are not asked.
    if (found === undefined || found.intent.version !== version || found.intent.status === status) return unread
    const alone: StatusFacts =
      found.intent.governancePolicy === null
        ? unread
        : { ...unread, standing: yield* gatherStanding(storage, found.intent, { agentId, status }) }
    const nobody: StatusFacts = {
      ...alone,
      portfolios: yield* readPortfolios(storage, found.intent.portfolioIds)
    }
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
    // Who is refused frees nobody.
    const waiting = unmet.length > 0 || openChildren.length > 0 ? [] : yield* gatherWaiting(storage, intentId)
    return { ...nobody, unmet, openChildren, waiting }
  })
