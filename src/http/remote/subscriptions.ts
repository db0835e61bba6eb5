import type { OpenIntentShape } from "../../core/OpenIntent.ts"
import type { Delivery, Subscription } from "../../core/subscription/Subscription.ts"
import type { DeliveryBody, SubscriptionBody } from "../api/subscriptions.ts"
import { ask, type Client, given } from "./call.ts"
import { pageOf } from "./records.ts"

const subscriptionOf = (body: SubscriptionBody): Subscription => ({
  id: body.id,
  subscriberId: body.subscriber_id,
  intentId: body.intent_id,
  portfolioId: body.portfolio_id,
  eventTypes: body.event_types,
  webhookUrl: body.webhook_url,
  active: body.active,
  expiresAt: body.expires_at,
  createdAt: body.created_at
})

const deliveryOf = (body: DeliveryBody): Delivery => ({
  id: body.id,
  subscriptionId: body.subscription_id,
  eventId: body.event_id,
  attempt: body.attempt,
  status: body.status,
  responseStatus: body.response_status,
  nextAttemptAt: body.next_attempt_at,
  createdAt: body.created_at
})

/** http.md 11 */
export const makeSubscriptions = ({ subscriptions }: Client): OpenIntentShape["subscriptions"] => ({
  create: (input) =>
    ask(
      {
        operation: "subscriptions.create",
        ...given({ intentId: input.intentId ?? undefined, portfolioId: input.portfolioId ?? undefined })
      },
      ["IntentNotFound", "PortfolioNotFound"],
      subscriptions.create({
        payload: given({
          intent_id: input.intentId,
          portfolio_id: input.portfolioId,
          subscriber_id: input.subscriberId,
          event_types: input.eventTypes,
          webhook_url: input.webhookUrl,
          expires_at: input.expiresAt,
          secret: input.secret
        })
      }),
      (created) => ({ ...subscriptionOf(created), secret: created.secret })
    ),
  get: (subscriptionId) =>
    ask(
      { operation: "subscriptions.get", subscriptionId },
      ["SubscriptionNotFound"],
      subscriptions.get({ params: { subscriptionId } }),
      subscriptionOf
    ),
  list: ({ active, intentId, portfolioId, ...page } = {}) =>
    ask(
      { operation: "subscriptions.list" },
      [],
      subscriptions.list({
        query: given({
          ...page,
          intent_id: intentId,
          portfolio_id: portfolioId,
          active: active === undefined ? undefined : active ? ("true" as const) : ("false" as const)
        })
      }),
      (page) => pageOf(page, page.subscriptions, subscriptionOf)
    ),
  remove: (subscriptionId) =>
    ask(
      { operation: "subscriptions.remove", subscriptionId },
      ["SubscriptionNotFound"],
      subscriptions.remove({ params: { subscriptionId } }),
      () => undefined
    ),
  deliveries: (subscriptionId, query = {}) =>
    ask(
      { operation: "subscriptions.deliveries", subscriptionId },
      ["SubscriptionNotFound"],
      subscriptions.deliveries({ params: { subscriptionId }, query: given(query) }),
      (page) => pageOf(page, page.deliveries, deliveryOf)
    ),
  redeliver: (subscriptionId, deliveryId) =>
    ask(
      { operation: "subscriptions.redeliver", subscriptionId, deliveryId },
      ["SubscriptionNotFound", "DeliveryNotFound"],
      subscriptions.redeliver({ params: { subscriptionId, deliveryId } }),
      deliveryOf
    )
})
