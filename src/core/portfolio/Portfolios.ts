/** `portfolios` of the embedded engine. */
import * as Effect from "effect/Effect"
import type { CommandsShape } from "../Commands.ts"
import { portfolioBudgetOf } from "../cost/budget.ts"
import { changeMember, createPortfolio } from "../cost/coverage.ts"
import { CurrentAgent } from "../CurrentAgent.ts"
import type { EngineOptions } from "../EngineOptions.ts"
import type { EngineError } from "../Errors.ts"
import { IntentNotFound } from "../intent/IntentErrors.ts"
import type { Portfolios } from "../OpenIntent.ts"
import { countRange, expandPage, pageOfIds, readPage, readPageOptions } from "../paging.ts"
import type { StorageError, StorageShape } from "../Storage.ts"
import { told } from "../storageFaults.ts"
import { Checks, whenValid } from "../validate.ts"
import { noMembers, readAggregates, withAggregates } from "./aggregate.ts"
import { gatherMembership, readPortfolios } from "./facts.ts"
import { type PortfolioFilter, readAddition, readCreation, readListing, readPortfolioStatus } from "./input.ts"
import type { AggregateStatus } from "./Portfolio.ts"
import { PortfolioNotFound } from "./PortfolioErrors.ts"
import { decideAdd, decideCreate, decideRemove, decideStatus, shown } from "./rules.ts"

/** The index that answers the filter. */
const rangeOf = ({ createdBy, status }: PortfolioFilter) => {
  const table = "portfolios" as const
  if (createdBy !== undefined) {
    return { table, index: "byCreator" as const, keys: [status === undefined ? [createdBy] : [createdBy, status]] }
  }
  return status === undefined
    ? { table, index: "all" as const, keys: [[]] }
    : { table, index: "byStatus" as const, keys: [[status]] }
}

/** The figures of a portfolio. There are none before its first member: then it is asked whether it exists. */
const readAggregate = (
  storage: StorageShape,
  portfolioId: string
): Effect.Effect<AggregateStatus, PortfolioNotFound | StorageError> =>
  Effect.gen(function* () {
    const [aggregate = noMembers] = yield* readAggregates(storage, [portfolioId])
    if (aggregate.total > 0) return aggregate
    const [revision = 0] = yield* storage.revisions("portfolios", [portfolioId])
    return revision === 0 ? yield* new PortfolioNotFound({ portfolioId }) : aggregate
  })

export const makePortfolios = (
  storage: StorageShape,
  commands: CommandsShape,
  { enforcePortfolioPolicy: enforcePolicy }: EngineOptions
): Portfolios => {
  const { executeWide } = commands
  const aggregate = (portfolioId: string): Effect.Effect<AggregateStatus, PortfolioNotFound | EngineError> =>
    told(readAggregate(storage, portfolioId))
  return {
    create: Effect.fnUntraced(function* (input) {
      const given = yield* Effect.fromResult(readCreation(input, yield* CurrentAgent))
      const hasBudget = portfolioBudgetOf(given.governancePolicy) !== undefined
      return yield* createPortfolio(commands, hasBudget, (env) => decideCreate(given, env))
    }),
    list: Effect.fnUntraced(function* (query = {}) {
      const filter = yield* Effect.fromResult(readListing(query))
      const range = rangeOf(filter)
      const found = yield* told(
        readPage(storage, { ...range, direction: "asc" }, filter.page, countRange(storage, range))
      )
      return { ...found, items: yield* told(withAggregates(storage, found.items)) }
    }),
    get: Effect.fnUntraced(function* (portfolioId) {
      const [portfolio] = yield* told(
        Effect.flatMap(storage.get("portfolios", [portfolioId]), ([found]) =>
          withAggregates(storage, found === undefined ? [] : [found])
        )
      )
      return portfolio ?? (yield* new PortfolioNotFound({ portfolioId }))
    }),
    setStatus: (portfolioId, input) => {
      const checks = new Checks()
      const command = { portfolioId, status: readPortfolioStatus(checks, input.status), enforcePolicy }
      return whenValid(checks.finish(command), () =>
        executeWide({
          intentId: portfolioId,
          gather: (on) => readPortfolios(on, [portfolioId]),
          decide: ([found], env) => decideStatus(found, command, env)
        })
      )
    },
    addIntent: Effect.fnUntraced(function* (portfolioId, input) {
      const command = yield* Effect.fromResult(readAddition(portfolioId, input, yield* CurrentAgent))
      return yield* changeMember(storage, commands, command, {
        gather: gatherMembership(portfolioId, command.intentId),
        decide: (facts, env) => decideAdd(facts, command, env)
      })
    }),
    removeIntent: (portfolioId, intentId) =>
      Effect.flatMap(CurrentAgent, (agent) => {
        const checks = new Checks()
        return whenValid(checks.finish(checks.readAgent("agent", agent)), (actor) =>
          changeMember(
            storage,
            commands,
            { portfolioId, intentId },
            {
              gather: gatherMembership(portfolioId, intentId),
              decide: (facts, env) => decideRemove(facts, { portfolioId, intentId, actor }, env)
            }
          )
        )
      }),
    members: Effect.fnUntraced(function* (portfolioId, query = {}) {
      const request = yield* Effect.fromResult(readPageOptions(query))
      const { total } = yield* aggregate(portfolioId)
      const range = { table: "memberships", index: "members", keys: [[portfolioId]], direction: "asc" } as const
      return yield* told(
        expandPage(
          (limit) => readPage(storage, range, { ...request, limit }, Effect.succeed(total)),
          request.limit,
          (memberships) =>
            Effect.map(
              storage.get(
                "intents",
                memberships.map((membership) => membership.intentId)
              ),
              (intents) =>
                memberships.map((membership, i) => {
                  const intent = intents[i]
                  return intent === undefined ? undefined : { ...shown(membership), intent }
                })
            )
        )
      )
    }),
    aggregate,
    ofIntent: Effect.fnUntraced(function* (intentId, query = {}) {
      const request = yield* Effect.fromResult(readPageOptions(query))
      const [intent] = yield* told(storage.get("intents", [intentId]))
      if (intent === undefined) return yield* new IntentNotFound({ intentId })
      const page = pageOfIds(intent.portfolioIds, request)
      const found = yield* told(storage.get("portfolios", page.items))
      const portfolios = found.filter((portfolio) => portfolio !== undefined)
      return { ...page, items: yield* told(withAggregates(storage, portfolios)) }
    })
  }
}
