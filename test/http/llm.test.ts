/** http.md 16 and decision 28: what language models did, over HTTP and by the remote engine. */
import * as Effect from "effect/Effect"
import { assert, it } from "vitest"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import * as Remote from "../../src/http/remote.ts"
import { serving } from "./serving.ts"

it("remote agents log as embedded ones, and the roll-up is under the names of decision 28", async () => {
  await using server = await serving()
  const { body: intent } = await server.ask("POST", "/api/v1/intents", { body: { title: "x" } })
  const path = `/api/v1/intents/${intent.id}`
  const request = { requestId: "r", provider: "p", model: "m", messagesCount: 1 }
  const cost = { total: 0, count: 0, byType: {}, byAgent: {}, byUnit: {}, byProvider: {} }
  const wireCost = { total: 0, count: 0, by_type: {}, by_agent: {}, by_unit: {}, by_provider: {} }
  const usage = { requests: 1, promptTokens: 3, completionTokens: 4, totalTokens: 7 }
  const summary = await Effect.runPromise(
    OpenIntent.use(({ llm }) =>
      Effect.gen(function* () {
        const call = { toolName: "t", toolId: "1", arguments: { a: [1] }, result: null, durationMs: 0 }
        const event = yield* OpenIntent.as("ann")(llm.toolCallCompleted(intent.id, call))
        assert.deepInclude(event, { type: "tool_call_completed", actor: "ann" })
        assert.deepStrictEqual(event.payload, { tool_name: "t", tool_id: "1", arguments: { a: [1] }, duration_ms: 0 })
        const stream = yield* OpenIntent.as("ann")(
          llm.streamStarted(intent.id, { streamId: "s", provider: "p", model: "m" })
        )
        assert.deepInclude(stream.payload, { intent_id: intent.id, agent_id: "ann", status: "active" })
        yield* llm.requestCompleted(intent.id, { ...request, promptTokens: 3, completionTokens: 4 })
        assert.deepInclude(yield* Effect.flip(llm.requestStarted("nope", request)), { _tag: "IntentNotFound" })
        assert.deepInclude(yield* Effect.flip(llm.summary("nope")), { _tag: "IntentNotFound", intentId: "nope" })
        return yield* llm.summary(intent.id)
      })
    ).pipe(Effect.provide(Remote.layer({ url: server.url, apiKey: "dev-user-key" })))
  )
  assert.deepStrictEqual(summary, { ...usage, byModel: { m: usage }, byAgent: { local: usage }, cost })
  const wire = { requests: 1, prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 }
  const { body } = await server.ask("GET", `${path}/llm/summary`)
  assert.deepStrictEqual(body, { ...wire, by_model: { m: wire }, by_agent: { local: wire }, cost: wireCost })
  assert.strictEqual((await server.ask("GET", "/api/v1/intents/nope/llm/summary")).status, 404)
})
