/** Writes the end of leases that are over, within a second and once, whoever else sweeps (semantics 3.7, decision 19). */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { CommandsShape } from "../Commands.ts"
import type { EngineOptions } from "../EngineOptions.ts"
import type { EngineError } from "../Errors.ts"
import { unchanged } from "../Aggregate.ts"
import type { StorageShape } from "../Storage.ts"
import { told } from "../storageFaults.ts"
import type { Claim } from "../tables.ts"
import { decideExpire } from "./rules.ts"

/** Leases looked at in one go. */
const sweepMax = 500

/** One pass: whether some are due, whether this process has the claim, and their ends. */
const sweep = (
  storage: StorageShape,
  commands: CommandsShape,
  owner: string,
  options: EngineOptions
): Effect.Effect<void, EngineError> =>
  Effect.gen(function* () {
    const now = yield* storage.now
    // Those before the next millisecond: what is not due is not read.
    const due = yield* told(
      storage.page({
        table: "leases",
        index: "due",
        keys: [["active"]],
        direction: "desc",
        after: now.epochMilliseconds + 1,
        limit: sweepMax
      })
    )
    if (due.length === 0) return
    const isOurs = yield* commands.executeWide({
      intentId: undefined,
      gather: (on) =>
        Effect.zipWith(on.revisions("claims", ["sweep"]), on.get("claims", ["sweep"]), ([revision = 0], [claim]) => ({
          claim,
          revision
        })),
      decide: ({ claim, revision }, env) => {
        if (claim !== undefined && claim.owner !== owner && DateTime.isLessThan(env.now, claim.until)) {
          return Result.succeed(unchanged(false))
        }
        const record: Claim = { work: "sweep", owner, until: DateTime.addDuration(env.now, options.sweepInterval) }
        return Result.succeed({
          value: true,
          writes: [{ _tag: "Put", table: "claims", record, before: claim }],
          events: [],
          guards: [{ table: "claims", key: "sweep", expected: revision, next: revision + 1 }]
        })
      }
    })
    if (!isOurs) return
    const intentIds = [...new Set(due.map((row) => row.record.intentId))]
    // One that cannot be written is no reason to leave the others.
    const ended = yield* Effect.forEach(
      intentIds,
      (intentId) => Effect.result(commands.execute({ intentId, decide: decideExpire })),
      { concurrency: 64 }
    )
    const failed = ended.find(Result.isFailure)
    if (failed !== undefined) return yield* failed.failure
    if (due.length === sweepMax) yield* sweep(storage, commands, owner, options)
  })

/** Sweeps for ever. A fault of the storage is told in the log and tried again at the next turn. */
export const sweeping = (
  storage: StorageShape,
  commands: CommandsShape,
  owner: string,
  options: EngineOptions
): Effect.Effect<never> =>
  sweep(storage, commands, owner, options).pipe(
    Effect.catchCause((cause) => Effect.logWarning("leases were not swept", cause)),
    Effect.andThen(Effect.sleep(options.sweepInterval)),
    Effect.forever
  )
