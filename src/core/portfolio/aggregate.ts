/** How far a portfolio is, from the figures that the commits of its members keep. */
import * as Effect from "effect/Effect"
import { memberCounter } from "../counters.ts"
import type { Status } from "../intent/Intent.ts"
import { statuses } from "../intent/Intent.ts"
import { deepFreeze } from "../json.ts"
import type { StorageError, StorageShape } from "../Storage.ts"
import type { AggregateStatus, Portfolio } from "./Portfolio.ts"
import type { StoredPortfolio } from "./tables.ts"

export const aggregateOf = (byStatus: AggregateStatus["byStatus"]): AggregateStatus => {
  const total = statuses.reduce((sum, status) => sum + byStatus[status], 0)
  return {
    total,
    byStatus,
    completionPercentage: total === 0 ? 0 : Math.floor((100 * byStatus.completed) / total)
  }
}

/** Frozen: every new portfolio shows it. */
export const noMembers: AggregateStatus = deepFreeze(
  aggregateOf({ draft: 0, pending: 0, active: 0, blocked: 0, completed: 0, abandoned: 0 })
)

/** The same members after one of them went from a status to another. */
export const afterMove = ({ byStatus }: AggregateStatus, from: Status, to: Status): AggregateStatus => {
  const moved = { ...byStatus }
  moved[from]--
  moved[to]++
  return aggregateOf(moved)
}

/** In the order of the ids; without members where there is no such portfolio. */
export const readAggregates = (
  storage: StorageShape,
  portfolioIds: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<AggregateStatus>, StorageError> =>
  Effect.map(
    storage.counters(portfolioIds.flatMap((id) => statuses.map((status) => memberCounter(id, status)))),
    (counts) =>
      portfolioIds.map((_, i) => {
        const byStatus = { ...noMembers.byStatus }
        for (const [j, status] of statuses.entries()) byStatus[status] = counts[i * statuses.length + j] ?? 0
        return aggregateOf(byStatus)
      })
  )

/** Portfolios as they are shown. */
export const withAggregates = (
  storage: StorageShape,
  portfolios: ReadonlyArray<StoredPortfolio>
): Effect.Effect<ReadonlyArray<Portfolio>, StorageError> =>
  Effect.map(
    readAggregates(
      storage,
      portfolios.map((portfolio) => portfolio.id)
    ),
    (aggregates) => portfolios.map((portfolio, i) => ({ ...portfolio, aggregate: aggregates[i] ?? noMembers }))
  )
