/** What an engine in memory gives out it also keeps, in places: nobody may change that from outside. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { OpenIntentShape } from "../../src/core/OpenIntent.ts"
import { engineOn } from "./engines.ts"
import { storages } from "./storages.ts"

/** Empties all arrays and plain objects in a value that can be changed. */
const spoil = (value: unknown): void => {
  if (typeof value !== "object" || value === null) return
  const isArray = Array.isArray(value)
  if (!isArray && Object.getPrototypeOf(value) !== Object.prototype) return // Times and durations.
  for (const item of Object.values(value)) spoil(item)
  if (Object.isFrozen(value)) return
  if (isArray) value.length = 0
  else for (const key of Object.keys(value)) Reflect.deleteProperty(value, key)
}

/** Too large for the intent to be remembered. */
const large = "x".repeat(100_000)

const json = () => ({ a: { b: [1, { c: 2 }] } })

/** A little of everything; answers and inputs are spoilt as soon as they are there. */
const use = ({ attachments, costs, governance, graph, intents, portfolios, retries }: OpenIntentShape) =>
  Effect.gen(function* () {
    const spoilt = <I, A, E, R>(input: I, call: (input: I) => Effect.Effect<A, E, R>) =>
      Effect.map(call(input), (answer) => {
        const { id } = { id: "", ...answer }
        spoil(input)
        spoil(answer)
        return id
      })
    const one = yield* spoilt({ title: "one", state: json(), constraints: json() }, intents.create)
    const two = yield* spoilt({ title: "two", dependsOn: [one], status: "draft" as const }, intents.create)
    const patch = (version: number, more: object) =>
      spoilt({ version, ...more }, (input) => intents.patchState(one, input))
    yield* patch(1, { state: { d: json(), e: [json()] } })
    yield* patch(2, { state: { f: { g: large } } })
    yield* patch(3, { patches: [{ op: "set", path: "/f/h", value: json() }] })
    yield* spoilt({ name: "p", metadata: json(), governancePolicy: { own: json() } }, portfolios.create)
    const portfolio = yield* spoilt({ name: "q", metadata: json() }, portfolios.create)
    yield* spoilt({ intentId: one }, (input) => portfolios.addIntent(portfolio, input))
    yield* spoilt({ dependencyId: one, version: 1 }, (input) => graph.removeDependency(two, input))
    yield* spoilt({ dependencyId: one, version: 2 }, (input) => graph.addDependency(two, input))
    yield* spoilt({ version: 3, policy: { own: json(), allowed_agents: ["local"] } }, (input) =>
      governance.setPolicy(two, input)
    )
    yield* spoilt({ reason: "r", context: json(), options: [json()] }, (input) =>
      governance.requestArbitration(one, input)
    )
    yield* spoilt({ outcome: json(), evidence: [json()] }, (input) => governance.recordDecision(one, input))
    yield* spoilt({ action: "a", context: json() }, (input) => governance.requestApproval(one, input))
    yield* spoilt({ retryableErrors: ["E"] }, (input) => retries.setPolicy(one, input))
    yield* spoilt({ metadata: json() }, (input) => retries.recordFailure(one, input))
    yield* spoilt({ costType: "c", amount: 1, unit: "USD", metadata: json() }, (input) => costs.record(one, input))
    yield* spoilt({ filename: "f", mimeType: "text/plain", content: new Uint8Array([1]), metadata: json() }, (input) =>
      attachments.add(one, input)
    )
    return { one, two, portfolio }
  })

/** All that can be read of it. */
const readAll = (
  { attachments, costs, events, governance, graph, intents, llm, portfolios, retries }: OpenIntentShape,
  { one, portfolio, two }: { readonly one: string; readonly two: string; readonly portfolio: string }
) =>
  Effect.all({
    one: intents.get(one),
    two: intents.get(two),
    intents: intents.list(),
    events: Effect.all([events.list(one), events.list(two)]),
    graph: graph.get(two),
    children: graph.dependencies(two),
    portfolios: portfolios.list(),
    members: portfolios.members(portfolio),
    arbitrations: governance.arbitrations(one),
    decisions: governance.decisions(one),
    approvals: governance.approvals(one),
    policy: governance.policy(two),
    retryPolicy: retries.policy(one),
    failures: retries.failures(one),
    costs: costs.list(one),
    summary: llm.summary(one),
    attachments: attachments.list(one)
  })

for (const [name, storage] of storages) {
  describe(`answers: ${name}`, () => {
    it.effect("whoever changes an answer or an input afterwards changes nothing else", () =>
      Effect.gen(function* () {
        const engine = yield* engineOn(yield* storage)
        const ids = yield* use(engine)
        const read = yield* readAll(engine, ids)
        const before = JSON.stringify(read)
        const { one, policy, retryPolicy, two } = read
        assert.deepStrictEqual(one.state, { ...json(), d: json(), e: [json()], f: { g: large, h: json() } })
        assert.deepStrictEqual(one.constraints, json())
        assert.deepStrictEqual(one.portfolioIds, [ids.portfolio])
        assert.deepStrictEqual(two.dependsOn, [ids.one])
        assert.deepStrictEqual(policy.governancePolicy, { own: json(), allowed_agents: ["local"] })
        assert.deepStrictEqual(retryPolicy.retryableErrors, ["E"])
        spoil(read)
        assert.isTrue(JSON.stringify(yield* readAll(engine, ids)) === before)
        // What is new begins like everything before it.
        spoil(yield* engine.llm.summary(ids.two))
        assert.strictEqual((yield* engine.portfolios.create({ name: "r" })).aggregate.byStatus.draft, 0)
        assert.strictEqual((yield* engine.llm.summary(ids.two)).requests, 0)
      })
    )
  })
}
