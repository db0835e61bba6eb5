/** Bugs in costs and budgets. */
import * as Effect from "effect/Effect"
import { type PlantedBug, withMethods, writingOtherwise } from "./engines.ts"

export const costBugs: ReadonlyArray<PlantedBug> = [
  {
    name: "sums are floating point numbers",
    foundBy: ["45", "46"],
    engine: withMethods(({ costs }) => ({
      costs: {
        summary: (intentId) =>
          Effect.zipWith(costs.summary(intentId), costs.list(intentId), (summary, { items }) => {
            const byType: { [type: string]: number } = {}
            for (const { amount, costType } of items) byType[costType] = (byType[costType] ?? 0) + amount
            return { ...summary, byType, total: items.reduce((sum, { amount }) => sum + amount, 0) }
          })
      }
    }))
  },
  {
    name: "what is set aside is not counted",
    foundBy: ["budget"],
    engine: writingOtherwise((write) =>
      write.table === "accounts" && write._tag === "Put"
        ? [{ ...write, record: { ...write.record, held: 0n } }]
        : [write]
    )
  },
  {
    name: "what is given back stays set aside",
    foundBy: ["budget"],
    engine: writingOtherwise((write, { events }) =>
      write.table === "accounts" && write._tag === "Put" && events.some((event) => event.type === "cost_released")
        ? [{ ...write, record: write.before ?? write.record }]
        : [write]
    )
  },
  {
    name: "what is recorded does not count against a budget",
    foundBy: ["budget"],
    engine: writingOtherwise((write) =>
      write.table === "accounts" && write._tag === "Put"
        ? [{ ...write, record: { ...write.record, spent: write.before?.spent ?? 0n } }]
        : [write]
    )
  },
  {
    name: "the cap of a portfolio is only for its members",
    foundBy: ["budget"],
    engine: withMethods(({ costs, intents }) => ({
      costs: {
        reserve: (intentId, input) =>
          costs.reserve(intentId, input).pipe(
            Effect.catchTag("BudgetExceeded", (error) =>
              Effect.gen(function* () {
                const { budgetIds, parentIntentId, portfolioIds } = yield* intents.get(intentId)
                if (error.holder.kind === "intent" || portfolioIds.length > 0 || parentIntentId === null)
                  return yield* error
                return yield* costs.reserve(budgetIds[0] ?? parentIntentId, input)
              })
            )
          )
      }
    }))
  }
]
