import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { decideAssign } from "../../src/core/agent/rules.ts"
import type { Approval } from "../../src/core/governance/Approval.ts"
import { type ApprovalCommand, decideApproval, newApproval } from "../../src/core/governance/approvalRules.ts"
import type { Arbitration } from "../../src/core/governance/Arbitration.ts"
import { decideArbitration, type DecisionCommand, decideRecord } from "../../src/core/governance/arbitrationRules.ts"
import type { Breach, Policy } from "../../src/core/governance/policy.ts"
import { checkAgent, checkStatus, checkWriter, effectivePolicy, readPolicy } from "../../src/core/governance/policy.ts"
import { decidePolicy } from "../../src/core/governance/policyRules.ts"
import type { Standing } from "../../src/core/governance/standing.ts"
import type { Intent } from "../../src/core/intent/Intent.ts"
import { decideAssignedPatch, decidePatch } from "../../src/core/intent/patchRules.ts"
import { decideStatus } from "../../src/core/intent/rules.ts"
import { readPatches } from "../../src/core/intent/statePatch.ts"
import type { JsonObject } from "../../src/core/json.ts"
import { Checks } from "../../src/core/validate.ts"
import { aggregateOf, at, envAt, intentOf, leaseOf, movedOn, now, puts, refused, succeeded, told } from "./records.ts"

const defaults: Policy = {
  completionMode: "auto",
  writeScope: "any",
  quorumThreshold: 0.6,
  allowedAgents: [],
  maxCost: null,
  requireStatusReason: false
}

const issuesOf = (policy: unknown) => {
  const checks = new Checks()
  readPolicy(checks, "policy", policy)
  return checks.issues.map(({ field }) => field)
}

describe("policies (http.md appendix A)", () => {
  it("known keys are checked, all of them at once; others are kept", () => {
    const wrong: JsonObject = {
      completion_mode: "quorums",
      write_scope: 1,
      quorum_threshold: 0,
      allowed_agents: ["ann", " "],
      max_cost: -0.01,
      require_status_reason: "yes",
      own: 1
    }
    assert.deepStrictEqual(
      issuesOf(wrong),
      Object.keys(wrong)
        .slice(0, 6)
        .map((name) => `policy.${name}`)
    )
    assert.deepStrictEqual(effectivePolicy(wrong), defaults)
    const right = { completion_mode: "quorum", quorum_threshold: 1, max_cost: 0, allowed_agents: [], own: { a: [1] } }
    const checks = new Checks()
    assert.deepStrictEqual(readPolicy(checks, "policy", right), right)
    assert.deepStrictEqual(checks.issues, [])
    for (const threshold of [1.01, "0.5", -1, true]) {
      assert.deepStrictEqual(issuesOf({ quorum_threshold: threshold }), ["policy.quorum_threshold"])
    }
    assert.deepStrictEqual(issuesOf({ allowed_agents: "ann" }), ["policy.allowed_agents"])
    assert.deepStrictEqual(issuesOf([]), ["policy"])
    assert.deepStrictEqual(issuesOf({ max_cost: Number.NaN }), ["policy.max_cost"])
  })

  it("without a policy, and where its keys are null, the defaults hold", () => {
    assert.deepStrictEqual(effectivePolicy(null), defaults)
    const nothing = { completion_mode: null, allowed_agents: null, max_cost: null, quorum_threshold: null }
    assert.deepStrictEqual(issuesOf(nothing), [])
    assert.deepStrictEqual(effectivePolicy(nothing), defaults)
    assert.deepStrictEqual(
      effectivePolicy({
        completion_mode: "require_approval",
        write_scope: "assigned_only",
        quorum_threshold: 0.01,
        allowed_agents: ["ann"],
        max_cost: 2.5,
        require_status_reason: true
      }),
      {
        completionMode: "require_approval",
        writeScope: "assigned_only",
        quorumThreshold: 0.01,
        allowedAgents: ["ann"],
        maxCost: 2.5,
        requireStatusReason: true
      }
    )
  })

  it.prop(
    "what is accepted takes effect as it was given",
    {
      policy: Schema.Struct({
        completion_mode: Schema.Literals(["auto", "require_approval", "quorum", "other"]),
        write_scope: Schema.Literals(["any", "assigned_only", "none"]),
        quorum_threshold: Schema.Finite.check(Schema.isBetween({ minimum: -0.5, maximum: 1.5 })),
        allowed_agents: Schema.Array(Schema.Literals(["ann", "bob", ""])),
        max_cost: Schema.Finite.check(Schema.isBetween({ minimum: -10, maximum: 1e6 })),
        require_status_reason: Schema.Boolean
      })
    },
    ({ policy }) => {
      const wrong = new Set(issuesOf(policy))
      const effective = effectivePolicy(policy)
      const takes = (name: keyof typeof policy, value: unknown, fallback: unknown) =>
        assert.deepStrictEqual(value, wrong.has(`policy.${name}`) ? fallback : policy[name])
      takes("completion_mode", effective.completionMode, "auto")
      takes("write_scope", effective.writeScope, "any")
      takes("quorum_threshold", effective.quorumThreshold, 0.6)
      takes("allowed_agents", effective.allowedAgents, [])
      takes("max_cost", effective.maxCost, null)
      takes("require_status_reason", effective.requireStatusReason, false)
      assert.strictEqual(
        wrong.has("policy.quorum_threshold"),
        policy.quorum_threshold <= 0 || policy.quorum_threshold > 1
      )
      assert.strictEqual(wrong.has("policy.max_cost"), policy.max_cost < 0)
    }
  )

  const ruleOf = (breach: Breach | undefined) => breach?.rule

  it("who writes: the scope is asked before the list", () => {
    const policy = effectivePolicy({ write_scope: "assigned_only", allowed_agents: ["ann"] })
    assert.isUndefined(checkWriter(policy, { agentId: "ann", isAssigned: true }))
    assert.strictEqual(ruleOf(checkWriter(policy, { agentId: "ann", isAssigned: false })), "write_scope")
    assert.strictEqual(ruleOf(checkWriter(policy, { agentId: "bob", isAssigned: false })), "write_scope")
    assert.strictEqual(ruleOf(checkWriter(policy, { agentId: "bob", isAssigned: true })), "allowed_agents")
    const anyone = effectivePolicy(null)
    assert.isUndefined(checkWriter(anyone, { agentId: "bob", isAssigned: false }))
    assert.isUndefined(checkAgent(anyone, "bob"))
  })

  const completing = { status: "completed", reason: "done" } as const
  const ann = { agentId: "ann", isAssigned: false }

  it("an approval, where one is required, is asked for completing only", () => {
    const policy = effectivePolicy({ completion_mode: "require_approval" })
    const agreed = (approved: number) => ({ approved, assigned: 0 })
    assert.deepInclude(checkStatus(policy, ann, completing, agreed(0)), {
      rule: "completion_mode",
      mode: "require_approval"
    })
    assert.isUndefined(checkStatus(policy, ann, completing, agreed(1)))
    assert.isUndefined(checkStatus(policy, ann, { status: "abandoned", reason: undefined }, agreed(0)))
  })

  it("a quorum of 0.6 needs 1, 1, 1, 2, 3 of 1 to 5 agents; of nobody there is none, and no event", () => {
    const policy = effectivePolicy({ completion_mode: "quorum" })
    const passes = (assigned: number, approved: number) =>
      checkStatus(policy, ann, completing, { assigned, approved }) === undefined
    for (const [assigned, needed] of [
      [1, 1],
      [2, 1],
      [3, 1],
      [4, 2],
      [5, 3]
    ] as const) {
      assert.isTrue(passes(assigned, needed))
      assert.isFalse(passes(assigned, needed - 1))
    }
    assert.deepInclude(checkStatus(policy, ann, completing, { assigned: 0, approved: 3 }), {
      rule: "completion_mode",
      mode: "quorum",
      isUntold: true
    })
    assert.isUndefined(checkStatus(policy, ann, completing, { assigned: 4, approved: 2 })?.isUntold)
  })

  it.prop(
    "an approval more never turns a quorum into none",
    {
      threshold: Schema.Finite.check(Schema.isBetween({ minimum: 0.001, maximum: 1 })),
      assigned: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 })),
      approved: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 }))
    },
    ({ approved, assigned, threshold }) => {
      const policy = effectivePolicy({ completion_mode: "quorum", quorum_threshold: threshold })
      const passes = (n: number) => checkStatus(policy, ann, completing, { assigned, approved: n }) === undefined
      assert.isTrue(!passes(approved) || passes(approved + 1))
      assert.isFalse(passes(0))
      if (assigned > 0) assert.isTrue(passes(assigned))
    }
  )

  it("a reason is needed for any status, after the writer is judged and before who agreed", () => {
    const policy = effectivePolicy({
      require_status_reason: true,
      completion_mode: "require_approval",
      allowed_agents: ["ann"]
    })
    const none = { approved: 0, assigned: 0 }
    for (const reason of [undefined, "", "  "]) {
      assert.deepInclude(checkStatus(policy, ann, { status: "active", reason }, none), {
        rule: "require_status_reason",
        isUntold: true
      })
    }
    assert.isUndefined(checkStatus(policy, ann, { status: "active", reason: "go" }, none))
    const bob = { agentId: "bob", isAssigned: false }
    assert.strictEqual(ruleOf(checkStatus(policy, bob, { status: "completed", reason: "" }, none)), "allowed_agents")
    const unsaid = { status: "completed", reason: undefined } as const
    assert.strictEqual(ruleOf(checkStatus(policy, ann, unsaid, none)), "require_status_reason")
    assert.strictEqual(ruleOf(checkStatus(policy, ann, completing, none)), "completion_mode")
  })
})

const withPolicy = (governancePolicy: JsonObject, fields: Partial<Intent> = {}) =>
  aggregateOf(intentOf("i", { version: 5, governancePolicy, ...fields }))

describe("enforcement", () => {
  const patch = (fields: { readonly agentId?: string; readonly version?: number; readonly path?: string } = {}) => {
    const checks = new Checks()
    const { agentId = "ann", path = "a", version = 5 } = fields
    const patches = path === "" ? [] : readPatches(checks, { version, patches: [{ op: "set", path, value: 1 }] })
    return { intentId: "i", agentId, version, patches, leaseToken: undefined, enforceLeases: true }
  }

  it("patches: after the version, before leases and the patch itself", () => {
    const found = { ...withPolicy({ allowed_agents: ["ann"] }), leases: [leaseOf("*", { agentId: "cid" })] }
    const { agentId, breach, intentId } = refused(decidePatch(found, patch({ agentId: "bob" }), envAt()), "Denied")
    assert.deepStrictEqual([intentId, agentId, breach.rule], ["i", "bob", "allowed_agents"])
    refused(decidePatch(found, patch({ agentId: "bob", version: 4 }), envAt()), "VersionConflict")
    refused(decidePatch(found, patch(), envAt()), "LeaseHeld")
    // What changes nothing is not held against anybody.
    succeeded(decidePatch(withPolicy({ allowed_agents: ["ann"] }), patch({ agentId: "bob", path: "" }), envAt()))
  })

  it("who is assigned is asked for only where the policy does, and then the intent is the guard", () => {
    const scoped = withPolicy({ write_scope: "assigned_only" })
    refused(decidePatch(scoped, patch(), envAt()), "AssignmentUnread")
    refused(decidePatch(scoped, patch({ version: 4 }), envAt()), "VersionConflict")
    for (const policy of [{}, { write_scope: "any" }, { write_scope: "nobody" }, { completion_mode: "quorum" }])
      succeeded(decidePatch(withPolicy(policy), patch(), envAt()))
    const decision = succeeded(decideAssignedPatch({ found: scoped, isAssigned: true }, patch(), envAt()))
    assert.deepStrictEqual(decision.guards, [movedOn("i", 7)])
    assert.deepStrictEqual(decision.value.state, { a: 1 })
    const denied = refused(decideAssignedPatch({ found: scoped, isAssigned: false }, patch(), envAt()), "Denied")
    assert.strictEqual(denied.breach.rule, "write_scope")
    refused(decideAssignedPatch({ found: undefined, isAssigned: false }, patch(), envAt()), "IntentNotFound")
  })

  it("status: after the version and what stays, before the table of semantics 1.4", () => {
    const change = { intentId: "i", agentId: "bob", version: 5, status: "completed", reason: undefined } as const
    const facts = (standing: Standing | undefined, fields: Partial<Intent> = {}) => ({
      found: withPolicy({ completion_mode: "require_approval" }, fields),
      unmet: ["d"],
      openChildren: [],
      waiting: [],
      ...(standing === undefined ? undefined : { standing })
    })
    const alone = { isAssigned: false, approved: 0, assigned: 0 }
    const { breach } = refused(decideStatus(facts(alone), change, envAt()), "Denied")
    assert.deepInclude(breach, { rule: "completion_mode", mode: "require_approval" })
    refused(decideStatus(facts(undefined), change, envAt()), "Denied")
    refused(decideStatus(facts(alone), { ...change, version: 4 }, envAt()), "VersionConflict")
    refused(decideStatus(facts(alone, { status: "abandoned" }), change, envAt()), "Denied")
    refused(decideStatus(facts({ ...alone, approved: 1 }), change, envAt()), "DependenciesIncomplete")
    const same = succeeded(decideStatus(facts(alone, { status: "completed" }), change, envAt()))
    assert.deepStrictEqual(same.writes, [])
  })

  it("assignments: of the agent that is assigned, whoever asks for it", () => {
    const found = withPolicy({ allowed_agents: ["ann"] })
    const assign = (agentId: string, actor: string) =>
      decideAssign({ found, known: undefined }, { intentId: "i", agentId, role: "worker", actor }, envAt())
    const { agentId, breach } = refused(assign("bob", "ann"), "Denied")
    assert.deepStrictEqual([agentId, breach.rule], ["ann", "allowed_agents"])
    succeeded(assign("ann", "bob"))
  })

  it("setting a policy takes the place of the whole one, and is a step of the version each time", () => {
    const command = { intentId: "i", agentId: "ann", version: 5, policy: { write_scope: "any" } }
    const found = withPolicy({ write_scope: "any", max_cost: 1 })
    const set = succeeded(decidePolicy(found, command, envAt()))
    assert.deepInclude(set.value, { governancePolicy: { write_scope: "any" }, version: 6, updatedAt: at(now) })
    assert.deepStrictEqual(told(set), ["governance.policy_set by ann"])
    assert.deepStrictEqual(set.events[0]?.payload, { governance_policy: { write_scope: "any" }, version: 6 })
    const removed = succeeded(decidePolicy(found, { ...command, policy: null }, envAt()))
    assert.deepInclude(removed.value, { governancePolicy: null, version: 6 })
    assert.deepStrictEqual(removed.events[0]?.payload, { version: 6 })
    assert.strictEqual(removed.events[0]?.type, "governance.policy_removed")
    assert.strictEqual(refused(decidePolicy(found, { ...command, version: 4 }, envAt()), "VersionConflict").current, 5)
    refused(decidePolicy(undefined, command, envAt()), "IntentNotFound")
  })
})

describe("arbitrations and decisions (semantics 5)", () => {
  const found = aggregateOf(intentOf("i"))
  const arbitration = (fields: Partial<Arbitration> = {}): Arbitration => ({
    id: "arb",
    intentId: "i",
    requestedBy: "bob",
    reason: "two readings",
    context: {},
    options: [],
    status: "pending",
    resolution: null,
    createdAt: at(1000),
    resolvedAt: null,
    ...fields
  })
  const decision = (fields: Partial<DecisionCommand> = {}): DecisionCommand => ({
    intentId: "i",
    decidedBy: "ann",
    decisionType: "arbitration",
    outcome: "a",
    rationale: "fits",
    evidence: [],
    arbitrationId: undefined,
    ...fields
  })

  it("a request is pending, and moves the intent on", () => {
    const asked = { intentId: "i", requestedBy: "bob", reason: "r", context: { a: 1 }, options: [{ label: "x" }] }
    const made = succeeded(decideArbitration(found, asked, envAt()))
    assert.deepInclude(made.value, { ...asked, status: "pending", resolution: null, resolvedAt: null })
    assert.deepStrictEqual(told(made), ["arbitration_requested by bob"])
    assert.deepStrictEqual(made.guards, [movedOn("i", 7)])
    assert.deepStrictEqual(puts(made, "intents"), [])
    refused(decideArbitration(undefined, asked, envAt()), "IntentNotFound")
  })

  it("a decision resolves the pending one, and tells of both", () => {
    for (const arbitrationId of [undefined, "arb"]) {
      const made = succeeded(decideRecord({ found, arbitration: arbitration() }, decision({ arbitrationId }), envAt()))
      assert.strictEqual(made.value.arbitrationId, "arb")
      assert.deepStrictEqual(puts(made, "arbitrations"), [
        arbitration({ status: "resolved", resolution: "a", resolvedAt: at(now) })
      ])
      assert.deepStrictEqual(told(made), ["decision_recorded by ann", "arbitration_resolved by ann"])
      assert.deepStrictEqual(made.guards, [movedOn("i", 7)])
    }
  })

  it("a decision without one is recorded; one that names what is not pending here is refused", () => {
    const alone = succeeded(decideRecord({ found, arbitration: undefined }, decision(), envAt()))
    assert.isNull(alone.value.arbitrationId)
    assert.deepStrictEqual(told(alone), ["decision_recorded by ann"])
    const named = decision({ arbitrationId: "arb", decisionType: "budget" })
    const others = [undefined, arbitration({ intentId: "j" }), arbitration({ status: "resolved", resolution: "b" })]
    for (const other of others) {
      const { arbitrationId } = refused(
        decideRecord({ found, arbitration: other }, named, envAt()),
        "ArbitrationNotFound"
      )
      assert.strictEqual(arbitrationId, "arb")
    }
    refused(decideRecord({ found: undefined, arbitration: arbitration() }, named, envAt()), "IntentNotFound")
    assert.strictEqual(
      succeeded(decideRecord({ found, arbitration: arbitration() }, named, envAt())).value.decisionType,
      "budget"
    )
  })
})

describe("approvals", () => {
  const found = aggregateOf(intentOf("i"))
  const asked = { intentId: "i", requestedBy: "bob", action: "complete", reason: "", context: {} }
  const pending: Approval = newApproval(asked, envAt(1000)).value
  const command: ApprovalCommand = {
    intentId: "i",
    approvalId: pending.id,
    agentId: "ann",
    as: "approved",
    notes: undefined
  }

  it("are decided once, by anybody, also by who asked", () => {
    for (const [as, type] of [
      ["approved", "governance.approval_granted"],
      ["denied", "governance.approval_denied"]
    ] as const) {
      const decided = succeeded(decideApproval({ found, approval: pending }, { ...command, as, notes: "n" }, envAt()))
      assert.deepStrictEqual(decided.value, {
        ...pending,
        status: as,
        decidedAt: at(now),
        decidedBy: "ann",
        decisionNotes: "n"
      })
      assert.deepStrictEqual(told(decided), [`${type} by ann`])
      assert.deepStrictEqual(decided.events[0]?.payload, {
        approval_id: pending.id,
        action: "complete",
        decision: as,
        requested_by: "bob"
      })
      assert.deepStrictEqual(decided.guards, [movedOn("i", 7)])
      const again = refused(decideApproval({ found, approval: decided.value }, command, envAt()), "ApprovalNotPending")
      assert.strictEqual(again.status, as)
    }
    succeeded(decideApproval({ found, approval: pending }, { ...command, agentId: "bob" }, envAt()))
  })

  it("are known on their own intent only", () => {
    refused(decideApproval({ found: undefined, approval: pending }, command, envAt()), "IntentNotFound")
    refused(decideApproval({ found, approval: undefined }, command, envAt()), "ApprovalNotFound")
    refused(decideApproval({ found, approval: { ...pending, intentId: "j" } }, command, envAt()), "ApprovalNotFound")
  })
})
