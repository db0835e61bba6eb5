/** The list of intents (http.md 4.2): the best index for the filters, and its total. */
import * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import { creatorCounter, parentCounter, statusCounter } from "../counters.ts"
import type { ValidationError } from "../Errors.ts"
import type { Listing, PageRequest } from "../paging.ts"
import { countMatches, countRange, expandPage, readPage, readPageRequest } from "../paging.ts"
import type { StorageError, StorageShape } from "../Storage.ts"
import type { RecordOf } from "../tables.ts"
import { Checks, limits } from "../validate.ts"
import { readStatus } from "./input.ts"
import type { Intent, ListIntents, Status } from "./Intent.ts"
import type { Page } from "../Page.ts"
import { statuses } from "./Intent.ts"

export interface IntentFilter {
  readonly page: PageRequest
  readonly direction: "asc" | "desc"
  readonly status: ReadonlyArray<Status> | undefined
  readonly parentIntentId: string | undefined
  readonly createdBy: string | undefined
  readonly agentId: string | undefined
  readonly q: string | undefined
}

export const readListIntents = (query: ListIntents): Result.Result<IntentFilter, ValidationError> => {
  const checks = new Checks()
  const { status } = query
  const asked: ReadonlyArray<unknown> | undefined =
    status === undefined ? undefined : typeof status === "string" ? [status] : status
  if (query.order !== undefined && query.order !== "asc" && query.order !== "desc")
    checks.add("order", "must be asc or desc", query.order)
  return checks.finish({
    page: readPageRequest(checks, query, 50),
    direction: query.order ?? "desc",
    status: asked && [...new Set(asked.map((one) => readStatus(checks, "status", one)))],
    parentIntentId: checks.readOptionalText("parentIntentId", query.parentIntentId, limits.agentIdLength),
    createdBy: checks.readOptionalText("createdBy", query.createdBy, limits.agentIdLength),
    agentId: checks.readOptionalText("agentId", query.agentId, limits.agentIdLength),
    q: checks.readOptionalText("q", query.q, limits.titleLength)?.toLowerCase()
  })
}

const matching = ({ createdBy, parentIntentId, q, status }: Omit<IntentFilter, "page" | "direction" | "agentId">) =>
  createdBy === undefined && parentIntentId === undefined && q === undefined && status === undefined
    ? undefined
    : (intent: Intent): boolean =>
        (status === undefined || status.includes(intent.status)) &&
        (parentIntentId === undefined || intent.parentIntentId === parentIntentId) &&
        (createdBy === undefined || intent.createdBy === createdBy) &&
        (q === undefined || intent.title.toLowerCase().includes(q) || intent.description.toLowerCase().includes(q))

const sumOf = (storage: StorageShape, keys: ReadonlyArray<string>) =>
  Effect.map(storage.counters(keys), (figures) => figures.reduce((sum, n) => sum + n, 0))

/** Intents of the narrowest index, and a figure that counts them, if one is kept; what no index answers is matched row by row. */
const plan = ({ createdBy, direction, parentIntentId: parent, q, status }: IntentFilter): Plan => {
  const all = { table: "intents", direction } as const
  if (parent !== undefined) {
    const matches = matching({ createdBy, q, status: undefined, parentIntentId: undefined })
    return status === undefined
      ? { listing: { ...all, index: "byParent", keys: [[parent]], matches }, counters: [parentCounter(parent)] }
      : {
          listing: { ...all, index: "byParentAndStatus", keys: status.map((one) => [parent, one]), matches },
          counters: undefined
        }
  }
  if (createdBy !== undefined) {
    const matches = matching({ q, status, createdBy: undefined, parentIntentId: undefined })
    return {
      listing: { ...all, index: "byCreator", keys: [[createdBy]], matches },
      counters: [creatorCounter(createdBy)]
    }
  }
  const matches = matching({ q, createdBy: undefined, parentIntentId: undefined, status: undefined })
  return status === undefined
    ? { listing: { ...all, index: "all", keys: [[]], matches }, counters: statuses.map(statusCounter) }
    : {
        listing: { ...all, index: "byStatus", keys: status.map((one) => [one]), matches },
        counters: status.map(statusCounter)
      }
}

interface Plan {
  readonly listing: Listing<"intents">
  readonly counters: ReadonlyArray<string> | undefined
}

const totalOf = (storage: StorageShape, { counters, listing }: Plan): Effect.Effect<number, StorageError> =>
  listing.matches !== undefined
    ? countMatches(storage, listing)
    : counters === undefined
      ? countRange(storage, listing)
      : sumOf(storage, counters)

/** Intents that an agent is assigned to, by their creation. */
const listAssigned = (
  storage: StorageShape,
  filter: IntentFilter,
  agentId: string
): Effect.Effect<Page<Intent>, StorageError> =>
  Effect.gen(function* () {
    const matches = matching(filter)
    const intentsOf = (assignments: ReadonlyArray<RecordOf<"assignments">>) =>
      storage.get(
        "intents",
        assignments.map((assignment) => assignment.intentId)
      )
    const range = { table: "assignments", index: "byAgent", keys: [[agentId]] } as const
    const listing: Listing<"assignments"> = {
      ...range,
      direction: filter.direction,
      matchesAll:
        matches &&
        ((assignments) =>
          Effect.map(intentsOf(assignments), (intents) =>
            intents.map((intent) => intent !== undefined && matches(intent))
          ))
    }
    const total = matches === undefined ? countRange(storage, range) : countMatches(storage, listing)
    return yield* expandPage(
      (limit) => readPage(storage, listing, { ...filter.page, limit }, total),
      filter.page.limit,
      intentsOf
    )
  })

export const listIntents = (storage: StorageShape, filter: IntentFilter): Effect.Effect<Page<Intent>, StorageError> => {
  if (filter.agentId !== undefined) return listAssigned(storage, filter, filter.agentId)
  const planned = plan(filter)
  return readPage(storage, planned.listing, filter.page, totalOf(storage, planned))
}
