/** Forgets deliveries that are over and old, so that what a living subscription keeps does not grow for ever. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Decision, Write } from "../Aggregate.ts"
import { unchanged } from "../Aggregate.ts"
import type { CommandsShape } from "../Commands.ts"
import type { Env } from "../Env.ts"
import type { EngineError } from "../Errors.ts"
import type { StorageError, StorageShape } from "../Storage.ts"
import { told } from "../storageFaults.ts"
import { readSubscription } from "./facts.ts"
import type { WebhookOptions } from "./options.ts"
import type { VersionedSubscription } from "./rules.ts"
import { isInTurn } from "./attempts.ts"
import { moveSubscriptionOn } from "./rules.ts"
import type { StoredDelivery, StoredSubscription } from "./tables.ts"

/** Deliveries that one commit takes away. */
const removedMax = 500

type Keeping = Pick<WebhookOptions, "deliveriesKept" | "deliveriesKeptFor">

export interface PruneFacts {
  readonly found: VersionedSubscription | undefined
  /** The first ones, oldest first. */
  readonly oldest: ReadonlyArray<StoredDelivery>
  /** How many there are; counted up to those that are kept and one batch more. */
  readonly stored: number
}

const isOld = ({ createdAt }: StoredDelivery, { deliveriesKeptFor }: Keeping, now: DateTime.Utc): boolean =>
  DateTime.isLessThan(DateTime.addDuration(createdAt, deliveriesKeptFor), now)

/** Nothing is to be tried any more. */
const isOver = (stored: StoredSubscription, { asked, position, status }: StoredDelivery): boolean =>
  status !== "pending" && !asked && !isInTurn(stored, position)

/** Takes away the oldest, as long as they are old, over, and enough are left. True: there may be more of them. */
export const decidePrune = (
  { found, oldest, stored }: PruneFacts,
  keeping: Keeping,
  env: Env
): Result.Result<Decision<boolean>> => {
  if (found === undefined) return Result.succeed(unchanged(false))
  const surplus = oldest.slice(0, Math.max(0, stored - keeping.deliveriesKept))
  const firstYoung = surplus.findIndex((delivery) => !isOld(delivery, keeping, env.now))
  const removed = (firstYoung === -1 ? surplus : surplus.slice(0, firstYoung)).filter((one) =>
    isOver(found.stored, one)
  )
  if (removed.length === 0) return Result.succeed(unchanged(false))
  return Result.succeed({
    value: removed.length === removedMax,
    writes: removed.map((before): Write => ({ _tag: "Remove", table: "deliveries", before })),
    events: [],
    guards: [moveSubscriptionOn(found)]
  })
}

const rangeOf = (subscriptionId: string) =>
  ({ table: "deliveries", index: "bySubscription", keys: [[subscriptionId]] }) as const

const readOldest = (
  storage: StorageShape,
  subscriptionId: string,
  limit: number
): Effect.Effect<ReadonlyArray<StoredDelivery>, StorageError> =>
  Effect.map(storage.page({ ...rangeOf(subscriptionId), direction: "asc", limit }), (rows) =>
    rows.map((row) => row.record)
  )

/** Forgets what may be forgotten of a subscription, a batch at a time. Costs one row where that is nothing. */
export const prune = (
  storage: StorageShape,
  { executeWide }: CommandsShape,
  keeping: Keeping,
  subscriptionId: string
): Effect.Effect<void, EngineError> =>
  Effect.gen(function* () {
    const [first] = yield* told(readOldest(storage, subscriptionId, 1))
    if (first === undefined || !isOld(first, keeping, yield* storage.now)) return
    yield* executeWide({
      intentId: subscriptionId,
      gather: (on) =>
        Effect.gen(function* () {
          const found = yield* readSubscription(on, subscriptionId)
          const oldest = yield* readOldest(on, subscriptionId, removedMax)
          const stored = yield* on.count(rangeOf(subscriptionId), keeping.deliveriesKept + removedMax)
          return { found, oldest, stored }
        }),
      decide: (facts, env) => decidePrune(facts, keeping, env)
    }).pipe(Effect.repeat({ while: (more) => more }))
  })
