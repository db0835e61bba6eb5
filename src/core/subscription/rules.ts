/** Who hears of what, and what creating, removing and asking again do (http.md 11, semantics 9). Pure. */
import * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"
import type { Decision, Guard, Write } from "../Aggregate.ts"
import type { Env } from "../Env.ts"
import type { LogEvent } from "../event/LogEvent.ts"
import { systemEvent } from "../event/LogEvent.ts"
import { IntentNotFound } from "../intent/IntentErrors.ts"
import { PortfolioNotFound } from "../portfolio/PortfolioErrors.ts"
import type { SubscriptionFields } from "./input.ts"
import type { Subscription } from "./Subscription.ts"
import { DeliveryNotFound, SubscriptionNotFound } from "./Subscription.ts"
import type { StoredDelivery, StoredSubscription } from "./tables.ts"

export const isActiveAt = (
  { active, expiresAt }: Pick<Subscription, "active" | "expiresAt">,
  now: DateTime.Utc
): boolean => active && (expiresAt === null || DateTime.isLessThan(now, expiresAt))

/** What is shown of it: everything but the secret and what delivery keeps. */
export const shownAt = (now: DateTime.Utc, stored: StoredSubscription): Subscription => {
  const { createdAt, eventTypes, expiresAt, id, intentId, portfolioId, subscriberId, webhookUrl } = stored
  const active = isActiveAt(stored, now)
  return { id, subscriberId, intentId, portfolioId, eventTypes, webhookUrl, active, expiresAt, createdAt }
}

/** They tell that a webhook did not get through: telling it by webhook would not get through either, or make more of them. */
const neverDelivered: ReadonlySet<string> = new Set(["webhook_failed", "webhook_disabled"])

/** Whether an event of its scope is one that the subscription is told of. Its own creation is none: it begins after that. */
export const matches = (
  { eventTypes, expiresAt, id }: Pick<Subscription, "id" | "eventTypes" | "expiresAt">,
  { createdAt, payload, type }: Pick<LogEvent, "createdAt" | "payload" | "type">
): boolean =>
  !neverDelivered.has(type) &&
  (expiresAt === null || DateTime.isLessThan(createdAt, expiresAt)) &&
  (eventTypes.length === 0 || eventTypes.includes(type)) &&
  !(type === "subscription_created" && payload["subscription_id"] === id)

/** A subscription and the revision it was read at. */
export interface VersionedSubscription {
  readonly stored: StoredSubscription
  readonly revision: number
}

const guardOf = (key: string, expected: number): Guard => ({
  table: "subscriptions",
  key,
  expected,
  next: expected + 1
})

/** The subscription must be as it was read, and moves on by one. */
export const moveSubscriptionOn = ({ revision, stored }: VersionedSubscription): Guard => guardOf(stored.id, revision)

export const putSubscription = (record: StoredSubscription, before: StoredSubscription | undefined): Write => ({
  _tag: "Put",
  table: "subscriptions",
  record,
  before
})

export const putDelivery = (record: StoredDelivery, before: StoredDelivery | undefined): Write => ({
  _tag: "Put",
  table: "deliveries",
  record,
  before
})

export interface CreationFacts {
  /** Whether the intent and the portfolio that it names exist. */
  readonly intentExists: boolean
  readonly portfolioExists: boolean
  /** Of the last event in the log. */
  readonly lastPosition: number
}

export const decideCreate = (
  { intentExists, lastPosition, portfolioExists }: CreationFacts,
  fields: SubscriptionFields,
  secret: string,
  env: Env
): Result.Result<Decision<StoredSubscription>, IntentNotFound | PortfolioNotFound> => {
  const { actor, eventTypes, expiresAt, intentId, portfolioId, subscriberId, webhookUrl } = fields
  if (intentId !== null && !intentExists) return Result.fail(new IntentNotFound({ intentId }))
  if (portfolioId !== null && !portfolioExists) return Result.fail(new PortfolioNotFound({ portfolioId }))
  const record: StoredSubscription = {
    id: env.newId(),
    subscriberId,
    intentId,
    portfolioId,
    eventTypes,
    webhookUrl: webhookUrl?.href ?? null,
    active: true,
    expiresAt,
    createdAt: env.now,
    secret,
    cursor: lastPosition,
    giveUps: 0
  }
  return Result.succeed({
    value: record,
    writes: [putSubscription(record, undefined)],
    events:
      intentId === null
        ? [] // Portfolios have no log, and neither has everything (decision 23).
        : [systemEvent(env, intentId, "subscription_created", actor, { subscription_id: record.id })],
    guards: [guardOf(record.id, 0)]
  })
}

export interface RemovalFacts {
  readonly found: VersionedSubscription | undefined
  /** Some of its deliveries. */
  readonly deliveries: ReadonlyArray<StoredDelivery>
  /** There are no others. */
  readonly areAll: boolean
}

export interface RemoveCommand {
  readonly subscriptionId: string
  readonly actor: string
}

/**
 * Takes away deliveries, and with the last of them the subscription; it delivers no more from the first step on. False:
 * to be done again for the rest.
 */
export const decideRemove = (
  { areAll, deliveries, found }: RemovalFacts,
  { actor, subscriptionId }: RemoveCommand,
  env: Env
): Result.Result<Decision<boolean>, SubscriptionNotFound> => {
  if (found === undefined) return Result.fail(new SubscriptionNotFound({ subscriptionId }))
  const { stored } = found
  const own: Write = areAll
    ? { _tag: "Remove", table: "subscriptions", before: stored }
    : putSubscription({ ...stored, active: false }, stored)
  return Result.succeed({
    value: areAll,
    writes: [...deliveries.map((before): Write => ({ _tag: "Remove", table: "deliveries", before })), own],
    events:
      areAll && stored.intentId !== null
        ? [systemEvent(env, stored.intentId, "subscription_removed", actor, { subscription_id: subscriptionId })]
        : [],
    guards: [moveSubscriptionOn(found)]
  })
}

export interface DeliveryFacts {
  readonly found: VersionedSubscription | undefined
  readonly delivery: StoredDelivery | undefined
}

/** Asks for another attempt, now, whatever the state of the delivery and of its subscription. */
export const decideRedeliver = (
  { delivery, found }: DeliveryFacts,
  { deliveryId, subscriptionId }: { readonly subscriptionId: string; readonly deliveryId: string },
  env: Env
): Result.Result<Decision<StoredDelivery>, SubscriptionNotFound | DeliveryNotFound> => {
  if (found === undefined) return Result.fail(new SubscriptionNotFound({ subscriptionId }))
  if (delivery === undefined || delivery.subscriptionId !== subscriptionId)
    return Result.fail(new DeliveryNotFound({ subscriptionId, deliveryId }))
  const record: StoredDelivery = { ...delivery, status: "pending", nextAttemptAt: env.now, asked: true }
  return Result.succeed({
    value: record,
    writes: [putDelivery(record, delivery), putSubscription(found.stored, found.stored)],
    events: [],
    guards: [moveSubscriptionOn(found)]
  })
}
