/**
 * A portfolio's budget covers its members and all below them. When a member comes or goes, what is spent and held there
 * moves into or out of the portfolio's account, once, whatever goes on meanwhile.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Decision, Guard } from "../Aggregate.ts"
import type { CommandsShape, WideCommand } from "../Commands.ts"
import type { Env } from "../Env.ts"
import type { EngineError } from "../Errors.ts"
import type { StorageError, StorageShape } from "../Storage.ts"
import { told } from "../storageFaults.ts"
import { accountKey, emptyAccount, noPortfolios, portfoliosKey } from "./account.ts"
import type { Account, Balance } from "./Balance.ts"
import { defaultCurrency, portfolioBudgetOf } from "./budget.ts"
import { ancestorsMax, readBudgeted, readHeld, readIntents } from "./facts.ts"
import { readFigure } from "./summary.ts"

/** Intents below a member that a walk follows. */
const descendantsMax = 1_000_000
/** Revisions that are read at a time. */
const pageSize = 1000

/** What one member alone adds to a portfolio: the intents that no other member covers, and their balance. */
export interface Coverage extends Balance {
  readonly portfolioId: string
  readonly memberId: string
  readonly account: Account | undefined
  readonly revision: number
  /** The intents below the member. Each moves on, so that who spends there without knowing the portfolio is too late. */
  readonly below: ReadonlyArray<Guard>
}

/** The intents that are covered by this member and no other, itself first. */
const gatherCovered = (
  storage: StorageShape,
  portfolioId: string,
  memberId: string
): Effect.Effect<ReadonlyArray<string>, StorageError> =>
  Effect.gen(function* () {
    const isMember = (ids: ReadonlyArray<string>) =>
      readIntents(storage, ids, ({ id, portfolioIds }) => (portfolioIds.includes(portfolioId) ? [id] : []))
    const ancestors = yield* storage.reachable(["parent"], memberId, ancestorsMax)
    const above = yield* isMember(ancestors.map(({ id }) => id))
    if (above.flat().length > 0) return []
    const descendants = yield* storage.reachable(["children"], memberId, descendantsMax)
    const others = new Set((yield* isMember(descendants.map(({ id }) => id))).flat())
    const covered = new Set([memberId])
    // Nearest first: a parent comes before its children.
    for (const { from, id } of descendants) if (covered.has(from) && !others.has(id)) covered.add(id)
    return [...covered]
  })

/**
 * To be read within the transaction that changes the members: the walk is more than guards can hold. In the default
 * currency, as all budgets of portfolios are.
 */
const gatherCoverage = (
  storage: StorageShape,
  portfolioId: string,
  memberId: string
): Effect.Effect<Coverage, StorageError> =>
  Effect.gen(function* () {
    const key = accountKey("portfolio", portfolioId)
    const [revision = 0] = yield* storage.revisions("accounts", [key])
    const [account] = yield* storage.get("accounts", [key])
    const covered = yield* gatherCovered(storage, portfolioId, memberId)
    let [spent, held] = [0n, 0n]
    const below: Array<Guard> = []
    for (const ids of Arr.chunksOf(covered, pageSize)) {
      const revisions = yield* storage.revisions("intents", ids)
      for (const [i, id] of ids.entries()) {
        const expected = revisions[i] ?? 0
        if (id !== memberId) below.push({ table: "intents", key: id, expected, next: expected + 1 })
        spent += (yield* readFigure(storage, id)).money
        held += yield* readHeld(storage, id, defaultCurrency)
      }
    }
    return { portfolioId, memberId, account, revision, spent, held, below }
  })

/** The decision, and with it the move of the balance, if it changes whether the intent is a member. */
export const withCoverage = <A>(
  decision: Decision<A>,
  { account, below, held, memberId, portfolioId, revision, spent }: Coverage
): Decision<A> => {
  const sign = decision.writes.reduce((sign, write) => {
    if (write._tag !== "Put" || write.table !== "intents" || write.record.id !== memberId) return sign
    const [was, is] = [write.before, write.record].map((intent) => intent?.portfolioIds.includes(portfolioId) === true)
    return was === is ? sign : is === true ? 1n : -1n
  }, 0n)
  if (sign === 0n) return decision
  const key = accountKey("portfolio", portfolioId)
  const before = account ?? emptyAccount(key)
  const record = { ...before, spent: before.spent + sign * spent, held: before.held + sign * held }
  const isMoved = spent !== 0n || held !== 0n
  return {
    ...decision,
    writes: isMoved
      ? [...decision.writes, { _tag: "Put", table: "accounts", record, before: account }]
      : decision.writes,
    guards: [
      ...(decision.guards ?? []),
      ...below,
      ...(isMoved ? [{ table: "accounts", key, expected: revision, next: revision + 1 } as const] : [])
    ]
  }
}

/** Runs a command that changes whether an intent is a member; with the move of its balance where the portfolio has a budget. */
export const changeMember = <Facts, A, E>(
  storage: StorageShape,
  { executeWide }: Pick<CommandsShape, "executeWide">,
  { intentId, portfolioId }: { readonly portfolioId: string; readonly intentId: string },
  command: Pick<WideCommand<Facts, A, E>, "gather" | "decide">
): Effect.Effect<A, E | EngineError> =>
  Effect.flatMap(told(storage.get("portfolios", [portfolioId])), ([portfolio]) => {
    const budget = portfolio && portfolioBudgetOf(portfolio.governancePolicy)
    return budget === undefined
      ? executeWide({ ...command, intentId: portfolioId })
      : executeWide({
          intentId: portfolioId,
          exclusively: true,
          gather: (on) =>
            Effect.flatMap(command.gather(on), (facts) =>
              Effect.map(gatherCoverage(on, portfolioId, intentId), (coverage) => ({
                facts,
                coverage
              }))
            ),
          decide: ({ coverage, facts }, env) =>
            Result.map(command.decide(facts, env), (decision) => withCoverage(decision, coverage))
        })
  })

/**
 * Runs a command that creates a portfolio. The first one with a budget moves on what all rely on who spend without a
 * look for portfolios: none of them can come after the members of this one were counted.
 */
export const createPortfolio = <A>(
  { executeWide }: Pick<CommandsShape, "executeWide">,
  hasBudget: boolean,
  decide: (env: Env) => Decision<A>
): Effect.Effect<A, EngineError> =>
  executeWide({
    intentId: undefined,
    gather: (on) => (hasBudget ? readBudgeted(on) : Effect.succeed(true)),
    decide: (isKnown, env) => Result.succeed(isKnown ? decide(env) : withFirstBudget(decide(env)))
  })

const withFirstBudget = <A>(decision: Decision<A>): Decision<A> => ({
  ...decision,
  writes: [
    ...decision.writes,
    { _tag: "Put", table: "accounts", record: emptyAccount(portfoliosKey), before: undefined }
  ],
  guards: [...(decision.guards ?? []), { ...noPortfolios, next: 1 }]
})
