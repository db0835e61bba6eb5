import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type { LogEvent } from "../../src/core/event/LogEvent.ts"
import type { LlmLogging, OpenIntentShape } from "../../src/core/OpenIntent.ts"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import type { StorageShape } from "../../src/core/Storage.ts"
import { anEngine, engineOn } from "./engines.ts"
import { storages } from "./storages.ts"

const newIntent = ({ intents }: OpenIntentShape) => Effect.map(intents.create({ title: "t" }), ({ id }) => id)

const request = { requestId: "r", provider: "p", model: "m", messagesCount: 2 }
const tool = { toolName: "search", toolId: "t", arguments: { q: "x" } }
const stream = { streamId: "s", provider: "p", model: "m" }

/** What one call logs, as JSON. */
const logged = (call: (llm: LlmLogging, intentId: string) => Effect.Effect<LogEvent, unknown>) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(Date.parse("2031-05-06T07:08:09.123Z"))
    const engine = yield* anEngine
    const intentId = yield* newIntent(engine)
    const event = yield* Effect.orDie(OpenIntent.as("ann")(call(engine.llm, intentId)))
    assert.deepInclude(event, { intentId, actor: "ann", source: "client" })
    const payload: object = JSON.parse(JSON.stringify(event.payload).replaceAll(intentId, "i"))
    return { [event.type]: payload }
  })

const asked = { tool_name: "search", tool_id: "t", arguments: { q: "x" } }
const requested = { request_id: "r", provider: "p", model: "m", messages_count: 2, stream: false }
const opened = { stream_id: "s", intent_id: "i", agent_id: "ann", provider: "p", model: "m" }
const time = "2031-05-06T07:08:09.123000"

type Case = readonly [name: string, call: Parameters<typeof logged>[0], expected: object]

const cases: ReadonlyArray<Case> = [
  ["a tool call", (llm, i) => llm.toolCallStarted(i, tool), { tool_call_started: asked }],
  [
    "a tool call with all that is known",
    (llm, i) => llm.toolCallStarted(i, { ...tool, provider: "p", model: "m", parentRequestId: "r" }),
    { tool_call_started: { ...asked, provider: "p", model: "m", parent_request_id: "r" } }
  ],
  [
    "a tool call with empty texts",
    (llm, i) => llm.toolCallStarted(i, { ...tool, provider: "", model: "", parentRequestId: "" }),
    { tool_call_started: asked }
  ],
  [
    "its result, 0 and false kept",
    (llm, i) => llm.toolCallCompleted(i, { ...tool, result: false, durationMs: 0 }),
    { tool_call_completed: { ...asked, result: false, duration_ms: 0 } }
  ],
  ["no result", (llm, i) => llm.toolCallCompleted(i, { ...tool, result: null }), { tool_call_completed: asked }],
  [
    "its failure",
    (llm, i) => llm.toolCallFailed(i, { ...tool, error: "no", durationMs: 3 }),
    { tool_call_failed: { ...asked, error: "no", duration_ms: 3 } }
  ],
  ["a request", (llm, i) => llm.requestStarted(i, request), { llm_request_started: requested }],
  [
    "a request with all that is known",
    (llm, i) =>
      llm.requestStarted(i, { ...request, stream: true, toolsAvailable: ["a"], temperature: 0, maxTokens: 5 }),
    { llm_request_started: { ...requested, stream: true, tools_available: ["a"], temperature: 0, max_tokens: 5 } }
  ],
  [
    "a request without tools",
    (llm, i) => llm.requestStarted(i, { ...request, toolsAvailable: [] }),
    { llm_request_started: requested }
  ],
  [
    "an answer",
    (llm, i) =>
      llm.requestCompleted(i, {
        ...request,
        responseContent: "hi",
        toolCalls: [{ id: "t" }],
        finishReason: "stop",
        promptTokens: 0,
        completionTokens: 2,
        totalTokens: 2,
        durationMs: 0
      }),
    {
      llm_request_completed: {
        ...requested,
        response_content: "hi",
        tool_calls: [{ id: "t" }],
        finish_reason: "stop",
        prompt_tokens: 0,
        completion_tokens: 2,
        total_tokens: 2,
        duration_ms: 0
      }
    }
  ],
  [
    "an empty answer",
    (llm, i) => llm.requestCompleted(i, { ...request, responseContent: "", toolCalls: [], finishReason: "" }),
    { llm_request_completed: requested }
  ],
  [
    "a failed request",
    (llm, i) => llm.requestFailed(i, { ...request, error: "503" }),
    { llm_request_failed: { ...requested, error: "503" } }
  ],
  [
    "a stream",
    (llm, i) => llm.streamStarted(i, stream),
    { stream_started: { ...opened, status: "active", chunks_received: 0, tokens_streamed: 0, started_at: time } }
  ],
  [
    "a chunk",
    (llm, i) => llm.streamChunk(i, { streamId: "s", chunkIndex: 4 }),
    { stream_chunk: { stream_id: "s", chunk_index: 4, token_count: 1 } }
  ],
  [
    "the end of a stream",
    (llm, i) => llm.streamCompleted(i, { ...stream, chunksReceived: 2, tokensStreamed: 9 }),
    { stream_completed: { ...opened, status: "completed", chunks_received: 2, tokens_streamed: 9, completed_at: time } }
  ],
  [
    "a stream cut off",
    (llm, i) => llm.streamCancelled(i, { ...stream, reason: "enough" }),
    {
      stream_cancelled: {
        ...opened,
        status: "cancelled",
        chunks_received: 0,
        tokens_streamed: 0,
        cancelled_at: time,
        cancel_reason: "enough"
      }
    }
  ]
]

describe("logging (semantics 8.1)", () => {
  for (const [name, call, expected] of cases) {
    it.effect(name, () => Effect.map(logged(call), (found) => assert.deepStrictEqual(found, expected as typeof found)))
  }
})

/** How many rows of the log were read. */
const watchingLog = (storage: StorageShape) => {
  const watched = { rows: 0 }
  const watching = (inner: StorageShape): StorageShape => ({
    ...inner,
    page: (query) =>
      Effect.tap(inner.page(query), (rows) =>
        Effect.sync(() => {
          if (query.table === "events") watched.rows += rows.length
        })
      ),
    exclusively: (work) => inner.exclusively((on) => work(watching(on)))
  })
  return { watched, storage: watching(storage) }
}

for (const [name, empty] of storages) {
  describe(`summary on ${name}`, () => {
    it.effect("adds up what was logged, however it came into the log", () =>
      Effect.gen(function* () {
        const engine = yield* engineOn(yield* empty)
        const { costs, events, llm } = engine
        const intentId = yield* newIntent(engine)
        const none = { requests: 0, promptTokens: 0, completionTokens: 0, totalTokens: 0 }
        const free = { total: 0, count: 0, byType: {}, byAgent: {}, byUnit: {}, byProvider: {} }
        assert.deepStrictEqual(yield* llm.summary(intentId), { ...none, byModel: {}, byAgent: {}, cost: free })
        yield* costs.record(intentId, { costType: "tokens", amount: 0.25, unit: "USD" })
        yield* OpenIntent.as("ann")(llm.requestStarted(intentId, { ...request, stream: true }))
        yield* OpenIntent.as("ann")(llm.streamStarted(intentId, stream))
        yield* OpenIntent.as("ann")(llm.streamCompleted(intentId, { ...stream, chunksReceived: 1, tokensStreamed: 4 }))
        yield* OpenIntent.as("ann")(
          llm.requestCompleted(intentId, { ...request, promptTokens: 3, completionTokens: 4 })
        )
        yield* events.append(intentId, {
          type: "llm_request_completed",
          actor: "bob",
          payload: { prompt_tokens: "9", completion_tokens: 1 }
        })
        const [ann, bob] = [
          { requests: 1, promptTokens: 3, completionTokens: 4, totalTokens: 7 },
          { requests: 1, promptTokens: 0, completionTokens: 1, totalTokens: 1 }
        ]
        assert.deepStrictEqual(yield* llm.summary(intentId), {
          requests: 2,
          promptTokens: 3,
          completionTokens: 5,
          totalTokens: 8,
          byModel: { m: ann, unknown: bob },
          byAgent: { ann, bob },
          cost: yield* costs.summary(intentId)
        })
        assert.strictEqual((yield* Effect.flip(llm.summary("nope")))._tag, "IntentNotFound")
      })
    )

    it.effect("does not read a long log again: it is added up in the background, and by whoever asks", () =>
      Effect.gen(function* () {
        const { storage, watched } = watchingLog(yield* empty)
        const engine = yield* engineOn(storage)
        const { llm } = engine
        const [intentId, other] = [yield* newIntent(engine), yield* newIntent(engine)]
        const complete = (times: number) =>
          Effect.forEach(
            Array.from({ length: times }),
            () => llm.requestCompleted(intentId, { ...request, totalTokens: 2 }),
            {
              concurrency: "unbounded"
            }
          )
        yield* complete(700)
        yield* llm.requestCompleted(other, request)
        assert.strictEqual((yield* llm.summary(intentId)).totalTokens, 1400)
        yield* TestClock.adjust("1 second")
        yield* complete(3)
        watched.rows = 0
        assert.strictEqual((yield* llm.summary(intentId)).totalTokens, 1406)
        assert.strictEqual(watched.rows, 3)
        assert.strictEqual((yield* llm.summary(other)).requests, 1)
        // One that knows nothing of these commits finds them behind, and moves the figure on.
        yield* complete(255)
        const second = yield* engineOn(storage)
        assert.strictEqual((yield* second.llm.summary(intentId)).requests, 958)
        yield* TestClock.adjust("1 second")
        watched.rows = 0
        assert.strictEqual((yield* second.llm.summary(intentId)).requests, 958)
        assert.strictEqual(watched.rows, 0)
      })
    )

    it.effect("two engines that add up the same intent at the same time do not count twice", () =>
      Effect.gen(function* () {
        const storage = yield* empty
        const [one, two] = yield* Effect.all([engineOn(storage), engineOn(storage)])
        const intentId = yield* newIntent(one)
        yield* Effect.forEach(
          Array.from({ length: 1100 }, (_, i) => (i % 2 === 0 ? one : two)),
          ({ llm }) => llm.requestCompleted(intentId, request),
          { concurrency: "unbounded" }
        )
        yield* TestClock.adjust("2 seconds")
        for (const { llm } of [one, two]) assert.strictEqual((yield* llm.summary(intentId)).requests, 1100)
      })
    )
  })
}
