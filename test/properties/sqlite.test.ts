import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { sqlite } from "../../src/layers/sqlite.ts"
import { temporaryFile } from "../storage/sqliteFiles.ts"
import { holdAll } from "./kit.ts"

/** A new file. `FULL`, as by default. */
const engine = Layer.unwrap(Effect.map(temporaryFile, (path) => sqlite(path)))

describe("invariants: sqlite", () => {
  it.effect("all hold", () => holdAll({ advance: TestClock.adjust }).pipe(Effect.provide(engine)), 600_000)
})
