import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Approval } from "../../src/core/governance/Approval.ts"
import type { Arbitration } from "../../src/core/governance/Arbitration.ts"
import type { JsonObject } from "../../src/core/json.ts"
import type { OpenIntentShape } from "../../src/core/OpenIntent.ts"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import type { StorageShape } from "../../src/core/Storage.ts"
import { fault, engineOn, interleaved, logOf, memoryStorage, watch } from "./engines.ts"
import { storages } from "./storages.ts"

const as = OpenIntent.as

const newIntent = ({ intents }: OpenIntentShape, governancePolicy?: JsonObject) =>
  Effect.map(intents.create({ title: "t", governancePolicy }), ({ id }) => id)

/** Types of the events of an intent, oldest first. */
const typesOf = ({ events }: OpenIntentShape, intentId: string) =>
  Effect.map(events.list(intentId, { order: "asc", visibility: "all", limit: 1000 }), ({ items }) =>
    items.map(({ type }) => type)
  )

/** What tests look at of an error. */
interface Refused {
  readonly _tag: string
  readonly rule?: string
  readonly status?: string | undefined
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

const fieldsOf = (error: { readonly _tag: string; readonly issues?: ReadonlyArray<{ readonly field: string }> }) =>
  error.issues?.map(({ field }) => field) ?? error._tag

for (const [name, empty] of storages) {
  describe(`governance on ${name}`, () => {
    it.effect("the oldest pending arbitration is resolved by a decision of that type, a named one by any", () =>
      Effect.gen(function* () {
        const engine = yield* engineOn(yield* empty)
        const { governance } = engine
        const intentId = yield* newIntent(engine)
        const ask = (reason: string) => governance.requestArbitration(intentId, { reason, requestedBy: "bob" })
        const [first, second, third] = [yield* ask("1"), yield* ask("2"), yield* ask("3")]
        const named = yield* governance.recordDecision(intentId, {
          outcome: { winner: "x" },
          decisionType: "budget",
          arbitrationId: second.id,
          evidence: [1, { a: null }]
        })
        assert.deepInclude(named, { arbitrationId: second.id, decidedBy: "local", rationale: "" })
        const unasked = yield* governance.recordDecision(intentId, { outcome: "y", decisionType: "budget" })
        assert.isNull(unasked.arbitrationId)
        const oldest = yield* as("ann")(governance.recordDecision(intentId, { decision: "z", reasoning: "why" }))
        assert.deepInclude(oldest, { arbitrationId: first.id, decidedBy: "ann", outcome: "z", rationale: "why" })
        const page = yield* governance.arbitrations(intentId)
        assert.deepStrictEqual(
          page.items.map(({ id, resolution, status }) => [id, status, resolution]),
          [
            [first.id, "resolved", "z"],
            [second.id, "resolved", { winner: "x" }],
            [third.id, "pending", null]
          ]
        )
        assert.deepStrictEqual(page.items[2], third)
        for (const { createdAt, resolvedAt } of page.items)
          assert.isTrue(resolvedAt === null || resolvedAt.epochMilliseconds >= createdAt.epochMilliseconds)
        const pending = yield* governance.arbitrations(intentId, { status: "pending" })
        assert.deepStrictEqual([pending.items, pending.total], [[third], 1])
        const ends = yield* governance.arbitrations(intentId, { status: "resolved", limit: 1 })
        assert.deepStrictEqual([ends.items[0]?.id, ends.total], [first.id, 2])
        const rest = yield* governance.arbitrations(intentId, { status: "resolved", after: ends.next })
        assert.deepStrictEqual(
          rest.items.map(({ id }) => id),
          [second.id]
        )
        assert.deepStrictEqual((yield* governance.decisions(intentId)).items, [named, unasked, oldest])
        assert.strictEqual((yield* engine.intents.get(intentId)).version, 1)
        assert.deepStrictEqual((yield* typesOf(engine, intentId)).slice(4), [
          "decision_recorded",
          "arbitration_resolved",
          "decision_recorded",
          "decision_recorded",
          "arbitration_resolved"
        ])
      })
    )

    it.effect(
      "semantics 42: of 10 that decide on one arbitration at once one does, and 9 are told it is not pending",
      () =>
        Effect.gen(function* () {
          const storage = interleaved(yield* empty)
          const engines = yield* Effect.forEach(upTo(2), () => engineOn(storage))
          const intentId = yield* newIntent(engines[0]!)
          const { id: arbitrationId } = yield* engines[0]!.governance.requestArbitration(intentId, { reason: "r" })
          const answers = yield* Effect.forEach(
            upTo(10),
            (i) =>
              Effect.result(engines[i % 2]!.governance.recordDecision(intentId, { outcome: `o${i}`, arbitrationId })),
            { concurrency: "unbounded" }
          )
          const [won, ...others] = answers.filter(Result.isSuccess)
          assert.strictEqual(others.length, 0)
          for (const { failure } of answers.filter(Result.isFailure))
            assert.deepInclude(failure, { _tag: "ArbitrationNotFound", intentId, arbitrationId })
          const { items } = yield* engines[0]!.governance.arbitrations(intentId)
          assert.strictEqual(items[0]?.resolution, won?.success.outcome)
          assert.strictEqual((yield* engines[0]!.governance.decisions(intentId)).total, 1)
        })
    )

    it.effect("semantics 42: 10 decisions at once resolve 4 arbitrations, each once and the oldest first", () =>
      Effect.gen(function* () {
        const storage = interleaved(yield* empty)
        const engines = yield* Effect.forEach(upTo(2), () => engineOn(storage))
        const intentId = yield* newIntent(engines[0]!)
        const asked: Array<Arbitration> = []
        for (const i of upTo(4)) {
          asked.push(yield* engines[0]!.governance.requestArbitration(intentId, { reason: `r${i}` }))
        }
        yield* Effect.forEach(
          upTo(10),
          (i) => engines[i % 2]!.governance.recordDecision(intentId, { outcome: `o${i}` }),
          { concurrency: "unbounded", discard: true }
        )
        const decisions = (yield* engines[0]!.governance.decisions(intentId)).items
        assert.deepStrictEqual(
          decisions.map(({ arbitrationId }) => arbitrationId),
          [...asked.map(({ id }) => id), ...upTo(6).map(() => null)]
        )
        const resolved = (yield* engines[0]!.governance.arbitrations(intentId)).items
        assert.deepStrictEqual(
          resolved.map(({ resolution, status }) => [status, resolution]),
          decisions.slice(0, 4).map(({ outcome }) => ["resolved", outcome])
        )
      })
    )

    it.effect("an approval is decided once, also of 8 at once on two engines", () =>
      Effect.gen(function* () {
        const storage = interleaved(yield* empty)
        const engines = yield* Effect.forEach(upTo(2), () => engineOn(storage))
        const { governance } = engines[0]!
        const intentId = yield* newIntent(engines[0]!)
        const asked = yield* as("bob")(governance.requestApproval(intentId, { action: "deploy", context: { a: 1 } }))
        assert.deepInclude(asked, { requestedBy: "bob", reason: "", status: "pending", decidedBy: null })
        const answers = yield* Effect.forEach(
          upTo(8),
          (i): Effect.Effect<Result.Result<Approval, Refused>> => {
            const { approve, deny } = engines[i % 2]!.governance
            return Effect.result((i < 4 ? approve : deny)(intentId, asked.id, { notes: `n${i}` }))
          },
          { concurrency: "unbounded" }
        )
        const [won, ...others] = answers.filter(Result.isSuccess)
        assert.strictEqual(others.length, 0)
        for (const { failure } of answers.filter(Result.isFailure)) {
          assert.deepInclude(failure, { _tag: "ApprovalNotPending", status: won?.success.status })
        }
        assert.deepStrictEqual(yield* governance.approval(intentId, asked.id), won?.success)
        yield* governance.requestApproval(intentId, { action: "deploy" })
        assert.strictEqual((yield* governance.approvals(intentId)).total, 2)
        const pending = yield* governance.approvals(intentId, { status: "pending" })
        assert.deepStrictEqual([pending.total, pending.items.length], [1, 1])
        const other = yield* newIntent(engines[0]!)
        for (const call of ["approval", "approve", "deny"] as const) {
          const refused = (id: string): Effect.Effect<Approval, { readonly _tag: string }> =>
            governance[call](id, asked.id)
          assert.strictEqual((yield* Effect.flip(refused(other)))._tag, "ApprovalNotFound")
          assert.strictEqual((yield* Effect.flip(refused("nope")))._tag, "IntentNotFound")
        }
      })
    )

    it.effect("a policy is set, read and removed, each a step of the version", () =>
      Effect.gen(function* () {
        const engine = yield* engineOn(yield* empty)
        const { governance } = engine
        const intentId = yield* newIntent(engine)
        const none = yield* governance.policy(intentId)
        assert.deepStrictEqual(none.governancePolicy, {})
        assert.strictEqual(none.effectivePolicy.quorumThreshold, 0.6)
        const policy = { write_scope: "assigned_only", own: { a: [1] } }
        const set = yield* as("ann")(governance.setPolicy(intentId, { version: 1, policy }))
        assert.deepInclude(set, { version: 2, governancePolicy: policy })
        assert.deepStrictEqual(yield* engine.intents.get(intentId), set)
        const read = yield* governance.policy(intentId)
        assert.deepStrictEqual([read.governancePolicy, read.effectivePolicy.writeScope], [policy, "assigned_only"])
        const stale = yield* Effect.flip(governance.setPolicy(intentId, { version: 1, policy: {} }))
        assert.deepInclude(stale, { _tag: "VersionConflict", current: 2 })
        const wrong = yield* Effect.flip(governance.setPolicy(intentId, { version: 1, policy: { max_cost: "1" } }))
        assert.deepStrictEqual(fieldsOf(wrong), ["policy.max_cost"])
        const removed = yield* governance.removePolicy(intentId, { version: 2 })
        assert.deepInclude(removed, { version: 3, governancePolicy: null })
        assert.deepStrictEqual(yield* governance.policy(intentId), none)
        assert.deepStrictEqual(yield* typesOf(engine, intentId), [
          "intent_created",
          "governance.policy_set",
          "governance.policy_removed"
        ])
        assert.strictEqual((yield* Effect.flip(governance.policy("nope")))._tag, "IntentNotFound")
      })
    )

    it.effect(
      "assigned_only: who is assigned now may patch and set the status, and nobody else; each denial is told",
      () =>
        Effect.gen(function* () {
          const engine = yield* engineOn(yield* empty)
          const { agents, governance, intents } = engine
          const intentId = yield* newIntent(engine, { write_scope: "assigned_only" })
          const patch = (version: number) => as("ann")(intents.patchState(intentId, { version, state: { n: version } }))
          const denied = yield* Effect.flip(patch(1))
          assert.deepInclude(denied, { _tag: "GovernanceViolation", intentId, rule: "write_scope" })
          yield* agents.assign(intentId, { agentId: "ann" })
          assert.strictEqual((yield* patch(1)).version, 2)
          const done = yield* as("ann")(intents.setStatus(intentId, { version: 2, status: "active" }))
          assert.strictEqual(done.version, 3)
          yield* agents.unassign(intentId, "ann")
          assert.deepInclude(yield* Effect.flip(patch(3)), { _tag: "GovernanceViolation" })
          const status = intents.setStatus(intentId, { version: 3, status: "completed" })
          assert.deepInclude(yield* Effect.flip(as("ann")(status)), { rule: "write_scope" })
          assert.deepInclude(yield* Effect.flip(patch(2)), { _tag: "VersionConflict", current: 3 })
          assert.deepStrictEqual(yield* intents.get(intentId), done)
          yield* governance.removePolicy(intentId, { version: 3 })
          assert.strictEqual((yield* patch(4)).version, 5)
          const violations = yield* engine.events.list(intentId, { type: "governance.violation", order: "asc" })
          assert.deepStrictEqual(
            violations.items.map(({ actor, payload, source }) => [actor, payload["rule"], source]),
            upTo(3).map(() => ["ann", "write_scope", "system"])
          )
          assert.strictEqual(violations.items[0]?.payload["detail"], denied.message)
        })
    )

    it.effect("allowed_agents: on state, status and assignment", () =>
      Effect.gen(function* () {
        const engine = yield* engineOn(yield* empty)
        const { agents, intents } = engine
        const intentId = yield* newIntent(engine, { allowed_agents: ["ann"] })
        const calls = (agent: string): ReadonlyArray<Effect.Effect<unknown, Refused>> => [
          as(agent)(intents.patchState(intentId, { version: 1, state: { a: 1 } })),
          as(agent)(intents.setStatus(intentId, { version: 1, status: "abandoned" })),
          as("ann")(agents.assign(intentId, { agentId: agent }))
        ]
        for (const call of calls("bob")) {
          assert.deepInclude(yield* Effect.flip(call), { _tag: "GovernanceViolation", rule: "allowed_agents" })
        }
        const [patch, , assign] = calls("ann")
        yield* patch!
        yield* assign!
        const { items } = yield* engine.events.list(intentId, { type: "governance.violation" })
        assert.deepStrictEqual(
          items.map(({ actor }) => actor),
          ["ann", "bob", "bob"]
        )
      })
    )

    it.effect("completing: with an approval of that very action, or as many as the quorum of those assigned", () =>
      Effect.gen(function* () {
        const engine = yield* engineOn(yield* empty)
        const { agents, governance, intents } = engine
        const complete = (intentId: string) => intents.setStatus(intentId, { version: 1, status: "completed" })
        const approve = Effect.fnUntraced(function* (intentId: string, action: string, how: "approve" | "deny") {
          const { id } = yield* governance.requestApproval(intentId, { action })
          yield* governance[how](intentId, id)
        })
        const one = yield* newIntent(engine, { completion_mode: "require_approval" })
        const two = yield* newIntent(engine, { completion_mode: "require_approval" })
        yield* approve(two, "complete", "approve")
        yield* governance.requestApproval(one, { action: "complete" })
        yield* approve(one, "complete", "deny")
        yield* approve(one, "deploy", "approve")
        assert.deepInclude(yield* Effect.flip(complete(one)), { rule: "completion_mode", mode: "require_approval" })
        yield* approve(one, "complete", "approve")
        assert.strictEqual((yield* complete(one)).status, "completed")

        const many = yield* newIntent(engine, { completion_mode: "quorum", quorum_threshold: 0.5 })
        assert.deepInclude(yield* Effect.flip(complete(many)), { rule: "completion_mode", mode: "quorum" })
        for (const i of upTo(4)) yield* agents.assign(many, { agentId: `a${i}` })
        yield* approve(many, "complete", "approve")
        assert.deepInclude(yield* Effect.flip(complete(many)), { mode: "quorum" })
        yield* agents.unassign(many, "a0")
        assert.strictEqual((yield* complete(many)).status, "completed")
        const told = (yield* typesOf(engine, many)).filter((type) => type === "governance.violation")
        assert.strictEqual(told.length, 1, "not of the quorum of nobody")
      })
    )

    it.effect("a reason, where one is required; that it lacks is no event", () =>
      Effect.gen(function* () {
        const engine = yield* engineOn(yield* empty)
        const { intents } = engine
        const intentId = yield* newIntent(engine, { require_status_reason: true })
        const bare = yield* Effect.flip(intents.setStatus(intentId, { version: 1, status: "active" }))
        assert.deepInclude(bare, { _tag: "GovernanceViolation", rule: "require_status_reason" })
        assert.deepStrictEqual(yield* typesOf(engine, intentId), ["intent_created"])
        yield* intents.setStatus(intentId, { version: 1, status: "active", reason: "go" })
      })
    )

    it.effect("whoever is unassigned while 20 patches run patches no more after it", () =>
      Effect.gen(function* () {
        const storage = interleaved(yield* empty)
        const [first, second] = [yield* engineOn(storage), yield* engineOn(storage)]
        const intentId = yield* newIntent(first, { write_scope: "assigned_only" })
        yield* first.agents.assign(intentId, { agentId: "ann" })
        const patch = Effect.flatMap(second.intents.get(intentId), ({ version }) =>
          Effect.result(as("ann")(second.intents.patchState(intentId, { version, state: { version } })))
        )
        yield* Effect.all([Effect.replicateEffect(patch, 20), first.agents.unassign(intentId, "ann")], {
          concurrency: "unbounded"
        })
        const types = yield* typesOf(first, intentId)
        const after = types.slice(types.indexOf("agent_unassigned") + 1)
        assert.isAbove(after.length, 0)
        assert.deepStrictEqual(new Set(after), new Set(["governance.violation"]))
      })
    )

    it.effect("a policy given at creation is checked as one that is set, with whom it assigns", () =>
      Effect.gen(function* () {
        const { intents } = yield* engineOn(yield* empty)
        const create = (governancePolicy: object, assign?: string) =>
          Effect.map(Effect.flip(intents.create({ title: "t", governancePolicy, assign })), fieldsOf)
        assert.deepStrictEqual(yield* create({ completion_mode: "x", max_cost: -1 }), [
          "governancePolicy.completion_mode",
          "governancePolicy.max_cost"
        ])
        assert.deepStrictEqual(yield* create({ allowed_agents: ["ann"] }, "bob"), ["assign"])
        yield* intents.create({ title: "t", governancePolicy: { allowed_agents: ["ann"] }, assign: "ann" })
      })
    )

    it.effect("what is not valid is named, and changes nothing", () =>
      Effect.gen(function* () {
        const storage = yield* empty
        const engine = yield* engineOn(storage)
        const { governance } = engine
        const intentId = yield* newIntent(engine)
        const failing = <A, E extends { readonly _tag: string }>(call: Effect.Effect<A, E>) =>
          Effect.map(Effect.flip(call), fieldsOf)
        assert.deepStrictEqual(
          yield* failing(
            governance.requestArbitration(intentId, {
              reason: " ",
              context: [],
              options: [{ label: "a" }, []],
              requestedBy: "system"
            })
          ),
          ["requestedBy", "reason", "context", "options[1]"]
        )
        for (const outcome of [undefined, "", " ", {}, []]) {
          assert.deepStrictEqual(yield* failing(governance.recordDecision(intentId, { outcome })), ["outcome"])
        }
        const big = { a: "x".repeat(70_000) }
        assert.strictEqual(yield* failing(governance.recordDecision(intentId, { outcome: big })), "TooLarge")
        assert.deepStrictEqual(yield* failing(governance.requestApproval(intentId, { action: "" })), ["action"])
        assert.deepStrictEqual(yield* failing(as("system")(governance.approve(intentId, "x"))), ["agent"])
        assert.deepStrictEqual(yield* failing(governance.decisions(intentId, { limit: 0 })), ["limit"])
        for (const call of [
          governance.requestArbitration("nope", { reason: "r" }),
          governance.recordDecision("nope", { outcome: "o" }),
          governance.requestApproval("nope", { action: "a" }),
          governance.arbitrations("nope"),
          governance.decisions("nope"),
          governance.approvals("nope")
        ] satisfies ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string }>>)
          assert.strictEqual(yield* failing<unknown, { readonly _tag: string }>(call), "IntentNotFound")
        assert.deepStrictEqual(
          (yield* logOf(storage)).map(({ type }) => type),
          ["intent_created"]
        )
      })
    )
  })
}

describe("what policies cost", () => {
  it.effect("a patch without assigned_only reads the intent and commits, and no more", () =>
    Effect.gen(function* () {
      const watched = watch(yield* memoryStorage)
      let reads = 0
      const counting: StorageShape = {
        ...watched.storage,
        get: (table, keys) => {
          reads++
          return watched.storage.get(table, keys)
        }
      }
      const engine = yield* engineOn(counting)
      for (const policy of [undefined, { allowed_agents: ["local"], completion_mode: "quorum" }]) {
        const intentId = yield* newIntent(engine, policy)
        const [loads, commits] = [watched.loads.length, watched.commits.length]
        reads = 0
        yield* engine.intents.patchState(intentId, { version: 1, state: { a: 1 } })
        yield* engine.intents.patchState(intentId, { version: 2, state: { a: 2 } })
        assert.deepStrictEqual([watched.loads.length - loads, watched.commits.length - commits, reads], [1, 2, 0])
      }
    })
  )

  it.effect("a denial that cannot be told is no answer: the caller hears of the storage", () =>
    Effect.gen(function* () {
      const watched = watch(yield* memoryStorage)
      const engine = yield* engineOn(watched.storage)
      const intentId = yield* newIntent(engine, { allowed_agents: ["ann"] })
      watched.onCommit = () => Effect.fail(fault("full"))
      const error = yield* Effect.flip(engine.intents.patchState(intentId, { version: 1, state: { a: 1 } }))
      assert.strictEqual(error._tag, "StorageUnavailable")
    })
  )
})
