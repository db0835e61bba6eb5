/** Sums over the costs of an intent: a running figure (`../RunningFigure.ts`). */
import * as Effect from "effect/Effect"
import { nameWithin } from "../figureNames.ts"
import type { FigureDeclaration } from "../RunningFigure.ts"
import type { StorageError, StorageShape } from "../Storage.ts"
import type { Amount } from "./amount.ts"
import { amountOf, numberOf } from "./amount.ts"
import { currencyOf, defaultCurrency } from "./budget.ts"
import type { Cost, CostSummary } from "./Cost.ts"
import type { CostFigure, Sums } from "./CostFigure.ts"

const nothing: Sums = new Map()
export const noCosts: CostFigure = {
  count: 0,
  total: 0n,
  money: 0n,
  byType: nothing,
  byAgent: nothing,
  byUnit: nothing,
  byProvider: nothing
}

const merge = (a: Sums, b: Iterable<readonly [name: string, amount: Amount]>): Sums => {
  const sums = new Map(a)
  for (const [given, amount] of b) {
    const name = nameWithin(given, sums.has(given), sums.size)
    sums.set(name, (sums.get(name) ?? 0n) + amount)
  }
  return sums
}

const plus = (sums: Sums, name: string, amount: Amount): Sums => merge(sums, [[name, amount]])

export const addCost = (figure: CostFigure, cost: Cost): CostFigure => {
  const amount = amountOf(cost.amount)
  return {
    count: figure.count + 1,
    total: figure.total + amount,
    money: currencyOf(cost.unit) === defaultCurrency ? figure.money + amount : figure.money,
    byType: plus(figure.byType, cost.costType, amount),
    byAgent: plus(figure.byAgent, cost.agentId, amount),
    byUnit: plus(figure.byUnit, cost.unit, amount),
    byProvider: plus(figure.byProvider, cost.provider ?? "unknown", amount)
  }
}

/** The figure over the costs of both. */
export const addFigures = (a: CostFigure, b: CostFigure): CostFigure => ({
  count: a.count + b.count,
  total: a.total + b.total,
  money: a.money + b.money,
  byType: merge(a.byType, b.byType),
  byAgent: merge(a.byAgent, b.byAgent),
  byUnit: merge(a.byUnit, b.byUnit),
  byProvider: merge(a.byProvider, b.byProvider)
})

const numbers = (sums: Sums) => Object.fromEntries(Array.from(sums, ([name, amount]) => [name, numberOf(amount)]))

export const summaryOf = (figure: CostFigure): CostSummary => ({
  total: numberOf(figure.total),
  count: figure.count,
  byType: numbers(figure.byType),
  byAgent: numbers(figure.byAgent),
  byUnit: numbers(figure.byUnit),
  byProvider: numbers(figure.byProvider)
})

export const costFigure: FigureDeclaration<"costs", CostFigure> = {
  rows: (intentId) => ({ table: "costs", index: "byIntent", keys: [[intentId]] }),
  zero: noCosts,
  add: addCost,
  stored: (storage, intentId) => Effect.map(storage.get("costFigures", [intentId]), ([stored]) => stored),
  put: (record, before) => ({ _tag: "Put", table: "costFigures", record, before }),
  eventTypes: ["cost_recorded"]
}

const pageSize = 256

/** The figure as a decision reads it: on the storage of a transaction too, where nothing may wait. */
export const readFigure = (storage: StorageShape, intentId: string): Effect.Effect<CostFigure, StorageError> =>
  Effect.gen(function* () {
    const stored = yield* costFigure.stored(storage, intentId)
    let { figure, through } = stored ?? { figure: noCosts, through: 0 }
    for (;;) {
      const rows = yield* storage.page({
        ...costFigure.rows(intentId),
        direction: "asc",
        after: through,
        limit: pageSize
      })
      figure = rows.reduce((sum, row) => addCost(sum, row.record), figure)
      if (rows.length < pageSize) return figure
      through = rows.at(-1)!.position
    }
  })
