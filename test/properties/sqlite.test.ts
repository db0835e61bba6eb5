import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { sqlite } from "../../src/layers/sqlite.ts"
import { temporaryFile } from "../storage/sqliteFiles.ts"
import { holdAll } from "./kit.ts"
import { delivering, sink } from "./sink.ts"

/** A new file. `FULL`, as by default. */
const engine = Layer.unwrap(Effect.map(temporaryFile, (path) => sqlite(path, delivering)))

describe("invariants: sqlite", () => {
  it.effect(
    "all hold",
    () =>
      Effect.flatMap(sink, (sink) => holdAll({ advance: TestClock.adjust, sink })).pipe(
        Effect.provide(engine),
        Effect.scoped
      ),
    600_000
  )
})
