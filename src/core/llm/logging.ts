/** The typed methods of `llm`: events with the payload keys of semantics 8.1. The same over any engine. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { CurrentAgent } from "../CurrentAgent.ts"
import type { Events, LlmLogging } from "../OpenIntent.ts"
import { isoTime } from "../time.ts"
import type { LlmRequest, LlmStream, ToolCall } from "./Llm.ts"

/** Left out of a payload, as the clients of the reference do: empty texts and lists say nothing. */
const unlessEmpty = <A extends string | ReadonlyArray<unknown>>(value: A | null | undefined): A | undefined =>
  value === undefined || value === null || value.length === 0 ? undefined : value

// Keys whose value is undefined are left out of the payload by `events.append`.

const toolCall = (call: ToolCall) => ({
  tool_name: call.toolName,
  tool_id: call.toolId,
  arguments: call.arguments,
  provider: unlessEmpty(call.provider),
  model: unlessEmpty(call.model)
})

const request = ({ messagesCount, model, provider, requestId, stream = false }: LlmRequest) => ({
  request_id: requestId,
  provider,
  model,
  messages_count: messagesCount,
  stream
})

export const makeLlmLogging = ({ append }: Events): LlmLogging => {
  /** The state of a stream at this time of its agent's clock. */
  const stream = (
    intentId: string,
    type: string,
    { model, provider, streamId }: LlmStream,
    state: { readonly status: string; readonly chunks: number; readonly tokens: number; readonly at: string },
    more?: { readonly cancel_reason: string | undefined }
  ) =>
    Effect.flatMap(CurrentAgent, (agentId) =>
      Effect.flatMap(DateTime.now, (now) =>
        append(intentId, {
          type,
          payload: {
            stream_id: streamId,
            intent_id: intentId,
            agent_id: agentId,
            status: state.status,
            provider,
            model,
            chunks_received: state.chunks,
            tokens_streamed: state.tokens,
            [state.at]: isoTime(now),
            ...more
          }
        })
      )
    )

  return {
    toolCallStarted: (intentId, call) =>
      append(intentId, {
        type: "tool_call_started",
        payload: { ...toolCall(call), parent_request_id: unlessEmpty(call.parentRequestId) }
      }),
    toolCallCompleted: (intentId, call) =>
      append(intentId, {
        type: "tool_call_completed",
        payload: { ...toolCall(call), result: call.result ?? undefined, duration_ms: call.durationMs }
      }),
    toolCallFailed: (intentId, call) =>
      append(intentId, {
        type: "tool_call_failed",
        payload: { ...toolCall(call), error: unlessEmpty(call.error), duration_ms: call.durationMs }
      }),
    requestStarted: (intentId, started) =>
      append(intentId, {
        type: "llm_request_started",
        payload: {
          ...request(started),
          tools_available: unlessEmpty(started.toolsAvailable),
          temperature: started.temperature,
          max_tokens: started.maxTokens
        }
      }),
    requestCompleted: (intentId, completed) =>
      append(intentId, {
        type: "llm_request_completed",
        payload: {
          ...request(completed),
          response_content: unlessEmpty(completed.responseContent),
          tool_calls: unlessEmpty(completed.toolCalls),
          finish_reason: unlessEmpty(completed.finishReason),
          prompt_tokens: completed.promptTokens,
          completion_tokens: completed.completionTokens,
          total_tokens: completed.totalTokens,
          duration_ms: completed.durationMs
        }
      }),
    requestFailed: (intentId, failed) =>
      append(intentId, {
        type: "llm_request_failed",
        payload: { ...request(failed), error: unlessEmpty(failed.error), duration_ms: failed.durationMs }
      }),
    streamStarted: (intentId, started) =>
      stream(intentId, "stream_started", started, { status: "active", chunks: 0, tokens: 0, at: "started_at" }),
    streamChunk: (intentId, { chunkIndex, streamId, tokenCount = 1 }) =>
      append(intentId, {
        type: "stream_chunk",
        payload: { stream_id: streamId, chunk_index: chunkIndex, token_count: tokenCount }
      }),
    streamCompleted: (intentId, completed) =>
      stream(intentId, "stream_completed", completed, {
        status: "completed",
        chunks: completed.chunksReceived,
        tokens: completed.tokensStreamed,
        at: "completed_at"
      }),
    streamCancelled: (intentId, cancelled) =>
      stream(
        intentId,
        "stream_cancelled",
        cancelled,
        {
          status: "cancelled",
          chunks: cancelled.chunksReceived ?? 0,
          tokens: cancelled.tokensStreamed ?? 0,
          at: "cancelled_at"
        },
        { cancel_reason: unlessEmpty(cancelled.reason) }
      )
  }
}
