import { assert, describe, it } from "@effect/vitest"
import type { Decision, Guard } from "../../src/core/Aggregate.ts"
import { counterDeltas, memberCounter } from "../../src/core/counters.ts"
import type { Intent, Status } from "../../src/core/intent/Intent.ts"
import { decideStatus as decideIntentStatus } from "../../src/core/intent/rules.ts"
import type { JsonObject } from "../../src/core/json.ts"
import { aggregateOf as aggregateStatusOf, noMembers } from "../../src/core/portfolio/aggregate.ts"
import { autoComplete } from "../../src/core/portfolio/autoComplete.ts"
import { checkPolicy } from "../../src/core/portfolio/policy.ts"
import {
  decideAdd,
  decideCreate,
  decideRemove,
  decideStatus,
  type MembershipFacts,
  type VersionedPortfolio
} from "../../src/core/portfolio/rules.ts"
import type { StoredMembership, StoredPortfolio } from "../../src/core/portfolio/tables.ts"
import { Checks, limits } from "../../src/core/validate.ts"
import { aggregateOf, at, envAt, intentOf, movedOn, now, puts, refused, succeeded } from "./records.ts"

const portfolioOf = (fields: Partial<StoredPortfolio> = {}): StoredPortfolio => ({
  id: "p",
  name: "p",
  description: "",
  createdBy: "ann",
  status: "active",
  metadata: {},
  governancePolicy: {},
  createdAt: at(1000),
  updatedAt: at(1000),
  ...fields
})

const foundOf = (
  byStatus: { readonly [S in Status]?: number } = {},
  fields: Partial<StoredPortfolio> = {}
): VersionedPortfolio => ({
  portfolio: portfolioOf(fields),
  revision: 3,
  aggregate: aggregateStatusOf({ ...noMembers.byStatus, ...byStatus })
})

const membershipOf = (fields: Partial<StoredMembership> = {}): StoredMembership => ({
  id: "m",
  portfolioId: "p",
  intentId: "i",
  role: "member",
  priority: 0,
  addedAt: at(1000),
  state: "member",
  ...fields
})

const portfolioMovedOn = (expected: number, key = "p"): Guard => ({
  table: "portfolios",
  key,
  expected,
  next: expected + 1
})

const deltas = (decision: Decision<unknown>) => Object.fromEntries(counterDeltas(decision.writes))

describe("aggregate (http.md 2.13)", () => {
  it("semantics 51: the percentage is floored, 0 without members, 100 only when all are completed", () => {
    assert.deepStrictEqual([noMembers.total, noMembers.completionPercentage], [0, 0])
    for (const [completed, open, percentage] of [
      [0, 3, 0],
      [1, 2, 33],
      [2, 1, 66],
      [199, 1, 99],
      [3, 0, 100]
    ] as const) {
      const { aggregate } = foundOf({ completed, active: open })
      assert.deepStrictEqual([aggregate.total, aggregate.completionPercentage], [completed + open, percentage])
    }
  })
})

describe("creation and status of a portfolio (http.md 13.1, 13.4)", () => {
  it("is active, has no members, and is guarded from the start", () => {
    const { createdAt: _, id: __, status: ___, updatedAt: ____, ...given } = portfolioOf()
    const decision = decideCreate(given, envAt())
    assert.deepInclude(decision.value, { id: "new-1", status: "active", createdAt: at(now), aggregate: noMembers })
    assert.deepStrictEqual(decision.guards, [portfolioMovedOn(0, "new-1")])
    assert.deepStrictEqual(decision.events, [])
  })

  it("semantics 52: with require_all_completed no member may be open; abandoned ones only where partial is allowed", () => {
    const policy = { require_all_completed: true }
    const partial = { ...policy, allow_partial_completion: true }
    const cases: ReadonlyArray<readonly [JsonObject, { readonly [S in Status]?: number }, number]> = [
      [{}, { active: 2 }, 0],
      [{ require_all_completed: false }, { active: 2 }, 0],
      [{ allow_partial_completion: true }, { active: 2 }, 0],
      [policy, {}, 0],
      [policy, { completed: 3 }, 0],
      [policy, { completed: 3, draft: 1, pending: 1, active: 1, blocked: 1 }, 4],
      [policy, { completed: 3, abandoned: 2 }, 2],
      [partial, { completed: 3, abandoned: 2 }, 0],
      [partial, { completed: 3, abandoned: 2, pending: 1 }, 1]
    ]
    for (const [governancePolicy, members, incomplete] of cases) {
      const found = foundOf(members, { governancePolicy })
      const set = (enforcePolicy: boolean, status: "completed" | "abandoned" = "completed") =>
        decideStatus(found, { portfolioId: "p", status, enforcePolicy }, envAt())
      if (incomplete > 0) {
        assert.deepInclude(refused(set(true), "PortfolioIncomplete"), { portfolioId: "p", incomplete })
      } else assert.strictEqual(succeeded(set(true)).value.status, "completed")
      assert.strictEqual(succeeded(set(false)).value.status, "completed")
      assert.strictEqual(succeeded(set(true, "abandoned")).value.status, "abandoned")
    }
  })

  it("any status may follow any other and moves the portfolio on; its own changes nothing, and passes no gate", () => {
    for (const from of ["active", "completed", "abandoned"] as const) {
      for (const status of ["active", "completed", "abandoned"] as const) {
        const decision = succeeded(
          decideStatus(foundOf({}, { status: from }), { portfolioId: "p", status, enforcePolicy: true }, envAt())
        )
        assert.strictEqual(decision.value.status, status)
        assert.deepStrictEqual(decision.value.updatedAt, at(from === status ? 1000 : now))
        assert.strictEqual(decision.writes.length, from === status ? 0 : 1)
        if (from !== status) assert.deepStrictEqual(decision.guards, [portfolioMovedOn(3)])
      }
    }
    const done = foundOf({ active: 1 }, { status: "completed", governancePolicy: { require_all_completed: true } })
    succeeded(decideStatus(done, { portfolioId: "p", status: "completed", enforcePolicy: true }, envAt()))
    const missing = decideStatus(undefined, { portfolioId: "p", status: "active", enforcePolicy: true }, envAt())
    assert.strictEqual(refused(missing, "PortfolioNotFound").portfolioId, "p")
  })

  it("knows the keys of a policy, and keeps what it does not know", () => {
    const wrong = (policy: JsonObject) => {
      const checks = new Checks()
      checkPolicy(checks, policy)
      return checks.issues.map(({ field }) => field)
    }
    assert.deepStrictEqual(
      wrong({
        require_all_completed: true,
        allow_partial_completion: false,
        auto_complete_threshold: 0,
        max_cost: 0,
        shared_constraints: {},
        "own words": [1]
      }),
      []
    )
    assert.deepStrictEqual(wrong({ auto_complete_threshold: 100, max_cost: null, require_all_completed: null }), [])
    assert.deepStrictEqual(
      wrong({
        require_all_completed: "yes",
        allow_partial_completion: 1,
        auto_complete_threshold: 100.5,
        max_cost: -1,
        shared_constraints: []
      }),
      [
        "governancePolicy.require_all_completed",
        "governancePolicy.allow_partial_completion",
        "governancePolicy.auto_complete_threshold",
        "governancePolicy.max_cost",
        "governancePolicy.shared_constraints"
      ]
    )
    for (const threshold of [-1, "50", true]) {
      assert.deepStrictEqual(wrong({ auto_complete_threshold: threshold }), [
        "governancePolicy.auto_complete_threshold"
      ])
    }
  })
})

describe("members (http.md 13.5, 13.7)", () => {
  const factsOf = (known?: StoredMembership, fields: Partial<Intent> = {}): MembershipFacts => ({
    portfolioRevision: 3,
    found: aggregateOf(
      intentOf("i", { status: "active", portfolioIds: known?.state === "member" ? ["p"] : [], ...fields })
    ),
    known
  })
  const command = { portfolioId: "p", intentId: "i", role: "primary", priority: 5, actor: "bob" } as const
  const bothMovedOn = [movedOn("i", 7), portfolioMovedOn(3)]

  it("a new member is written on both sides, without a step of the intent's version", () => {
    const decision = succeeded(decideAdd(factsOf(undefined, { portfolioIds: ["o"] }), command, envAt()))
    const { actor: _, ...named } = command
    assert.deepStrictEqual(decision.value, { ...named, id: "new-1", addedAt: at(now) })
    assert.deepStrictEqual(puts(decision, "memberships"), [{ ...decision.value, state: "member" }])
    const expected = intentOf("i", { status: "active", portfolioIds: ["o", "p"] })
    assert.deepStrictEqual(puts(decision, "intents"), [expected])
    assert.deepStrictEqual(decision.guards, bothMovedOn)
    const [event] = decision.events
    assert.deepInclude(event, { type: "added_to_portfolio", actor: "bob", intentId: "i", source: "system" })
    const payload = { portfolio_id: "p", membership_id: "new-1", role: "primary", priority: 5 }
    assert.deepStrictEqual(event?.payload, payload)
    assert.deepStrictEqual(event?.extra, { was_member: false })
    assert.deepStrictEqual(deltas(decision), { [memberCounter("p", "active")]: 1 })
  })

  it("semantics 50: added twice it is updated, with its id and time; as it is, nothing changes", () => {
    const decision = succeeded(decideAdd(factsOf(membershipOf()), command, envAt()))
    assert.deepInclude(decision.value, { id: "m", role: "primary", priority: 5, addedAt: at(1000) })
    assert.strictEqual(decision.writes.length, 1)
    assert.deepStrictEqual(decision.events[0]?.extra, { was_member: true })
    assert.deepStrictEqual(deltas(decision), {})
    const again = succeeded(decideAdd(factsOf(membershipOf({ role: "primary", priority: 5 })), command, envAt()))
    assert.deepStrictEqual([again.writes, again.events], [[], []])
  })

  it("who comes back has a new membership in a new row", () => {
    const former = membershipOf({ state: "former" })
    const decision = succeeded(decideAdd(factsOf(former), command, envAt()))
    assert.deepInclude(decision.value, { id: "new-1", addedAt: at(now) })
    assert.deepStrictEqual(decision.writes[0], { _tag: "Remove", table: "memberships", before: former })
    assert.deepInclude(decision.writes[1], { _tag: "Put", table: "memberships", before: undefined })
  })

  it("the portfolio is missed before the intent; an intent is in 100 portfolios at most", () => {
    refused(decideAdd({ ...factsOf(), portfolioRevision: 0, found: undefined }, command, envAt()), "PortfolioNotFound")
    refused(decideAdd({ ...factsOf(), found: undefined }, command, envAt()), "IntentNotFound")
    const ids = Array.from({ length: limits.portfoliosPerIntent }, (_, i) => `p${i}`)
    const { issues } = refused(
      decideAdd(factsOf(undefined, { portfolioIds: ids }), command, envAt()),
      "ValidationError"
    )
    assert.strictEqual(issues[0].field, "intentId")
    succeeded(decideAdd(factsOf(undefined, { portfolioIds: ids.slice(1) }), command, envAt()))
    succeeded(decideAdd(factsOf(membershipOf(), { portfolioIds: ids }), command, envAt()))
  })

  it("who leaves is kept as a former member", () => {
    const remove = (facts: MembershipFacts) => decideRemove(facts, command, envAt())
    const decision = succeeded(remove(factsOf(membershipOf(), { portfolioIds: ["o", "p", "q"] })))
    assert.deepStrictEqual(puts(decision, "memberships"), [membershipOf({ state: "former" })])
    assert.deepStrictEqual(puts(decision, "intents")[0]?.portfolioIds, ["o", "q"])
    assert.deepStrictEqual(decision.guards, bothMovedOn)
    assert.deepStrictEqual(decision.events[0]?.payload, { portfolio_id: "p" })
    assert.deepStrictEqual(deltas(decision), { [memberCounter("p", "active")]: -1 })
    refused(remove({ ...factsOf(membershipOf()), portfolioRevision: 0 }), "PortfolioNotFound")
    for (const facts of [factsOf(), factsOf(membershipOf({ state: "former" })), { ...factsOf(), found: undefined }]) {
      assert.deepInclude(refused(remove(facts), "MembershipNotFound"), { portfolioId: "p", intentId: "i" })
    }
  })
})

describe("auto_complete_threshold (semantics 7.2)", () => {
  const ending = (found: VersionedPortfolio, to: Status = "completed") => autoComplete([found], "active", to, envAt())

  it("is reached by the member that takes the percentage there, not before", () => {
    const policy = { auto_complete_threshold: 66 }
    const early = ending(foundOf({ active: 3 }, { governancePolicy: policy }))
    assert.deepStrictEqual([early.completed, early.writes], [[], []])
    const reached = ending(foundOf({ completed: 1, active: 2 }, { governancePolicy: policy }))
    assert.deepStrictEqual(reached.completed, ["p"])
    const after = portfolioOf({ governancePolicy: policy, status: "completed", updatedAt: at(now) })
    assert.deepStrictEqual(puts({ ...reached, value: undefined, events: [] }, "portfolios"), [after])
    // Also where it was not reached: the next member has to see this one.
    for (const { guards } of [early, reached]) assert.deepStrictEqual(guards, [portfolioMovedOn(3)])
  })

  it("leaves alone what has no threshold or is not active", () => {
    for (const fields of [
      {},
      { governancePolicy: { auto_complete_threshold: null } },
      { status: "abandoned", governancePolicy: { auto_complete_threshold: 0 } },
      { status: "completed", governancePolicy: { auto_complete_threshold: 0 } }
    ] as const) {
      const { completed, guards, writes } = ending(foundOf({ active: 1 }, fields))
      assert.deepStrictEqual([completed, guards, writes], [[], [], []])
    }
  })

  it("yields to require_all_completed (decision 23), which an abandoned member may satisfy at last", () => {
    const policy = { auto_complete_threshold: 50, require_all_completed: true }
    const members = { completed: 2, active: 1 }
    assert.deepStrictEqual(ending(foundOf({ completed: 1, active: 2 }, { governancePolicy: policy })).completed, [])
    assert.deepStrictEqual(ending(foundOf(members, { governancePolicy: policy })).completed, ["p"])
    assert.deepStrictEqual(ending(foundOf(members, { governancePolicy: policy }), "abandoned").completed, [])
    const partial = { ...policy, allow_partial_completion: true }
    assert.deepStrictEqual(ending(foundOf(members, { governancePolicy: partial }), "abandoned").completed, ["p"])
  })

  it("happens in the commit of the member, whose event names the portfolios", () => {
    const portfolios = [
      foundOf({ active: 1 }, { id: "p", governancePolicy: { auto_complete_threshold: 100 } }),
      foundOf({ active: 2 }, { id: "q", governancePolicy: { auto_complete_threshold: 100 } }),
      foundOf({ active: 1 }, { id: "r" })
    ]
    const intent = intentOf("i", { status: "active", portfolioIds: ["p", "q", "r"] })
    const facts = { found: aggregateOf(intent), unmet: [], openChildren: [], waiting: [], portfolios }
    const set = (status: Status) =>
      succeeded(
        decideIntentStatus(facts, { intentId: "i", agentId: "ann", version: 1, status, reason: undefined }, envAt())
      )
    const decision = set("completed")
    assert.deepStrictEqual(decision.events[0]?.extra, { auto_completed: ["p"] })
    assert.deepStrictEqual(
      puts(decision, "portfolios").map(({ id, status }) => [id, status]),
      [["p", "completed"]]
    )
    assert.deepStrictEqual(decision.guards, [movedOn("i", 7), portfolioMovedOn(3, "p"), portfolioMovedOn(3, "q")])
    const moved = { ...deltas(decision) }
    for (const id of ["p", "q", "r"]) {
      assert.strictEqual(moved[memberCounter(id, "active")], -1)
      assert.strictEqual(moved[memberCounter(id, "completed")], 1)
    }
    assert.isNull(set("abandoned").events[0]?.extra)
  })
})
