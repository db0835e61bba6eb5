import { describe, it } from "@effect/vitest"
import { MemoryStorage } from "../../src/storage/memory/MemoryStorage.ts"
import { storageSuite } from "../../src/testing/storageSuite.ts"

describe("storage: memory", () => {
  for (const { effect, name } of storageSuite(MemoryStorage.layer, MemoryStorage.layer)) it.live(name, () => effect)
})
