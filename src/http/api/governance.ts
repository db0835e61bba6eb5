/** The group of http.md 9 and appendix A, with its bodies (2.5, 2.6). */
import * as Schema from "effect/Schema"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { approvalStatuses } from "../../core/governance/Approval.ts"
import { arbitrationStatuses } from "../../core/governance/Arbitration.ts"
import { completionModes, writeScopes } from "../../core/governance/policy.ts"
import { IntentBody, JsonObject, pageFields, StatusConflict, Timestamp, VersionConflict } from "../wire.ts"
import { Access, ifMatch, intentId, paging, summary } from "./common.ts"
import { reads, writes } from "./rights.ts"

const Outcome = Schema.Union([Schema.String, JsonObject])

export const ArbitrationBody = Schema.Struct({
  id: Schema.String,
  intent_id: Schema.String,
  requester_id: Schema.String,
  requested_by: Schema.String,
  requestor: Schema.String,
  reason: Schema.String,
  context: JsonObject,
  options: Schema.Array(JsonObject),
  status: Schema.Literals(arbitrationStatuses),
  resolution: Schema.NullOr(Outcome),
  created_at: Timestamp,
  resolved_at: Schema.NullOr(Timestamp),
  message: Schema.String
}).annotate({ identifier: "Arbitration", description: "Agents cannot agree and ask for a decision" })
export interface ArbitrationBody extends Schema.Schema.Type<typeof ArbitrationBody> {}

export const DecisionBody = Schema.Struct({
  id: Schema.String,
  decision_id: Schema.String,
  intent_id: Schema.String,
  decision_maker_id: Schema.String,
  decided_by: Schema.String,
  decision_type: Schema.String,
  outcome: Outcome,
  decision: Outcome,
  reasoning: Schema.String,
  rationale: Schema.String,
  evidence: Schema.Array(Schema.Json),
  arbitration_id: Schema.NullOr(Schema.String),
  created_at: Timestamp,
  message: Schema.String
}).annotate({ identifier: "Decision", description: "What was decided, by whom and why; it never changes" })
export interface DecisionBody extends Schema.Schema.Type<typeof DecisionBody> {}

export const ApprovalBody = Schema.Struct({
  id: Schema.String,
  intent_id: Schema.String,
  requested_by: Schema.String,
  action: Schema.String,
  reason: Schema.String,
  context: JsonObject,
  status: Schema.Literals(approvalStatuses),
  created_at: Timestamp,
  decided_at: Schema.optionalKey(Timestamp),
  decided_by: Schema.optionalKey(Schema.String),
  decision_notes: Schema.optionalKey(Schema.String)
}).annotate({ identifier: "Approval", description: "Somebody is asked whether an action may be done" })
export interface ApprovalBody extends Schema.Schema.Type<typeof ApprovalBody> {}

export const PolicyBody = Schema.Struct({
  intent_id: Schema.String,
  governance_policy: JsonObject,
  effective_policy: Schema.Struct({
    completion_mode: Schema.Literals(completionModes),
    write_scope: Schema.Literals(writeScopes),
    quorum_threshold: Schema.Finite,
    allowed_agents: Schema.Array(Schema.String),
    max_cost: Schema.NullOr(Schema.Finite),
    require_status_reason: Schema.Boolean
  })
}).annotate({ identifier: "IntentPolicy", description: "The policy as it was set, and what it comes to" })
export interface PolicyBody extends Schema.Schema.Type<typeof PolicyBody> {}

const also = (name: string) => ({ description: `Also read: ${name}` })

/** http.md 9.1 */
const RequestArbitrationBody = Schema.Struct({
  reason: Schema.String,
  context: Schema.optionalKey(Schema.NullOr(JsonObject)),
  options: Schema.optionalKey(Schema.Array(JsonObject)).annotate({ description: "Each `{label, rationale}`" }),
  requested_by: Schema.optionalKey(Schema.String)
}).annotate({ identifier: "RequestArbitration" })

/** http.md 9.3 */
const RecordDecisionBody = Schema.Struct({
  outcome: Schema.optionalKey(Outcome).annotate({ description: "Required; also read: decision" }),
  decision_type: Schema.optionalKey(Schema.String),
  rationale: Schema.optionalKey(Schema.String).annotate(also("reasoning")),
  decided_by: Schema.optionalKey(Schema.String).annotate(also("decision_maker_id")),
  evidence: Schema.optionalKey(Schema.Array(Schema.Json)),
  arbitration_id: Schema.optionalKey(Schema.String)
}).annotate({ identifier: "RecordDecision" })

const SetPolicyBody = JsonObject.annotate({
  identifier: "GovernancePolicy",
  description:
    `completion_mode (${completionModes.join(", ")}), write_scope (${writeScopes.join(", ")}), quorum_threshold ` +
    "(above 0, at most 1), allowed_agents (ids), max_cost (0 or more), require_status_reason; other keys are kept"
})

const RequestApprovalBody = Schema.Struct({
  action: Schema.String,
  reason: Schema.optionalKey(Schema.String),
  context: Schema.optionalKey(Schema.NullOr(JsonObject)),
  requested_by: Schema.optionalKey(Schema.String)
}).annotate({ identifier: "RequestApproval" })

const DecideApprovalBody = Schema.Struct({
  decision_notes: Schema.optionalKey(Schema.String).annotate(also("notes")),
  decided_by: Schema.optionalKey(Schema.String).annotate({
    description: "The acting agent decides, whoever is named here; a key that is bound to agents must not name another"
  })
}).annotate({ identifier: "DecideApproval" })

const path = "/api/v1/intents/:intentId"
const approvalId = { ...intentId, approvalId: Schema.String }

const arbitrations = {
  params: intentId,
  query: { ...paging, status: Schema.optionalKey(Schema.Literals(arbitrationStatuses)) },
  success: Schema.Struct({ arbitrations: Schema.Array(ArbitrationBody), ...pageFields })
}

const decideApproval = {
  params: approvalId,
  payload: DecideApprovalBody,
  success: ApprovalBody,
  error: StatusConflict
}

export class GovernanceApi extends HttpApiGroup.make("governance")
  .add(
    HttpApiEndpoint.post("requestArbitration", `${path}/arbitrate`, {
      params: intentId,
      payload: RequestArbitrationBody,
      success: ArbitrationBody
    }).annotateMerge(writes),
    HttpApiEndpoint.get("arbitrations", `${path}/arbitrations`, arbitrations).annotateMerge(reads),
    HttpApiEndpoint.get("arbitrationsAlias", `${path}/arbitration`, arbitrations).annotateMerge(reads),
    HttpApiEndpoint.post("recordDecision", `${path}/decisions`, {
      params: intentId,
      payload: RecordDecisionBody,
      success: DecisionBody
    })
      .annotateMerge(writes)
      .annotateMerge(summary("Resolves the arbitration it names, or the oldest pending one")),
    HttpApiEndpoint.get("decisions", `${path}/decisions`, {
      params: intentId,
      query: paging,
      success: Schema.Struct({ decisions: Schema.Array(DecisionBody), ...pageFields })
    }).annotateMerge(reads),
    HttpApiEndpoint.put("setPolicy", `${path}/governance`, {
      params: intentId,
      headers: { "if-match": ifMatch },
      payload: SetPolicyBody,
      success: IntentBody,
      error: VersionConflict
    })
      .annotateMerge(writes)
      .annotateMerge(summary("The body is the policy itself, in full")),
    HttpApiEndpoint.get("policy", `${path}/governance`, { params: intentId, success: PolicyBody }).annotateMerge(reads),
    HttpApiEndpoint.delete("removePolicy", `${path}/governance`, {
      params: intentId,
      headers: { "if-match": ifMatch },
      success: IntentBody,
      error: VersionConflict
    }).annotateMerge(writes),
    HttpApiEndpoint.post("requestApproval", `${path}/approvals`, {
      params: intentId,
      payload: RequestApprovalBody,
      success: ApprovalBody
    }).annotateMerge(writes),
    HttpApiEndpoint.get("approvals", `${path}/approvals`, {
      params: intentId,
      query: { ...paging, status: Schema.optionalKey(Schema.Literals(approvalStatuses)) },
      success: Schema.Struct({ approvals: Schema.Array(ApprovalBody), ...pageFields })
    }).annotateMerge(reads),
    HttpApiEndpoint.get("approval", `${path}/approvals/:approvalId`, {
      params: approvalId,
      success: ApprovalBody
    }).annotateMerge(reads),
    HttpApiEndpoint.post("approve", `${path}/approvals/:approvalId/approve`, decideApproval).annotateMerge(writes),
    HttpApiEndpoint.post("deny", `${path}/approvals/:approvalId/deny`, decideApproval).annotateMerge(writes)
  )
  .middleware(Access) {}
