/** What an answer means, when it is tried again, and when no more (http.md 11.4, decision 24). Pure. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import type { Decision } from "../Aggregate.ts"
import { unchanged } from "../Aggregate.ts"
import type { Env } from "../Env.ts"
import type { LogEvent } from "../event/LogEvent.ts"
import { automaticEvent } from "../event/LogEvent.ts"
import type { WebhookOptions } from "./options.ts"
import type { DeliveryFacts } from "./rules.ts"
import { moveSubscriptionOn, putDelivery, putSubscription } from "./rules.ts"
import type { StoredDelivery, StoredSubscription } from "./tables.ts"

/** `gone`: the endpoint wants no more, ever. A redirect is a failure like any other. */
export type Verdict = "delivered" | "gone" | "failed"

/** `status` is null where no answer came. */
export const verdictOf = (status: number | null): Verdict =>
  status === null ? "failed" : status >= 200 && status < 300 ? "delivered" : status === 410 ? "gone" : "failed"

/** `Retry-After` in milliseconds: seconds, or a date of HTTP. 0 where it is neither, or over. */
const retryAfterMs = (header: string | undefined, now: DateTime.Utc): number => {
  const text = header?.trim() ?? ""
  if (/^\d+$/.test(text)) return Number(text) * 1000
  const date = /^[A-Z][a-z]{2,8},? /.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(date) ? 0 : Math.max(0, date - now.epochMilliseconds)
}

/** How far a wait is spread to both sides. */
const jitterShare = 0.2

/** Milliseconds to wait after an attempt that failed. `jitter` is from 0 to 1. */
export const delayMsAfter = (
  attempt: number,
  jitter: number,
  retryAfter: string | undefined,
  now: DateTime.Utc,
  options: Pick<WebhookOptions, "delay" | "delayMax">
): number => {
  const max = Duration.toMillis(options.delayMax)
  const wait = Math.min(Duration.toMillis(options.delay) * 2 ** (attempt - 1), max)
  const spread = wait * (1 - jitterShare + 2 * jitterShare * jitter)
  return Math.round(Math.max(spread, Math.min(retryAfterMs(retryAfter, now), max)))
}

/** A request that was made, and how it ended. */
export interface Attempt {
  readonly deliveryId: string
  readonly event: LogEvent
  /** From 1. */
  readonly number: number
  readonly status: number | null
  readonly retryAfter: string | undefined
  /** From 0 to 1, by chance. */
  readonly jitter: number
}

/** `again`: later. `next`: this one is over. `superseded`: others went on meanwhile, or there is no more to do. */
export type Progress = "again" | "next" | "superseded"

/** Its turn in the order of the log has not been yet; else somebody asked for it once more. */
export const isInTurn = ({ active, cursor }: StoredSubscription, position: number): boolean =>
  active && position > cursor

/**
 * Writes an attempt down, with the cursor where the event is over. An attempt that somebody asked for is made once and
 * moves no cursor. One whose number is not the next comes from a process that was overtaken: it changes nothing.
 */
export const decideAttempt = (
  { delivery, found }: DeliveryFacts,
  { deliveryId, event, jitter, number, retryAfter, status }: Attempt,
  options: WebhookOptions,
  env: Env
): Result.Result<Decision<Progress>> => {
  if (found === undefined || (delivery?.attempt ?? 0) !== number - 1) return Result.succeed(unchanged("superseded"))
  const { stored } = found
  const inTurn = isInTurn(stored, event.position)
  if (!inTurn && delivery?.asked !== true) return Result.succeed(unchanged("superseded"))
  const verdict = verdictOf(status)
  const again = inTurn && verdict === "failed" && number < options.attempts
  const record: StoredDelivery = {
    id: deliveryId,
    subscriptionId: stored.id,
    eventId: event.id,
    position: event.position,
    attempt: number,
    status: again ? "pending" : verdict === "delivered" ? "delivered" : "failed",
    responseStatus: status,
    nextAttemptAt: again
      ? DateTime.add(env.now, { milliseconds: delayMsAfter(number, jitter, retryAfter, env.now, options) })
      : null,
    createdAt: delivery?.createdAt ?? env.now,
    asked: false
  }
  const giveUps = !inTurn || again ? stored.giveUps : verdict === "delivered" ? 0 : stored.giveUps + 1
  const isGivenUp = inTurn && verdict === "failed" && !again
  const disabled = !stored.active
    ? undefined
    : verdict === "gone"
      ? "gone"
      : isGivenUp && giveUps >= options.giveUpsMax
        ? "failing"
        : undefined
  const after: StoredSubscription = {
    ...stored,
    active: stored.active && disabled === undefined,
    cursor: inTurn && !again ? event.position : stored.cursor,
    giveUps
  }
  const about = { subscription_id: stored.id, event_id: event.id }
  return Result.succeed({
    value: again ? "again" : "next",
    writes: [putDelivery(record, delivery), putSubscription(after, stored)],
    events: [
      ...(isGivenUp
        ? [automaticEvent(env, event.intentId, "webhook_failed", { ...about, attempts: number, last_status: status })]
        : []),
      ...(disabled === undefined
        ? []
        : [
            automaticEvent(env, event.intentId, "webhook_disabled", { ...about, reason: disabled, last_status: status })
          ])
    ],
    guards: [moveSubscriptionOn(found)]
  })
}

/** Moves the cursor over events that do not concern the subscription. */
export const decidePass = (found: DeliveryFacts["found"], position: number): Result.Result<Decision<void>> => {
  if (found === undefined || !isInTurn(found.stored, position)) return Result.succeed(unchanged(undefined))
  return Result.succeed({
    value: undefined,
    writes: [putSubscription({ ...found.stored, cursor: position }, found.stored)],
    events: [],
    guards: [moveSubscriptionOn(found)]
  })
}

/** A subscription that is over is written so: nobody has to look at it again. */
export const decideEnd = (found: DeliveryFacts["found"]): Result.Result<Decision<void>> => {
  if (found === undefined || !found.stored.active) return Result.succeed(unchanged(undefined))
  return Result.succeed({
    value: undefined,
    writes: [putSubscription({ ...found.stored, active: false }, found.stored)],
    events: [],
    guards: [moveSubscriptionOn(found)]
  })
}
