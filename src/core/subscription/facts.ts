/** What the rules of subscriptions have to know, read in few round trips. */
import * as Effect from "effect/Effect"
import type { StorageError, StorageShape } from "../Storage.ts"
import type { SubscriptionFields } from "./input.ts"
import type { CreationFacts, DeliveryFacts, RemovalFacts, VersionedSubscription } from "./rules.ts"

/** Deliveries that one commit takes away. */
const removedMax = 500

/** The revision first, so that a record that changes between the two reads is newer than its guard. */
export const readSubscription = (
  storage: StorageShape,
  id: string
): Effect.Effect<VersionedSubscription | undefined, StorageError> =>
  Effect.zipWith(
    storage.revisions("subscriptions", [id]),
    storage.get("subscriptions", [id]),
    ([revision = 0], [stored]) => stored && { stored, revision }
  )

/** To be read where nobody commits meanwhile: what comes after the last position comes after the creation. */
export const gatherCreation =
  ({ intentId, portfolioId }: SubscriptionFields) =>
  (storage: StorageShape): Effect.Effect<CreationFacts, StorageError> =>
    Effect.gen(function* () {
      const [intent = 0] = intentId === null ? [] : yield* storage.revisions("intents", [intentId])
      const [portfolio = 0] = portfolioId === null ? [] : yield* storage.revisions("portfolios", [portfolioId])
      const lastPosition = yield* storage.lastPosition
      return { intentExists: intent > 0, portfolioExists: portfolio > 0, lastPosition }
    })

export const gatherRemoval =
  (subscriptionId: string) =>
  (storage: StorageShape): Effect.Effect<RemovalFacts, StorageError> =>
    Effect.gen(function* () {
      const found = yield* readSubscription(storage, subscriptionId)
      const rows = yield* storage.page({
        table: "deliveries",
        index: "bySubscription",
        keys: [[subscriptionId]],
        direction: "asc",
        limit: removedMax
      })
      return { found, deliveries: rows.map((row) => row.record), areAll: rows.length < removedMax }
    })

export const gatherDelivery =
  (subscriptionId: string, deliveryId: string) =>
  (storage: StorageShape): Effect.Effect<DeliveryFacts, StorageError> =>
    Effect.zipWith(
      readSubscription(storage, subscriptionId),
      storage.get("deliveries", [deliveryId]),
      (found, [delivery]) => ({ found, delivery })
    )
