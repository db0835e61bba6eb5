/** http.md 11 */
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { HttpApiBuilder } from "effect/http-api"
import { OpenIntent } from "../core/OpenIntent.ts"
import {
  type CreatedSubscription,
  type CreateSubscription,
  type Delivery,
  type ListSubscriptions,
  type Subscription,
  SubscriptionNotFound
} from "../core/subscription/Subscription.ts"
import { answer, json, pageAnswer } from "./answers.ts"
import { Api } from "./Api.ts"
import { Caller } from "./api/common.ts"
import type { Refusal } from "./refusals.ts"
import { Fields } from "./fields.ts"
import { HttpOptions } from "./HttpOptions.ts"
import { type RawBody, readBody } from "./requestBody.ts"
import { type Bound, doneAs } from "./requests.ts"
import { formatTimestamp, type Profile } from "./timestamps.ts"

/** http.md 2.11 */
const subscriptionBody = (subscription: Subscription, profile: Profile) => {
  const { active, eventTypes, id, intentId, portfolioId, subscriberId, webhookUrl } = subscription
  const createdAt = formatTimestamp(subscription.createdAt, profile)
  const expiresAt = subscription.expiresAt === null ? null : formatTimestamp(subscription.expiresAt, profile)
  return {
    id,
    subscriber_id: subscriberId,
    intent_id: intentId,
    portfolio_id: portfolioId,
    event_types: eventTypes,
    webhook_url: webhookUrl,
    callback_url: webhookUrl,
    active,
    expires_at: expiresAt,
    expiresAt,
    created_at: createdAt,
    createdAt
  }
}

/** http.md 11.5 */
const deliveryBody = (delivery: Delivery, profile: Profile) => ({
  id: delivery.id,
  subscription_id: delivery.subscriptionId,
  event_id: delivery.eventId,
  attempt: delivery.attempt,
  status: delivery.status,
  response_status: delivery.responseStatus,
  next_attempt_at: delivery.nextAttemptAt === null ? null : formatTimestamp(delivery.nextAttemptAt, profile),
  created_at: formatTimestamp(delivery.createdAt, profile)
})

/** http.md 11.1 */
const createSubscription = (body: RawBody, bound: Bound): Effect.Effect<CreateSubscription, Refusal> => {
  const fields = new Fields(body)
  const subscriberId = fields.string("subscriber_id")
  return doneAs(
    fields,
    {
      intentId: fields.string("intent_id"),
      portfolioId: fields.string("portfolio_id"),
      subscriberId,
      eventTypes: fields.strings("event_types"),
      webhookUrl: fields.string("webhook_url", "callback_url"),
      expiresAt: fields.string("expires_at", "expiresAt"),
      secret: fields.string("secret")
    },
    subscriberId,
    bound
  )
}

interface Query extends Pick<ListSubscriptions, "limit" | "offset" | "after"> {
  readonly active?: "true" | "false"
}

const listQuery = ({ active, after, limit, offset }: Query): ListSubscriptions => ({
  limit,
  offset,
  after,
  active: active === undefined ? undefined : active === "true"
})

const createdAnswer = (created: CreatedSubscription, profile: Profile) =>
  json({ ...subscriptionBody(created, profile), secret: created.secret })

const noContent = () => HttpServerResponse.empty({ status: 204 })

/** Needs `OpenIntent`. */
export const layer = HttpApiBuilder.group(
  Api,
  "subscriptions",
  Effect.fnUntraced(function* (handlers) {
    const engine = yield* OpenIntent
    const options = yield* HttpOptions
    const { intents, subscriptions } = engine
    return handlers
      .handleRaw("create", ({ request }) =>
        Effect.flatMap(Caller, ({ boundTo, profile }) =>
          readBody(request, options).pipe(
            Effect.flatMap((body) => createSubscription(body, boundTo)),
            Effect.flatMap(subscriptions.create),
            (effect) => answer(effect, { engine, intentId: undefined, profile, onSuccess: createdAnswer })
          )
        )
      )
      .handleRaw("createOfIntent", ({ params: { intentId }, request }) =>
        Effect.flatMap(Caller, ({ boundTo, profile }) =>
          readBody(request, options).pipe(
            Effect.flatMap((body) => createSubscription({ ...body, intent_id: intentId }, boundTo)),
            Effect.flatMap(subscriptions.create),
            (effect) => answer(effect, { engine, intentId, profile, onSuccess: createdAnswer })
          )
        )
      )
      .handleRaw("list", ({ query, request }) =>
        Effect.flatMap(Caller, ({ profile }) => {
          const { intent_id: intentId, portfolio_id: portfolioId } = query
          return answer(subscriptions.list({ ...listQuery(query), intentId, portfolioId }), {
            engine,
            intentId: undefined,
            profile,
            onSuccess: (page) => pageAnswer("subscriptions", page, subscriptionBody, profile, request.url)
          })
        })
      )
      .handleRaw("listOfIntent", ({ params: { intentId }, query, request }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(Effect.andThen(intents.get(intentId), subscriptions.list({ ...listQuery(query), intentId })), {
            engine,
            intentId,
            profile,
            onSuccess: (page) => pageAnswer("subscriptions", page, subscriptionBody, profile, request.url)
          })
        )
      )
      .handleRaw("get", ({ params: { subscriptionId } }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(subscriptions.get(subscriptionId), {
            engine,
            intentId: undefined,
            profile,
            onSuccess: (found) => json(subscriptionBody(found, profile))
          })
        )
      )
      .handleRaw("remove", ({ params: { subscriptionId } }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(subscriptions.remove(subscriptionId), {
            engine,
            intentId: undefined,
            profile,
            onSuccess: noContent
          })
        )
      )
      .handleRaw("removeOfIntent", ({ params: { intentId, subscriptionId } }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(
            Effect.flatMap(subscriptions.get(subscriptionId), (found) =>
              found.intentId === intentId
                ? subscriptions.remove(subscriptionId)
                : Effect.fail(new SubscriptionNotFound({ subscriptionId }))
            ),
            { engine, intentId, profile, onSuccess: noContent }
          )
        )
      )
      .handleRaw("deliveries", ({ params: { subscriptionId }, query, request }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(subscriptions.deliveries(subscriptionId, query), {
            engine,
            intentId: undefined,
            profile,
            onSuccess: (page) => pageAnswer("deliveries", page, deliveryBody, profile, request.url)
          })
        )
      )
      .handleRaw("redeliver", ({ params: { deliveryId, subscriptionId } }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(subscriptions.redeliver(subscriptionId, deliveryId), {
            engine,
            intentId: undefined,
            profile,
            onSuccess: (delivery) => json(deliveryBody(delivery, profile))
          })
        )
      )
  })
)
