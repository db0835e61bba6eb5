/** Two engines on one storage do everything at once: what is counted as it goes along equals what is counted afterwards. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { statuses } from "../../src/core/intent/Intent.ts"
import type { OpenIntentShape } from "../../src/core/OpenIntent.ts"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import type { StorageShape } from "../../src/core/Storage.ts"
import { engineOn, logOf } from "./engines.ts"
import { pairs } from "./graphs.ts"

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

const oneOf = <A>(items: readonly [A, ...ReadonlyArray<A>]): Effect.Effect<A> =>
  Effect.map(Random.nextIntBetween(0, items.length), (i) => items[i] ?? items[0])

const calls = 400
const attachmentsPerIntent = 3

interface World {
  readonly intents: readonly [string, ...Array<string>]
  readonly portfolios: readonly [string, ...Array<string>]
}

const create = ({ intents, portfolios, retries }: OpenIntentShape) =>
  Effect.gen(function* () {
    const make = Effect.map(intents.create({ title: "t" }), ({ id }) => id)
    const world: World = {
      intents: [yield* make, ...(yield* Effect.replicateEffect(make, 5))],
      portfolios: [
        (yield* portfolios.create({ name: "half", governancePolicy: { auto_complete_threshold: 50 } })).id,
        (yield* portfolios.create({ name: "all", governancePolicy: { require_all_completed: true } })).id
      ]
    }
    for (const id of world.intents)
      yield* retries.setPolicy(id, { strategy: "none", fallbackAgentId: "fallback", failureThreshold: 2 })
    return world
  })

/** One call of any kind; what rules refuse is no matter. */
const anyCall = (engine: OpenIntentShape, world: World) =>
  Effect.gen(function* () {
    const { attachments, costs, governance, intents, llm, portfolios, retries } = engine
    const id = yield* oneOf(world.intents)
    const portfolio = yield* oneOf(world.portfolios)
    const status = Effect.flatMap(intents.get(id), ({ version }) =>
      Effect.flatMap(oneOf(["active", "active", "completed", "abandoned"] as const), (to) =>
        intents.setStatus(id, { version, status: to })
      )
    )
    const call: Effect.Effect<unknown, unknown> = yield* oneOf<Effect.Effect<unknown, unknown>>([
      status,
      portfolios.addIntent(portfolio, { intentId: id }),
      portfolios.addIntent(portfolio, { intentId: id, priority: 1 }),
      portfolios.removeIntent(portfolio, id),
      portfolios.setStatus(portfolio, { status: "completed" }),
      attachments.add(id, { filename: "f", mimeType: "text/plain", contentBase64: "QQ==" }),
      attachments.add(id, { filename: "f", mimeType: "text/plain", contentBase64: "QQ==" }),
      Effect.flatMap(attachments.list(id), ({ items: [first] }) => attachments.remove(id, first?.id ?? "")),
      retries.recordFailure(id),
      governance.requestArbitration(id, { reason: "r" }),
      governance.recordDecision(id, { outcome: "o" }),
      costs.record(id, { costType: "c", amount: 0.1, unit: "USD" }),
      llm.requestCompleted(id, { requestId: "r", provider: "p", model: "m", messagesCount: 1, totalTokens: 3 })
    ])
    yield* Effect.ignore(call)
  })

const assertPortfolio = ({ intents, portfolios }: OpenIntentShape, world: World, id: string) =>
  Effect.gen(function* () {
    const members = (yield* portfolios.members(id)).items.map(({ intent }) => intent)
    const all = yield* Effect.forEach(world.intents, (intentId) => intents.get(intentId))
    const named = all.filter((intent) => intent.portfolioIds.includes(id)).map((intent) => intent.id)
    assert.sameMembers(
      members.map((intent) => intent.id),
      named
    )
    const { byStatus, total } = yield* portfolios.aggregate(id)
    assert.strictEqual(total, members.length)
    for (const status of statuses)
      assert.strictEqual(byStatus[status], members.filter((intent) => intent.status === status).length)
  })

const assertIntent = (storage: StorageShape, engine: OpenIntentShape, id: string) =>
  Effect.gen(function* () {
    const { attachments, costs, governance, llm, retries } = engine
    const events = (yield* logOf(storage)).filter(({ intentId }) => intentId === id)
    const count = (type: string) => events.filter((event) => event.type === type).length
    const files = yield* attachments.list(id)
    assert.strictEqual(files.total, files.items.length)
    assert.isAtMost(files.total, attachmentsPerIntent)
    assert.strictEqual(files.total, count("attachment_added") - count("attachment_removed"))
    const failures = (yield* retries.failures(id)).items.map(({ attemptNumber }) => attemptNumber)
    assert.deepStrictEqual(
      failures,
      upTo(failures.length).map((i) => i + 1)
    )
    assert.strictEqual(count("fallback_triggered"), failures.length > 0 ? 1 : 0)
    const decided = (yield* governance.decisions(id)).items.flatMap(({ arbitrationId }) => arbitrationId ?? [])
    const resolved = (yield* governance.arbitrations(id, { status: "resolved" })).items.map((one) => one.id)
    assert.deepStrictEqual(decided, resolved) // Each by one decision, the oldest first.
    assert.strictEqual((yield* costs.summary(id)).count, count("cost_recorded"))
    assert.deepInclude(yield* llm.summary(id), {
      requests: count("llm_request_completed"),
      totalTokens: 3 * count("llm_request_completed")
    })
  })

for (const [name, pair] of Object.entries(pairs)) {
  describe(`figures under races: two engines, ${name}`, () => {
    it.live("what is counted as it goes along equals what is counted afterwards", () =>
      Effect.gen(function* () {
        const [one, two] = yield* pair
        const engines = [
          yield* engineOn(one, { attachmentsPerIntent }),
          yield* engineOn(two, { attachmentsPerIntent })
        ] as const
        const [engine] = engines
        const world = yield* create(engine)
        yield* Effect.forEach(
          upTo(calls),
          (i) => OpenIntent.as(`agent-${i % 3}`)(anyCall(engines[i % 2 === 0 ? 0 : 1], world)),
          { concurrency: 32 }
        )
        const { items } = yield* engine.intents.list()
        for (const status of statuses) {
          const total = items.filter((intent) => intent.status === status).length
          assert.strictEqual((yield* engine.intents.list({ status: [status] })).total, total)
        }
        for (const id of world.portfolios) yield* assertPortfolio(engine, world, id)
        for (const id of world.intents) yield* assertIntent(two, engine, id)
        const completed = (yield* logOf(two)).flatMap(({ extra }) => extra?.["auto_completed"] ?? [])
        assert.isAtMost(completed.length, 1) // Nobody makes a portfolio active again.
      })
    )
  })
}
