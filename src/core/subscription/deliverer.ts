/** Delivers webhooks in the background, in the one process that holds the claim to it (design.md 5, decision 19). */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { claim } from "../claim.ts"
import { told } from "../storageFaults.ts"
import type { Delivering } from "./worker.ts"
import { work } from "./worker.ts"
import type { WebhookSenderShape } from "./WebhookSender.ts"

/** Subscriptions read at a time. */
const pageSize = 1000
/** How often all of them are looked at; new ones are seen at every look. */
const fullLookMs = 30_000
/** Before a worker that met a fault begins again. */
const pauseAfterFault = "1 second"

/** Works again after faults, which are told in the log. */
const working = (delivering: Delivering, id: string, nudge: Latch.Latch): Effect.Effect<void> =>
  Effect.catchCause(work(delivering, id, nudge), (cause) =>
    Effect.logWarning(`webhooks of subscription ${id} were interrupted`, cause).pipe(
      Effect.andThen(Effect.sleep(pauseAfterFault)),
      Effect.andThen(Effect.suspend(() => working(delivering, id, nudge)))
    )
  )

type Parts = Omit<Delivering, "sender" | "permits">

/** A worker for each subscription that is to be delivered to. */
const makeWorkers = Effect.fnUntraced(function* (
  { storage, ...parts }: Parts,
  sender: Effect.Effect<WebhookSenderShape>
) {
  const fibers = yield* FiberMap.make<string>()
  const permits = Semaphore.makeUnsafe(parts.options.concurrency)
  const nudges = new Map<string, Latch.Latch>()
  /** Position of the last subscription that was seen. */
  let seen = 0
  let fullAtMs = 0

  /** Begins to work for a subscription, or tells its worker that something has changed. */
  const start = Effect.fnUntraced(function* (id: string) {
    const running = nudges.get(id)
    if (running !== undefined) return void running.openUnsafe()
    const nudge = Latch.makeUnsafe(false)
    nudges.set(id, nudge)
    const delivering = { ...parts, storage, permits, sender: yield* sender }
    const ended = Effect.sync(() => nudges.delete(id))
    yield* FiberMap.run(fibers, id, Effect.ensuring(working(delivering, id, nudge), ended))
  })

  const startFrom = Effect.fnUntraced(function* (position: number) {
    const found: Array<string> = []
    for (let after = position; ;) {
      const rows = yield* told(
        storage.page({
          table: "subscriptions",
          index: "delivering",
          keys: [["on"]],
          direction: "asc",
          after,
          limit: pageSize
        })
      )
      after = rows.at(-1)?.position ?? after
      for (const { record } of rows) {
        found.push(record.id)
        if (!nudges.has(record.id)) yield* start(record.id)
      }
      seen = Math.max(seen, after)
      if (rows.length < pageSize) return found
      yield* Effect.yieldNow
    }
  })

  const startAsked = Effect.gen(function* () {
    const asked = yield* told(
      storage.page({ table: "deliveries", index: "asked", keys: [["yes"]], direction: "asc", limit: pageSize })
    )
    for (const id of new Set(asked.map((row) => row.record.subscriptionId))) yield* start(id)
  })

  return {
    count: () => nudges.size,
    nudge: (id: string) => void nudges.get(id)?.openUnsafe(),
    /** Starts a worker for what is new; now and then for all that have none, and ends those with nothing to do. */
    look: Effect.gen(function* () {
      const { epochMilliseconds: now } = yield* storage.now
      const isFull = now - fullAtMs >= fullLookMs
      const found = new Set(yield* startFrom(isFull ? 0 : seen))
      if (isFull) {
        fullAtMs = now
        for (const [id, nudge] of nudges) if (!found.has(id)) nudge.openUnsafe()
      }
      yield* startAsked
    }),
    stop: Effect.andThen(
      FiberMap.clear(fibers),
      Effect.sync(() => {
        seen = 0
        fullAtMs = 0
      })
    )
  }
})

type Changed = (subscriptionId: string) => void

const nobody: Changed = () => {}

/**
 * Delivers until the scope closes, if there is a sender. Answers what is to be called with the id of a
 * subscription that this process has changed; what others change is looked for now and then.
 */
export const makeDeliverer = (
  parts: Parts,
  sender: Effect.Effect<WebhookSenderShape> | undefined,
  owner: string
): Effect.Effect<Changed, never, Scope.Scope> =>
  Effect.gen(function* (): Effect.fn.Return<Changed, never, Scope.Scope> {
    if (sender === undefined) return nobody
    const { commands, options, storage } = parts
    const workers = yield* makeWorkers(parts, sender)
    const wake = Latch.makeUnsafe(false)
    const claimMs = Duration.toMillis(options.claimDuration)
    let heldUntilMs = 0

    const hasWork = Effect.gen(function* () {
      if (workers.count() > 0) return true
      const subscribed = yield* storage.count({ table: "subscriptions", index: "delivering", keys: [["on"]] }, 1)
      return subscribed > 0 || (yield* storage.count({ table: "deliveries", index: "asked", keys: [["yes"]] }, 1)) > 0
    })

    /** Whether this process is the one that delivers; with nothing to deliver, none is. */
    const isOurs = Effect.gen(function* () {
      const { epochMilliseconds: now } = yield* storage.now
      if (heldUntilMs - now > (claimMs * 2) / 3) return true
      if (!(yield* told(hasWork))) return false
      heldUntilMs = (yield* claim(commands, "delivery", owner, options.claimDuration)) ? now + claimMs : 0
      return heldUntilMs > 0
    })

    /** A claim that could not be renewed holds until its end. */
    const stopIfLapsed = Effect.flatMap(storage.now, ({ epochMilliseconds }) =>
      epochMilliseconds < heldUntilMs ? Effect.void : workers.stop
    )
    const turn = Effect.flatMap(isOurs, (ours) => (ours ? workers.look : workers.stop)).pipe(
      Effect.catchCause((cause) =>
        Effect.andThen(Effect.logWarning("webhooks were not looked after", cause), stopIfLapsed)
      )
    )
    yield* Effect.addFinalizer(() =>
      heldUntilMs === 0 ? Effect.void : Effect.ignore(claim(commands, "delivery", owner, Duration.zero))
    )
    yield* wake.close.pipe(
      Effect.andThen(turn),
      Effect.andThen(Effect.timeoutOption(wake.await, options.lookInterval)),
      Effect.forever,
      Effect.forkScoped
    )
    return (subscriptionId) => {
      workers.nudge(subscriptionId)
      wake.openUnsafe()
    }
  })
