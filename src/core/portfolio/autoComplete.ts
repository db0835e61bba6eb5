/** Portfolios that complete with their members (semantics 7.2, decision 23). Pure. */
import type { Guard, Write } from "../Aggregate.ts"
import type { Env } from "../Env.ts"
import type { Status } from "../intent/Intent.ts"
import { afterMove } from "./aggregate.ts"
import { autoCompleteThreshold, incompleteMembers } from "./policy.ts"
import { movePortfolioOn, putPortfolio, type VersionedPortfolio } from "./rules.ts"

export interface AutoCompletion {
  readonly writes: ReadonlyArray<Write>
  readonly guards: ReadonlyArray<Guard>
  /** Ids of the portfolios that are completed by it. */
  readonly completed: ReadonlyArray<string>
}

/**
 * What a change of status of a member does to its portfolios. One with a threshold moves on even where it is not reached: of two
 * members that end at once, the second has to see the first.
 */
export const autoComplete = (
  portfolios: ReadonlyArray<VersionedPortfolio>,
  from: Status,
  to: Status,
  env: Env
): AutoCompletion => {
  const writes: Array<Write> = []
  const guards: Array<Guard> = []
  const completed: Array<string> = []
  for (const found of portfolios) {
    const { portfolio } = found
    const threshold = autoCompleteThreshold(portfolio.governancePolicy)
    if (threshold === undefined || portfolio.status !== "active") continue
    guards.push(movePortfolioOn(found))
    const aggregate = afterMove(found.aggregate, from, to)
    if (aggregate.completionPercentage < threshold) continue
    if (incompleteMembers(portfolio.governancePolicy, aggregate) > 0) continue
    writes.push(putPortfolio({ ...portfolio, status: "completed", updatedAt: env.now }, portfolio))
    completed.push(portfolio.id)
  }
  return { writes, guards, completed }
}
