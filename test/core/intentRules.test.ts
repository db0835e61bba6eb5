import { assert, describe, it } from "@effect/vitest"
import type { Intent, Status } from "../../src/core/intent/Intent.ts"
import { isTerminal, statuses } from "../../src/core/intent/Intent.ts"
import type { PatchCommand } from "../../src/core/intent/patchRules.ts"
import type { Creation, CreationFacts, StatusFacts } from "../../src/core/intent/rules.ts"
import { decidePatch } from "../../src/core/intent/patchRules.ts"
import { decideCreate, decideStatus } from "../../src/core/intent/rules.ts"
import { readPatches } from "../../src/core/intent/statePatch.ts"
import { mayMove, needsDependencies } from "../../src/core/intent/transitions.ts"
import { Checks, limits } from "../../src/core/validate.ts"
import {
  aggregateOf,
  at,
  envAt,
  heldStill,
  intentOf,
  leaseOf,
  movedOn,
  now,
  puts,
  refused,
  succeeded,
  told
} from "./records.ts"

describe("transitions (semantics 1.4)", () => {
  const table: { readonly [from in Status]: { readonly [to in Status]: "same" | "yes" | "no" } } = {
    draft: { draft: "same", pending: "no", active: "yes", blocked: "yes", completed: "yes", abandoned: "yes" },
    pending: { draft: "no", pending: "same", active: "yes", blocked: "yes", completed: "yes", abandoned: "yes" },
    active: { draft: "no", pending: "no", active: "same", blocked: "yes", completed: "yes", abandoned: "yes" },
    blocked: { draft: "no", pending: "no", active: "yes", blocked: "same", completed: "no", abandoned: "yes" },
    completed: { draft: "no", pending: "no", active: "no", blocked: "no", completed: "same", abandoned: "no" },
    abandoned: { draft: "no", pending: "no", active: "no", blocked: "no", completed: "no", abandoned: "same" }
  }
  for (const from of statuses) {
    for (const to of statuses) {
      it(`${from} -> ${to}: ${table[from][to]}`, () => {
        const intent = intentOf("i", { status: from, version: 4 })
        const facts: StatusFacts = { found: aggregateOf(intent), unmet: [], openChildren: [], waiting: [] }
        const command = { intentId: "i", agentId: "ann", version: 4, status: to, reason: undefined }
        const result = decideStatus(facts, command, envAt())
        if (table[from][to] === "no") {
          const { from: left, to: right } = refused(result, "InvalidTransition")
          assert.deepStrictEqual([left, right], [from, to])
          assert.isFalse(mayMove(from, to))
          return
        }
        const decision = succeeded(result)
        if (table[from][to] === "same") {
          assert.strictEqual(decision.value, intent)
          assert.deepStrictEqual([decision.writes, decision.events], [[], []])
          return
        }
        assert.deepStrictEqual(decision.value, { ...intent, status: to, version: 5, updatedAt: at(now) })
      })
    }
  }

  it("only active and completed need the dependencies", () => {
    assert.deepStrictEqual(statuses.filter(needsDependencies), ["active", "completed"])
    assert.deepStrictEqual(statuses.filter(isTerminal), ["completed", "abandoned"])
  })
})

describe("decideStatus", () => {
  const facts = (fields: Partial<StatusFacts> = {}, intent: Partial<Intent> = {}): StatusFacts => ({
    found: aggregateOf(intentOf("i", { version: 4, status: "active", ...intent })),
    unmet: [],
    openChildren: [],
    waiting: [],
    ...fields
  })
  const command = (status: Status, version = 4, reason?: string) => ({
    intentId: "i",
    agentId: "ann",
    version,
    status,
    reason
  })

  it("errors in order: not found, version, transition, dependencies, children", () => {
    const allWrong = { unmet: ["d"], openChildren: ["c"] }
    refused(decideStatus({ ...facts(allWrong), found: undefined }, command("completed", 3), envAt()), "IntentNotFound")
    const conflict = refused(
      decideStatus(facts(allWrong, { status: "blocked" }), command("completed", 3), envAt()),
      "VersionConflict"
    )
    assert.deepStrictEqual([conflict.expected, conflict.current], [3, 4])
    refused(decideStatus(facts(allWrong, { status: "blocked" }), command("completed"), envAt()), "InvalidTransition")
    const unmet = refused(decideStatus(facts(allWrong), command("completed"), envAt()), "DependenciesIncomplete")
    assert.deepStrictEqual(unmet.unmet, ["d"])
    const open = refused(
      decideStatus(facts({ openChildren: ["c"] }), command("completed"), envAt()),
      "ChildrenIncomplete"
    )
    assert.deepStrictEqual(open.open, ["c"])
    succeeded(decideStatus(facts(), command("completed"), envAt()))
  })

  it("semantics 2.5: a stale writer learns of the version first, also where the status is the one it has", () => {
    refused(decideStatus(facts(), command("active", 3), envAt()), "VersionConflict")
    refused(decideStatus(facts(), command("active", 5), envAt()), "VersionConflict")
  })

  it("unmet dependencies refuse active and completed, and nothing else", () => {
    const unmet = { unmet: ["d"] }
    refused(decideStatus(facts(unmet, { status: "blocked" }), command("active"), envAt()), "DependenciesIncomplete")
    refused(decideStatus(facts(unmet, { status: "draft" }), command("active"), envAt()), "DependenciesIncomplete")
    for (const status of ["blocked", "abandoned"] as const) {
      succeeded(decideStatus(facts(unmet), command(status), envAt()))
    }
  })

  it("open children refuse completed only", () => {
    for (const status of ["blocked", "abandoned"] as const) {
      succeeded(decideStatus(facts({ openChildren: ["c"] }), command(status), envAt()))
    }
  })

  it("http.md 4.6: the event tells old and new status under all their names, and the reason if there is one", () => {
    const { events } = succeeded(decideStatus(facts(), command("blocked", 4, "waiting for Bo"), envAt()))
    assert.strictEqual(events.length, 1)
    assert.deepInclude(events[0], {
      type: "status_changed",
      actor: "ann",
      source: "system",
      intentId: "i",
      id: "new-1"
    })
    assert.deepStrictEqual(events[0]?.payload, {
      status: "blocked",
      version: 5,
      from: "active",
      to: "blocked",
      old_status: "active",
      new_status: "blocked",
      reason: "waiting for Bo"
    })
    const silent = succeeded(decideStatus(facts(), command("blocked"), envAt()))
    assert.isFalse("reason" in silent.events[0]!.payload)
  })

  it("the intent moves on by one revision", () => {
    assert.deepStrictEqual(succeeded(decideStatus(facts(), command("blocked"), envAt())).guards, [movedOn("i", 7)])
  })

  const blocked = (id: string, createdAt: number, revision: number) => ({
    intent: intentOf(id, { status: "blocked", dependsOn: ["i"], createdAt: at(createdAt), version: 2 }),
    revision
  })

  it("semantics 1.5: completing unblocks who waited for it alone, by creation and then id, each with its event", () => {
    const waiting = [
      { ...blocked("c", 30, 3), unmet: undefined },
      { ...blocked("b", 20, 2), unmet: undefined },
      { ...blocked("a", 30, 1), unmet: undefined }
    ]
    const decision = succeeded(decideStatus(facts({ waiting }), command("completed"), envAt()))
    assert.deepStrictEqual(
      puts(decision, "intents").map(({ id, status, version }) => [id, status, version]),
      [
        ["i", "completed", 5],
        ["b", "pending", 3],
        ["a", "pending", 3],
        ["c", "pending", 3]
      ]
    )
    assert.deepStrictEqual(told(decision), [
      "status_changed by ann",
      "status_changed by system",
      "status_changed by system",
      "status_changed by system"
    ])
    assert.deepStrictEqual(
      decision.events.map((event) => event.intentId),
      ["i", "b", "a", "c"]
    )
    assert.deepStrictEqual(decision.events[1]?.payload, {
      status: "pending",
      version: 3,
      from: "blocked",
      to: "pending",
      old_status: "blocked",
      new_status: "pending",
      trigger: "dependencies_completed",
      dependency_id: "i"
    })
    assert.sameDeepMembers(
      [...(decision.guards ?? [])],
      [movedOn("i", 7), movedOn("a", 1), movedOn("b", 2), movedOn("c", 3)]
    )
    assert.deepStrictEqual(decision.value.id, "i")
  })

  it("who stays blocked is not written, but it and what keeps it so must not have changed: one guard a record", () => {
    const other = { intent: intentOf("other", { status: "active" }), revision: 9 }
    const waiting = [
      { ...blocked("a", 10, 1), unmet: other },
      { ...blocked("b", 20, 2), unmet: other },
      { ...blocked("c", 30, 3), unmet: undefined }
    ]
    const decision = succeeded(decideStatus(facts({ waiting }), command("completed"), envAt()))
    assert.deepStrictEqual(
      puts(decision, "intents").map(({ id }) => id),
      ["i", "c"]
    )
    assert.sameDeepMembers(
      [...(decision.guards ?? [])],
      [movedOn("i", 7), movedOn("c", 3), heldStill("a", 1), heldStill("b", 2), heldStill("other", 9)]
    )
  })

  it("a dependent that is unblocked and keeps another blocked is guarded once, and moves on", () => {
    const a = blocked("a", 10, 1)
    const waiting = [
      { ...blocked("b", 20, 2), unmet: a },
      { ...a, unmet: undefined }
    ]
    const decision = succeeded(decideStatus(facts({ waiting }), command("completed"), envAt()))
    assert.sameDeepMembers([...(decision.guards ?? [])], [movedOn("i", 7), movedOn("a", 1), heldStill("b", 2)])
  })
})

describe("decideCreate", () => {
  const creation = (intent: Partial<Creation["intent"]> = {}, more: Partial<Creation> = {}): Creation => {
    const {
      createdAt: _,
      id: _id,
      status: _status,
      updatedAt: _at,
      version: _version,
      ...rest
    } = intentOf("x", {
      title: "t",
      ...intent
    })
    return { ...creationDefaults, ...more, intent: rest }
  }
  const creationDefaults = { agentId: "me", status: "draft" as Status, assign: undefined }
  const facts = (fields: Partial<CreationFacts> = {}): CreationFacts => ({
    parent: undefined,
    ancestors: [],
    dependencies: [],
    ...fields
  })
  const versioned = (id: string, status: Status, revision: number) => ({ intent: intentOf(id, { status }), revision })

  it("semantics 1: version 1, one event, created now, at revision 1", () => {
    const decision = succeeded(decideCreate(facts(), creation({ createdBy: "bo", state: { a: 1 } }), envAt()))
    assert.deepInclude(decision.value, { id: "new-1", version: 1, status: "draft", createdBy: "bo", title: "t" })
    assert.deepStrictEqual([decision.value.createdAt, decision.value.updatedAt], [at(now), at(now)])
    assert.deepStrictEqual(told(decision), ["intent_created by bo"])
    assert.deepStrictEqual(decision.events[0]?.payload, {
      title: "t",
      parent_id: null,
      parent_intent_id: null,
      depends_on: [],
      status: "draft",
      version: 1
    })
    assert.deepStrictEqual(decision.guards, [{ table: "intents", key: "new-1", expected: 0, next: 1 }])
    assert.deepStrictEqual(puts(decision, "intents"), [decision.value])
  })

  it("errors in order: parent, dependencies, cycle", () => {
    const given = creation({ parentIntentId: "p", dependsOn: ["a", "p", "b"] })
    const dependencies = [undefined, versioned("p", "draft", 1), undefined]
    refused(decideCreate(facts({ dependencies }), given, envAt()), "ParentNotFound")
    const parent = versioned("p", "draft", 1)
    const unknown = refused(
      decideCreate(facts({ parent, ancestors: ["p"], dependencies }), given, envAt()),
      "UnknownDependency"
    )
    assert.deepStrictEqual(unknown.dependencyIds, ["a", "b"])
    const known = ["a", "p", "b"].map((id) => versioned(id, "draft", 1))
    refused(decideCreate(facts({ parent, ancestors: ["p"], dependencies: known }), given, envAt()), "DependencyCycle")
    succeeded(decideCreate(facts({ parent, ancestors: [], dependencies: known }), given, envAt()))
  })

  it("semantics 4.2: an ancestor however far is a cycle, and the path leads up to it", () => {
    const given = creation({ parentIntentId: "p", dependsOn: ["g"] })
    const error = refused(
      decideCreate(
        facts({
          parent: versioned("p", "draft", 1),
          ancestors: ["p", "q", "g", "r"],
          dependencies: [versioned("g", "draft", 1)]
        }),
        given,
        envAt()
      ),
      "DependencyCycle"
    )
    assert.deepStrictEqual(error.path.slice(1, -1), ["p", "q", "g"])
    assert.strictEqual(error.path[0], error.path.at(-1))
  })

  const gates: ReadonlyArray<readonly [asked: Status, dependencies: ReadonlyArray<Status>, expected: Status]> = [
    ["draft", [], "draft"],
    ["active", [], "active"],
    ["blocked", [], "blocked"],
    ["pending", [], "pending"],
    ["draft", ["completed"], "pending"],
    ["active", ["completed", "completed"], "pending"],
    ["blocked", ["completed"], "pending"],
    ["active", ["completed", "active"], "blocked"],
    ["pending", ["draft"], "blocked"],
    ["draft", ["abandoned"], "blocked"],
    ["draft", ["blocked"], "blocked"],
    ["draft", ["pending"], "blocked"]
  ]
  for (const [asked, dependencies, expected] of gates) {
    it(`semantics 1.5: asked for ${asked} with dependencies [${dependencies.join(", ")}] it begins ${expected}`, () => {
      const known = dependencies.map((status, i) => versioned(`d${i}`, status, 1))
      const given = creation({ dependsOn: known.map(({ intent }) => intent.id) }, { status: asked })
      const decision = succeeded(decideCreate(facts({ dependencies: known }), given, envAt()))
      assert.strictEqual(decision.value.status, expected)
      assert.strictEqual(decision.events[0]?.payload.status, expected)
    })
  }

  it("parent and dependencies that may still complete move on; those that are over are not guarded", () => {
    const dependencies = [
      versioned("a", "active", 3),
      versioned("c", "completed", 4),
      versioned("x", "abandoned", 5),
      versioned("b", "blocked", 6)
    ]
    const given = creation({ parentIntentId: "p", dependsOn: ["a", "c", "x", "b"] })
    const guardsOf = (parent: CreationFacts["parent"]) =>
      succeeded(decideCreate(facts({ parent, ancestors: ["p"], dependencies }), given, envAt())).guards?.slice(1)
    assert.sameDeepMembers(
      [...(guardsOf(versioned("p", "draft", 2)) ?? [])],
      [movedOn("a", 3), movedOn("b", 6), movedOn("p", 2)]
    )
    assert.sameDeepMembers([...(guardsOf(versioned("p", "completed", 2)) ?? [])], [movedOn("a", 3), movedOn("b", 6)])
  })

  it("a parent that is a dependency too is guarded once (parent gate off)", () => {
    const parent = versioned("p", "draft", 2)
    const given = creation({ parentIntentId: "p", dependsOn: ["p"] })
    const decision = succeeded(decideCreate(facts({ parent, dependencies: [parent] }), given, envAt()))
    assert.deepStrictEqual(decision.guards?.slice(1), [movedOn("p", 2)])
  })

  it("budgets stand one below the other, so many and no more", () => {
    const budgetIds = Array.from({ length: limits.budgetsDeep }, (_, i) => `b${i}`)
    const below = (ids: ReadonlyArray<string>, constraints: Intent["constraints"]) =>
      decideCreate(
        facts({ parent: { intent: intentOf("p", { budgetIds: ids }), revision: 2 } }),
        creation({ parentIntentId: "p", constraints }),
        envAt()
      )
    assert.strictEqual(succeeded(below(budgetIds.slice(1), { max_cost: 1 })).value.budgetIds.length, limits.budgetsDeep)
    assert.strictEqual(succeeded(below(budgetIds, {})).value.budgetIds.length, limits.budgetsDeep)
    assert.strictEqual(refused(below(budgetIds, { max_cost: 1 }), "ValidationError").issues[0].field, "constraints")
  })

  it("an edge is stored for each dependency", () => {
    const dependencies = [versioned("a", "draft", 1), versioned("b", "draft", 1)]
    const decision = succeeded(decideCreate(facts({ dependencies }), creation({ dependsOn: ["a", "b"] }), envAt()))
    assert.deepStrictEqual(puts(decision, "dependencies"), [
      { intentId: "new-1", dependencyId: "a", intentCreatedAt: at(now) },
      { intentId: "new-1", dependencyId: "b", intentCreatedAt: at(now) }
    ])
    assert.deepStrictEqual(decision.value.dependsOn, ["a", "b"])
  })

  it("http.md 4.1: assign also assigns, as a worker, in the same commit", () => {
    const decision = succeeded(decideCreate(facts(), creation({}, { assign: "bo" }), envAt()))
    const [assignment] = puts(decision, "assignments")
    assert.deepInclude(assignment, { intentId: decision.value.id, agentId: "bo", role: "worker" })
    assert.strictEqual(decision.events[1]?.type, "agent_assigned")
    assert.deepStrictEqual(decision.events[1]?.payload, { agent_id: "bo", role: "worker", reassigned: false })
  })
})

describe("decidePatch", () => {
  const patchesOf = (...paths: ReadonlyArray<string>) =>
    readPatches(new Checks(), { version: 1, patches: paths.map((path) => ({ op: "set", path, value: 1 })) })
  const command = (fields: Partial<PatchCommand> = {}): PatchCommand => ({
    intentId: "i",
    agentId: "ann",
    version: 4,
    patches: patchesOf("/a"),
    leaseToken: undefined,
    enforceLeases: true,
    ...fields
  })
  const found = (intent: Partial<Intent> = {}, leases = [] as ReturnType<typeof leaseOf>[]) =>
    aggregateOf(intentOf("i", { version: 4, ...intent }), leases)

  it("errors in order: not found, version, token, lease, patch, size", () => {
    const bos = leaseOf("l", { agentId: "bo", scope: "n", fencingToken: 5 })
    const large = readPatches(new Checks(), {
      version: 1,
      patches: [{ op: "set", path: "/n", value: "x".repeat(limits.stateBytes - 2) }]
    })
    const everything = { version: 3, leaseToken: 9, patches: patchesOf("/n/m") }
    refused(decidePatch(undefined, command(everything), envAt()), "IntentNotFound")
    const state = { n: 1 }
    const conflict = refused(decidePatch(found({ state }, [bos]), command(everything), envAt()), "VersionConflict")
    assert.deepStrictEqual([conflict.expected, conflict.current], [3, 4])
    refused(decidePatch(found({ state }, [bos]), command({ ...everything, version: 4 }), envAt()), "LeaseExpired")
    const held = refused(
      decidePatch(found({ state }, [bos]), command({ patches: patchesOf("/n/m") }), envAt()),
      "LeaseHeld"
    )
    assert.deepStrictEqual([held.existing.id, held.path], ["l", "/n/m"])
    refused(decidePatch(found({ state }), command({ patches: patchesOf("/n/m") }), envAt()), "InvalidPatch")
    assert.strictEqual(
      refused(decidePatch(found({ state }), command({ patches: large }), envAt()), "TooLarge").field,
      "state"
    )
  })

  it("one version more, one event that tells the patches and the version, whatever the number of patches", () => {
    const decision = succeeded(
      decidePatch(found({ state: { a: 0, b: 0 } }), command({ patches: patchesOf("/a", "c") }), envAt())
    )
    assert.deepStrictEqual(decision.value.state, { a: 1, b: 0, c: 1 })
    assert.deepInclude(decision.value, { version: 5, updatedAt: at(now), createdAt: at(1000) })
    assert.deepStrictEqual(told(decision), ["state_patched by ann"])
    assert.deepStrictEqual(decision.events[0]?.payload, {
      patches: [
        { op: "set", path: "/a", value: 1 },
        { op: "set", path: "c", value: 1 }
      ],
      version: 5
    })
    assert.deepStrictEqual(decision.events[0]?.extra, { old_state: { a: 0 } })
    assert.deepStrictEqual(puts(decision, "intents"), [decision.value])
  })

  it("no patches: the version and the token are checked, and nothing changes", () => {
    const intent = found()
    const decision = succeeded(decidePatch(intent, command({ patches: [] }), envAt()))
    assert.strictEqual(decision.value, intent.intent)
    assert.deepStrictEqual([decision.writes, decision.events], [[], []])
    refused(decidePatch(found(), command({ patches: [], version: 5 }), envAt()), "VersionConflict")
    refused(decidePatch(found(), command({ patches: [], leaseToken: 1 }), envAt()), "LeaseExpired")
  })

  it("semantics 18: state may be patched in every status", () => {
    for (const status of statuses) succeeded(decidePatch(found({ status }), command(), envAt()))
  })

  it("decision 17: a token must be of an active lease of this agent on this intent", () => {
    const mine = leaseOf("l", { fencingToken: 5, scope: "elsewhere" })
    const patch = (leaseToken: number, leases: ReadonlyArray<typeof mine>, agentId = "ann") =>
      decidePatch(found({}, [...leases]), command({ leaseToken, agentId }), envAt())
    succeeded(patch(5, [mine]))
    refused(patch(4, [mine]), "LeaseExpired")
    refused(patch(5, [mine], "bo"), "LeaseExpired")
    refused(patch(5, []), "LeaseExpired")
    refused(patch(5, [{ ...mine, expiresAt: at(now) }]), "LeaseExpired")
    succeeded(patch(5, [{ ...mine, expiresAt: at(now + 1) }]))
  })

  it("a token is checked also where leases are not enforced", () => {
    refused(decidePatch(found(), command({ leaseToken: 1, enforceLeases: false }), envAt()), "LeaseExpired")
  })

  it("the state may have 256 KiB and not a byte more", () => {
    const patches = (length: number) => readPatches(new Checks(), { version: 1, state: { a: "x".repeat(length) } })
    const room = limits.stateBytes - '{"b":1,"a":""}'.length
    const state = { b: 1 }
    succeeded(decidePatch(found({ state }), command({ patches: patches(room) }), envAt()))
    refused(decidePatch(found({ state }), command({ patches: patches(room + 1) }), envAt()), "TooLarge")
  })
})
