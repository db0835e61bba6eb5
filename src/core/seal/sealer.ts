/**
 * Seals the log behind its writers: hashes events in the order of their positions, chained for each intent, within a
 * second of their commits. One process does it for a file; all it needs to go on is stored.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import { claim } from "../claim.ts"
import type { CommandsShape } from "../Commands.ts"
import type { EngineError } from "../Errors.ts"
import { Follower } from "../event/Follower.ts"
import type { HubShape } from "../event/Hub.ts"
import type { LogEvent } from "../event/LogEvent.ts"
import { sealedPosition } from "../metrics.ts"
import type { StorageShape } from "../Storage.ts"
import { told } from "../storageFaults.ts"
import { everAgain } from "../sweeping.ts"
import { GrowingSeals } from "./Growing.ts"
import type { Digest } from "./Sha256.ts"
import { sealedLog } from "./tables.ts"

export interface Sealing {
  readonly storage: StorageShape
  readonly commands: CommandsShape
  readonly hub: HubShape
  readonly sha256: Digest
  /** This process. */
  readonly owner: string
}

/** How often seals are written while events come, and how soon it is seen that some have come. */
const interval = Duration.millis(400)
/** Events gather this long before they are hashed, so that a wake-up serves many. */
const gathering = Duration.millis(5)
/** Events hashed between two turns of the others: a third of a millisecond. */
const chunkSize = 256
/** How long the claim holds after its owner crashed. It is renewed in half the time. */
const hold = Duration.seconds(2)
/** After so long without an event, it is enough to look now and then. */
const idleAfter = Duration.seconds(5)
/** Names the claim. */
const work = "sealing"

/** How far the log is sealed, and the revision that guards it. */
const readSealed = (storage: StorageShape) =>
  Effect.gen(function* () {
    const [revision = 0] = yield* storage.revisions("sealed", [sealedLog])
    const [record] = yield* storage.get("sealed", [sealedLog])
    return { revision, record }
  })

/** Seals from where the log is sealed, until nothing comes, another process does it, or the storage fails. */
const session = Effect.fnUntraced(function* ({ commands, hub, owner, sha256, storage }: Sealing) {
  let { record, revision } = yield* told(readSealed(storage))
  const growing = new GrowingSeals(sha256)
  let through = record?.through ?? 0
  let writtenAt = 0
  const now = Effect.map(storage.now, (time) => time.epochMilliseconds) // Does not go back, as clocks do.
  let claimedAt = yield* now
  yield* hub.listen
  const follower = yield* Effect.acquireRelease(
    Effect.sync(() => new Follower(hub, storage, { _tag: "Everything" }, through, undefined)),
    (follower) => Effect.sync(() => follower.leave())
  )

  const pull = Pull.catchDone(follower.pull, () => Effect.never) // It is not one that ends when it falls behind.

  /** False: others have taken over, and what was hashed here since is of no use. */
  const write = Effect.gen(function* () {
    const at = yield* now
    if (at - claimedAt >= Duration.toMillis(hold) / 2) {
      if (!(yield* claim(commands, work, owner, hold))) return false
      claimedAt = at
    }
    const next = { log: sealedLog, through } as const
    const guard = { table: "sealed", key: sealedLog, expected: revision, next: revision + 1 } as const
    yield* storage.commit({
      guards: [guard],
      writes: [...growing.take(), { _tag: "Put", table: "sealed", record: next, before: record }],
      events: [],
      counters: new Map()
    })
    yield* Metric.update(sealedPosition, through)
    record = next
    revision = guard.next
    writtenAt = yield* now
    return true
  }).pipe(Effect.catchTag("StaleRevision", () => Effect.succeed(false)))

  const add = Effect.fnUntraced(function* (events: ReadonlyArray<LogEvent>) {
    const unknown = growing.unknownOf(events)
    const heads = yield* storage.get("sealHeads", unknown)
    for (const [i, intentId] of unknown.entries()) growing.learn(intentId, heads[i])
    for (const event of events) growing.add(event)
    through = events.at(-1)?.position ?? through
    if (growing.isLarge) return yield* write
    yield* Effect.yieldNow
    return true
  })

  for (;;) {
    const waitMillis = writtenAt + Duration.toMillis(interval) - (yield* now)
    const isDue = !growing.isEmpty && waitMillis <= 0
    if (isDue && !(yield* told(write))) return
    const events = Option.getOrUndefined(
      yield* Effect.timeoutOption(pull, growing.isEmpty ? idleAfter : Duration.millis(waitMillis))
    )
    if (events === undefined) {
      if (growing.isEmpty) return
      continue
    }
    for (let i = 0; i < events.length; i += chunkSize) if (!(yield* told(add(events.slice(i, i + chunkSize))))) return
    yield* Effect.sleep(gathering)
  }
}, Effect.scoped)

/** Seals what there is, if this process is to do it. */
const seal = (sealing: Sealing): Effect.Effect<void, EngineError> =>
  Effect.gen(function* () {
    const { commands, owner, storage } = sealing
    const { record } = yield* told(readSealed(storage))
    if ((yield* told(storage.lastPosition)) <= (record?.through ?? 0)) return
    if (yield* claim(commands, work, owner, hold)) yield* session(sealing)
  })

/** Seals for ever. */
export const sealForever = (sealing: Sealing): Effect.Effect<never> =>
  everAgain("the sealing of the log", interval, seal(sealing))
