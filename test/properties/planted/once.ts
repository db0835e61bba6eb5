/** Bugs in calls with keys. */
import * as Effect from "effect/Effect"
import type { Commit, StorageShape } from "../../../src/core/Storage.ts"
import { CurrentAgent } from "../../../src/core/CurrentAgent.ts"
import { CurrentKey } from "../../../src/core/receipt/KeyedCall.ts"
import type { CreateIntent } from "../../../src/core/intent/Intent.ts"
import { overStorage, type PlantedBug, withMethods } from "./engines.ts"

const isReceipt = ({ table }: { readonly table: string }): boolean => table === "receipts"

/** The same commit without receipts, and the receipts alone. */
const parted = (commit: Commit): readonly [others: Commit, receipts: Commit] => [
  {
    ...commit,
    guards: commit.guards.filter((guard) => !isReceipt(guard)),
    writes: commit.writes.filter((write) => !isReceipt(write))
  },
  { guards: commit.guards.filter(isReceipt), writes: commit.writes.filter(isReceipt), events: [], counters: new Map() }
]

const hasReceipt = ({ writes }: Commit): boolean => writes.some(isReceipt)

const committing =
  (commit: (storage: StorageShape, given: Commit) => ReturnType<StorageShape["commit"]>) =>
  (storage: StorageShape) => ({
    commit: (given: Commit) => (hasReceipt(given) ? commit(storage, given) : storage.commit(given))
  })

export const onceBugs: ReadonlyArray<PlantedBug> = [
  {
    name: "no receipt is stored",
    foundBy: ["once", "same answer"],
    engine: overStorage(committing((storage, commit) => storage.commit(parted(commit)[0])))
  },
  {
    name: "a receipt is stored after the change, in a commit of its own",
    foundBy: ["once"],
    engine: overStorage(
      committing((storage, commit) => {
        const [change, receipt] = parted(commit)
        return Effect.tap(storage.commit(change), () =>
          Effect.andThen(Effect.yieldNow, Effect.ignore(storage.commit(receipt)))
        )
      })
    )
  },
  {
    name: "the receipt has no guard, so that twins do not see each other",
    foundBy: ["once"],
    engine: overStorage((storage) => {
      const kept = new Set<string>()
      return committing((storage, commit) => {
        const [change, receipt] = parted(commit)
        const [write] = receipt.writes
        const isNew = write?._tag === "Put" && write.table === "receipts" && !kept.has(write.record.key)
        if (write?._tag === "Put" && write.table === "receipts") kept.add(write.record.key)
        return Effect.andThen(Effect.yieldNow, storage.commit(isNew ? commit : change))
      })(storage)
    })
  },
  {
    name: "what a key came with is not looked at",
    foundBy: ["key reused"],
    engine: withMethods(({ intents }) => {
      const first = new Map<string, CreateIntent>()
      return {
        intents: {
          create: (input) =>
            Effect.gen(function* () {
              const name = `${yield* CurrentAgent} ${yield* CurrentKey}`
              const known = first.get(name) ?? input
              first.set(name, known)
              return yield* intents.create(known)
            })
        }
      }
    })
  },
  {
    name: "the answer is read anew",
    foundBy: ["same answer"],
    engine: withMethods(({ intents }) => ({
      intents: {
        patchState: (intentId, input) => Effect.andThen(intents.patchState(intentId, input), intents.get(intentId))
      }
    }))
  }
]
