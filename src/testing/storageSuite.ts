/** The conformance suite of the storage port: a storage that passes it can carry the engine. */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { Storage, type StorageShape } from "../core/Storage.ts"
import { type StorageCheck, violated } from "./storage/check.ts"
import { commitChecks } from "./storage/commits.ts"
import { exclusiveChecks } from "./storage/exclusively.ts"
import { storageHistories } from "./storage/histories.ts"
import { pageChecks } from "./storage/pages.ts"
import { pairChecks } from "./storage/pairs.ts"
import { readChecks } from "./storage/reads.ts"

export interface StorageSuiteOptions<E> {
  /** Opens two storages over the same, empty data, as two processes would. Without it, their races are not checked. */
  readonly pair?: Effect.Effect<readonly [StorageShape, StorageShape], E, Scope.Scope> | undefined
  /** Random histories that are compared with `model`. Default 100. */
  readonly runs?: number | undefined
  readonly seed?: string | number | undefined
}

/**
 * The checks of a storage. `storage` opens an empty one each time it is built; `model` (the memory storage) is what
 * random histories are compared with.
 *
 * **Example**
 *
 * ```ts
 * for (const { effect, name } of storageSuite(MyStorage.layer, MemoryStorage.layer)) it.live(name, () => effect)
 * ```
 */
export const storageSuite = <E>(
  storage: Layer.Layer<Storage, E>,
  model: Layer.Layer<Storage>,
  { pair, runs = 100, seed }: StorageSuiteOptions<E> = {}
): ReadonlyArray<StorageCheck<E>> => [
  ...Object.entries({ ...readChecks, ...commitChecks, ...pageChecks, ...exclusiveChecks }).map(([name, check]) => ({
    name,
    effect: Storage.use(check).pipe(Effect.provide(storage))
  })),
  ...(pair === undefined
    ? []
    : Object.entries(pairChecks).map(([name, check]) => ({
        name,
        effect: Effect.scoped(Effect.flatMap(pair, ([one, two]) => check(one, two)))
      }))),
  {
    name: `${runs} random histories get the answers of the model`,
    effect: Effect.flatMap(storageHistories(storage, model, { runs, seed }), (failure) =>
      failure === undefined ? Effect.void : violated(failure)
    )
  }
]
