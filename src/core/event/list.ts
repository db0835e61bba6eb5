/** The events of an intent, by page (http.md 6.2). */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import type { ValidationError } from "../Errors.ts"
import type { Page } from "../Page.ts"
import type { Listing, PageRequest } from "../paging.ts"
import { countMatches, countRange, readPage, readPageRequest } from "../paging.ts"
import type { StorageError, StorageShape } from "../Storage.ts"
import { Checks, limits } from "../validate.ts"
import type { EventCountsShape } from "./EventCounts.ts"
import { isVisible, kindOf } from "./eventTypes.ts"
import type { ListEvents, LogEvent, Visibility } from "./LogEvent.ts"

export interface EventFilter {
  readonly page: PageRequest
  readonly direction: "asc" | "desc"
  readonly type: string | undefined
  readonly since: DateTime.Utc | undefined
  readonly afterPosition: number
  readonly visibility: Visibility
}

const visibilities: ReadonlyArray<Visibility> = ["legacy", "known", "all"]

export const readListEvents = (query: ListEvents): Result.Result<EventFilter, ValidationError> => {
  const checks = new Checks()
  const { order = "desc", visibility = "known" } = query
  if (order !== "asc" && order !== "desc") checks.add("order", "must be asc or desc", order)
  if (!visibilities.includes(visibility))
    checks.add("visibility", `must be one of ${visibilities.join(", ")}`, visibility)
  return checks.finish({
    page: readPageRequest(checks, query, 100),
    direction: order,
    type: checks.readOptionalText("type", query.type, limits.nameLength),
    since: query.since === undefined ? undefined : checks.readTime("since", query.since),
    afterPosition: checks.readInt("afterPosition", query.afterPosition, 0, 0, Number.MAX_SAFE_INTEGER),
    visibility
  })
}

/**
 * How much earlier an event may be placed behind a later one: a command takes its time when it is decided and its
 * place when it is committed, and no command lives this long between the two.
 */
const skewMillis = 60_000

/**
 * A position before which all events of the ranges are older than `since` by the skew or more: events are in the order
 * of their commits, and so nearly in that of their times. Found by halving, in about 40 looks at one row each.
 */
const positionBefore = (
  storage: StorageShape,
  listing: Listing<"events">,
  since: DateTime.Utc,
  from: number
): Effect.Effect<number, StorageError> =>
  Effect.gen(function* () {
    const earliest = since.epochMilliseconds - skewMillis
    let low = from
    let high = yield* storage.lastPosition
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const [next] = yield* storage.page({ ...listing, direction: "asc", after: middle, limit: 1 })
      if (next === undefined || next.order > high) high = middle
      else if (next.record.createdAt.epochMilliseconds < earliest) low = next.order
      else high = middle
    }
    return low
  })

export const listEvents = (
  storage: StorageShape,
  counts: EventCountsShape,
  intentId: string,
  { afterPosition, direction, page, since, type, visibility }: EventFilter
): Effect.Effect<Page<LogEvent>, StorageError> =>
  Effect.gen(function* () {
    // Before the kinds: a later event may be of one that is not among them, and a page must have no gap.
    const upTo = yield* storage.lastPosition
    const byKind = yield* counts.of(intentId)
    const kinds = Object.keys(byKind).filter(
      (kind) => isVisible(kind, visibility) && (type === undefined || kindOf(type) === kind)
    )
    const ranges = { table: "events", index: "byIntent", keys: kinds.map((kind) => [intentId, kind]) } as const
    // Own types share a kind; all others are one of their own.
    const isOfType = type === undefined || kindOf(type) === type ? undefined : (event: LogEvent) => event.type === type
    if (since === undefined && afterPosition === 0 && isOfType === undefined) {
      const total = kinds.reduce((sum, kind) => sum + byKind[kind]!, 0)
      return yield* readPage(storage, { ...ranges, direction, upTo }, page, Effect.succeed(total))
    }
    const from =
      since === undefined
        ? afterPosition
        : yield* positionBefore(storage, { ...ranges, direction }, since, afterPosition)
    const matches =
      since === undefined
        ? isOfType
        : (event: LogEvent) => DateTime.isGreaterThan(event.createdAt, since) && (isOfType?.(event) ?? true)
    const listing: Listing<"events"> = { ...ranges, direction, from, matches, upTo }
    const counted =
      matches === undefined
        ? countRange(storage, { ...ranges, after: from })
        : countMatches(storage, { ...listing, direction: "asc" })
    return yield* readPage(storage, listing, page, counted)
  })
