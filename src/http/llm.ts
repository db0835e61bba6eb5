/** Decision 28; what is logged of language models comes as events (http.md 16). */
import * as Effect from "effect/Effect"
import * as Record from "effect/Record"
import { HttpApiBuilder } from "effect/http-api"
import type { LlmSummary, LlmUsage } from "../core/llm/Llm.ts"
import { OpenIntent } from "../core/OpenIntent.ts"
import { answer, json } from "./answers.ts"
import { Api } from "./Api.ts"
import { Caller } from "./api/common.ts"
import { summaryBody as costBody } from "./costs.ts"

const usageBody = (usage: LlmUsage) => ({
  requests: usage.requests,
  prompt_tokens: usage.promptTokens,
  completion_tokens: usage.completionTokens,
  total_tokens: usage.totalTokens
})

const summaryBody = ({ byAgent, byModel, cost, ...usage }: LlmSummary) => ({
  ...usageBody(usage),
  by_model: Record.map(byModel, usageBody),
  by_agent: Record.map(byAgent, usageBody),
  cost: costBody(cost)
})

/** Needs `OpenIntent`. */
export const layer = HttpApiBuilder.group(
  Api,
  "llm",
  Effect.fnUntraced(function* (handlers) {
    const engine = yield* OpenIntent
    return handlers.handleRaw("summary", ({ params: { intentId } }) =>
      Effect.flatMap(Caller, ({ profile }) =>
        answer(engine.llm.summary(intentId), {
          engine,
          intentId,
          profile,
          onSuccess: (summary) => json(summaryBody(summary))
        })
      )
    )
  })
)
