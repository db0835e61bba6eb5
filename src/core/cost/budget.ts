/** Budgets in the constraints of an intent (semantics 7.1, decision 25). Pure. */
import type { Json, JsonObject } from "../json.ts"
import { isJsonObject } from "../json.ts"
import type { Amount } from "./amount.ts"
import { amountOf, lesser } from "./amount.ts"

export const defaultCurrency = "USD"
const defaultAlertPercent = 80

/** What may be spent below its holder. Only amounts in its currency count. */
export interface Budget {
  /** Upper case. */
  readonly currency: string
  readonly total: Amount | undefined
  readonly perAgent: Amount | undefined
  readonly perCall: Amount | undefined
  /** Share of the total at which it is told, in percent. */
  readonly alertPercent: number
}

const currencyForm = /^[A-Za-z]{3}$/

/** The currency that a unit is: `usd` is USD, `tokens` is none. */
export const currencyOf = (unit: string): string | undefined =>
  currencyForm.test(unit) ? unit.toUpperCase() : undefined

const limitOf = (value: Json | undefined): Amount | undefined =>
  typeof value === "number" && value >= 0 ? amountOf(value) : undefined

const centsOf = (value: Json | undefined): Amount | undefined => {
  const cents = limitOf(value)
  return cents === undefined ? undefined : cents / 100n
}

const nothing: JsonObject = Object.freeze({})

/** The budget that constraints set by `max_cost` or `budget`, the smaller total of both; undefined if they limit nothing. */
export const budgetOf = (constraints: JsonObject): Budget | undefined => {
  const { budget: given, max_cost } = constraints
  const budget = isJsonObject(given) ? given : nothing
  const { alert_threshold_percent, currency } = budget
  const total = lesser(limitOf(max_cost), centsOf(budget["max_total_cents"]))
  const perAgent = centsOf(budget["max_per_agent_cents"])
  const perCall = centsOf(budget["max_per_call_cents"])
  if (total === undefined && perAgent === undefined && perCall === undefined) return undefined
  return {
    currency: (typeof currency === "string" ? currencyOf(currency) : undefined) ?? defaultCurrency,
    total,
    perAgent,
    perCall,
    alertPercent:
      typeof alert_threshold_percent === "number" && alert_threshold_percent >= 0
        ? alert_threshold_percent
        : defaultAlertPercent
  }
}

export const hasBudget = (constraints: JsonObject): boolean => budgetOf(constraints) !== undefined

/** The budget of a portfolio: `max_cost` of its policy (decision 25). */
export const portfolioBudgetOf = ({ max_cost = null }: JsonObject): Budget | undefined => budgetOf({ max_cost })
