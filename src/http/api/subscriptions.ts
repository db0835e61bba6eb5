/** The group of http.md 11, with its bodies (2.11, 11.5). */
import * as Schema from "effect/Schema"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { pageFields, Timestamp } from "../wire.ts"
import { Access, intentId, paging, summary } from "./common.ts"
import { reads, writes } from "./rights.ts"

export const SubscriptionBody = Schema.Struct({
  id: Schema.String,
  subscriber_id: Schema.String,
  intent_id: Schema.NullOr(Schema.String),
  portfolio_id: Schema.NullOr(Schema.String),
  event_types: Schema.Array(Schema.String).annotate({ description: "Empty: every type" }),
  webhook_url: Schema.NullOr(Schema.String),
  callback_url: Schema.NullOr(Schema.String),
  active: Schema.Boolean,
  expires_at: Schema.NullOr(Timestamp),
  expiresAt: Schema.NullOr(Timestamp),
  created_at: Timestamp,
  createdAt: Timestamp
}).annotate({ identifier: "Subscription", description: "Who wants to hear of which events, and where" })
export interface SubscriptionBody extends Schema.Schema.Type<typeof SubscriptionBody> {}

const CreatedSubscriptionBody = Schema.Struct({
  ...SubscriptionBody.fields,
  secret: Schema.String.annotate({ description: "What webhooks are signed with. It is shown only here" })
}).annotate({ identifier: "CreatedSubscription" })

export const DeliveryBody = Schema.Struct({
  id: Schema.String.annotate({ description: "`X-OpenIntent-Delivery` of every attempt" }),
  subscription_id: Schema.String,
  event_id: Schema.String,
  attempt: Schema.Int.annotate({ description: "Requests made so far" }),
  status: Schema.Literals(["pending", "delivered", "failed"]),
  response_status: Schema.NullOr(Schema.Int),
  next_attempt_at: Schema.NullOr(Timestamp),
  created_at: Timestamp
}).annotate({ identifier: "Delivery", description: "One event on its way to one subscription" })
export interface DeliveryBody extends Schema.Schema.Type<typeof DeliveryBody> {}

const SubscriptionsPage = Schema.Struct({ subscriptions: Schema.Array(SubscriptionBody), ...pageFields })
const DeliveriesPage = Schema.Struct({ deliveries: Schema.Array(DeliveryBody), ...pageFields })

const createFields = {
  subscriber_id: Schema.optionalKey(Schema.String).annotate({ description: "Default: who asks" }),
  event_types: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String))),
  webhook_url: Schema.optionalKey(Schema.NullOr(Schema.String)).annotate({ description: "Also read: callback_url" }),
  expires_at: Schema.optionalKey(Schema.NullOr(Schema.String)).annotate({ description: "ISO 8601" }),
  secret: Schema.optionalKey(Schema.String).annotate({
    description: "With the prefix `whsec_` the rest is the key in base64 (Standard Webhooks). Default: a new one"
  })
}

const CreateSubscriptionBody = Schema.Struct({
  intent_id: Schema.optionalKey(Schema.NullOr(Schema.String)).annotate({
    description: "Or `portfolio_id`, or neither"
  }),
  portfolio_id: Schema.optionalKey(Schema.NullOr(Schema.String)),
  ...createFields
}).annotate({ identifier: "CreateSubscription" })

const SubscribeToIntentBody = Schema.Struct(createFields).annotate({ identifier: "SubscribeToIntent" })

const subscriptionId = { subscriptionId: Schema.String }
const active = { active: Schema.optionalKey(Schema.Literals(["true", "false"])) }

export class SubscriptionsApi extends HttpApiGroup.make("subscriptions")
  .add(
    HttpApiEndpoint.post("create", "/api/v1/subscriptions", {
      payload: CreateSubscriptionBody,
      success: CreatedSubscriptionBody
    }).annotateMerge(writes),
    HttpApiEndpoint.get("list", "/api/v1/subscriptions", {
      query: {
        ...paging,
        ...active,
        intent_id: Schema.optionalKey(Schema.String),
        portfolio_id: Schema.optionalKey(Schema.String)
      },
      success: SubscriptionsPage
    }).annotateMerge(reads),
    HttpApiEndpoint.get("get", "/api/v1/subscriptions/:subscriptionId", {
      params: subscriptionId,
      success: SubscriptionBody
    }).annotateMerge(reads),
    HttpApiEndpoint.delete("remove", "/api/v1/subscriptions/:subscriptionId", {
      params: subscriptionId,
      success: HttpApiSchema.NoContent
    }).annotateMerge(writes),
    HttpApiEndpoint.get("deliveries", "/api/v1/subscriptions/:subscriptionId/deliveries", {
      params: subscriptionId,
      query: paging,
      success: DeliveriesPage
    }).annotateMerge(reads),
    HttpApiEndpoint.post("redeliver", "/api/v1/subscriptions/:subscriptionId/deliveries/:deliveryId/redeliver", {
      params: { ...subscriptionId, deliveryId: Schema.String },
      success: DeliveryBody
    })
      .annotateMerge(writes)
      .annotateMerge(summary("Makes one more attempt, soon")),
    HttpApiEndpoint.post("createOfIntent", "/api/v1/intents/:intentId/subscriptions", {
      params: intentId,
      payload: SubscribeToIntentBody,
      success: CreatedSubscriptionBody
    }).annotateMerge(writes),
    HttpApiEndpoint.get("listOfIntent", "/api/v1/intents/:intentId/subscriptions", {
      params: intentId,
      query: { ...paging, ...active },
      success: SubscriptionsPage
    }).annotateMerge(reads),
    HttpApiEndpoint.delete("removeOfIntent", "/api/v1/intents/:intentId/subscriptions/:subscriptionId", {
      params: { ...intentId, ...subscriptionId },
      success: HttpApiSchema.NoContent
    }).annotateMerge(writes)
  )
  .middleware(Access) {}
