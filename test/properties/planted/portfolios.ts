/** Bugs in portfolios. */
import * as Effect from "effect/Effect"
import { overStorage, type PlantedBug, withMethods, writingOtherwise } from "./engines.ts"

export const portfolioBugs: ReadonlyArray<PlantedBug> = [
  {
    name: "the aggregate does not hear of completed members",
    foundBy: ["51"],
    engine: overStorage((storage) => ({
      commit: ({ counters, ...commit }) => {
        const kept = [...counters].filter(([key]) => !(key.startsWith("portfolios/") && key.endsWith("/completed")))
        return storage.commit({ ...commit, counters: new Map(kept) })
      }
    }))
  },
  {
    name: "adding a member again makes a second membership",
    foundBy: ["50"],
    engine: withMethods(({ portfolios }) => ({
      portfolios: {
        addIntent: (portfolioId, input) =>
          portfolios.removeIntent(portfolioId, input.intentId).pipe(
            Effect.catchTag("MembershipNotFound", () => Effect.void),
            Effect.andThen(portfolios.addIntent(portfolioId, input))
          )
      }
    }))
  },
  {
    name: "a portfolio that requires all completed is completed early",
    foundBy: ["52"],
    engine: withMethods(() => ({}), { enforcePortfolioPolicy: false })
  },
  {
    name: "a threshold that is reached completes nothing",
    foundBy: ["52"],
    engine: writingOtherwise((write, { events }) =>
      write.table === "portfolios" &&
      write._tag === "Put" &&
      write.before !== undefined &&
      events.some((event) => event.type === "status_changed")
        ? [{ ...write, record: write.before }]
        : [write]
    )
  }
]
