/** What has to be known to spend something: the intent, its policy, and the budgets above it with their accounts. */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import { effectivePolicy } from "../governance/policy.ts"
import { readAssigned } from "../governance/standing.ts"
import type { Intent } from "../intent/Intent.ts"
import { readVersioned } from "../intent/readVersioned.ts"
import type { StorageError, StorageShape } from "../Storage.ts"
import type { Holder, ReadAccount } from "./account.ts"
import { accountKey, portfoliosKey } from "./account.ts"
import type { Balance } from "./Balance.ts"
import { amountOf } from "./amount.ts"
import { budgetOf, currencyOf, defaultCurrency, portfolioBudgetOf } from "./budget.ts"
import type { ReservationFacts } from "./reservationRules.ts"
import type { OwnLimit, Spender } from "./rules.ts"
import { readFigure } from "./summary.ts"

/** Generations that a walk to the root follows. */
export const ancestorsMax = 100_000
/** Records, which may be large, that are read at a time. */
const pageSize = 256

/** Records of many intents, a part at a time: only what `pick` takes of them is kept. */
export const readIntents = <A>(
  storage: StorageShape,
  ids: ReadonlyArray<string>,
  pick: (intent: Intent) => A
): Effect.Effect<ReadonlyArray<A>, StorageError> =>
  Effect.map(
    Effect.forEach(Arr.chunksOf(ids, pageSize), (some) =>
      Effect.map(storage.get("intents", some), (intents) =>
        intents.flatMap((intent) => (intent === undefined ? [] : [pick(intent)]))
      )
    ),
    Arr.flatten
  )

/** A budget above an intent, whose account is still to be read. */
type Limiting = Pick<Holder, "kind" | "id" | "budget">

/** Whether some portfolio has a budget. Once it is so it stays so. */
export const readBudgeted = (storage: StorageShape): Effect.Effect<boolean, StorageError> =>
  Effect.map(storage.revisions("accounts", [portfoliosKey]), ([revision = 0]) => revision > 0)

/** Budgets of the portfolios that the intent or an ancestor is a member of. Cheap while no portfolio has one. */
const readPortfolioBudgets = (
  storage: StorageShape,
  { id, parentIntentId, portfolioIds }: Intent
): Effect.Effect<ReadonlyArray<Limiting>, StorageError> =>
  Effect.gen(function* () {
    if (!(yield* readBudgeted(storage))) return []
    const ancestors = parentIntentId === null ? [] : yield* storage.reachable(["parent"], id, ancestorsMax)
    const above = yield* readIntents(
      storage,
      ancestors.map((ancestor) => ancestor.id),
      (ancestor) => ancestor.portfolioIds
    )
    // Their policies never change.
    const portfolios = yield* storage.get("portfolios", [...new Set([...portfolioIds, ...above.flat()])].toSorted())
    return portfolios.flatMap((portfolio) => {
      if (portfolio === undefined) return []
      const budget = portfolioBudgetOf(portfolio.governancePolicy)
      return budget === undefined ? [] : [{ kind: "portfolio", id: portfolio.id, budget } as const]
    })
  })

/**
 * Whose turn a command waits for that spends here: the outermost budget above, so that those of this process that spend
 * under it do not race each other.
 */
export const readTurn = (storage: StorageShape, intentId: string): Effect.Effect<string, StorageError> =>
  Effect.gen(function* () {
    const [intent] = yield* storage.get("intents", [intentId])
    if (intent === undefined) return intentId
    const [portfolio] = yield* readPortfolioBudgets(storage, intent)
    return portfolio?.id ?? intent.budgetIds[0] ?? intentId
  })

/** The budgets of this currency above an intent: of portfolios first, then of intents from the root down. */
const readHolders = (
  storage: StorageShape,
  intent: Intent,
  currency: string,
  agentIds: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<Holder>, StorageError> =>
  Effect.gen(function* () {
    const portfolios = yield* readPortfolioBudgets(storage, intent)
    // Nor do constraints.
    const intents = yield* readIntents(storage, intent.budgetIds, ({ constraints, id }) => {
      const budget = budgetOf(constraints)
      return budget === undefined ? [] : [{ kind: "intent", id, budget } as const]
    })
    const limiting = [...portfolios, ...intents.flat()].filter(({ budget }) => budget.currency === currency)
    const agentsOf = ({ budget }: Limiting) => (budget.perAgent === undefined ? [] : agentIds)
    const keys = limiting.flatMap((holder) => [
      accountKey(holder.kind, holder.id),
      ...agentsOf(holder).map((agentId) => accountKey(holder.kind, holder.id, agentId))
    ])
    const revisions = yield* storage.revisions("accounts", keys)
    const accounts = yield* storage.get("accounts", keys)
    let read = 0
    const next = (): ReadAccount => ({ account: accounts[read], revision: revisions[read++] ?? 0 })
    return limiting.map((holder) => ({
      ...holder,
      ...next(),
      agents: new Map(agentsOf(holder).map((agentId) => [agentId, next()]))
    }))
  })

/** What reservations of the intent hold in this currency. */
export const readHeld = (
  storage: StorageShape,
  intentId: string,
  currency: string
): Effect.Effect<Balance["held"], StorageError> =>
  Effect.gen(function* () {
    let held = 0n
    let after = 0
    for (;;) {
      const rows = yield* storage.page({
        table: "reservations",
        index: "heldByIntent",
        keys: [[intentId]],
        direction: "asc",
        after,
        limit: pageSize
      })
      for (const { position, record } of rows) {
        if (currencyOf(record.unit) === currency) held += amountOf(record.amount)
        after = position
      }
      if (rows.length < pageSize) return held
    }
  })

/** `max_cost` of the intent's policy, which is in the default currency, and what the intent has used of it by itself. */
const readOwnLimit = (
  storage: StorageShape,
  { governancePolicy, id }: Intent,
  currency: string
): Effect.Effect<OwnLimit | undefined, StorageError> =>
  Effect.gen(function* () {
    const { maxCost } = effectivePolicy(governancePolicy)
    if (maxCost === null || currency !== defaultCurrency) return undefined
    const { money: spent } = yield* readFigure(storage, id)
    return { limit: amountOf(maxCost), spent, held: yield* readHeld(storage, id, currency) }
  })

/** `agentIds`: on whose accounts something changes. */
export const gatherSpender = (
  storage: StorageShape,
  { actor, intentId, unit }: { readonly intentId: string; readonly actor: string; readonly unit: string },
  agentIds: ReadonlyArray<string>
): Effect.Effect<Spender | undefined, StorageError> =>
  Effect.gen(function* () {
    // First of all: whoever changes what else is read moves its revision on.
    const [found] = yield* readVersioned(storage, [intentId])
    if (found === undefined) return undefined
    const { intent } = found
    const currency = currencyOf(unit)
    const isAssigned = yield* readWriter(storage, intent, actor)
    if (currency === undefined) return { found, isAssigned, holders: [], own: undefined }
    const holders = yield* readHolders(storage, intent, currency, agentIds)
    return { found, isAssigned, holders, own: yield* readOwnLimit(storage, intent, currency) }
  })

/**
 * Whether anybody may record a cost, and it counts against nothing: its unit is no money, or neither the intent's policy
 * nor a budget above limits it. While some portfolio has a budget, one may come above the intent at this moment.
 */
export const isUnlimited = (
  storage: StorageShape,
  { budgetIds, governancePolicy }: Intent,
  unit: string
): Effect.Effect<boolean, StorageError> => {
  const { allowedAgents, maxCost, writeScope } = effectivePolicy(governancePolicy)
  if (writeScope !== "any" || allowedAgents.length > 0) return Effect.succeed(false)
  if (currencyOf(unit) === undefined) return Effect.succeed(true)
  if (budgetIds.length > 0 || maxCost !== null) return Effect.succeed(false)
  return Effect.map(readBudgeted(storage), (budgeted) => !budgeted)
}

/** Whether the agent is assigned, if the policy of the intent asks for it. */
const readWriter = (storage: StorageShape, { governancePolicy, id }: Intent, actor: string) =>
  effectivePolicy(governancePolicy).writeScope === "assigned_only"
    ? readAssigned(storage, id, actor)
    : Effect.succeed(false)

export const gatherReservation = (
  storage: StorageShape,
  {
    actor,
    agentId,
    intentId,
    reservationId
  }: {
    readonly intentId: string
    readonly reservationId: string
    readonly actor: string
    /** Who spends what was reserved, if it is another. */
    readonly agentId?: string | undefined
  }
): Effect.Effect<ReservationFacts, StorageError> =>
  Effect.gen(function* () {
    const [revision = 0] = yield* storage.revisions("reservations", [reservationId])
    const [found] = yield* storage.get("reservations", [reservationId])
    const reservation = found?.intentId === intentId ? found : undefined
    const agentIds = new Set([reservation?.agentId, agentId].filter((id) => id !== undefined))
    const spender = yield* gatherSpender(storage, { intentId, actor, unit: reservation?.unit ?? "" }, [...agentIds])
    return { reservation, revision, spender }
  })
