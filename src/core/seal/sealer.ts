/**
 * Seals the log behind its writers: hashes events in the order of their positions, chained for each intent, within a
 * second of their commits. One process does it for a file; all it needs to go on is stored.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Metric from "effect/Metric"
import { claim } from "../claim.ts"
import type { CommandsShape } from "../Commands.ts"
import type { EngineError } from "../Errors.ts"
import type { HubShape } from "../event/Hub.ts"
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
/** Events of a page of the log, hashed between two turns of the others: in a third of a millisecond. */
const pageSize = 256
/** How long the claim holds after its owner crashed. It is renewed in half the time. */
const hold = Duration.seconds(2)
/** After so many intervals without an event, it is enough to look now and then. */
const quietMax = 12
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
  const now = Effect.map(storage.now, (time) => time.epochMilliseconds) // Does not go back, as clocks do.
  let claimedAt = yield* now
  const wanted = yield* Latch.make()
  let fault: EngineError | undefined
  yield* hub.listen
  yield* Effect.addFinalizer(() => Effect.sync(() => hub.observe(undefined)))

  const learn = Effect.gen(function* () {
    for (let unknown = growing.unknown; unknown.length > 0; unknown = growing.unknown) {
      const heads = yield* storage.get("sealHeads", unknown)
      for (const [i, intentId] of unknown.entries()) growing.learn(intentId, heads[i])
    }
  })

  /** False: others have taken over, and what was hashed here since is of no use. */
  const write = Effect.gen(function* () {
    const at = yield* now
    if (at - claimedAt >= Duration.toMillis(hold) / 2) {
      if (!(yield* claim(commands, work, owner, hold))) return false
      claimedAt = at
    }
    yield* learn
    const next = { log: sealedLog, through } as const
    const guard = { table: "sealed", key: sealedLog, expected: revision, next: revision + 1 } as const
    yield* storage.commit({
      guards: [guard],
      writes: [...growing.take(), { _tag: "Put", table: "sealed", record: next, before: record }],
      events: [],
      counters: new Map()
    })
    yield* Metric.update(sealedPosition, next.through)
    record = next
    revision = guard.next
    return true
  }).pipe(Effect.catchTag("StaleRevision", () => Effect.succeed(false)))

  const readPage = Effect.gen(function* () {
    const page = { table: "events", index: "all", keys: [[]], direction: "asc", limit: pageSize } as const
    const rows = yield* storage.page({ ...page, after: through })
    for (const { position, record } of rows) growing.add(record, position)
    through = rows.at(-1)?.position ?? hub.position() // Whatever is missing there was taken away.
    yield* Effect.yieldNow
  })

  while (through < hub.position()) {
    yield* told(readPage)
    if (growing.isLarge && !(yield* told(write))) return
  }
  // At once, so that nothing comes between what was read and what is seen.
  hub.observe({
    see: (event, position) => {
      if (position <= through) return
      growing.add(event, position)
      through = position
      if (growing.isLarge) wanted.openUnsafe()
    },
    fail: (error) => {
      fault = error
      wanted.openUnsafe()
    }
  })

  if (!growing.isEmpty && !(yield* told(write))) return
  for (let quiet = 0; quiet < quietMax; quiet++) {
    yield* Effect.timeoutOption(wanted.await, interval)
    wanted.closeUnsafe()
    if (fault !== undefined) return yield* Effect.fail(fault)
    if (growing.isEmpty) continue
    quiet = 0
    if (!(yield* told(write))) return
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
