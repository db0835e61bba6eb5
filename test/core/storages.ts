/** What a test of a noun runs on: the same engine over every storage there is. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { Storage, type StorageShape } from "../../src/core/Storage.ts"
import { SqliteStorage } from "../../src/storage/sqlite/SqliteStorage.ts"
import { memoryStorage } from "./engines.ts"

const sqliteStorage: Effect.Effect<StorageShape, never, Scope.Scope> = Effect.map(
  Effect.orDie(Layer.build(Layer.fresh(SqliteStorage.layerMemory))),
  Context.get(Storage)
)

/** Empty storages by name. */
export const storages: ReadonlyArray<
  readonly [name: string, storage: Effect.Effect<StorageShape, never, Scope.Scope>]
> = [
  ["memory", memoryStorage],
  ["sqlite", sqliteStorage]
]
