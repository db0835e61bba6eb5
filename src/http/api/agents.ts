/** The group of http.md 7. */
import * as Schema from "effect/Schema"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { AssignAgentBody, AssignmentBody, AssignmentsPage } from "../wire.ts"
import { Access, intentId, paging } from "./common.ts"
import { reads, writes } from "./rights.ts"

export class AgentsApi extends HttpApiGroup.make("agents")
  .add(
    HttpApiEndpoint.post("assign", "/api/v1/intents/:intentId/agents", {
      params: intentId,
      payload: AssignAgentBody,
      success: AssignmentBody
    }).annotateMerge(writes),
    HttpApiEndpoint.get("list", "/api/v1/intents/:intentId/agents", {
      params: intentId,
      query: paging,
      success: AssignmentsPage
    }).annotateMerge(reads),
    HttpApiEndpoint.delete("unassign", "/api/v1/intents/:intentId/agents/:agentId", {
      params: { ...intentId, agentId: Schema.String },
      success: HttpApiSchema.NoContent
    }).annotateMerge(writes)
  )
  .middleware(Access) {}
