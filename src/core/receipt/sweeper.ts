/** Takes away receipts whose time is over, so that their table does not grow for ever. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Guard, Write } from "../Aggregate.ts"
import type { CommandsShape } from "../Commands.ts"
import type { EngineOptions } from "../EngineOptions.ts"
import type { EngineError } from "../Errors.ts"
import type { StorageShape } from "../Storage.ts"
import { told } from "../storageFaults.ts"
import { sweepForever } from "../sweeping.ts"

/** Receipts of one commit; each holds an answer, which may be large. */
const batchMax = 64

const readOver = (storage: StorageShape): Effect.Effect<ReadonlyArray<string>, EngineError> =>
  Effect.flatMap(storage.now, (now) =>
    Effect.map(
      told(
        storage.page({
          table: "receipts",
          index: "due",
          keys: [[]],
          direction: "desc",
          after: now.epochMilliseconds + 1,
          limit: batchMax
        })
      ),
      (rows) => rows.map(({ record }) => record.key)
    )
  )

/** Each only as it was found: a call that takes effect again makes a new one of it. */
const remove = ({ executeWide }: CommandsShape, keys: ReadonlyArray<string>): Effect.Effect<void, EngineError> =>
  executeWide({
    intentId: undefined,
    gather: (on) =>
      Effect.zipWith(on.revisions("receipts", keys), on.get("receipts", keys), (revisions, receipts) =>
        receipts.flatMap((receipt, i) => (receipt === undefined ? [] : [{ receipt, revision: revisions[i] ?? 0 }]))
      ),
    decide: (found, env) => {
      const over = found.filter(({ receipt }) => !DateTime.isLessThan(env.now, receipt.expiresAt))
      return Result.succeed({
        value: undefined,
        writes: over.map(({ receipt }): Write => ({ _tag: "Remove", table: "receipts", before: receipt })),
        events: [],
        guards: over.map(({ receipt: { key }, revision }): Guard => ({
          table: "receipts",
          key,
          expected: revision,
          next: revision + 1
        }))
      })
    }
  })

export const removingReceipts = (
  storage: StorageShape,
  commands: CommandsShape,
  owner: string,
  { sweepInterval: interval }: EngineOptions
): Effect.Effect<never> => {
  const due = readOver(storage)
  const handle = (keys: ReadonlyArray<string>): Effect.Effect<void, EngineError> =>
    Effect.andThen(
      remove(commands, keys),
      keys.length < batchMax ? Effect.void : Effect.flatMap(due, (more) => handle(more))
    )
  return sweepForever({ commands, owner, interval, work: "receipts", due, handle })
}
