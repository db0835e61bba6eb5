/** What the rules of portfolios have to know, read in few round trips. Revisions come first, as everywhere. */
import * as Effect from "effect/Effect"
import type { StorageError, StorageShape } from "../Storage.ts"
import { readAggregates } from "./aggregate.ts"
import type { MembershipFacts, VersionedPortfolio } from "./rules.ts"
import { membershipKey } from "./tables.ts"

/** Those that there are. */
export const readPortfolios = (
  storage: StorageShape,
  portfolioIds: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<VersionedPortfolio>, StorageError> =>
  Effect.gen(function* () {
    if (portfolioIds.length === 0) return []
    const revisions = yield* storage.revisions("portfolios", portfolioIds)
    const portfolios = yield* storage.get("portfolios", portfolioIds)
    const aggregates = yield* readAggregates(storage, portfolioIds)
    return portfolioIds.flatMap((_, i) => {
      const [portfolio, revision, aggregate] = [portfolios[i], revisions[i], aggregates[i]]
      return portfolio === undefined || revision === undefined || aggregate === undefined
        ? []
        : [{ portfolio, revision, aggregate }]
    })
  })

export const gatherMembership =
  (portfolioId: string, intentId: string) =>
  (storage: StorageShape): Effect.Effect<MembershipFacts, StorageError> =>
    Effect.gen(function* () {
      const [portfolioRevision = 0] = yield* storage.revisions("portfolios", [portfolioId])
      const { aggregate: found } = yield* storage.load(intentId)
      const [known] = yield* storage.get("memberships", [membershipKey(portfolioId, intentId)])
      return { portfolioRevision, found, known }
    })
