/** The rules of dependencies (semantics 4, http.md 5.4 and 5.5), without a runtime. */
import { assert, describe, it } from "@effect/vitest"
import type { Versioned } from "../../src/core/Aggregate.ts"
import type { AdditionFacts, DependencyCommand, RemovalFacts } from "../../src/core/graph/rules.ts"
import { decideAdd, decideRemove } from "../../src/core/graph/rules.ts"
import type { Intent, Status } from "../../src/core/intent/Intent.ts"
import { isTerminal, statuses } from "../../src/core/intent/Intent.ts"
import { DependencyCycle } from "../../src/core/intent/IntentErrors.ts"
import { limits } from "../../src/core/validate.ts"
import { aggregateOf, at, envAt, heldStill, intentOf, movedOn, now, puts, refused, succeeded, told } from "./records.ts"

const command = (version = 4): DependencyCommand => ({ intentId: "i", dependencyId: "d", agentId: "ann", version })

const dependency = (status: Status = "draft"): Versioned => ({ intent: intentOf("d", { status }), revision: 3 })

const facts = (fields: Partial<AdditionFacts> = {}, intent: Partial<Intent> = {}): AdditionFacts => ({
  found: aggregateOf(intentOf("i", { version: 4, ...intent })),
  dependency: dependency(),
  cycle: undefined,
  isUnwalked: false,
  ...fields
})

describe("decideAdd", () => {
  it("adds at the end, one version and one revision on, and moves the dependency on", () => {
    const decision = succeeded(decideAdd(facts({}, { dependsOn: ["c"], status: "blocked" }), command(), envAt()))
    assert.deepStrictEqual(
      decision.value,
      intentOf("i", { dependsOn: ["c", "d"], status: "blocked", version: 5, updatedAt: at(now) })
    )
    assert.deepStrictEqual(puts(decision, "intents"), [decision.value])
    assert.deepStrictEqual(puts(decision, "dependencies"), [
      { intentId: "i", dependencyId: "d", intentCreatedAt: at(1000) }
    ])
    assert.deepStrictEqual(decision.guards, [movedOn("i", 7), movedOn("d", 3)])
    assert.deepStrictEqual(told(decision), ["dependency_added by ann"])
    assert.deepStrictEqual(decision.events[0]?.payload, { dependency_id: "d", version: 5 })
  })

  for (const status of statuses) {
    for (const of of statuses) {
      const becomes = isTerminal(status) ? "refused" : of === "completed" ? status : "blocked"
      it(`semantics 1.5: ${status} that comes to depend on ${of}: ${becomes}`, () => {
        const result = decideAdd(facts({ dependency: dependency(of) }, { status }), command(), envAt())
        if (becomes === "refused") {
          refused(result, "IntentTerminal")
          return
        }
        const decision = succeeded(result)
        assert.deepStrictEqual([decision.value.status, decision.value.version], [becomes, 5])
        assert.deepStrictEqual(
          told(decision),
          becomes === status ? ["dependency_added by ann"] : ["dependency_added by ann", "status_changed by system"]
        )
        // One that is terminal never changes, so there is nothing to guard.
        assert.strictEqual(decision.guards?.length, isTerminal(of) ? 1 : 2)
      })
    }
  }

  it("http.md 5.4: the second event tells of the same version, and why", () => {
    const { events } = succeeded(decideAdd(facts({}, { status: "active" }), command(), envAt()))
    assert.deepStrictEqual(events[1]?.payload, {
      status: "blocked",
      version: 5,
      from: "active",
      to: "blocked",
      old_status: "active",
      new_status: "blocked",
      trigger: "dependency_added"
    })
  })

  it("http.md 5.4: errors in order", () => {
    const full = Array.from({ length: limits.dependencies }, (_, i) => `d${i}`)
    const wrong: Partial<AdditionFacts> = {
      found: undefined,
      dependency: undefined,
      cycle: ["i", "d", "i"],
      isUnwalked: true
    }
    const intent = { status: "completed", dependsOn: [...full.slice(1), "d"] } as const
    refused(decideAdd(facts(wrong), command(3), envAt()), "IntentNotFound")
    const { found: _, ...others } = wrong
    const missing = refused(decideAdd(facts(others, intent), command(3), envAt()), "DependencyIntentNotFound")
    assert.strictEqual(missing.message, "Dependency intent not found")
    const { dependency: __, ...rest } = others
    const conflict = refused(decideAdd(facts(rest, intent), command(3), envAt()), "VersionConflict")
    assert.strictEqual(conflict.current, 4)
    const duplicate = refused(decideAdd(facts(rest, intent), command(), envAt()), "DuplicateDependency")
    assert.strictEqual(duplicate.message, "Dependency already exists")
    const cycle = refused(decideAdd(facts(rest, { ...intent, dependsOn: full }), command(), envAt()), "DependencyCycle")
    assert.strictEqual(cycle.message, "dependency cycle: i -> d -> i")
    refused(decideAdd(facts({ isUnwalked: true }, { ...intent, dependsOn: full }), command(), envAt()), "WalkNeeded")
    refused(decideAdd(facts({}, { ...intent, dependsOn: full }), command(), envAt()), "IntentTerminal")
    const tooMany = refused(decideAdd(facts({}, { dependsOn: full }), command(), envAt()), "ValidationError")
    assert.strictEqual(tooMany.issues[0].field, "dependencyId")
    succeeded(decideAdd(facts({}, { dependsOn: full.slice(1) }), command(), envAt()))
  })

  it("the message of a long cycle names its ends", () => {
    const path = Array.from({ length: 100 }, (_, i) => `i${i}`)
    const { message } = new DependencyCycle({ path })
    assert.match(message, /^dependency cycle: i0 -> i1 -> .* -> i9 -> … 80 more … -> i90 -> .* -> i99$/)
  })
})

describe("decideRemove", () => {
  const removal = (intent: Partial<Intent>, unmet?: RemovalFacts["unmet"]): RemovalFacts => ({
    found: aggregateOf(intentOf("i", { version: 4, dependsOn: ["c", "d", "e"], ...intent })),
    unmet
  })
  const other = { intent: { id: "e" }, revision: 9 }

  it("a blocked intent with none left that is not completed becomes pending, in the same step", () => {
    const decision = succeeded(decideRemove(removal({ status: "blocked" }), command(), envAt()))
    assert.deepStrictEqual(
      decision.value,
      intentOf("i", { dependsOn: ["c", "e"], status: "pending", version: 5, updatedAt: at(now) })
    )
    assert.deepStrictEqual(decision.guards, [movedOn("i", 7)])
    assert.deepStrictEqual(told(decision), ["dependency_removed by ann", "status_changed by system"])
    assert.deepStrictEqual(decision.events[0]?.payload, { dependency_id: "d", version: 5 })
    assert.deepInclude(decision.events[1]?.payload, {
      from: "blocked",
      to: "pending",
      version: 5,
      trigger: "dependencies_completed"
    })
    assert.deepInclude(decision.writes[1], { _tag: "Remove", table: "dependencies" })
  })

  it("stays blocked because of another, which must still be as it was read", () => {
    const decision = succeeded(decideRemove(removal({ status: "blocked" }, other), command(), envAt()))
    assert.strictEqual(decision.value.status, "blocked")
    assert.deepStrictEqual(decision.guards, [movedOn("i", 7), heldStill("e", 9)])
    assert.deepStrictEqual(told(decision), ["dependency_removed by ann"])
  })

  it("an intent that is not blocked keeps its status", () => {
    for (const status of ["draft", "pending", "active"] as const) {
      assert.strictEqual(succeeded(decideRemove(removal({ status }), command(), envAt())).value.status, status)
    }
  })

  it("errors in order: intent, dependency, version, terminal", () => {
    refused(decideRemove({ found: undefined, unmet: undefined }, command(3), envAt()), "IntentNotFound")
    const none = refused(
      decideRemove(removal({ dependsOn: ["c"], status: "completed" }), command(3), envAt()),
      "DependencyNotFound"
    )
    assert.deepStrictEqual([none.intentId, none.dependencyId], ["i", "d"])
    refused(decideRemove(removal({ status: "abandoned" }), command(3), envAt()), "VersionConflict")
    for (const status of ["completed", "abandoned"] as const) {
      refused(decideRemove(removal({ status }), command(), envAt()), "IntentTerminal")
    }
  })
})
