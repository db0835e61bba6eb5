/** What the engine knows of a portfolio's policy (semantics 7.2). */
import type { JsonObject } from "../json.ts"
import { isJsonObject } from "../json.ts"
import type { Checks } from "../validate.ts"
import type { AggregateStatus } from "./Portfolio.ts"

/** Checks the keys that are known; null counts as absent. Whatever else is there is its author's own. */
export const checkPolicy = (checks: Checks, policy: JsonObject): void => {
  const check = (key: string, is: (value: JsonObject[string]) => boolean, message: string) => {
    const value = policy[key] ?? null
    if (value !== null && !is(value)) checks.add(`governancePolicy.${key}`, message, value)
  }
  const isBoolean = (value: unknown) => typeof value === "boolean"
  check("require_all_completed", isBoolean, "must be true or false")
  check("allow_partial_completion", isBoolean, "must be true or false")
  check("auto_complete_threshold", (value) => isNumber(value) && value >= 0 && value <= 100, "must be from 0 to 100")
  check("max_cost", (value) => isNumber(value) && value >= 0, "must be a number from 0")
  check("shared_constraints", isJsonObject, "must be an object")
}

const isNumber = (value: unknown): value is number => typeof value === "number"

/** Members that keep the portfolio from being completed; 0 where the policy does not care (http.md 13.4). */
export const incompleteMembers = (
  { allow_partial_completion, require_all_completed }: JsonObject,
  { byStatus, total }: AggregateStatus
): number => {
  if (require_all_completed !== true) return 0
  return total - byStatus.completed - (allow_partial_completion === true ? byStatus.abandoned : 0)
}

/** Percentage from which on the portfolio completes by itself; undefined: it does not. */
export const autoCompleteThreshold = ({ auto_complete_threshold }: JsonObject): number | undefined =>
  isNumber(auto_complete_threshold) ? auto_complete_threshold : undefined
