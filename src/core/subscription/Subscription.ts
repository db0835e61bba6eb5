import * as Data from "effect/Data"
import type * as DateTime from "effect/DateTime"
import type { PageOptions } from "../Page.ts"

/** Who wants to hear of which events, and where (RFC 0006, http.md 2.11). */
export interface Subscription {
  readonly id: string
  readonly subscriberId: string
  /** The events of this intent. */
  readonly intentId: string | null
  /** The events of the intents that belong to this portfolio at their commit. Both null: every event there is. */
  readonly portfolioId: string | null
  /** Empty: every type. */
  readonly eventTypes: ReadonlyArray<string>
  /** Where they are sent; null: nowhere, the subscription is a record for its subscriber. */
  readonly webhookUrl: string | null
  /** False once it was deactivated (its endpoint is gone, or never answers) or is over. */
  readonly active: boolean
  readonly expiresAt: DateTime.Utc | null
  readonly createdAt: DateTime.Utc
}

/** A new subscription. */
export interface CreatedSubscription extends Subscription {
  /** What deliveries are signed with; shown here and never again (decision 24). */
  readonly secret: string
}

export interface CreateSubscription {
  /** This or `portfolioId`, or neither for every event. */
  readonly intentId?: string | null | undefined
  readonly portfolioId?: string | null | undefined
  /** Default: the acting agent. */
  readonly subscriberId?: string | undefined
  readonly eventTypes?: ReadonlyArray<string> | null | undefined
  /** `http` or `https`, without credentials; a private address only where the engine is configured for it. */
  readonly webhookUrl?: string | null | undefined
  /** ISO 8601, without an offset read as UTC. */
  readonly expiresAt?: string | null | undefined
  /** Default: a new one. With the prefix `whsec_` the rest is the key in base64 (Standard Webhooks). */
  readonly secret?: string | undefined
}

export interface ListSubscriptions extends PageOptions {
  readonly intentId?: string | undefined
  readonly portfolioId?: string | undefined
  readonly active?: boolean | undefined
}

/** One event on its way to one subscription (http.md 11.5). */
export interface Delivery {
  /** Made of the subscription and the event, so that retries and duplicates share it. */
  readonly id: string
  readonly subscriptionId: string
  readonly eventId: string
  /** Requests made so far. */
  readonly attempt: number
  /** `failed`: given up. */
  readonly status: "pending" | "delivered" | "failed"
  /** Of the last answer; null where there was none. */
  readonly responseStatus: number | null
  /** When it is tried again; null once it is over. */
  readonly nextAttemptAt: DateTime.Utc | null
  /** Of the first attempt. */
  readonly createdAt: DateTime.Utc
}

export interface ListDeliveries extends PageOptions {}

export class SubscriptionNotFound extends Data.TaggedError("SubscriptionNotFound")<{
  readonly subscriptionId: string
}> {
  override get message() {
    return "Subscription not found"
  }
}

/** The subscription has no such delivery. */
export class DeliveryNotFound extends Data.TaggedError("DeliveryNotFound")<{
  readonly subscriptionId: string
  readonly deliveryId: string
}> {
  override get message() {
    return "Delivery not found"
  }
}
