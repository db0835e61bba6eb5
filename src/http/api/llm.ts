/** The group of decision 28: all else of http.md 16 is events. */
import * as Schema from "effect/Schema"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { Access, intentId, summary } from "./common.ts"
import { reads } from "./rights.ts"
import { SummaryBody } from "./costs.ts"

const usageFields = {
  requests: Schema.Int,
  prompt_tokens: Schema.Int,
  completion_tokens: Schema.Int,
  total_tokens: Schema.Int
}

const LlmUsageBody = Schema.Struct(usageFields).annotate({ identifier: "LlmUsage" })
export interface LlmUsageBody extends Schema.Schema.Type<typeof LlmUsageBody> {}

const LlmSummaryBody = Schema.Struct({
  ...usageFields,
  by_model: Schema.Record(Schema.String, LlmUsageBody),
  by_agent: Schema.Record(Schema.String, LlmUsageBody),
  cost: SummaryBody
}).annotate({ identifier: "LlmSummary", description: "Answered requests and their tokens, as clients logged them" })

export class LlmApi extends HttpApiGroup.make("llm")
  .add(
    HttpApiEndpoint.get("summary", "/api/v1/intents/:intentId/llm/summary", {
      params: intentId,
      success: LlmSummaryBody
    })
      .annotateMerge(reads)
      .annotateMerge(summary("What language models did for the intent"))
  )
  .middleware(Access) {}
