import { maybeMillis, maybeTime, millis, time } from "../storedForms.ts"
import { table, text } from "../Table.ts"
import type { Delivery, Subscription } from "./Subscription.ts"

/** A subscription with what delivery keeps of it. Its `active` is false only once that was written. */
export interface StoredSubscription extends Subscription {
  readonly secret: string
  /** Position in the log up to which everything is delivered, given up or of no concern. */
  readonly cursor: number
  /** Events in a row that were given up. */
  readonly giveUps: number
}

const switched = (on: boolean) => (on ? "on" : "off")

export const subscriptions = table<StoredSubscription>()("subscriptions", {
  key: (subscription) => subscription.id,
  columns: {
    intent_id: text((subscription: StoredSubscription) => subscription.intentId),
    portfolio_id: text((subscription: StoredSubscription) => subscription.portfolioId),
    active: text((subscription: StoredSubscription) => switched(subscription.active)),
    delivery: text((subscription: StoredSubscription) =>
      switched(subscription.active && subscription.webhookUrl !== null)
    )
  },
  body: (subscription) => ({
    subscriberId: subscription.subscriberId,
    eventTypes: subscription.eventTypes.length === 0 ? undefined : subscription.eventTypes,
    webhookUrl: subscription.webhookUrl ?? undefined,
    expiresAt: maybeMillis(subscription.expiresAt),
    createdAt: millis(subscription.createdAt),
    secret: subscription.secret,
    cursor: subscription.cursor,
    giveUps: subscription.giveUps === 0 ? undefined : subscription.giveUps
  }),
  make: ({ body, columns, key }) => ({
    id: key,
    subscriberId: body.subscriberId,
    intentId: columns.intent_id,
    portfolioId: columns.portfolio_id,
    eventTypes: body.eventTypes ?? [],
    webhookUrl: body.webhookUrl ?? null,
    active: columns.active === "on",
    expiresAt: maybeTime(body.expiresAt),
    createdAt: time(body.createdAt),
    secret: body.secret,
    cursor: body.cursor,
    giveUps: body.giveUps ?? 0
  }),
  indexes: {
    all: { columns: [] },
    byActive: { columns: ["active"] },
    byIntent: { columns: ["intent_id"], where: { column: "intent_id", notNull: true } },
    byPortfolio: { columns: ["portfolio_id"], where: { column: "portfolio_id", notNull: true } },
    delivering: { columns: ["delivery"], where: { column: "delivery", equals: "on" } }
  },
  guarded: true,
  removable: true
})

/** A delivery, and where its event is in the log. Guarded by its subscription. */
export interface StoredDelivery extends Delivery {
  readonly position: number
  /** Somebody asked for another attempt, which was not made yet. */
  readonly asked: boolean
}

export const deliveries = table<StoredDelivery>()("deliveries", {
  key: (delivery) => delivery.id,
  columns: {
    subscription_id: text((delivery: StoredDelivery) => delivery.subscriptionId),
    asked: text((delivery: StoredDelivery) => (delivery.asked ? "yes" : null))
  },
  body: ({ attempt, createdAt, eventId, nextAttemptAt, position, responseStatus, status }) => ({
    eventId,
    position,
    attempt,
    status,
    responseStatus: responseStatus ?? undefined,
    nextAttemptAt: maybeMillis(nextAttemptAt),
    createdAt: millis(createdAt)
  }),
  make: ({ body, columns, key }) => ({
    id: key,
    subscriptionId: columns.subscription_id,
    eventId: body.eventId,
    position: body.position,
    attempt: body.attempt,
    status: body.status,
    responseStatus: body.responseStatus ?? null,
    nextAttemptAt: maybeTime(body.nextAttemptAt),
    createdAt: time(body.createdAt),
    asked: columns.asked !== null
  }),
  indexes: {
    bySubscription: { columns: ["subscription_id"] },
    asked: { columns: ["asked", "subscription_id"], where: { column: "asked", equals: "yes" } }
  },
  removable: true
})
