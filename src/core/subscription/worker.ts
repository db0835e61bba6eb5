/**
 * Delivers to one subscription: what its scope tells, in the order of the log, one request at a time (semantics 9.2).
 * All it needs to go on is stored, so it may end at any moment, and another one goes on elsewhere.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Latch from "effect/Latch"
import * as Metric from "effect/Metric"
import * as Pull from "effect/Pull"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import type { CommandsShape } from "../Commands.ts"
import type { EngineError } from "../Errors.ts"
import type { LogEvent } from "../event/LogEvent.ts"
import { webhookAge, webhookAttempts } from "../metrics.ts"
import type { Events } from "../OpenIntent.ts"
import type { StorageShape } from "../Storage.ts"
import { told } from "../storageFaults.ts"
import type { Progress } from "./attempts.ts"
import { decideAttempt, decideEnd, decidePass, isInTurn, verdictOf } from "./attempts.ts"
import { gatherDelivery, readSubscription } from "./facts.ts"
import type { WebhookOptions } from "./options.ts"
import { prune } from "./pruning.ts"
import { matches } from "./rules.ts"
import { deliveryIdOf, signedHeaders } from "./signing.ts"
import type { StoredSubscription } from "./tables.ts"
import type { WebhookSenderShape } from "./WebhookSender.ts"

/** What all workers share. */
export interface Delivering {
  readonly storage: StorageShape
  readonly commands: CommandsShape
  readonly follow: Events["follow"]
  readonly sender: WebhookSenderShape
  readonly options: WebhookOptions
  /** One for each request under way. */
  readonly permits: Semaphore.Semaphore
}

/** Events of no concern that are passed over until the cursor is written. */
const passedMax = 1000
/** Deliveries that are made until it is looked whether old ones can be forgotten. */
const pruneAfter = 200
/** Deliveries asked for again that are read at a time. */
const askedMax = 100
/** How long after its end a subscription is still read for: what was committed just before may not have been seen. */
const graceMs = 1000
/** A timer may not be longer than this. */
const sleepMaxMs = 24 * 60 * 60 * 1000

/** Before what became of a request is written again, where the storage could not. */
const pauseAfterFault = "1 second"

/** While the storage cannot write, it is this that waits: sent again, every second would bring the endpoint a twin. */
const isPassing = (error: EngineError): boolean => error._tag !== "StorageUnavailable" || error.reason !== "closed"

/** One request, and what became of it. Nothing but the end of this process interrupts it. */
const attempt = Effect.fnUntraced(function* (
  { commands, options, permits, sender, storage }: Delivering,
  { id, secret, webhookUrl }: StoredSubscription,
  event: LogEvent,
  deliveryId: string,
  number: number
) {
  if (webhookUrl === null) return "superseded" satisfies Progress
  const body = sender.body(id, event)
  const send = Effect.gen(function* () {
    // Not the storage's time, which may be ahead where the clock was set back: receivers compare it with theirs.
    const epochMillis = yield* Clock.currentTimeMillis
    const headers = yield* signedHeaders({
      secret,
      deliveryId,
      eventType: event.type,
      attempt: number,
      epochMillis,
      body
    })
    return yield* sender.send({ url: webhookUrl, headers, body, timeout: options.timeout })
  })
  const answer = yield* permits.withPermit(send).pipe(
    Effect.catchTag("SendFailed", ({ message }) =>
      Effect.as(Effect.logDebug(`webhook ${deliveryId}, attempt ${number}: ${message}`), {
        status: null,
        retryAfter: undefined
      })
    )
  )
  const verdict = verdictOf(answer.status)
  yield* Metric.update(webhookAttempts(verdict), 1)
  if (verdict === "delivered") {
    const { epochMilliseconds } = yield* storage.now
    yield* Metric.update(webhookAge, Math.max(0, epochMilliseconds - event.createdAt.epochMilliseconds) / 1000)
  }
  const jitter = yield* Random.next
  return yield* commands
    .executeWide({
      intentId: id,
      gather: gatherDelivery(id, deliveryId),
      decide: (facts, env) => decideAttempt(facts, { deliveryId, event, number, jitter, ...answer }, options, env)
    })
    .pipe(Effect.retry({ while: isPassing, schedule: Schedule.spaced(pauseAfterFault) }))
})

/** Makes the attempts that somebody asked for, of events whose turn is over. */
const deliverAsked = Effect.fnUntraced(function* (delivering: Delivering, stored: StoredSubscription) {
  const { storage } = delivering
  const rows = yield* told(
    storage.page({ table: "deliveries", index: "asked", keys: [["yes", stored.id]], direction: "asc", limit: askedMax })
  )
  for (const { record } of rows) {
    if (isInTurn(stored, record.position)) continue // It is tried next anyway.
    const [row] = yield* told(
      storage.page({
        table: "events",
        index: "all",
        keys: [[]],
        direction: "asc",
        after: record.position - 1,
        limit: 1
      })
    )
    if (row !== undefined) yield* attempt(delivering, stored, row.record, record.id, record.attempt + 1)
  }
})

/** Until then or until it is nudged. */
const wait = (millis: number, nudge: Latch.Latch) => Effect.timeoutOption(nudge.await, Math.min(millis, sleepMaxMs))

/** Delivers one event: tries until it is through or given up. False: others went on, or there is no more to do. */
const deliver = Effect.fnUntraced(function* (delivering: Delivering, id: string, event: LogEvent, nudge: Latch.Latch) {
  const { storage } = delivering
  const deliveryId = yield* deliveryIdOf(id, event)
  for (;;) {
    yield* nudge.close
    const { delivery, found } = yield* told(gatherDelivery(id, deliveryId)(storage))
    if (found === undefined || !isInTurn(found.stored, event.position)) return false
    yield* deliverAsked(delivering, found.stored)
    const { epochMilliseconds: now } = yield* storage.now
    const waitMs = (delivery?.nextAttemptAt?.epochMilliseconds ?? now) - now
    if (waitMs > 0) {
      yield* wait(waitMs, nudge)
      continue
    }
    const progress = yield* attempt(delivering, found.stored, event, deliveryId, (delivery?.attempt ?? 0) + 1)
    if (progress === "next") return true
    if (progress === "superseded") return false
  }
})

/** Until a subscription is over, and a little longer, for what is in the log already. */
const untilOver = (storage: StorageShape, { expiresAt }: Pick<StoredSubscription, "expiresAt">): Effect.Effect<void> =>
  expiresAt === null
    ? Effect.never
    : Effect.flatMap(storage.now, (now) => {
        const waitMs = Math.max(expiresAt.epochMilliseconds - now.epochMilliseconds, 0) + graceMs
        return waitMs <= sleepMaxMs
          ? Effect.sleep(waitMs)
          : Effect.andThen(Effect.sleep(sleepMaxMs - graceMs), untilOver(storage, { expiresAt }))
      })

const isLongOver = ({ expiresAt }: StoredSubscription, { createdAt }: LogEvent): boolean =>
  expiresAt !== null && createdAt.epochMilliseconds > expiresAt.epochMilliseconds + graceMs

/** What cannot be forgotten now can be later; it is no reason not to deliver. */
const pruning = ({ commands, options, storage }: Delivering, id: string): Effect.Effect<void> =>
  Effect.catchCause(prune(storage, commands, options, id), (cause) =>
    Effect.logWarning(`old deliveries of subscription ${id} were not forgotten`, cause)
  )

/** `over`: it has expired, and all before that is delivered. `look`: something changed. */
type SessionEnd = "over" | "look"

/** Reads on from the cursor and delivers, until something changes. */
const session = Effect.fnUntraced(function* (delivering: Delivering, stored: StoredSubscription, nudge: Latch.Latch) {
  const { commands, follow, storage } = delivering
  const { cursor, id, intentId, portfolioId } = stored
  let passed = cursor
  let unwritten = 0
  let delivered = 0

  const writePassed: Effect.Effect<void, EngineError> = Effect.suspend(() => {
    if (unwritten === 0) return Effect.void
    unwritten = 0
    return commands.executeWide({
      intentId: id,
      gather: (on) => readSubscription(on, id),
      decide: (found) => decidePass(found, passed)
    })
  })

  // A portfolio's or an intent's own; neither: every event.
  const scope = {
    ...(intentId === null ? undefined : { intentId }),
    ...(portfolioId === null ? undefined : { portfolioId })
  }
  const pull = yield* Stream.toPull(follow({ ...scope, after: cursor }))
  const ended: Effect.Effect<SessionEnd> = Effect.raceFirst(
    Effect.as(nudge.await, "look" as const),
    Effect.as(untilOver(storage, stored), "over" as const)
  )
  const next = Effect.raceFirst(
    Pull.catchDone(pull, () => Effect.succeed("look" as const)),
    ended
  )
  yield* Effect.addFinalizer(() => Effect.ignore(writePassed))
  for (;;) {
    const events: ReadonlyArray<LogEvent> | SessionEnd = yield* next
    if (typeof events === "string") return events
    for (const event of events) {
      if (isLongOver(stored, event)) return "over"
      const isMatch = matches(stored, event)
      if (isMatch && !(yield* deliver(delivering, id, event, nudge))) return "look"
      if (isMatch && ++delivered % pruneAfter === 0) yield* pruning(delivering, id)
      passed = event.position
      unwritten = isMatch ? 0 : unwritten + 1
      if (unwritten >= passedMax) yield* writePassed
    }
  }
}, Effect.scoped)

/** Works for one subscription until it is removed, over or deactivated. `nudge` is opened when it was changed. */
export const work = Effect.fnUntraced(function* (delivering: Delivering, id: string, nudge: Latch.Latch) {
  const { commands, storage } = delivering
  yield* pruning(delivering, id)
  for (;;) {
    yield* nudge.close
    const [stored] = yield* told(storage.get("subscriptions", [id]))
    if (stored === undefined) return
    yield* deliverAsked(delivering, stored)
    if (!stored.active || stored.webhookUrl === null) return
    const end = yield* session(delivering, stored, nudge)
    if (end === "over") {
      return yield* commands.executeWide({
        intentId: id,
        gather: (on) => readSubscription(on, id),
        decide: decideEnd
      })
    }
  }
})
