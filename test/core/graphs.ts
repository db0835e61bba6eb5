/** Engines on each storage, and graphs to try them on. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Write } from "../../src/core/Aggregate.ts"
import { putDependency, putIntent } from "../../src/core/Aggregate.ts"
import { counterDeltas } from "../../src/core/counters.ts"
import type { CreateIntent, Intent } from "../../src/core/intent/Intent.ts"
import type { OpenIntentShape } from "../../src/core/OpenIntent.ts"
import type { Page } from "../../src/core/Page.ts"
import { Storage, type StorageShape } from "../../src/core/Storage.ts"
import { SqliteStorage } from "../../src/storage/sqlite/SqliteStorage.ts"
import { temporaryFile } from "../storage/sqliteFiles.ts"
import { interleaved, memoryStorage } from "./engines.ts"
import { at, intentOf } from "./records.ts"

const sqliteStorage = (path: string) =>
  Effect.map(Layer.build(Layer.fresh(SqliteStorage.layer({ path, synchronous: "NORMAL" }))), Context.get(Storage))

type Opened<A> = Effect.Effect<A, unknown, Scope.Scope>

/** An empty storage of each kind. */
export const storages: { readonly [name: string]: Opened<StorageShape> } = {
  memory: memoryStorage,
  sqlite: sqliteStorage(":memory:")
}

/** Two storages on the same data whose calls take turns, as two processes have them. */
export const pairs: { readonly [name: string]: Opened<readonly [StorageShape, StorageShape]> } = {
  memory: Effect.map(memoryStorage, (storage) => [interleaved(storage), interleaved(storage)] as const),
  "one SQLite file": Effect.flatMap(temporaryFile, (path) =>
    Effect.map(
      Effect.all([sqliteStorage(path), sqliteStorage(path)]),
      ([one, two]) => [interleaved(one), interleaved(two)] as const
    )
  )
}

export const create = ({ intents }: OpenIntentShape, input: Partial<CreateIntent> = {}) =>
  intents.create({ title: "t", ...input })

export const idsOf = (page: Page<Intent>): ReadonlyArray<string> => page.items.map(({ id }) => id)

/** Stores intents with their edges, past all rules, a thousand in a commit. */
export const seed = (storage: StorageShape, intents: ReadonlyArray<Partial<Intent> & { readonly id: string }>) =>
  Effect.gen(function* () {
    const records = intents.map((fields, i) => intentOf(fields.id, { createdAt: at(1000 + i), ...fields }))
    for (let from = 0; from < records.length; from += 1000) {
      const page = records.slice(from, from + 1000)
      const writes: ReadonlyArray<Write> = page.flatMap((intent) => [
        putIntent(intent, undefined),
        ...intent.dependsOn.map((dependencyId) => putDependency(intent, dependencyId))
      ])
      yield* storage.commit({
        guards: page.map(({ id }) => ({ table: "intents", key: id, expected: 0, next: 1 })),
        writes,
        events: [],
        counters: counterDeltas(writes)
      })
    }
  })
