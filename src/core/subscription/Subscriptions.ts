/** `subscriptions` of the embedded engine. */
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { CommandsShape } from "../Commands.ts"
import { CurrentAgent } from "../CurrentAgent.ts"
import type { EngineError } from "../Errors.ts"
import type { Subscriptions } from "../OpenIntent.ts"
import type { Listing } from "../paging.ts"
import { countMatches, countRange, readPage, readPageOptions } from "../paging.ts"
import type { StorageShape } from "../Storage.ts"
import { told } from "../storageFaults.ts"
import { Checks, whenValid } from "../validate.ts"
import { gatherCreation, gatherDelivery, gatherRemoval } from "./facts.ts"
import type { SubscriptionFilter } from "./input.ts"
import { readCreateSubscription, readListSubscriptions } from "./input.ts"
import { decideCreate, decideRedeliver, decideRemove, isActiveAt, shownAt } from "./rules.ts"
import { newSecret } from "./signing.ts"
import type { Delivery } from "./Subscription.ts"
import { SubscriptionNotFound } from "./Subscription.ts"
import type { StoredDelivery } from "./tables.ts"
import type { WebhookSenderShape } from "./WebhookSender.ts"

const shownDelivery = (stored: StoredDelivery): Delivery => {
  const { attempt, createdAt, eventId, id, nextAttemptAt, responseStatus, status, subscriptionId } = stored
  return { id, subscriptionId, eventId, attempt, status, responseStatus, nextAttemptAt, createdAt }
}

/** The narrowest index for the filters; what it does not answer is matched row by row. */
const listingOf = (
  { active, intentId, portfolioId }: SubscriptionFilter,
  now: DateTime.Utc
): Listing<"subscriptions"> => {
  const isWanted = active === undefined ? undefined : (is: boolean) => is === active
  const all = { table: "subscriptions", direction: "asc" } as const
  const matches = isWanted && ((found: Parameters<typeof isActiveAt>[0]) => isWanted(isActiveAt(found, now)))
  if (intentId !== undefined) {
    return {
      ...all,
      index: "byIntent",
      keys: [[intentId]],
      matches:
        portfolioId === undefined
          ? matches
          : (found) => found.portfolioId === portfolioId && (matches === undefined || matches(found))
    }
  }
  if (portfolioId !== undefined) return { ...all, index: "byPortfolio", keys: [[portfolioId]], matches }
  // Those that are active until they expire are among those stored as active.
  return active === true
    ? { ...all, index: "byActive", keys: [["on"]], matches }
    : { ...all, index: "all", keys: [[]], matches }
}

/** `sender` knows which targets are allowed. `changed` is told of each subscription that was created, removed, or has a delivery to be made again. */
export const makeSubscriptions = (
  storage: StorageShape,
  { executeWide }: CommandsShape,
  sender: Effect.Effect<WebhookSenderShape> | undefined,
  changed: (subscriptionId: string) => void
): Subscriptions => {
  const mustExist = (subscriptionId: string): Effect.Effect<void, SubscriptionNotFound | EngineError> =>
    Effect.flatMap(told(storage.revisions("subscriptions", [subscriptionId])), ([revision]) =>
      revision === 0 ? Effect.fail(new SubscriptionNotFound({ subscriptionId })) : Effect.void
    )

  const remove: Subscriptions["remove"] = (subscriptionId) =>
    Effect.flatMap(CurrentAgent, (agent) => {
      const checks = new Checks()
      return whenValid(checks.finish(checks.readAgent("agent", agent)), (actor) =>
        executeWide({
          intentId: subscriptionId,
          gather: gatherRemoval(subscriptionId),
          decide: (facts, env) => decideRemove(facts, { actor, subscriptionId }, env)
        }).pipe(
          Effect.repeat({ until: (isDone) => isDone }),
          Effect.asVoid,
          Effect.ensuring(Effect.sync(() => changed(subscriptionId)))
        )
      )
    })

  return {
    create: Effect.fnUntraced(function* (input) {
      const isSentTo = input.webhookUrl !== undefined && input.webhookUrl !== null
      const refusal = isSentTo && sender !== undefined ? (yield* sender).refusal : () => undefined
      const fields = yield* Effect.fromResult(readCreateSubscription(input, yield* CurrentAgent, refusal))
      const secret = fields.secret ?? (yield* newSecret)
      const created = yield* executeWide({
        intentId: undefined,
        gather: gatherCreation(fields),
        decide: (facts, env) => decideCreate(facts, fields, secret, env),
        exclusively: true
      })
      changed(created.id)
      // That of the command, which a call with a key may have made before.
      return { ...shownAt(created.createdAt, created), secret: created.secret }
    }),
    get: (subscriptionId) =>
      Effect.flatMap(storage.now, (now) =>
        Effect.flatMap(told(storage.get("subscriptions", [subscriptionId])), ([stored]) =>
          stored === undefined
            ? Effect.fail(new SubscriptionNotFound({ subscriptionId }))
            : Effect.succeed(shownAt(now, stored))
        )
      ),
    list: (query = {}) =>
      whenValid(readListSubscriptions(query), (filter) =>
        Effect.flatMap(storage.now, (now) => {
          const listing = listingOf(filter, now)
          const total = listing.matches === undefined ? countRange(storage, listing) : countMatches(storage, listing)
          return Effect.map(told(readPage(storage, listing, filter.page, total)), (page) => ({
            ...page,
            items: page.items.map((stored) => shownAt(now, stored))
          }))
        })
      ),
    remove,
    deliveries: Effect.fnUntraced(function* (subscriptionId, query = {}) {
      const page = yield* Effect.fromResult(readPageOptions(query))
      yield* mustExist(subscriptionId)
      const range = { table: "deliveries", index: "bySubscription", keys: [[subscriptionId]] } as const
      const found = yield* told(readPage(storage, { ...range, direction: "asc" }, page, countRange(storage, range)))
      return { ...found, items: found.items.map(shownDelivery) }
    }),
    redeliver: (subscriptionId, deliveryId) =>
      executeWide({
        intentId: subscriptionId,
        gather: gatherDelivery(subscriptionId, deliveryId),
        decide: (facts, env) => decideRedeliver(facts, { subscriptionId, deliveryId }, env)
      }).pipe(
        Effect.map(shownDelivery),
        Effect.tap(() => Effect.sync(() => changed(subscriptionId)))
      )
  }
}
