import { assert, describe, it } from "@effect/vitest"
import { isVisible, laterTypes, legacyTypes, mayAppend, tierOf } from "../../src/core/event/eventTypes.ts"

/** semantics 8.1, in its order. */
const legacy = `
  intent_created state_patched status_changed agent_assigned agent_unassigned constraint_added constraint_removed
  dependency_added dependency_removed lease_acquired lease_released arbitration_requested decision_recorded
  attachment_added portfolio_created added_to_portfolio removed_from_portfolio failure_recorded comment
  tool_call_started tool_call_completed tool_call_failed llm_request_started llm_request_completed
  llm_request_failed stream_started stream_chunk stream_completed stream_cancelled
`
/** semantics 8.3, in its order. */
const later = `
  access_granted access_revoked access_expired access_requested access_request_approved access_request_denied
  task.created task.ready task.claimed task.started task.progress task.completed task.failed task.retrying
  task.blocked task.unblocked task.delegated task.escalated task.cancelled task.skipped plan.created
  plan.activated plan.paused plan.resumed plan.completed plan.failed plan.checkpoint_reached
  plan.checkpoint_approved plan.checkpoint_rejected coordinator.decision coordinator.heartbeat coordinator.paused
  coordinator.resumed coordinator.replaced coordinator.unresponsive coordinator.failed_over coordinator.handoff
  coordinator.plan_overridden coordinator.guardrails_updated coordinator.stalled coordinator.escalation_resolved
  governance.policy_set governance.policy_removed governance.approval_granted governance.approval_denied
  governance.violation governance.approval_enforced tool.invoked tool.denied grant.created grant.delegated
  grant.revoked grant.expired grant.suspended grant.resumed credential.created credential.rotated
  credential.expired credential.revoked memory.created memory.updated memory.deleted memory.archived
  memory.evicted memory.expired agent.lifecycle agent.registered agent.status_changed agent.dead trigger.fired
  trigger.skipped trigger.cascade_limit trigger.namespace_blocked agent.identity.registered agent.identity.rotated
  agent.identity.revoked agent.identity.challenge_issued agent.identity.verified log.checkpoint.created
  log.checkpoint.anchored channel.created channel.closed channel.message federation.dispatched federation.received
  federation.callback federation.budget_warning federation.completed federation.failed intent.suspended
  intent.resumed intent.suspension_expired engagement.decision intent.suspension_renotified
  intent.suspension_escalated portfolio.member_suspended portfolio.member_resumed
`

const names = (text: string) => text.trim().split(/\s+/)

describe("event types (semantics 8)", () => {
  it("8.1: exactly the 29 types of the first clients", () => {
    assert.strictEqual(legacyTypes.size, 29)
    assert.deepStrictEqual([...legacyTypes].toSorted(), names(legacy).toSorted())
  })

  it("8.3: exactly the types of later clients", () => {
    assert.deepStrictEqual([...laterTypes].toSorted(), names(later).toSorted())
  })

  it("who asks for less sees fewer tiers", () => {
    assert.deepStrictEqual(
      ["comment", "task.created", "lease_renewed", "x.mine", "unheard"].map((type) => tierOf(type)),
      [0, 1, 2, 2, 2]
    )
    const seenBy = (visibility: "legacy" | "known" | "all") =>
      ["comment", "task.created", "lease_renewed", "x.mine"].filter((type) => isVisible(type, visibility))
    assert.deepStrictEqual(seenBy("legacy"), ["comment"])
    assert.deepStrictEqual(seenBy("known"), ["comment", "task.created"])
    assert.deepStrictEqual(seenBy("all"), ["comment", "task.created", "lease_renewed", "x.mine"])
  })

  it("http.md 6.1: clients append known types and names of their own after `x.`", () => {
    for (const type of [...names(legacy), ...names(later), "x.a", "x.a.b", "x.X"]) assert.isTrue(mayAppend(type), type)
    // Hidden types of 8.2 are the engine's own.
    const others =
      "lease_renewed attachment_removed cost_recorded retry_policy_set arbitration_resolved subscription_created " +
      "webhook_failed fallback_triggered budget_alert escalation_initiated x. x y.a Comment COMMENT toString __proto__"
    for (const type of [...names(others), "", " comment"]) {
      assert.isFalse(mayAppend(type), type)
    }
  })
})
