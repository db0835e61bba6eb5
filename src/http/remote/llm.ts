import * as Record from "effect/Record"
import type { LlmUsage } from "../../core/llm/Llm.ts"
import { makeLlmLogging } from "../../core/llm/logging.ts"
import type { Events, OpenIntentShape } from "../../core/OpenIntent.ts"
import type { LlmUsageBody } from "../api/llm.ts"
import { ask, type Client } from "./call.ts"
import { summaryOf as costOf } from "./costs.ts"

const usageOf = (body: LlmUsageBody): LlmUsage => ({
  requests: body.requests,
  promptTokens: body.prompt_tokens,
  completionTokens: body.completion_tokens,
  totalTokens: body.total_tokens
})

/** http.md 16 and decision 28 */
export const makeLlm = ({ llm }: Client, events: Events): OpenIntentShape["llm"] => ({
  ...makeLlmLogging(events),
  summary: (intentId) =>
    ask({ operation: "llm.summary", intentId }, ["IntentNotFound"], llm.summary({ params: { intentId } }), (body) => ({
      ...usageOf(body),
      byModel: Record.map(body.by_model, usageOf),
      byAgent: Record.map(body.by_agent, usageOf),
      cost: costOf(body.cost)
    }))
})
