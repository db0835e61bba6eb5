/** Reads every list of the interface whole and page by page, for the invariants that speak of lists. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { Page } from "../core/Page.ts"
import type { OpenIntentShape } from "../core/OpenIntent.ts"
import type { Listing } from "./Call.ts"

interface PageRequest {
  readonly limit?: number
  readonly offset?: number
  readonly after?: string
}

/** More pages than a program's lists can have: a cursor that goes round would never end. */
const pagesMax = 200

const readListing = <A extends { readonly id: string }, E>(
  what: string,
  read: (page: PageRequest) => Effect.Effect<Page<A>, E>,
  limit: number,
  of: Listing["of"] = "16",
  expected?: ReadonlyArray<string>
): Effect.Effect<Listing, E> =>
  Effect.gen(function* () {
    const whole = yield* read({ limit: 1_000 })
    const byCursor: Array<string> = []
    const byOffset: Array<string> = []
    const totals: Array<number> = []
    let cursor: string | undefined
    for (let pages = 0; pages < pagesMax; pages++) {
      const page = yield* read(cursor === undefined ? { limit } : { limit, after: cursor })
      byCursor.push(...page.items.map((item) => item.id))
      totals.push(page.total)
      cursor = page.next
      if (cursor === undefined) break
    }
    for (let offset = 0; offset <= whole.items.length; offset += limit) {
      const page = yield* read({ limit, offset })
      byOffset.push(...page.items.map((item) => item.id))
      totals.push(page.total)
    }
    return {
      what,
      whole: whole.items.map((item) => item.id),
      total: whole.total,
      byCursor,
      byOffset,
      totals,
      expected,
      of
    }
  })

const idsOf = (items: ReadonlyArray<{ readonly id: string }>) => items.map((item) => item.id)

/** Whose lists are read: each program reads those of one intent and one agent, so that they stay cheap. */
export interface ListingTarget {
  readonly intents: ReadonlyArray<string>
  readonly intentId: string
  readonly agentId: string
  /** Rows of a page. */
  readonly limit: number
}

const intentListings = (engine: OpenIntentShape, { agentId, intents, limit }: ListingTarget) =>
  Effect.gen(function* () {
    const list = (query: Parameters<typeof engine.intents.list>[0]) => (page: PageRequest) =>
      engine.intents.list({ order: "asc", ...query, ...page })
    const created = (yield* list({ createdBy: agentId })({ limit: 1_000 })).items
    const statuses = ["completed", "blocked", "draft"] as const
    const inStatuses = created.filter((intent) => statuses.some((status) => status === intent.status))
    const assigned: Array<string> = []
    for (const id of intents) {
      if ((yield* engine.agents.list(id)).items.some((assignment) => assignment.agentId === agentId)) assigned.push(id)
    }
    const found = yield* readListing(`intents of ${agentId}`, list({ agentId }), limit)
    return [
      yield* readListing(`intents created by ${agentId}, oldest first`, list({ createdBy: agentId }), limit),
      yield* readListing(
        `intents created by ${agentId}`,
        list({ createdBy: agentId, order: "desc" }),
        limit,
        "16",
        idsOf(created).toReversed()
      ),
      yield* readListing(
        `intents created by ${agentId} in ${statuses.join(", ")}`,
        list({ createdBy: agentId, status: statuses }),
        limit,
        "16",
        idsOf(inStatuses)
      ),
      // In which order is not compared: intents of one millisecond have that of their insertion.
      { ...found, expected: found.whole.toSorted().join() === assigned.toSorted().join() ? undefined : assigned }
    ]
  })

const eventListings = (engine: OpenIntentShape, { intentId, limit }: ListingTarget) =>
  Effect.gen(function* () {
    const list = (query: Parameters<typeof engine.events.list>[1]) => (page: PageRequest) =>
      engine.events.list(intentId, { visibility: "all", order: "asc", ...query, ...page })
    const events = (yield* list({})({ limit: 1_000 })).items
    const listings = [
      yield* readListing(`events of ${intentId}, oldest first`, list({}), limit),
      yield* readListing(`events of ${intentId}`, list({ order: "desc" }), limit, "29", idsOf(events).toReversed())
    ]
    for (const type of new Set([events[0], events.at(-1)].flatMap((event) => event?.type ?? []))) {
      const expected = idsOf(events.filter((event) => event.type === type))
      listings.push(yield* readListing(`events of ${intentId} of type ${type}`, list({ type }), limit, "32", expected))
    }
    const middle = events[events.length >> 1]
    if (middle !== undefined) {
      const later = idsOf(events.filter((event) => DateTime.isGreaterThan(event.createdAt, middle.createdAt)))
      const since = DateTime.formatIso(middle.createdAt)
      listings.push(yield* readListing(`events of ${intentId} since ${since}`, list({ since }), limit, "32", later))
      const after = idsOf(events.filter((event) => event.position > middle.position))
      const what = `events of ${intentId} after position ${middle.position}`
      listings.push(yield* readListing(what, list({ afterPosition: middle.position }), limit, "32", after))
    }
    return listings
  })

const otherListings = (engine: OpenIntentShape, { intentId, limit }: ListingTarget) =>
  Effect.gen(function* () {
    const leases = (yield* engine.leases.list(intentId, { status: "all", limit: 1_000 })).items
    const inStatus = (status: "active" | "released" | "expired") =>
      readListing(
        `${status} leases of ${intentId}`,
        (page) => engine.leases.list(intentId, { status, ...page }),
        limit,
        "16",
        idsOf(leases.filter((lease) => lease.status === status))
      )
    const children = (page: PageRequest) => engine.intents.list({ parentIntentId: intentId, order: "asc", ...page })
    return [
      yield* readListing(`children of ${intentId}`, children, limit),
      yield* readListing(
        `leases of ${intentId}`,
        (page) => engine.leases.list(intentId, { status: "all", ...page }),
        limit
      ),
      yield* inStatus("active"),
      yield* inStatus("released"),
      yield* inStatus("expired"),
      yield* readListing(`agents of ${intentId}`, (page) => engine.agents.list(intentId, page), limit)
    ]
  })

/** The lists of an intent and of an agent. */
export const readListings = (engine: OpenIntentShape, target: ListingTarget) =>
  Effect.gen(function* (): Effect.fn.Return<
    ReadonlyArray<Listing>,
    Effect.Error<ReturnType<OpenIntentShape["leases"]["list"]>>
  > {
    return [
      ...(yield* intentListings(engine, target)),
      ...(yield* eventListings(engine, target)),
      ...(yield* otherListings(engine, target))
    ]
  })
