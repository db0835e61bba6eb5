/** The neighbours of an intent, as pages (http.md 5.2). */
import * as Effect from "effect/Effect"
import type { Intent, Status } from "../intent/Intent.ts"
import { isTerminal, statuses } from "../intent/Intent.ts"
import { listIntents } from "../intent/list.ts"
import type { Page } from "../Page.ts"
import type { Listing, PageRequest } from "../paging.ts"
import { countMatches, countRange, expandPage, pageOfIds, readPage } from "../paging.ts"
import type { Reached, StorageError, StorageShape } from "../Storage.ts"
import { limits } from "../validate.ts"
import { unmetFinder } from "./unmet.ts"

/** Reads a page of neighbours of an intent that exists. */
type Neighbours = (
  storage: StorageShape,
  intentId: string,
  request: PageRequest
) => Effect.Effect<Page<Intent>, StorageError>

export const children: Neighbours = (storage, intentId, page) =>
  listIntents(storage, {
    page,
    direction: "asc",
    parentIntentId: intentId,
    status: undefined,
    createdBy: undefined,
    agentId: undefined,
    q: undefined
  })

/** A page of ids with their intents. */
const withIntents = (
  storage: StorageShape,
  ids: ReadonlyArray<string>,
  page: PageRequest,
  isCapped = false
): Effect.Effect<Page<Intent>, StorageError> =>
  expandPage(
    (limit) => Effect.succeed(pageOfIds(ids, { ...page, limit }, isCapped)),
    page.limit,
    (some) => storage.get("intents", some)
  )

/** Depth first, each before those below it, siblings by creation. */
const preOrder = (root: string, reached: ReadonlyArray<Reached>): ReadonlyArray<string> => {
  const below = new Map<string, Array<string>>()
  for (const { from, id } of reached) {
    const siblings = below.get(from)
    if (siblings === undefined) below.set(from, [id])
    else siblings.push(id)
  }
  const order: Array<string> = []
  const ahead = [root] // The next one last.
  for (let id = ahead.pop(); id !== undefined; id = ahead.pop()) {
    if (id !== root) order.push(id)
    for (const child of (below.get(id) ?? []).toReversed()) ahead.push(child)
  }
  return order
}

/** A page of what a walk came to, in an order made of all of it. */
const walked =
  (step: "children" | "parent", inOrder: (start: string, reached: ReadonlyArray<Reached>) => ReadonlyArray<string>) =>
  (...[storage, intentId, page]: Parameters<Neighbours>): ReturnType<Neighbours> =>
    Effect.flatMap(storage.reachable([step], intentId, limits.walk), (reached) =>
      withIntents(storage, inOrder(intentId, reached), page, reached.length === limits.walk)
    )

export const descendants: Neighbours = walked("children", preOrder)

/** Nearest first. */
export const ancestors: Neighbours = walked("parent", (_, reached) => reached.map(({ id }) => id))

/** In the order of `dependsOn`. */
export const dependencies: Neighbours = (storage, intentId, page) =>
  Effect.flatMap(storage.get("intents", [intentId]), ([intent]) => withIntents(storage, intent?.dependsOn ?? [], page))

/** By their creation. */
export const dependents: Neighbours = (storage, intentId, page) => {
  const range = { table: "dependencies", index: "byDependency", keys: [[intentId]] } as const
  return expandPage(
    (limit) => readPage(storage, { ...range, direction: "asc" }, { ...page, limit }, countRange(storage, range)),
    page.limit,
    (edges) =>
      storage.get(
        "intents",
        edges.map((edge) => edge.intentId)
      )
  )
}

/** Children with one of these statuses. */
const childrenWith = (intentId: string, of: ReadonlyArray<Status>) =>
  ({
    table: "intents",
    index: "byParentAndStatus",
    keys: of.map((status) => [intentId, status]),
    direction: "asc"
  }) as const

/** Of intents that are stored as blocked, since only those can have a dependency that is not completed (semantics 10.23). */
const isWaiting = (storage: StorageShape) => {
  const findUnmet = unmetFinder(storage)
  return (intents: ReadonlyArray<Intent>): Effect.Effect<ReadonlyArray<boolean>, StorageError> => {
    const blocked = intents.filter((intent) => intent.status === "blocked")
    return Effect.map(findUnmet(blocked), (unmet) => {
      const waiting = new Set(blocked.filter((_, i) => unmet[i] !== undefined))
      return intents.map((intent) => waiting.has(intent))
    })
  }
}

/** Open children with a dependency that is not completed. */
export const blocked: Neighbours = (storage, intentId, page) => {
  const listing: Listing<"intents"> = { ...childrenWith(intentId, ["blocked"]), matchesAll: isWaiting(storage) }
  return readPage(storage, listing, page, countMatches(storage, listing))
}

const unblockedStatuses = statuses.filter((status) => status !== "blocked" && !isTerminal(status))

/** Open children that wait for no dependency; those that somebody blocked by hand among them. */
export const ready: Neighbours = (storage, intentId, page) => {
  const areWaiting = isWaiting(storage)
  const matchesAll = (intents: ReadonlyArray<Intent>) =>
    Effect.map(areWaiting(intents), (waiting) => waiting.map((one) => !one))
  const total = Effect.zipWith(
    countRange(storage, childrenWith(intentId, unblockedStatuses)),
    countMatches(storage, { ...childrenWith(intentId, ["blocked"]), matchesAll }),
    (unblocked, byHand) => unblocked + byHand
  )
  return readPage(storage, { ...childrenWith(intentId, [...unblockedStatuses, "blocked"]), matchesAll }, page, total)
}
