import { assert, describe, it } from "@effect/vitest"
import type { JsonObject } from "../../src/core/json.ts"
import type { LogEvent } from "../../src/core/event/LogEvent.ts"
import { addUsage, type LlmFigure, noUsage } from "../../src/core/llm/usage.ts"
import { at } from "./records.ts"

const event = (type: string, payload: JsonObject, actor = "ann"): LogEvent => ({
  position: 1,
  id: "e",
  intentId: "i",
  type,
  actor,
  source: "client",
  payload,
  extra: null,
  traceId: null,
  parentEventId: null,
  createdAt: at(1)
})

const usage = (requests: number, promptTokens: number, completionTokens: number, totalTokens: number) => ({
  requests,
  promptTokens,
  completionTokens,
  totalTokens
})

const sumOf = (...events: ReadonlyArray<LogEvent>): LlmFigure => events.reduce(addUsage, noUsage)

const completed = (payload: JsonObject, actor?: string) =>
  event("llm_request_completed", { model: "m", ...payload }, actor)
const started = (id: string, actor?: string) =>
  event("llm_request_started", { model: "m", request_id: id, stream: true }, actor)
const streamed = (tokens: number, actor?: string, type = "stream_completed") =>
  event(type, { model: "m", stream_id: "s", tokens_streamed: tokens }, actor)

describe("usage (decision 28)", () => {
  it("adds up answered requests, by model and by agent", () => {
    const figure = sumOf(
      completed({ prompt_tokens: 3, completion_tokens: 4, total_tokens: 9 }),
      completed({ model: "n", prompt_tokens: 1, completion_tokens: 1 }, "bob"),
      completed({ model: "n" }, "ann"),
      event("llm_request_failed", { model: "m", request_id: "r" }),
      event("tool_call_completed", { model: "m", prompt_tokens: 100 })
    )
    assert.deepStrictEqual(figure, {
      ...usage(3, 4, 5, 11),
      byModel: { m: usage(1, 3, 4, 9), n: usage(2, 1, 1, 2) },
      byAgent: { ann: usage(2, 3, 4, 9), bob: usage(1, 1, 1, 2) },
      streaming: []
    })
  })

  it("counts the tokens of a streamed request once, with its answer", () => {
    const figure = sumOf(started("r"), streamed(7), completed({ request_id: "r", stream: true, completion_tokens: 7 }))
    assert.deepInclude(figure, { ...usage(1, 0, 7, 7), streaming: [] })
    // The answer before the end of the stream, as other clients may log it, is the answer all the same.
    assert.deepInclude(sumOf(started("r"), completed({ request_id: "r" }), started("q")), { requests: 1 })
  })

  it("of several agents and models, a stream belongs to the request of its own", () => {
    assert.deepInclude(sumOf(started("r", "bob"), streamed(7, "ann")), usage(1, 0, 7, 7))
    const other = event("llm_request_started", { model: "n", request_id: "r", stream: true })
    assert.deepInclude(sumOf(other, streamed(7)), usage(1, 0, 7, 7))
    assert.deepInclude(sumOf(started("r"), started("q"), streamed(7), streamed(7)), usage(0, 0, 0, 0))
  })

  it("a stream outside of any request counts by itself", () => {
    assert.deepInclude(sumOf(streamed(7)), usage(1, 0, 7, 7))
    const unstreamed = event("llm_request_started", { model: "m", request_id: "r", stream: false })
    assert.deepInclude(sumOf(unstreamed, streamed(7)), usage(1, 0, 7, 7))
    const failed = event("llm_request_failed", { model: "m", request_id: "r" })
    assert.deepInclude(sumOf(started("r"), failed, streamed(7)), usage(1, 0, 7, 7))
  })

  it("what a cancelled stream carried counts, since no answer will tell it", () => {
    const cancelled = streamed(5, "ann", "stream_cancelled")
    assert.deepInclude(sumOf(started("r"), cancelled), { ...usage(0, 0, 5, 5), streaming: [] })
    assert.deepStrictEqual(sumOf(started("r"), streamed(0, "ann", "stream_cancelled")), noUsage)
  })

  it("counts only what is a count", () => {
    for (const odd of ["7", -7, 0.5, null, true, [7], { n: 7 }, 2 ** 53]) {
      const figure = sumOf(
        completed({ prompt_tokens: odd, completion_tokens: 2, total_tokens: odd }),
        streamed(1, "bob"),
        event("stream_completed", { model: "m", tokens_streamed: odd }, "bob")
      )
      assert.deepInclude(figure, usage(3, 0, 3, 3))
    }
    const huge = completed({ total_tokens: Number.MAX_SAFE_INTEGER })
    assert.strictEqual(sumOf(huge, huge).totalTokens, Number.MAX_SAFE_INTEGER)
  })

  it("takes any name, and keeps no more of them than are of use", () => {
    const odd = sumOf(completed({ model: "__proto__" }), completed({ model: 5 }), completed({ model: "m".repeat(256) }))
    assert.deepStrictEqual(Object.keys(odd.byModel), ["__proto__", "unknown", "other"])
    assert.deepStrictEqual(Object.keys(JSON.parse(JSON.stringify(odd)).byModel), ["__proto__", "unknown", "other"])
    const many = sumOf(...Array.from({ length: 300 }, (_, i) => completed({ model: `m${i}` }, `a${i}`)))
    assert.isAtMost(Object.keys(many.byModel).length, 201)
    assert.strictEqual(many.byModel["other"]?.requests, 100)
    assert.strictEqual(many.byAgent["other"]?.requests, 100)
    const open = sumOf(...Array.from({ length: 150 }, (_, i) => started(`r${i}`)))
    assert.strictEqual(open.streaming.length, 100)
  })
})
