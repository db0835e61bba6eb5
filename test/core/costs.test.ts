import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type { JsonObject } from "../../src/core/json.ts"
import type { OpenIntentShape } from "../../src/core/OpenIntent.ts"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import type { StorageShape } from "../../src/core/Storage.ts"
import { engineOn, logOf, watch } from "./engines.ts"
import { storages } from "./storages.ts"

const cost = (amount: number, fields: { readonly unit?: string; readonly agentId?: string } = {}) => ({
  costType: "api_call",
  amount,
  unit: "USD",
  ...fields
})

/** Types of events but those of creation and assignment, with the intent that has them. */
const tales = (storage: StorageShape, ...types: ReadonlyArray<string>) =>
  Effect.map(logOf(storage), (log) =>
    log.filter(({ type }) => types.includes(type)).map(({ intentId, payload, type }) => ({ type, intentId, payload }))
  )

const budgeted = (engine: OpenIntentShape, constraints: JsonObject, parentIntentId?: string) =>
  Effect.map(engine.intents.create({ title: "t", constraints, parentIntentId }), ({ id }) => id)

const portfolioOf = (engine: OpenIntentShape, maxCost: number, ...members: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { id } = yield* engine.portfolios.create({ name: "p", governancePolicy: { max_cost: maxCost } })
    for (const intentId of members) yield* engine.portfolios.addIntent(id, { intentId })
    return id
  })

/** Spent and held of an account, in whole units. */
const balance = (storage: StorageShape, key: string) =>
  Effect.map(storage.get("accounts", [key]), ([account]) =>
    account === undefined ? undefined : [account.spent, account.held].map((amount) => Number(amount / 10n ** 12n))
  )

for (const [name, empty] of storages) {
  const fresh = Effect.flatMap(empty, (storage) => Effect.map(engineOn(storage), (engine) => ({ storage, engine })))

  describe(`costs: ${name}`, () => {
    it.effect("are recorded, listed oldest first, and summed exactly", () =>
      Effect.gen(function* () {
        const { engine, storage } = yield* fresh
        const { costs, intents } = engine
        const intent = yield* intents.create({ title: "t" })
        const first = yield* OpenIntent.as("ann")(
          costs.record(intent.id, {
            costType: "tokens",
            amount: 1500,
            unit: "tokens",
            provider: "openai",
            metadata: { model: "m" }
          })
        )
        assert.deepInclude(first, { agentId: "ann", provider: "openai", metadata: { model: "m" } })
        const second = yield* costs.record(intent.id, { ...cost(0.1), agentId: "bob" })
        const third = yield* costs.record(intent.id, { ...cost(0.2), agentId: "bob", provider: null, metadata: null })
        assert.deepStrictEqual((yield* costs.list(intent.id)).items, [first, second, third])
        const page = yield* costs.list(intent.id, { limit: 1, offset: 1 })
        assert.deepStrictEqual([page.items, page.total], [[second], 3])
        assert.deepStrictEqual((yield* costs.list(intent.id, { after: page.next })).items, [third])
        assert.deepStrictEqual(yield* costs.summary(intent.id), {
          total: 1500.3,
          count: 3,
          byType: { tokens: 1500, api_call: 0.3 },
          byAgent: { ann: 1500, bob: 0.3 },
          byUnit: { tokens: 1500, USD: 0.3 },
          byProvider: { openai: 1500, unknown: 0.3 }
        })
        const [told] = yield* tales(storage, "cost_recorded")
        assert.deepStrictEqual(told?.payload, {
          cost_id: first.id,
          cost_type: "tokens",
          amount: 1500,
          unit: "tokens",
          provider: "openai"
        })
        // semantics 2.1: neither the version nor the time of the intent moves.
        assert.deepStrictEqual(yield* intents.get(intent.id), intent)
        const nothing = yield* intents.create({ title: "t" })
        assert.deepInclude(yield* costs.summary(nothing.id), { total: 0, count: 0, byUnit: {} })
      })
    )

    it.effect("input that is not valid is refused with its fields, an unknown intent by name", () =>
      Effect.gen(function* () {
        const { engine } = yield* fresh
        const { costs, intents } = engine
        const { id } = yield* intents.create({ title: "t" })
        for (const amount of [-1, Number.NaN, Infinity, 2 ** 53, 1e-13]) {
          const error = yield* Effect.flip(costs.record(id, cost(amount)))
          assert.isTrue(error._tag === "ValidationError" && error.issues[0].field === "amount", `${amount}`)
          assert.strictEqual((yield* Effect.flip(costs.reserve(id, { amount })))._tag, "ValidationError")
        }
        const wrong = yield* Effect.flip(
          costs.record(id, { costType: " ", amount: 1, unit: "x".repeat(101), provider: "", agentId: "system" })
        )
        assert.deepStrictEqual(wrong._tag === "ValidationError" && wrong.issues.map(({ field }) => field).toSorted(), [
          "agentId",
          "costType",
          "provider",
          "unit"
        ])
        assert.strictEqual((yield* Effect.flip(costs.reserve(id, { amount: 1, ttl: 1500 })))._tag, "ValidationError")
        const calls: ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string }>> = [
          costs.record("none", cost(1)),
          costs.list("none"),
          costs.summary("none"),
          costs.reserve("none", { amount: 1 }),
          costs.settle("none", "r", { amount: 1 }),
          costs.release("none", "r"),
          costs.reservations("none")
        ]
        for (const call of calls) assert.strictEqual((yield* Effect.flip(call))._tag, "IntentNotFound")
        assert.strictEqual((yield* Effect.flip(costs.ofPortfolio("none")))._tag, "PortfolioNotFound")
        assert.strictEqual((yield* Effect.flip(costs.settle(id, "r", { amount: 1 })))._tag, "ReservationNotFound")
        assert.strictEqual((yield* Effect.flip(costs.release(id, "r")))._tag, "ReservationNotFound")
      })
    )

    it.effect("a summary stays exact while it is folded in the background", () =>
      Effect.gen(function* () {
        const { engine, storage } = yield* fresh
        const { id } = yield* engine.intents.create({ title: "t" })
        for (let n = 1; n <= 600; n++) {
          yield* engine.costs.record(id, cost(0.1, { agentId: `a${n % 3}` }))
          if (n % 200 === 0) yield* TestClock.adjust("1 second")
        }
        const [figure] = yield* storage.get("costFigures", [id])
        assert.isAbove(figure?.figure.count ?? 0, 300)
        const summary = yield* engine.costs.summary(id)
        assert.deepInclude(summary, { total: 60, count: 600, byAgent: { a1: 20, a2: 20, a0: 20 } })
      })
    )

    it.effect("without a budget above they only rely on there being none of a portfolio", () =>
      Effect.gen(function* () {
        const watched = watch(yield* empty)
        const engine = yield* engineOn(watched.storage)
        const free = yield* budgeted(engine, {})
        const limited = yield* budgeted(engine, { max_cost: 1 })
        const guardsOf = Effect.fnUntraced(function* (intentId: string, unit?: string) {
          watched.commits.length = 0
          yield* engine.costs.record(intentId, cost(0.5, unit === undefined ? {} : { unit }))
          return watched.commits.flatMap(({ guards }) => guards.map(({ table }) => table))
        })
        assert.deepStrictEqual(yield* guardsOf(free), ["accounts"])
        assert.deepStrictEqual(yield* guardsOf(limited, "tokens"), [])
        assert.deepStrictEqual(yield* guardsOf(limited), ["intents", "accounts"])
        // From now on a portfolio may come above any intent.
        yield* portfolioOf(engine, 1)
        assert.deepStrictEqual(yield* guardsOf(free), ["intents"])
        assert.deepStrictEqual(yield* guardsOf(free, "tokens"), [])
      })
    )

    it.effect("what is spent below a budget counts against it; threshold and limit are told once", () =>
      Effect.gen(function* () {
        const { engine, storage } = yield* fresh
        const root = yield* budgeted(engine, { max_cost: 10 })
        const middle = yield* budgeted(engine, {}, root)
        const leaf = yield* budgeted(engine, { budget: { max_total_cents: 500, alert_threshold_percent: 50 } }, middle)
        yield* engine.costs.record(leaf, cost(2))
        yield* engine.costs.record(leaf, cost(100, { unit: "EUR" }))
        yield* engine.costs.record(leaf, cost(0.5))
        yield* engine.costs.record(middle, cost(5, { unit: "usd" }))
        assert.deepStrictEqual(yield* balance(storage, `intent/${root}`), [7, 0])
        assert.deepStrictEqual(yield* balance(storage, `intent/${leaf}`), [2, 0])
        yield* engine.costs.record(leaf, cost(1))
        yield* engine.costs.record(root, cost(4))
        yield* engine.costs.record(root, cost(4))
        assert.deepStrictEqual(yield* tales(storage, "budget_alert", "budget_exceeded"), [
          { type: "budget_alert", intentId: leaf, payload: { total: 2.5, limit: 5, percent: 50 } },
          { type: "budget_alert", intentId: root, payload: { total: 8.5, limit: 10, percent: 85 } },
          { type: "budget_exceeded", intentId: root, payload: { total: 12.5, limit: 10, percent: 125 } }
        ])
      })
    )

    it.effect("with enforceBudgets a cost that a budget has no room for is refused and leaves nothing", () =>
      Effect.gen(function* () {
        const storage = yield* empty
        const engine = yield* engineOn(storage, { enforceBudgets: true })
        const root = yield* budgeted(engine, { max_cost: 1 })
        const leaf = yield* budgeted(engine, {}, root)
        yield* engine.costs.record(leaf, cost(0.7))
        const before = yield* logOf(storage)
        assert.deepInclude(yield* Effect.flip(engine.costs.record(leaf, cost(0.4))), {
          _tag: "BudgetExceeded",
          holder: { kind: "intent", id: root },
          limitOn: "total",
          limit: 1,
          spent: 0.7,
          held: 0,
          amount: 0.4
        })
        assert.deepStrictEqual(yield* logOf(storage), before)
        yield* engine.costs.record(leaf, cost(0.3))
        assert.strictEqual((yield* engine.costs.summary(leaf)).total, 1)
      })
    )

    it.effect("appendix A: the policy decides who writes costs, and how much; a denial is told", () =>
      Effect.gen(function* () {
        const { engine, storage } = yield* fresh
        const made = (governancePolicy: object) =>
          Effect.map(engine.intents.create({ title: "t", governancePolicy }), ({ id }) => id)
        const open = yield* made({ write_scope: "assigned_only" })
        const denial = (call: Effect.Effect<unknown, { readonly _tag: string }>) =>
          Effect.map(Effect.flip(call), (error) => ("rule" in error ? error.rule : error._tag))
        assert.strictEqual(yield* denial(engine.costs.record(open, cost(1))), "write_scope")
        assert.strictEqual(yield* denial(engine.costs.reserve(open, { amount: 1 })), "write_scope")
        yield* engine.agents.assign(open, { agentId: "local" })
        yield* engine.costs.record(open, cost(1))
        const capped = yield* made({ max_cost: 3 })
        const { remaining } = yield* engine.costs.reserve(capped, { amount: 1 })
        assert.strictEqual(remaining, 2)
        yield* engine.costs.record(capped, cost(1.5))
        yield* engine.costs.record(capped, cost(9, { unit: "tokens" }))
        assert.strictEqual(yield* denial(engine.costs.record(capped, cost(0.6))), "max_cost")
        assert.strictEqual(yield* denial(engine.costs.reserve(capped, { amount: 0.6 })), "max_cost")
        const concurrent = yield* Effect.forEach(
          [1, 2, 3, 4],
          () => Effect.result(engine.costs.record(capped, cost(0.3))),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(concurrent.filter(({ _tag }) => _tag === "Success").length, 1)
        assert.strictEqual((yield* tales(storage, "governance.violation")).length, 7)
      })
    )

    it.effect("appendix A: of two that spend at once under max_cost, the second knows of the first", () =>
      Effect.gen(function* () {
        const inner = yield* empty
        const watched = watch(inner)
        const [engine, other] = [yield* engineOn(watched.storage), yield* engineOn(inner)]
        const { id } = yield* other.intents.create({ title: "t", governancePolicy: { max_cost: 3 } })
        let isFirst = true
        watched.onCommit = (_, go) => {
          if (!isFirst) return go
          isFirst = false
          return Effect.andThen(Effect.orDie(other.costs.record(id, cost(2))), go)
        }
        assert.deepInclude(yield* Effect.flip(engine.costs.record(id, cost(2))), { rule: "max_cost" })
        assert.strictEqual((yield* other.costs.summary(id)).total, 2)
      })
    )
  })

  describe(`reservations: ${name}`, () => {
    it.effect("hold, settle, give back; what is over cannot be settled", () =>
      Effect.gen(function* () {
        const { engine, storage } = yield* fresh
        const { costs } = engine
        const id = yield* budgeted(engine, { max_cost: 10 })
        const held = yield* OpenIntent.as("ann")(costs.reserve(id, { amount: 4, ttl: "1 minute" }))
        assert.deepInclude(held, { agentId: "ann", unit: "USD", costType: "custom", status: "held", remaining: 6 })
        const other = yield* costs.reserve(id, { amount: 6, costType: "compute" })
        assert.deepInclude(yield* Effect.flip(costs.reserve(id, { amount: 0.01 })), {
          _tag: "BudgetExceeded",
          held: 10
        })
        assert.isNull((yield* costs.reserve(id, { amount: 1000, unit: "tokens" })).remaining)
        const settled = yield* costs.settle(id, held.id, { amount: 2.5, provider: "openai" })
        assert.deepInclude(settled, { agentId: "ann", amount: 2.5, costType: "custom", reserved: 4, excess: 0 })
        const { excess: _, reservationId: __, reserved: ___, ...recorded } = settled
        assert.deepStrictEqual((yield* costs.list(id)).items, [recorded])
        assert.strictEqual((yield* costs.reserve(id, { amount: 1.5 })).remaining, 0)
        const released = yield* costs.release(id, other.id)
        assert.deepInclude(released, { id: other.id, status: "cancelled" })
        assert.deepStrictEqual(yield* costs.release(id, other.id), released)
        assert.deepStrictEqual(yield* balance(storage, `intent/${id}`), [2, 1])
        for (const [reservationId, status] of [
          [held.id, "settled"],
          [other.id, "cancelled"]
        ] as const) {
          assert.deepInclude(yield* Effect.flip(costs.settle(id, reservationId, { amount: 1 })), {
            _tag: "ReservationEnded",
            status
          })
        }
        assert.strictEqual((yield* Effect.flip(costs.release(id, held.id)))._tag, "ReservationEnded")
        const list = yield* costs.reservations(id)
        assert.deepStrictEqual(
          list.items.map(({ status }) => status),
          ["settled", "cancelled", "held", "held"]
        )
        // Another intent's path shows nothing.
        const stranger = yield* budgeted(engine, {})
        assert.strictEqual((yield* Effect.flip(costs.release(stranger, held.id)))._tag, "ReservationNotFound")
        assert.strictEqual((yield* costs.summary(id)).total, 2.5)
      })
    )

    it.effect("settling more than was reserved is recorded, even above the limit", () =>
      Effect.gen(function* () {
        const { engine, storage } = yield* fresh
        const id = yield* budgeted(engine, { max_cost: 10 })
        const held = yield* engine.costs.reserve(id, { amount: 4 })
        const settled = yield* engine.costs.settle(id, held.id, { amount: 11 })
        assert.deepInclude(settled, { amount: 11, reserved: 4, excess: 7 })
        assert.deepStrictEqual(
          (yield* tales(storage, "cost_settled", "budget_exceeded")).map(({ type }) => type),
          ["cost_settled", "budget_exceeded"]
        )
        assert.deepInclude(yield* Effect.flip(engine.costs.reserve(id, { amount: 0 })), { spent: 11, held: 0 })
      })
    )

    it.effect("what one agent may spend: each has an account, and what one reserves another may spend", () =>
      Effect.gen(function* () {
        const watched = watch(yield* empty)
        const engine = yield* engineOn(watched.storage)
        const id = yield* budgeted(engine, { budget: { max_per_agent_cents: 300 } })
        const accounts = Effect.forEach(["", " ann", " bob", " __proto__"], (agent) =>
          balance(watched.storage, `intent/${id}${agent}`)
        )
        const reserve = (agentId: string, amount: number) => engine.costs.reserve(id, { agentId, amount })
        const [one, two] = [yield* reserve("ann", 2), yield* reserve("ann", 1)]
        assert.deepInclude(yield* Effect.flip(reserve("ann", 1)), { limitOn: "agent", spent: 0, held: 3, limit: 3 })
        assert.strictEqual((yield* reserve("__proto__", 1)).remaining, 2)
        yield* engine.costs.settle(id, one.id, { agentId: "bob", amount: 3 })
        assert.deepStrictEqual(yield* accounts, [
          [3, 2],
          [0, 1],
          [3, 0],
          [0, 1]
        ])
        assert.deepInclude(yield* Effect.flip(reserve("bob", 1)), { limitOn: "agent", spent: 3, held: 0 })
        yield* engine.costs.release(id, two.id)
        yield* TestClock.adjust("5 minutes")
        assert.deepStrictEqual(yield* accounts, [
          [3, 0],
          [0, 0],
          [3, 0],
          [0, 0]
        ])
        for (let i = 0; i < 100; i++) yield* engine.costs.record(id, cost(1, { agentId: `a${i}` }))
        // Whatever the number of agents.
        assert.strictEqual(watched.commits.at(-1)?.writes.length, 3)
      })
    )

    it.effect("what they hold is given back within a second of their end, once, whoever sweeps", () =>
      Effect.gen(function* () {
        const { engine, storage } = yield* fresh
        yield* engineOn(storage)
        const root = yield* budgeted(engine, { max_cost: 10 })
        const leaf = yield* budgeted(engine, {}, root)
        const held = yield* engine.costs.reserve(leaf, { amount: 4, ttl: "2 seconds" })
        yield* engine.costs.reserve(leaf, { amount: 1, ttl: "1 hour" })
        yield* TestClock.adjust("1999 millis")
        assert.deepStrictEqual(yield* balance(storage, `intent/${root}`), [0, 5])
        yield* TestClock.adjust("1001 millis")
        assert.deepStrictEqual(yield* balance(storage, `intent/${root}`), [0, 1])
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(yield* tales(storage, "cost_released"), [
          {
            type: "cost_released",
            intentId: leaf,
            payload: { reservation_id: held.id, agent_id: "local", amount: 4, unit: "USD", reason: "expired" }
          }
        ])
        assert.deepInclude(yield* Effect.flip(engine.costs.settle(leaf, held.id, { amount: 1 })), { status: "expired" })
        assert.strictEqual((yield* engine.costs.release(leaf, held.id)).status, "expired")
      })
    )

    it.effect("one that is over is in nobody's way, though its end is not written yet", () =>
      Effect.gen(function* () {
        const storage = yield* empty
        const engine = yield* engineOn(storage, { sweepInterval: Duration.hours(1) })
        const root = yield* budgeted(engine, { max_cost: 10 })
        const [one, two] = [yield* budgeted(engine, {}, root), yield* budgeted(engine, {}, root)]
        yield* engine.costs.reserve(one, { amount: 10, ttl: "1 second" })
        yield* TestClock.adjust("999 millis")
        assert.strictEqual((yield* Effect.flip(engine.costs.reserve(two, { amount: 1 })))._tag, "BudgetExceeded")
        yield* TestClock.adjust("1 millis")
        assert.strictEqual((yield* engine.costs.reservations(one)).items[0]?.status, "expired")
        assert.strictEqual((yield* engine.costs.reserve(two, { amount: 1 })).remaining, 9)
        assert.deepStrictEqual(yield* balance(storage, `intent/${root}`), [0, 1])
      })
    )
  })

  describe(`budgets of portfolios: ${name}`, () => {
    it.effect("cover members and all below them, and move with the members, once", () =>
      Effect.gen(function* () {
        const { engine, storage } = yield* fresh
        const { costs, portfolios } = engine
        const root = yield* budgeted(engine, {})
        const middle = yield* budgeted(engine, {}, root)
        const leaf = yield* budgeted(engine, {}, middle)
        for (const id of [root, middle, leaf]) yield* costs.record(id, cost(1))
        const held = yield* costs.reserve(leaf, { amount: 2 })
        const p = yield* portfolioOf(engine, 10, middle)
        const account = balance(storage, `portfolio/${p}`)
        assert.deepStrictEqual(yield* account, [2, 2])
        yield* portfolios.addIntent(p, { intentId: leaf })
        assert.deepStrictEqual(yield* account, [2, 2])
        yield* portfolios.addIntent(p, { intentId: root })
        assert.deepStrictEqual(yield* account, [3, 2])
        yield* portfolios.addIntent(p, { intentId: root, role: "primary" })
        assert.deepStrictEqual(yield* account, [3, 2])
        assert.strictEqual((yield* costs.reserve(leaf, { amount: 1 })).remaining, 4)
        assert.deepInclude(yield* Effect.flip(costs.reserve(root, { amount: 5 })), {
          holder: { kind: "portfolio", id: p },
          spent: 3,
          held: 3
        })
        yield* portfolios.removeIntent(p, middle)
        assert.deepStrictEqual(yield* account, [3, 3])
        yield* portfolios.removeIntent(p, root)
        assert.deepStrictEqual(yield* account, [1, 3])
        yield* costs.settle(leaf, held.id, { amount: 8 })
        assert.deepStrictEqual(yield* account, [9, 1])
        yield* costs.record(middle, cost(50))
        assert.deepStrictEqual(yield* account, [9, 1])
        assert.deepStrictEqual(yield* tales(storage, "budget_alert"), [
          { type: "budget_alert", intentId: leaf, payload: { total: 9, limit: 10, percent: 90, portfolio_id: p } }
        ])
        yield* portfolios.removeIntent(p, leaf)
        assert.deepStrictEqual(yield* account, [0, 0])
      })
    )

    it.effect("who spends without knowing of a portfolio that comes meanwhile is too late, and decides again", () =>
      Effect.gen(function* () {
        const inner = yield* empty
        const watched = watch(inner)
        const [engine, other] = [yield* engineOn(watched.storage), yield* engineOn(inner)]
        yield* portfolioOf(other, 1)
        for (const spent of ["reserved", "recorded", "settled", "released"] as const) {
          for (const isMember of [true, false]) {
            const member = yield* budgeted(other, {})
            const below = isMember ? member : yield* budgeted(other, {}, yield* budgeted(other, {}, member))
            const held = yield* other.costs.reserve(below, { amount: 1 })
            const { id: p } = yield* other.portfolios.create({ name: "p", governancePolicy: { max_cost: 10 } })
            let isFirst = true
            watched.onCommit = (_, go) => {
              if (!isFirst) return go
              isFirst = false
              return Effect.andThen(Effect.orDie(other.portfolios.addIntent(p, { intentId: member })), go)
            }
            const calls = {
              reserved: Effect.asVoid(engine.costs.reserve(below, { amount: 2 })),
              recorded: Effect.asVoid(engine.costs.record(below, cost(2))),
              settled: Effect.asVoid(engine.costs.settle(below, held.id, { amount: 3 })),
              released: Effect.asVoid(engine.costs.release(below, held.id))
            }
            yield* calls[spent]
            const expected = { reserved: [0, 3], recorded: [2, 1], settled: [3, 0], released: [0, 0] }
            assert.deepStrictEqual(yield* balance(inner, `portfolio/${p}`), expected[spent], `${spent} ${isMember}`)
          }
        }
      })
    )

    it.effect("http.md 13.9: costs of a portfolio are those of its members", () =>
      Effect.gen(function* () {
        const { engine } = yield* fresh
        const [one, two] = [yield* budgeted(engine, {}), yield* budgeted(engine, {})]
        const child = yield* budgeted(engine, {}, one)
        yield* engine.costs.record(one, cost(0.1))
        yield* engine.costs.record(two, cost(0.2, { agentId: "bob" }))
        yield* engine.costs.record(child, cost(7))
        const p = yield* portfolioOf(engine, 100, one, two)
        const found = yield* engine.costs.ofPortfolio(p)
        assert.deepStrictEqual(found.byIntent, { [one]: 0.1, [two]: 0.2 })
        assert.deepInclude(found.summary, { total: 0.3, count: 2, byAgent: { local: 0.1, bob: 0.2 } })
        const none = yield* portfolioOf(engine, 1)
        assert.deepStrictEqual((yield* engine.costs.ofPortfolio(none)).byIntent, {})
      })
    )
  })
}
