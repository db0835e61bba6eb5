import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { ValidationError } from "../../src/core/Errors.ts"
import { type Status, statuses } from "../../src/core/intent/Intent.ts"
import { OpenIntent, type OpenIntentShape } from "../../src/core/OpenIntent.ts"
import type { Page } from "../../src/core/Page.ts"
import { type CreatePortfolio, memberRoles, portfolioStatuses } from "../../src/core/portfolio/Portfolio.ts"
import { Storage } from "../../src/core/Storage.ts"
import { SqliteStorage } from "../../src/storage/sqlite/SqliteStorage.ts"
import { anEngine, engineOn, interleaved, logOf, memoryStorage, watch } from "./engines.ts"

const storages = {
  memory: memoryStorage,
  sqlite: Effect.orDie(
    Effect.map(Layer.build(Layer.fresh(SqliteStorage.layer({ path: ":memory:" }))), Context.get(Storage))
  )
}

const newIntents = (engine: OpenIntentShape, count: number) =>
  Effect.forEach(
    Array.from({ length: count }, (_, i) => `t${i}`),
    (title) => engine.intents.create({ title })
  )

const set = (engine: OpenIntentShape, intentId: string, status: Status) =>
  Effect.flatMap(engine.intents.get(intentId), ({ version }) => engine.intents.setStatus(intentId, { version, status }))

/** All of a list, read page by page. */
const all = <A, E>(list: (page: { readonly after: string | undefined }) => Effect.Effect<Page<A>, E>) =>
  Effect.gen(function* () {
    const items: Array<A> = []
    let after: string | undefined
    do {
      const page = yield* list({ after })
      items.push(...page.items)
      after = page.next
    } while (after !== undefined)
    return items
  })

for (const [name, open] of Object.entries(storages)) {
  describe(`portfolios on ${name}`, () => {
    const engine = Effect.flatMap(open, (storage) => engineOn(storage))

    it.effect("are created, listed by creator and status oldest first, and read", () =>
      Effect.gen(function* () {
        const { portfolios } = yield* engine
        const create = (by: string, input: CreatePortfolio) => OpenIntent.as(by)(portfolios.create(input))
        const a = yield* create("ann", { name: "a", metadata: { n: 1 }, governancePolicy: { odd: [1] } })
        const b = yield* create("bob", { name: "b", description: null, governancePolicy: null })
        const c = yield* create("ann", { name: "c" })
        const d = yield* create("bob", { name: "d" })
        const e = yield* create("dan", { name: "e", createdBy: "ann" })
        assert.deepInclude(a, {
          createdBy: "ann",
          metadata: { n: 1 },
          governancePolicy: { odd: [1] },
          status: "active"
        })
        assert.deepInclude(b, { createdBy: "bob", description: "", metadata: {}, governancePolicy: {} })
        const done = yield* portfolios.setStatus(c.id, { status: "completed" })
        const everything = [a, b, done, d, e]
        for (const [query, expected] of [
          [{}, everything],
          [{ createdBy: "ann" }, [a, done, e]],
          [{ status: "active" }, [a, b, d, e]],
          [{ createdBy: "ann", status: "completed" }, [done]],
          [{ createdBy: "nobody" }, []]
        ] as const) {
          assert.deepStrictEqual(yield* all((page) => portfolios.list({ ...query, ...page, limit: 2 })), expected)
          const page = yield* portfolios.list({ ...query, limit: 2, offset: 1 })
          assert.deepStrictEqual(page.items, expected.slice(1, 3))
          assert.strictEqual(page.total, expected.length)
        }
        assert.deepStrictEqual(yield* portfolios.get(c.id), done)
        assert.strictEqual((yield* Effect.flip(portfolios.get("nope")))._tag, "PortfolioNotFound")
        assert.strictEqual((yield* Effect.flip(portfolios.aggregate("nope")))._tag, "PortfolioNotFound")
        assert.strictEqual((yield* Effect.flip(portfolios.members("nope")))._tag, "PortfolioNotFound")
        assert.strictEqual((yield* Effect.flip(portfolios.ofIntent("nope")))._tag, "IntentNotFound")
      })
    )

    it.effect("members come by priority, then in the order of joining, also those who came back", () =>
      Effect.gen(function* () {
        const { intents, portfolios, ...rest } = yield* engine
        const made = yield* newIntents({ intents, portfolios, ...rest }, 6)
        const { id } = yield* portfolios.create({ name: "p" })
        const add = (i: number, priority?: number) =>
          Effect.andThen(TestClock.adjust(1), portfolios.addIntent(id, { intentId: made[i]!.id, priority }))
        const order = Effect.map(
          all((page) => portfolios.members(id, { ...page, limit: 2 })),
          (members) => members.map(({ intentId }) => made.findIndex((intent) => intent.id === intentId))
        )
        const memberships = yield* Effect.forEach([0, 1, 2, 3, 4, 5], (i) =>
          add(i, [0, 7, 0, -1_000_000_000, 7, 1_000_000_000][i])
        )
        assert.deepStrictEqual(yield* order, [5, 1, 4, 0, 2, 3])
        yield* portfolios.removeIntent(id, made[1]!.id)
        yield* portfolios.removeIntent(id, made[0]!.id)
        const back = yield* add(1, 7)
        assert.notStrictEqual(back.id, memberships[1]!.id)
        assert.deepStrictEqual(yield* order, [5, 4, 1, 2, 3])
        const updated = yield* add(3, 7)
        assert.deepStrictEqual(updated, { ...memberships[3]!, priority: 7 })
        const page = yield* portfolios.members(id, { limit: 1 })
        assert.deepStrictEqual([page.total, page.items[0]?.intent.id], [5, made[5]!.id])
        assert.deepStrictEqual(page.items[0]?.intent.portfolioIds, [id])
      })
    )

    it.effect("an intent knows its portfolios; joining and leaving change neither its version nor its time", () =>
      Effect.gen(function* () {
        const whole = yield* engine
        const { events, intents, portfolios } = whole
        const [intent] = yield* newIntents(whole, 1)
        const made = yield* Effect.forEach(["a", "b", "c"], (name) => portfolios.create({ name }))
        yield* TestClock.adjust("1 second")
        for (const { id } of made) yield* portfolios.addIntent(id, { intentId: intent!.id })
        yield* portfolios.removeIntent(made[0]!.id, intent!.id)
        yield* portfolios.addIntent(made[0]!.id, { intentId: intent!.id, role: "dependency" })
        const ids = [made[1]!.id, made[2]!.id, made[0]!.id]
        assert.deepStrictEqual(yield* intents.get(intent!.id), { ...intent!, portfolioIds: ids })
        const found = yield* all((page) => portfolios.ofIntent(intent!.id, { ...page, limit: 2 }))
        assert.deepStrictEqual(
          found.map(({ aggregate, id }) => [id, aggregate.byStatus.draft]),
          ids.map((id) => [id, 1])
        )
        const log = yield* events.list(intent!.id, { order: "asc" })
        assert.deepStrictEqual(
          log.items.map(({ payload, type }) => [type, payload["portfolio_id"]]),
          [
            ["intent_created", undefined],
            ...made.map(({ id }) => ["added_to_portfolio", id]),
            ["removed_from_portfolio", made[0]!.id],
            ["added_to_portfolio", made[0]!.id]
          ]
        )
        const twice = yield* Effect.flip(
          Effect.andThen(
            portfolios.removeIntent(made[1]!.id, intent!.id),
            portfolios.removeIntent(made[1]!.id, intent!.id)
          )
        )
        assert.strictEqual(twice._tag, "MembershipNotFound")
      })
    )

    it.live("of members that complete at once the last one completes the portfolio, once", () =>
      Effect.gen(function* () {
        const storage = yield* open
        const engines = [yield* engineOn(interleaved(storage)), yield* engineOn(interleaved(storage))] as const
        const [{ portfolios }] = engines
        for (let round = 0; round < 10; round++) {
          const made = yield* newIntents(engines[0], 4)
          const { id } = yield* portfolios.create({
            name: "p",
            governancePolicy: {
              auto_complete_threshold: 100,
              require_all_completed: true,
              allow_partial_completion: true
            }
          })
          const other = yield* portfolios.create({ name: "o", governancePolicy: { auto_complete_threshold: 75 } })
          for (const intent of made) {
            yield* portfolios.addIntent(id, { intentId: intent.id })
            yield* portfolios.addIntent(other.id, { intentId: intent.id })
          }
          yield* Effect.forEach(made, (intent, i) => set(engines[i % 2]!, intent.id, "completed"), {
            concurrency: "unbounded"
          })
          assert.strictEqual((yield* portfolios.get(id)).status, "completed")
          assert.strictEqual((yield* portfolios.get(other.id)).status, "completed")
        }
        const named = (yield* logOf(storage)).flatMap(({ extra }) => extra?.["auto_completed"] ?? [])
        assert.strictEqual(named.length, 20)
        assert.strictEqual(new Set(named.map(String)).size, 20)
      })
    )

    it.live("semantics 50, 51, 52: after random histories the figures are those of a recount", () =>
      Effect.gen(function* () {
        const result = yield* Arbitrary.checkEffect(
          Arbitrary.array(Arbitrary.schema(Step), { maxLength: 30 }),
          (steps) => Effect.scoped(Effect.flatMap(engine, (whole) => recounts(whole, steps))),
          { size: 30, runs: 60 }
        )
        assert.strictEqual(result._tag, "Passed", Arbitrary.formatCheckFailure(result))
      })
    )
  })
}

const Which = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 }))
const Step = Schema.Union([
  Schema.TaggedStruct("Add", { portfolio: Which, intent: Which, role: Schema.Literals(memberRoles) }),
  Schema.TaggedStruct("Add", { portfolio: Which, intent: Which, role: Schema.Literals(["member"]) }),
  Schema.TaggedStruct("Remove", { portfolio: Which, intent: Which }),
  Schema.TaggedStruct("Set", { intent: Which, status: Schema.Literals(statuses) }),
  Schema.TaggedStruct("SetPortfolio", { portfolio: Which, status: Schema.Literals(portfolioStatuses) }),
  Schema.TaggedStruct("Patch", { intent: Which })
])
type Step = (typeof Step)["Type"]

/** Runs the steps on three portfolios and three intents, the last of which waits for the first, and recounts. */
const recounts = (engine: OpenIntentShape, steps: ReadonlyArray<Step>) =>
  Effect.gen(function* () {
    const { intents, portfolios } = engine
    const [first, second] = yield* newIntents(engine, 2)
    const waiting = yield* intents.create({ title: "w", dependsOn: [first!.id] })
    const ids = [first!.id, second!.id, waiting.id]
    const made = yield* Effect.forEach(
      [{ require_all_completed: true }, { auto_complete_threshold: 50 }, {}],
      (governancePolicy) => portfolios.create({ name: "p", governancePolicy })
    )
    /** Members of each portfolio, as they should be. */
    const members = made.map(() => new Set<string>())
    for (const step of steps) {
      const intentId = "intent" in step ? ids[step.intent]! : ""
      const index = "portfolio" in step ? step.portfolio : 0
      const portfolioId = made[index]!.id
      switch (step._tag) {
        case "Add":
          yield* portfolios.addIntent(portfolioId, { intentId, role: step.role })
          members[index]!.add(intentId)
          break
        case "Remove": {
          const removed = yield* Effect.result(portfolios.removeIntent(portfolioId, intentId))
          assert.strictEqual(Result.isSuccess(removed), members[index]!.delete(intentId))
          break
        }
        case "Set":
          yield* Effect.result(set(engine, intentId, step.status))
          break
        case "SetPortfolio": {
          const { aggregate, status } = yield* portfolios.get(portfolioId)
          const changed = yield* Effect.result(portfolios.setStatus(portfolioId, { status: step.status }))
          const isRefused =
            index === 0 &&
            step.status === "completed" &&
            status !== "completed" &&
            aggregate.total !== aggregate.byStatus.completed
          assert.strictEqual(Result.isFailure(changed), isRefused)
          break
        }
        case "Patch":
          yield* Effect.flatMap(intents.get(intentId), ({ version }) =>
            intents.patchState(intentId, { version, state: { version } })
          )
      }
    }
    for (const [i, { id }] of made.entries()) {
      const found = yield* portfolios.members(id)
      const byStatus: { [S in Status]: number } = {
        draft: 0,
        pending: 0,
        active: 0,
        blocked: 0,
        completed: 0,
        abandoned: 0
      }
      for (const { intent } of found.items) byStatus[intent.status]++
      const { aggregate } = yield* portfolios.get(id)
      assert.deepStrictEqual(aggregate.byStatus, byStatus)
      assert.deepStrictEqual([aggregate.total, found.total], [found.items.length, found.items.length])
      assert.strictEqual(
        aggregate.completionPercentage === 100,
        aggregate.total > 0 && byStatus.completed === aggregate.total
      )
      assert.deepStrictEqual(new Set(found.items.map(({ intentId }) => intentId)), members[i])
      for (const { intent } of found.items) assert.include(intent.portfolioIds, id)
    }
    for (const intentId of ids) {
      const found = (yield* portfolios.ofIntent(intentId)).items.map(({ id }) => id)
      assert.deepStrictEqual(
        new Set(found),
        new Set(made.filter((_, i) => members[i]!.has(intentId)).map(({ id }) => id))
      )
    }
    return true
  })

describe("portfolios", () => {
  it.live("semantics 52: of completing a portfolio and adding an open member the second sees the first", () =>
    Effect.gen(function* () {
      const watched = watch(interleaved(yield* memoryStorage))
      const engine = yield* engineOn(watched.storage)
      const other = yield* engineOn(watched.storage)
      const done: Array<string> = []
      watched.onCommit = (commit, go) =>
        Effect.tap(go, () =>
          Effect.sync(() => {
            for (const write of commit.writes) if (write._tag === "Put") done.push(write.table)
          })
        )
      const ends = new Set<string>()
      for (let round = 0; round < 20; round++) {
        const [open] = yield* newIntents(engine, 1)
        const { id } = yield* engine.portfolios.create({ name: "p", governancePolicy: { require_all_completed: true } })
        done.length = 0
        const complete = Effect.result(engine.portfolios.setStatus(id, { status: "completed" }))
        const add = other.portfolios.addIntent(id, { intentId: open!.id })
        // One later than the other, by more in each round.
        const late = Effect.forEach(Array.from({ length: round % 10 }), () => Effect.yieldNow)
        const [completed] = yield* Effect.all(
          round < 10 ? [Effect.andThen(late, complete), add] : [complete, Effect.andThen(late, add)],
          { concurrency: "unbounded" }
        )
        const wasFirst = done[0] === "portfolios"
        assert.strictEqual(Result.isSuccess(completed), wasFirst)
        ends.add(wasFirst ? "completed" : "refused")
      }
      assert.strictEqual(ends.size, 2) // Both orders were seen, or this would show nothing.
    })
  )

  it.effect("the gate is a switch; a race over one portfolio loses nobody", () =>
    Effect.gen(function* () {
      const free = yield* engineOn(yield* memoryStorage, { enforcePortfolioPolicy: false })
      const [open] = yield* newIntents(free, 1)
      const governancePolicy = { require_all_completed: true }
      const loose = yield* free.portfolios.create({ name: "p", governancePolicy })
      yield* free.portfolios.addIntent(loose.id, { intentId: open!.id })
      assert.strictEqual((yield* free.portfolios.setStatus(loose.id, { status: "completed" })).status, "completed")

      const engine = yield* anEngine
      const made = yield* newIntents(engine, 50)
      const { id } = yield* engine.portfolios.create({ name: "p", governancePolicy })
      yield* Effect.forEach(made, (intent) => engine.portfolios.addIntent(id, { intentId: intent.id }), {
        concurrency: "unbounded"
      })
      assert.strictEqual((yield* engine.portfolios.aggregate(id)).total, 50)
      const refused = yield* Effect.flip(engine.portfolios.setStatus(id, { status: "completed" }))
      assert.deepInclude(refused, { _tag: "PortfolioIncomplete", portfolioId: id, incomplete: 50 })
    })
  )

  it.effect("input is checked, all faults at once", () =>
    Effect.gen(function* () {
      const { portfolios } = yield* anEngine
      const fields = <A, E>(call: Effect.Effect<A, E>) =>
        Effect.map(Effect.flip(call), (error) =>
          error instanceof ValidationError ? error.issues.map(({ field }) => field) : [String(error)]
        )
      const bad = { name: " ", createdBy: "system", governancePolicy: { max_cost: "1" }, metadata: [] }
      assert.sameMembers(yield* fields(portfolios.create(bad)), [
        "name",
        "createdBy",
        "governancePolicy.max_cost",
        "metadata"
      ])
      assert.deepStrictEqual(yield* fields(portfolios.create({ name: "n".repeat(256) })), ["name"])
      const { id } = yield* portfolios.create({ name: "n".repeat(255) })
      const addition: object = { intentId: 1, role: "boss", priority: 1.5 }
      assert.sameMembers(yield* fields(portfolios.addIntent(id, addition as { intentId: string })), [
        "intentId",
        "role",
        "priority"
      ])
      const status: object = { status: "draft" }
      assert.deepStrictEqual(yield* fields(portfolios.setStatus(id, status as { status: "active" })), ["status"])
      assert.deepStrictEqual(yield* fields(portfolios.list({ limit: 0 })), ["limit"])
      assert.deepStrictEqual(yield* fields(portfolios.members(id, { after: "?" })), ["after"])
    })
  )
})
