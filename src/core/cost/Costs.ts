/** `costs` of the embedded engine: reads the input and names the rule. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { CommandsShape } from "../Commands.ts"
import { CurrentAgent } from "../CurrentAgent.ts"
import type { EngineOptions } from "../EngineOptions.ts"
import type { EngineError } from "../Errors.ts"
import { tellDenial } from "../governance/denials.ts"
import type { Denied } from "../governance/GovernanceErrors.ts"
import { IntentNotFound } from "../intent/IntentErrors.ts"
import type { Costs } from "../OpenIntent.ts"
import { countRange, readAll, readPage, readPageOptions } from "../paging.ts"
import { PortfolioNotFound } from "../portfolio/PortfolioErrors.ts"
import { unkeyed } from "../receipt/KeyedCall.ts"
import type { RunningFigure } from "../RunningFigure.ts"
import type { StorageShape } from "../Storage.ts"
import { told } from "../storageFaults.ts"
import { Checks } from "../validate.ts"
import { numberOf } from "./amount.ts"
import type { Cost } from "./Cost.ts"
import { reservationAsOf } from "./Cost.ts"
import type { BudgetExceeded } from "./CostErrors.ts"
import { expireDue } from "./expiry.ts"
import { gatherReservation, gatherSpender, isUnlimited, readTurn } from "./facts.ts"
import { readRecord, readReserve, readSettle } from "./input.ts"
import { decideRelease, decideReserve, decideSettle } from "./reservationRules.ts"
import type { CostCommand } from "./rules.ts"
import { decideRecord, decideUnlimited } from "./rules.ts"
import type { CostFigure } from "./CostFigure.ts"
import { addFigures, noCosts, summaryOf } from "./summary.ts"

/** Members of a portfolio whose figures are read at a time. */
const concurrency = 16

export const makeCosts = (
  storage: StorageShape,
  commands: CommandsShape,
  figure: RunningFigure<CostFigure>,
  { enforceBudgets }: EngineOptions
): Costs => {
  const { executeWide, mustExist } = commands

  /**
   * Once more, where reservations that are over may have stood in the way, whoever writes their end; then a denial is
   * told.
   */
  const spending = <A>(attempt: Effect.Effect<A, IntentNotFound | Denied | BudgetExceeded | EngineError>) =>
    attempt.pipe(
      Effect.catchTag(["BudgetExceeded", "Denied"], (refusal) =>
        (refusal._tag === "Denied" ? refusal.breach.rule === "max_cost" : refusal.held > 0)
          ? Effect.andThen(unkeyed(expireDue(storage, commands)), attempt)
          : Effect.fail(refusal)
      ),
      Effect.catchTag("Denied", tellDenial(commands))
    )

  const record = (command: CostCommand): Effect.Effect<Cost, IntentNotFound | Denied | BudgetExceeded | EngineError> =>
    Effect.gen(function* () {
      const { intentId, unit } = command
      const [intent] = yield* told(storage.get("intents", [intentId]))
      if (intent === undefined) return yield* new IntentNotFound({ intentId })
      // What counts against nothing has no turn to wait for.
      const isFree = yield* told(isUnlimited(storage, intent, unit))
      return yield* executeWide({
        intentId: isFree ? undefined : yield* told(readTurn(storage, intentId)),
        gather: (on) =>
          Effect.gen(function* () {
            return (yield* isUnlimited(on, intent, unit))
              ? ("unlimited" as const)
              : yield* gatherSpender(on, command, [command.agentId])
          }),
        decide: (found, env) =>
          found === "unlimited"
            ? Result.succeed(decideUnlimited(command, env))
            : decideRecord(found, command, enforceBudgets, env)
      })
    })

  return {
    record: Effect.fnUntraced(function* (intentId, input) {
      return yield* spending(record(yield* Effect.fromResult(readRecord(intentId, input, yield* CurrentAgent))))
    }),
    list: Effect.fnUntraced(function* (intentId, query = {}) {
      const request = yield* Effect.fromResult(readPageOptions(query))
      yield* mustExist(intentId)
      const range = { table: "costs", index: "byIntent", keys: [[intentId]] } as const
      return yield* told(readPage(storage, { ...range, direction: "asc" }, request, countRange(storage, range)))
    }),
    summary: (intentId) => Effect.andThen(mustExist(intentId), Effect.map(told(figure(intentId)), summaryOf)),
    reserve: Effect.fnUntraced(function* (intentId, input) {
      const command = yield* Effect.fromResult(readReserve(intentId, input, yield* CurrentAgent))
      const turn = yield* told(readTurn(storage, intentId))
      return yield* spending(
        executeWide({
          intentId: turn,
          gather: (on) => gatherSpender(on, command, [command.agentId]),
          decide: (spender, env) => decideReserve(spender, command, env)
        })
      )
    }),
    settle: Effect.fnUntraced(function* (intentId, reservationId, input) {
      const command = yield* Effect.fromResult(readSettle(intentId, reservationId, input, yield* CurrentAgent))
      return yield* Effect.catchTag(
        executeWide({
          intentId: yield* told(readTurn(storage, intentId)),
          gather: (on) => gatherReservation(on, command),
          decide: (facts, env) => decideSettle(facts, command, env)
        }),
        "Denied",
        tellDenial(commands)
      )
    }),
    release: Effect.fnUntraced(function* (intentId, reservationId) {
      const checks = new Checks()
      const actor = checks.readAgent("agent", yield* CurrentAgent)
      const command = yield* Effect.fromResult(checks.finish({ intentId, reservationId, actor }))
      return yield* executeWide({
        intentId: yield* told(readTurn(storage, intentId)),
        gather: (on) => gatherReservation(on, command),
        decide: (facts, env) => decideRelease(facts, command, env)
      })
    }),
    reservations: Effect.fnUntraced(function* (intentId, query = {}) {
      const request = yield* Effect.fromResult(readPageOptions(query))
      yield* mustExist(intentId)
      const now = yield* storage.now
      const range = { table: "reservations", index: "byIntent", keys: [[intentId]] } as const
      const found = yield* told(readPage(storage, { ...range, direction: "asc" }, request, countRange(storage, range)))
      return { ...found, items: found.items.map((reservation) => reservationAsOf(reservation, now)) }
    }),
    ofPortfolio: Effect.fnUntraced(function* (portfolioId) {
      const [revision] = yield* told(storage.revisions("portfolios", [portfolioId]))
      if (revision === 0) return yield* new PortfolioNotFound({ portfolioId })
      const members = yield* told(
        readAll(storage, { table: "memberships", index: "members", keys: [[portfolioId]], direction: "asc" })
      )
      const figures = yield* told(
        Effect.forEach(members, ({ intentId }) => Effect.map(figure(intentId), (found) => [intentId, found] as const), {
          concurrency
        })
      )
      return {
        summary: summaryOf(figures.reduce((sum, [, found]) => addFigures(sum, found), noCosts)),
        byIntent: Object.fromEntries(figures.map(([intentId, { total }]) => [intentId, numberOf(total)]))
      }
    })
  }
}
