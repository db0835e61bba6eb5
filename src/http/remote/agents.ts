import type { OpenIntentShape } from "../../core/OpenIntent.ts"
import { ask, type Client, given } from "./call.ts"
import { assignmentOf, pageOf } from "./records.ts"

/** http.md 7 */
export const makeAgents = ({ agents }: Client): OpenIntentShape["agents"] => ({
  assign: (intentId, input) =>
    ask(
      { operation: "agents.assign", intentId },
      ["IntentNotFound", "GovernanceViolation"],
      agents.assign({
        params: { intentId },
        payload: {
          agent_id: input.agentId,
          ...given({
            role: input.role,
            delegated_by: input.delegatedBy,
            retry_attempt: input.retryAttempt,
            last_error: input.lastError
          })
        }
      }),
      assignmentOf
    ),
  list: (intentId, query = {}) =>
    ask(
      { operation: "agents.list", intentId },
      ["IntentNotFound"],
      agents.list({ params: { intentId }, query: given(query) }),
      (page) => pageOf(page, page.agents, assignmentOf)
    ),
  unassign: (intentId, agentId) =>
    ask(
      { operation: "agents.unassign", intentId, agentId },
      ["IntentNotFound", "AssignmentNotFound"],
      agents.unassign({ params: { intentId, agentId } }),
      () => undefined
    )
})
