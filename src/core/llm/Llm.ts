/** What agents log of their calls to language models and tools (RFC 0008, semantics 8.1), and what it adds up to. */
import type { CostSummary } from "../cost/Cost.ts"

/** A tool, as the model asked for it. */
export interface ToolCall {
  readonly toolName: string
  readonly toolId: string
  readonly arguments: object
  readonly provider?: string | undefined
  readonly model?: string | undefined
}

export interface ToolCallStarted extends ToolCall {
  /** The request whose answer asked for the tool. */
  readonly parentRequestId?: string | undefined
}

export interface ToolCallCompleted extends ToolCall {
  /** Any JSON. */
  readonly result?: unknown
  readonly durationMs?: number | undefined
}

export interface ToolCallFailed extends ToolCall {
  readonly error: string
  readonly durationMs?: number | undefined
}

/** A request to a language model. */
export interface LlmRequest {
  readonly requestId: string
  readonly provider: string
  readonly model: string
  readonly messagesCount: number
  /** Whether the answer is streamed. Default false. */
  readonly stream?: boolean | undefined
}

export interface LlmRequestStarted extends LlmRequest {
  readonly toolsAvailable?: ReadonlyArray<string> | undefined
  readonly temperature?: number | undefined
  readonly maxTokens?: number | undefined
}

export interface LlmRequestCompleted extends LlmRequest {
  readonly responseContent?: string | undefined
  /** The tools that the answer asks for, in the words of the provider. */
  readonly toolCalls?: ReadonlyArray<unknown> | undefined
  readonly finishReason?: string | undefined
  readonly promptTokens?: number | undefined
  readonly completionTokens?: number | undefined
  readonly totalTokens?: number | undefined
  readonly durationMs?: number | undefined
}

export interface LlmRequestFailed extends LlmRequest {
  readonly error: string
  readonly durationMs?: number | undefined
}

/** An answer that comes in chunks. */
export interface LlmStream {
  readonly streamId: string
  readonly provider: string
  readonly model: string
}

export interface StreamChunk {
  readonly streamId: string
  readonly chunkIndex: number
  /** Default 1. */
  readonly tokenCount?: number | undefined
}

export interface StreamCompleted extends LlmStream {
  readonly chunksReceived: number
  readonly tokensStreamed: number
}

export interface StreamCancelled extends LlmStream {
  readonly reason?: string | undefined
  /** Default 0. */
  readonly chunksReceived?: number | undefined
  /** Default 0. */
  readonly tokensStreamed?: number | undefined
}

/** Requests that were answered, and tokens as their providers counted them. */
export interface LlmUsage {
  readonly requests: number
  readonly promptTokens: number
  readonly completionTokens: number
  /** Where a request tells no total, the sum of the other two. */
  readonly totalTokens: number
}

/** The usage of an intent, as a whole, by model and by agent. */
export interface LlmRollUp extends LlmUsage {
  readonly byModel: { readonly [model: string]: LlmUsage }
  readonly byAgent: { readonly [agentId: string]: LlmUsage }
}

/** What the language models did for an intent, and what was spent on it (decision 28). */
export interface LlmSummary extends LlmRollUp {
  /** The costs of the intent, whatever they are for: which of them the models caused, only their callers know. */
  readonly cost: CostSummary
}
