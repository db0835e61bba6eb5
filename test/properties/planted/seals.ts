/** Bugs in what seals the log. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Sha256 } from "../../../src/core/seal/Sha256.ts"
import { Engine } from "../../../src/core/Engine.ts"
import type { StorageShape } from "../../../src/core/Storage.ts"
import { sha256 } from "../../../src/layers/sha256.ts"
import { MemoryStorage } from "../../../src/storage/memory/MemoryStorage.ts"
import { overStorage, type PlantedBug, writingOtherwise } from "./engines.ts"

/** The digest of a text that lacks something, or has too much. */
const digesting = (wrong: (text: string) => string) =>
  Engine.layer().pipe(
    Layer.provide(
      Layer.effect(
        Sha256,
        Effect.map(Sha256, (digest) => (text: string) => digest?.(wrong(text)) ?? "")
      )
    ),
    Layer.provide([MemoryStorage.layer, sha256])
  )

/** The rows of the log as they are for who reads all of it. */
const reading = (storage: StorageShape, drops: (position: number) => boolean): Partial<StorageShape> => ({
  page: (query) =>
    query.table === "events" && query.index === "all"
      ? Effect.map(storage.page(query), (rows) => rows.filter(({ position }) => !drops(position)))
      : storage.page(query)
})

export const sealBugs: ReadonlyArray<PlantedBug> = [
  {
    name: "an event that another process wrote is not sealed",
    foundBy: ["sealed"],
    engine: overStorage((storage) => reading(storage, (position) => position === 2))
  },
  {
    name: "how far it is sealed is written without the seals",
    foundBy: ["sealed"],
    engine: writingOtherwise((write) => (write.table === "sealHeads" || write.table === "seals" ? [] : [write]))
  },
  {
    name: "seals are written, and how far it is sealed is not",
    foundBy: ["sealed"],
    engine: writingOtherwise((write) => (write.table === "sealed" ? [] : [write]))
  },
  {
    name: "who acted is not hashed",
    foundBy: ["sealed"],
    engine: digesting((text) => text.replace(/^\{"actor":"[^"]*",/, "{"))
  },
  {
    name: "an event is hashed without the one before it",
    foundBy: ["sealed"],
    engine: digesting((text) => text.replace(/"previous_event_hash":"[^"]*"/, `"previous_event_hash":null`))
  },
  {
    name: "the last row begins anew with each writing",
    foundBy: ["sealed"],
    engine: overStorage((storage) => ({
      commit: (commit) =>
        storage.commit({
          ...commit,
          writes: commit.writes.map((write) =>
            write._tag === "Put" && write.table === "sealHeads" && write.before !== undefined
              ? {
                  ...write,
                  record: {
                    ...write.record,
                    positions: write.record.positions.slice(-1),
                    digests: write.record.digests.slice(-43)
                  }
                }
              : write
          )
        })
    }))
  }
]
