/** Budgets in the constraints of an intent (semantics 7.1, decision 25). */
import type { JsonObject } from "../json.ts"
import { isJsonObject } from "../json.ts"

const isAmount = (value: unknown): value is number => typeof value === "number" && value >= 0

const budgetLimits = ["max_total_cents", "max_per_agent_cents", "max_per_call_cents"]

/** Whether the constraints limit what may be spent: `max_cost`, or a `budget` with a limit. */
export const hasBudget = ({ budget, max_cost }: JsonObject): boolean =>
  isAmount(max_cost) || (isJsonObject(budget) && budgetLimits.some((name) => isAmount(budget[name])))
