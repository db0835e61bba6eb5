import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as TestConsole from "effect/testing/TestConsole"
import { jsonLines } from "../../src/layers/cli/jsonLines.ts"

describe("lines of JSON", () => {
  it.effect("name the trace and the span that they belong to", () =>
    Effect.gen(function* () {
      const span = yield* Effect.makeSpan("a request")
      yield* Effect.withParentSpan(Effect.logInfo("within"), span)
      yield* Effect.logInfo("outside")
      const [within, outside] = (yield* TestConsole.logLines).map((line) => JSON.parse(String(line)))
      assert.deepInclude(within, { message: "within", level: "INFO", trace_id: span.traceId, span_id: span.spanId })
      assert.isFalse("trace_id" in outside)
    }).pipe(Effect.provide(Logger.layer([jsonLines])))
  )
})
