import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Storage } from "../../src/core/Storage.ts"
import { MemoryStorage } from "../../src/storage/memory/MemoryStorage.ts"
import { SqliteStorage } from "../../src/storage/sqlite/SqliteStorage.ts"
import { storageSuite } from "../../src/testing/storageSuite.ts"
import { temporaryFile } from "./sqliteFiles.ts"

/** A new file each time it is built. `NORMAL`, because what is checked here is not durability. */
const file = Layer.unwrap(Effect.map(temporaryFile, (path) => SqliteStorage.layer({ path, synchronous: "NORMAL" })))

const pair = Effect.gen(function* () {
  const path = yield* temporaryFile
  const open = Effect.map(Layer.build(Layer.fresh(SqliteStorage.layer({ path, synchronous: "NORMAL" }))), (context) =>
    Context.get(context, Storage)
  )
  return [yield* open, yield* open] as const
})

describe("sqlite in memory", () => {
  for (const { effect, name } of storageSuite(SqliteStorage.layerMemory, MemoryStorage.layer))
    it.live(name, () => effect)
})

describe("sqlite file", () => {
  for (const { effect, name } of storageSuite(file, MemoryStorage.layer, { pair, runs: 50 }))
    it.live(name, () => effect)
})

describe("sqlite file, durable", () => {
  it.live("what is acknowledged is there when the file is opened again", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      const storage = SqliteStorage.layerFile(path)
      yield* Storage.use((storage) =>
        storage.commit({ guards: [], writes: [], events: [], counters: new Map([["c", 3]]) })
      ).pipe(Effect.provide(storage))
      const found = yield* Storage.use((storage) => storage.counters(["c"])).pipe(Effect.provide(storage))
      assert.deepStrictEqual(found, [3])
    })
  )
})
