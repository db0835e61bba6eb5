/** Exact decimals, budgets, accounts and what may happen to a reservation: the pure rules of costs. */
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import type { Guard } from "../../src/core/Aggregate.ts"
import { putIntent, unchanged } from "../../src/core/Aggregate.ts"
import type { Holder } from "../../src/core/cost/account.ts"
import { accountKey, charge, emptyAccount, firstExceeded, remainingOf } from "../../src/core/cost/account.ts"
import type { Account } from "../../src/core/cost/Balance.ts"
import { amountOf, isAmount, numberOf, textOf } from "../../src/core/cost/amount.ts"
import { budgetOf, currencyOf, hasBudget, portfolioBudgetOf } from "../../src/core/cost/budget.ts"
import type { Cost, Reservation } from "../../src/core/cost/Cost.ts"
import type { Coverage } from "../../src/core/cost/coverage.ts"
import { withCoverage } from "../../src/core/cost/coverage.ts"
import type { Spender } from "../../src/core/cost/rules.ts"
import { decideExpire, decideRelease, decideReserve, decideSettle } from "../../src/core/cost/reservationRules.ts"
import { decideRecord } from "../../src/core/cost/rules.ts"
import type { CostFigure } from "../../src/core/cost/CostFigure.ts"
import { addCost, addFigures, noCosts, summaryOf } from "../../src/core/cost/summary.ts"
import type { JsonObject } from "../../src/core/json.ts"
import { tables } from "../../src/core/tables.ts"
import { at, envAt, heldStill, intentOf, movedOn, now, puts, refused, succeeded, told } from "./records.ts"

const costOf = (amount: number, fields: Partial<Cost> = {}): Cost => ({
  id: "c",
  intentId: "i",
  agentId: "ann",
  costType: "tokens",
  amount,
  unit: "USD",
  provider: null,
  metadata: {},
  recordedAt: at(1000),
  ...fields
})

const AmountOf = Schema.Struct({
  digits: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999_999_999_999 })),
  places: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 12 }))
})
const numberFrom = ({ digits, places }: typeof AmountOf.Type) => Number(`${digits}e-${places}`)

const sumOf = (amounts: ReadonlyArray<number>): number =>
  Number(
    BigDecimal.format(
      amounts.reduce(
        (sum, amount) => BigDecimal.sum(sum, BigDecimal.fromStringUnsafe(String(amount))),
        BigDecimal.fromBigInt(0n)
      )
    )
  )

describe("amounts (decision 20)", () => {
  it("are the shortest decimal of the number, and come back as it", () => {
    for (const [value, text] of [
      [0, "0"],
      [0.1, "0.1"],
      [1500, "1500"],
      [1e-12, "0.000000000001"],
      [1.5e-7, "0.00000015"],
      [Number.MAX_SAFE_INTEGER, "9007199254740991"],
      [123_456.789, "123456.789"]
    ] as const) {
      assert.strictEqual(textOf(amountOf(value)), text)
      assert.strictEqual(numberOf(amountOf(value)), value)
      assert.strictEqual(amountOf(text), amountOf(value))
    }
    assert.strictEqual(textOf(amountOf("-0.5")), "-0.5")
    // Only limits are ever so long or so large.
    assert.strictEqual(textOf(amountOf(1.234_567_890_123_4)), "1.234567890123")
    assert.strictEqual(textOf(amountOf(1e21)), "1000000000000000000000")
  })

  it("that cannot be kept exactly are none", () => {
    for (const value of [0, 1e-12, 0.1, 2 ** 53 - 1, 4_503_599_627_370_495.5])
      assert.isTrue(isAmount(value), `${value}`)
    for (const value of [-1, -1e-12, Number.NaN, Infinity, 2 ** 53, 1e-13, 0.1 + 0.2, 0.000_000_000_000_1, "1", null]) {
      assert.isFalse(isAmount(value), `${value}`)
    }
  })

  it.prop("add up as decimals do, and are stored without loss", { amounts: Schema.Array(AmountOf) }, ({ amounts }) => {
    const numbers = amounts.map(numberFrom)
    const sum = numbers.reduce((sum, value) => sum + amountOf(value), 0n)
    assert.strictEqual(numberOf(sum), sumOf(numbers))
    assert.strictEqual(amountOf(textOf(sum)), sum)
  })
})

describe("summary (http.md 2.8)", () => {
  it("semantics 46: 0.1 ten times is exactly 1", () => {
    const figure = Array.from({ length: 10 }, () => costOf(0.1)).reduce(addCost, noCosts)
    assert.strictEqual(summaryOf(figure).total, 1)
  })

  const name = Schema.Literals(["a", "b", "__proto__", "constructor", "unknown"])
  it.prop(
    "semantics 45: exact sums, each map adds up to the total, the order does not matter, and neither does where it is cut",
    {
      given: Schema.Array(
        Schema.Struct({ amount: AmountOf, type: name, agent: name, unit: name, provider: Schema.NullOr(name) })
      ),
      cut: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10 }))
    },
    ({ cut, given }) => {
      const costs = given.map(({ agent, amount, provider, type, unit }) =>
        costOf(numberFrom(amount), { costType: type, agentId: agent, unit, provider })
      )
      const figure = costs.reduce(addCost, noCosts)
      const summary = summaryOf(figure)
      assert.strictEqual(summary.count, costs.length)
      assert.strictEqual(summary.total, sumOf(costs.map(({ amount }) => amount)))
      for (const sums of [figure.byType, figure.byAgent, figure.byUnit, figure.byProvider]) {
        assert.strictEqual(
          [...sums.values()].reduce((sum, amount) => sum + amount, 0n),
          figure.total
        )
      }
      for (const agent of Object.keys(summary.byAgent)) {
        const own = costs.filter((cost) => cost.agentId === agent).map(({ amount }) => amount)
        assert.strictEqual(summary.byAgent[agent], sumOf(own))
      }
      const same = (other: CostFigure) => assert.deepStrictEqual(summaryOf(other), summary)
      same(addFigures(costs.slice(0, cut).reduce(addCost, noCosts), costs.slice(cut).reduce(addCost, noCosts)))
      const backwards = summaryOf(costs.toReversed().reduce(addCost, noCosts))
      assert.deepStrictEqual(new Map(Object.entries(backwards.byType)), new Map(Object.entries(summary.byType)))
      assert.strictEqual(backwards.total, summary.total)
      const stored = { key: "i", through: 3, figure }
      same(tables.costFigures.fromRow("i", [], tables.costFigures.body(stored), 1).figure)
    }
  )

  it("however many names clients make up, few are kept, the sums stay whole, and no money is lost among them", () => {
    const made = Array.from({ length: 1000 }, (_, i) =>
      costOf(1, { costType: `t${i}`, agentId: `a${i}`, unit: `u${i}`, provider: `p${i}` })
    )
    const figure = [...made, costOf(5, { unit: "usd" })].reduce(addCost, noCosts)
    const doubled = addFigures(figure, [...made.toReversed(), costOf(5, { unit: "USD" })].reduce(addCost, noCosts))
    assert.strictEqual(numberOf(doubled.money), 10)
    for (const { byAgent, byProvider, byType, byUnit, total } of [figure, doubled]) {
      for (const sums of [byType, byAgent, byUnit, byProvider]) {
        assert.isAtMost(sums.size, 201)
        assert.isTrue(sums.has("other"))
        assert.strictEqual(
          [...sums.values()].reduce((sum, amount) => sum + amount, 0n),
          total
        )
      }
    }
  })

  it("money of a currency, whichever case its code has", () => {
    const costs = [costOf(1), costOf(2, { unit: "usd" }), costOf(4, { unit: "EUR" }), costOf(8, { unit: "tokens" })]
    assert.strictEqual(numberOf(costs.reduce(addCost, noCosts).money), 3)
    assert.deepStrictEqual(["usd", "EUR", "tokens", "US", ""].map(currencyOf), [
      "USD",
      "EUR",
      undefined,
      undefined,
      undefined
    ])
  })
})

describe("budgets (decision 25)", () => {
  const limitsOf = (constraints: JsonObject) => {
    const budget = budgetOf(constraints)
    if (budget === undefined) return undefined
    const { alertPercent, currency, perAgent, perCall, total } = budget
    return [currency, alertPercent, ...[total, perAgent, perCall].map((limit) => limit && textOf(limit))]
  }

  it("are max_cost or a budget with a limit; the smaller total wins", () => {
    assert.deepStrictEqual(limitsOf({ max_cost: 5 }), ["USD", 80, "5", undefined, undefined])
    const budget = { max_total_cents: 1050, max_per_agent_cents: 0.5, max_per_call_cents: 100 }
    assert.deepStrictEqual(limitsOf({ budget }), ["USD", 80, "10.5", "0.005", "1"])
    assert.deepStrictEqual(limitsOf({ budget, max_cost: 10 }), ["USD", 80, "10", "0.005", "1"])
    assert.deepStrictEqual(limitsOf({ budget, max_cost: 11 }), ["USD", 80, "10.5", "0.005", "1"])
    const other = { max_total_cents: 100, currency: "eur", alert_threshold_percent: 12.5 }
    assert.deepStrictEqual(limitsOf({ budget: other }), ["EUR", 12.5, "1", undefined, undefined])
    const odd = { max_total_cents: 100, currency: "euros", alert_threshold_percent: "90" }
    assert.deepStrictEqual(limitsOf({ budget: odd }), ["USD", 80, "1", undefined, undefined])
    for (const none of [{}, { max_cost: "5" }, { max_cost: -1 }, { budget: 7 }, { budget: { currency: "USD" } }]) {
      assert.isFalse(hasBudget(none))
    }
    assert.isTrue(hasBudget({ max_cost: 0 }))
    assert.strictEqual(portfolioBudgetOf({ max_cost: 3 })?.total, amountOf(3))
    assert.isUndefined(portfolioBudgetOf({ budget: { max_total_cents: 3 } }))
  })
})

const holderOf = (
  constraints: JsonObject,
  {
    agents = new Map(),
    id = "i",
    kind = "intent",
    ...account
  }: Partial<Account> & Partial<Pick<Holder, "id" | "kind" | "agents">> = {}
): Holder => ({
  id,
  kind,
  budget: budgetOf(constraints)!,
  account: { ...emptyAccount(accountKey(kind, id)), ...account },
  agents,
  revision: 3
})

const accountMovedOn = (key: string, expected: number): Guard => ({
  table: "accounts",
  key,
  expected,
  next: expected + 1
})

describe("accounts", () => {
  const spending = (amount: number, agentId = "ann") => ({ agentId, spent: amountOf(amount), held: 0n })

  it("spent, held and asked for together must not be more than a limit; the outermost holder is named", () => {
    const outer = holderOf({ max_cost: 10 }, { id: "p", kind: "portfolio", spent: amountOf(4), held: amountOf(3) })
    const inner = holderOf({ max_cost: 20 })
    assert.isUndefined(firstExceeded([outer, inner], "ann", amountOf(3)))
    assert.deepInclude(firstExceeded([inner, outer], "ann", amountOf(3.000_000_000_001)), {
      holder: { kind: "portfolio", id: "p" },
      limitOn: "total",
      currency: "USD",
      limit: 10,
      spent: 4,
      held: 3,
      amount: 3.000_000_000_001
    })
    assert.strictEqual(remainingOf([outer, inner], "ann"), amountOf(3))
    assert.isUndefined(remainingOf([], "ann"))
  })

  it("limits of an agent and of a call are their own", () => {
    const account = { ...emptyAccount(accountKey("intent", "i", "ann")), spent: amountOf(1), held: amountOf(1) }
    const agents = new Map([["ann", { account, revision: 5 }]])
    const holder = holderOf({ budget: { max_per_agent_cents: 300, max_per_call_cents: 250 } }, { agents })
    assert.isUndefined(firstExceeded([holder], "ann", amountOf(1)))
    assert.deepInclude(firstExceeded([holder], "ann", amountOf(1.1)), { limitOn: "agent", spent: 1, held: 1, limit: 3 })
    assert.isUndefined(firstExceeded([holder], "bob", amountOf(2.5)))
    assert.deepInclude(firstExceeded([holder], "bob", amountOf(2.6)), { limitOn: "call", limit: 2.5 })
    assert.deepStrictEqual([remainingOf([holder], "ann"), remainingOf([holder], "bob")], [amountOf(1), amountOf(3)])
    const { guards, holders } = charge([holder], [spending(0.5), spending(2, "bob")], "i", envAt())
    assert.deepStrictEqual(guards, [
      accountMovedOn("intent/i", 3),
      accountMovedOn("intent/i ann", 5),
      accountMovedOn("intent/i bob", 0)
    ])
    assert.deepStrictEqual([remainingOf(holders, "ann"), remainingOf(holders, "bob")], [amountOf(0.5), amountOf(1)])
    assert.strictEqual(holders[0]?.account?.spent, amountOf(2.5))
  })

  it("the threshold and the limit are told once each: on the holder, or for a portfolio on who spends", () => {
    let holders = [holderOf({ max_cost: 10 }), holderOf({ max_cost: 3 }, { id: "p", kind: "portfolio" })]
    const events: Array<unknown> = []
    for (const amount of [2, 0.4, 0.6, 5, 1, 2]) {
      const charged = charge(holders, [spending(amount)], "x", envAt())
      holders = [...charged.holders]
      for (const { actor, intentId, payload, type } of charged.events) events.push([type, intentId, actor, payload])
    }
    assert.deepStrictEqual(events, [
      ["budget_alert", "x", "system", { total: 2.4, limit: 3, percent: 80, portfolio_id: "p" }],
      ["budget_alert", "i", "system", { total: 8, limit: 10, percent: 80 }],
      ["budget_exceeded", "x", "system", { total: 8, limit: 3, percent: 266.66, portfolio_id: "p" }],
      ["budget_exceeded", "i", "system", { total: 11, limit: 10, percent: 110 }]
    ])
  })

  it("so is the limit of an agent, once for each", () => {
    let holders: ReadonlyArray<Holder> = [holderOf({ budget: { max_per_agent_cents: 100 } })]
    const events: Array<unknown> = []
    for (const [agent, amount] of [
      ["ann", 1],
      ["ann", 0.5],
      ["ann", 1],
      ["bob", 2]
    ] as const) {
      const charged = charge(holders, [spending(amount, agent)], "x", envAt())
      holders = charged.holders
      for (const { payload } of charged.events) events.push(payload)
    }
    assert.deepStrictEqual(events, [
      { total: 1.5, limit: 1, percent: 150, agent_id: "ann" },
      { total: 2, limit: 1, percent: 200, agent_id: "bob" }
    ])
  })

  it("are stored without loss", () => {
    const { writes } = charge(
      [holderOf({ budget: { max_per_agent_cents: 1 } })],
      [spending(0.1, "__proto__"), { agentId: "b", spent: 0n, held: amountOf(0.000_000_000_001) }],
      "i",
      envAt()
    )
    assert.strictEqual(writes.length, 3)
    for (const write of writes) {
      assert.isTrue(write._tag === "Put" && write.table === "accounts")
      if (write._tag !== "Put" || write.table !== "accounts") continue
      assert.deepStrictEqual(
        tables.accounts.fromRow(write.record.key, [], tables.accounts.body(write.record), 1),
        write.record
      )
    }
  })
})

const reservationOf = (fields: Partial<Reservation> = {}): Reservation => ({
  id: "r",
  intentId: "i",
  agentId: "ann",
  costType: "custom",
  amount: 2,
  unit: "USD",
  status: "held",
  createdAt: at(1000),
  expiresAt: at(now + 1),
  endedAt: null,
  ...fields
})

const spenderOf = (fields: Partial<Spender> = {}): Spender => ({
  found: { intent: intentOf("i"), revision: 7 },
  isAssigned: false,
  holders: [],
  own: undefined,
  ...fields
})

const costCommand = {
  intentId: "i",
  actor: "ann",
  agentId: "bob",
  costType: "tokens",
  amount: 2,
  unit: "USD",
  provider: null,
  metadata: {}
}

describe("recording (http.md 14.1)", () => {
  it("adds the cost and its event; the intent is held still, its account moves on", () => {
    const holders = [holderOf({ max_cost: 10 })]
    const decision = succeeded(decideRecord(spenderOf({ holders }), costCommand, false, envAt()))
    const { actor: _, ...given } = costCommand
    assert.deepStrictEqual(decision.value, { ...given, id: decision.value.id, recordedAt: at(now) })
    assert.deepStrictEqual(told(decision), ["cost_recorded by ann"])
    assert.deepStrictEqual(decision.events[0]?.payload, {
      cost_id: decision.value.id,
      cost_type: "tokens",
      amount: 2,
      unit: "USD",
      provider: null
    })
    assert.deepStrictEqual(decision.guards, [heldStill("i", 7), accountMovedOn("intent/i", 3)])
    assert.strictEqual(puts(decision, "accounts")[0]?.spent, amountOf(2))
  })

  it("a budget refuses it only where it is enforced", () => {
    const spender = spenderOf({ holders: [holderOf({ max_cost: 1 })] })
    assert.strictEqual(refused(decideRecord(spender, costCommand, true, envAt()), "BudgetExceeded").limit, 1)
    assert.deepStrictEqual(told(succeeded(decideRecord(spender, costCommand, false, envAt()))), [
      "cost_recorded by ann",
      "budget_alert by system",
      "budget_exceeded by system"
    ])
  })

  it("appendix A: the policy of the intent refuses who may not write, and more than its max_cost", () => {
    const governed = (governancePolicy: JsonObject, fields: Partial<Spender> = {}) =>
      decideRecord(
        spenderOf({ found: { intent: intentOf("i", { governancePolicy }), revision: 7 }, ...fields }),
        costCommand,
        false,
        envAt()
      )
    const ruleOf = (result: ReturnType<typeof governed>) => refused(result, "Denied").breach.rule
    assert.strictEqual(ruleOf(governed({ allowed_agents: ["bob"] })), "allowed_agents")
    assert.strictEqual(ruleOf(governed({ write_scope: "assigned_only" })), "write_scope")
    succeeded(governed({ write_scope: "assigned_only" }, { isAssigned: true }))
    const own = (limit: number) => ({ own: { limit: amountOf(limit), spent: amountOf(1), held: amountOf(2) } })
    assert.strictEqual(ruleOf(governed({ max_cost: 4.9 }, own(4.9))), "max_cost")
    // Where it limits, who spends moves the intent on, so that no other spends at the same moment.
    assert.deepStrictEqual(succeeded(governed({ max_cost: 5 }, own(5))).guards, [movedOn("i", 7)])
    refused(decideRecord(undefined, costCommand, false, envAt()), "IntentNotFound")
  })
})

describe("reservations (decision 26)", () => {
  const reserve = { intentId: "i", actor: "ann", agentId: "bob", costType: "custom", amount: 2, unit: "USD" }
  const command = { ...reserve, ttl: Duration.seconds(5) }
  const about = { intentId: "i", reservationId: "r", actor: "ann" }
  const settle = { ...about, amount: 1.5, unit: undefined, agentId: undefined, costType: undefined, provider: null }
  const settling = { ...settle, metadata: {} }
  const holding = (fields: Partial<Reservation> = {}, spender: Partial<Spender> = {}) => ({
    reservation: reservationOf(fields),
    revision: 1,
    spender: spenderOf(spender)
  })
  const held = { holders: [holderOf({ max_cost: 10 }, { held: amountOf(2) })] }

  it("hold the amount on every account, and tell what is left", () => {
    const outer = holderOf({ max_cost: 3 }, { id: "p", kind: "portfolio" })
    const spender = spenderOf({ holders: [outer, holderOf({ max_cost: 10 })] })
    const decision = succeeded(decideReserve(spender, command, envAt()))
    assert.deepInclude(decision.value, { status: "held", remaining: 1, expiresAt: at(now + 5000), agentId: "bob" })
    assert.deepStrictEqual(
      puts(decision, "accounts").map(({ held, spent }) => [held, spent]),
      [
        [amountOf(2), 0n],
        [amountOf(2), 0n]
      ]
    )
    assert.deepStrictEqual(told(decision), ["cost_reserved by ann"])
    assert.deepStrictEqual(decision.guards, [
      heldStill("i", 7),
      { table: "reservations", key: decision.value.id, expected: 0, next: 1 },
      accountMovedOn("portfolio/p", 3),
      accountMovedOn("intent/i", 3)
    ])
    assert.isNull(succeeded(decideReserve(spenderOf(), command, envAt())).value.remaining)
    const more = decideReserve(spender, { ...command, amount: 3.1 }, envAt())
    assert.deepStrictEqual(refused(more, "BudgetExceeded").holder, { kind: "portfolio", id: "p" })
  })

  it("settling puts the cost in their place, even if it is more", () => {
    const decision = succeeded(decideSettle(holding({}, held), settling, envAt()))
    assert.deepInclude(decision.value, { amount: 1.5, unit: "USD", agentId: "ann", reserved: 2, excess: 0 })
    assert.deepInclude(puts(decision, "accounts")[0], { spent: amountOf(1.5), held: 0n })
    assert.deepInclude(puts(decision, "reservations")[0], { status: "settled", endedAt: at(now) })
    assert.deepStrictEqual(told(decision), ["cost_settled by ann", "cost_recorded by ann"])
    const more = succeeded(decideSettle(holding({}, held), { ...settling, amount: 12.3, agentId: "bob" }, envAt()))
    assert.deepInclude(more.value, { amount: 12.3, excess: 10.3, agentId: "bob" })
    assert.deepStrictEqual(told(more).slice(2), ["budget_alert by system", "budget_exceeded by system"])
    refused(decideSettle(holding(), { ...settling, unit: "EUR" }, envAt()), "ValidationError")
    const { reservation: _, ...none } = holding()
    refused(decideSettle({ ...none, reservation: undefined }, settling, envAt()), "ReservationNotFound")
    refused(decideSettle({ ...holding(), spender: undefined }, settling, envAt()), "IntentNotFound")
  })

  it("an end is for good; only what was settled cannot be given back", () => {
    for (const status of ["settled", "cancelled", "expired"] as const) {
      const error = refused(decideSettle(holding({ status }), settling, envAt()), "ReservationEnded")
      assert.strictEqual(error.status, status)
      assert.notMatch(JSON.stringify(error) + error.message, /lease/i)
    }
    assert.strictEqual(
      refused(decideSettle(holding({ expiresAt: at(now) }), settling, envAt()), "ReservationEnded").status,
      "expired"
    )
    const released = succeeded(decideRelease(holding({}, held), about, envAt()))
    assert.deepInclude(released.value, { status: "cancelled", endedAt: at(now) })
    assert.deepInclude(puts(released, "accounts")[0], { spent: 0n, held: 0n })
    assert.deepStrictEqual(told(released), ["cost_released by ann"])
    for (const status of ["cancelled", "expired"] as const) {
      const again = succeeded(decideRelease(holding({ status }), about, envAt()))
      assert.deepStrictEqual([again.value.status, again.writes, again.events], [status, [], []])
    }
    refused(decideRelease(holding({ status: "settled" }), about, envAt()), "ReservationEnded")
    const over = succeeded(decideRelease(holding({ expiresAt: at(now) }), about, envAt()))
    assert.strictEqual(over.value.status, "expired")
    assert.deepStrictEqual(told(over), ["cost_released by system"])
  })

  it("what is over is written so, once", () => {
    assert.isFalse(decideExpire(holding(), envAt()).value)
    assert.isFalse(decideExpire(holding({ status: "settled", expiresAt: at(now) }), envAt()).value)
    const decision = decideExpire(holding({ expiresAt: at(now) }, held), envAt())
    assert.isTrue(decision.value)
    assert.deepInclude(puts(decision, "accounts")[0], { held: 0n })
    assert.deepInclude(puts(decision, "reservations")[0], { status: "expired", endedAt: null })
  })
})

describe("coverage by a portfolio", () => {
  const coverage: Coverage = {
    portfolioId: "p",
    memberId: "i",
    account: undefined,
    revision: 0,
    spent: amountOf(3),
    held: amountOf(1),
    below: [movedOn("child", 4)]
  }
  const changing = (before: ReadonlyArray<string>, after: ReadonlyArray<string>) => ({
    ...unchanged("done"),
    writes: [putIntent(intentOf("i", { portfolioIds: after }), intentOf("i", { portfolioIds: before }))],
    guards: [movedOn("i", 7)]
  })

  it("a new member brings what is spent and held below it, and takes it along when it goes", () => {
    const joined = withCoverage(changing([], ["p"]), coverage)
    const [account] = puts(joined, "accounts")
    assert.deepInclude(account, { key: "portfolio/p", spent: amountOf(3), held: amountOf(1) })
    assert.deepStrictEqual(joined.guards, [movedOn("i", 7), movedOn("child", 4), accountMovedOn("portfolio/p", 0)])
    const left = withCoverage(changing(["p", "q"], ["q"]), { ...coverage, account, revision: 1 })
    assert.deepInclude(puts(left, "accounts")[0], { spent: 0n, held: 0n })
  })

  it("nothing moves where the membership stays, and no account without a balance", () => {
    assert.deepStrictEqual(puts(withCoverage(changing(["p"], ["p"]), coverage), "accounts"), [])
    const empty = withCoverage(changing([], ["p"]), { ...coverage, spent: 0n, held: 0n })
    assert.deepStrictEqual(puts(empty, "accounts"), [])
    assert.deepStrictEqual(empty.guards, [movedOn("i", 7), movedOn("child", 4)])
  })
})
