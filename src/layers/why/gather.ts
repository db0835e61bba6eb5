/** Gathers what `explain` needs, with a bounded number of calls, from an engine wherever it is. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { amountOf, numberOf } from "../../core/cost/amount.ts"
import { budgetOf, defaultCurrency } from "../../core/cost/budget.ts"
import type { Intent } from "../../core/intent/Intent.ts"
import { isTerminal } from "../../core/intent/Intent.ts"
import type { IntentNotFound } from "../../core/intent/IntentErrors.ts"
import type { CommonError, OpenIntentShape } from "../../core/OpenIntent.ts"
import type { Page } from "../../core/Page.ts"
import type { Facts, Some, SpentBudget, Waiting } from "./Facts.ts"

/** Items of each kind that are told. */
const shownMax = 10
/** Of the dependencies of a dependency. */
const shownBelowMax = 3
/** How far dependencies of dependencies are followed, and how many intents are looked at for it. */
const depthMax = 4
const lookedMax = 16
/** Budgets above the intent that are looked at, the nearest first. */
const budgetsMax = 5
/** Calls under way at a time. */
const concurrency = 4

type Failed = IntentNotFound | CommonError

const someOf = <A, B>({ items, total }: Page<A>, to: (item: A) => B): Some<B> => ({ items: items.map(to), total })
const same = <A>(item: A): A => item

/** Level by level, each intent once, so that what is near is told before what is far. */
const gatherWaiting = ({ graph }: OpenIntentShape, intent: Intent): Effect.Effect<Some<Waiting>, Failed> =>
  Effect.gen(function* () {
    const unmetOf = new Map<string, ReadonlyArray<Intent>>()
    const look = (id: string) =>
      Effect.map(graph.dependencies(id), ({ items }) => {
        unmetOf.set(
          id,
          items.filter(({ status }) => status !== "completed")
        )
      })
    if (intent.dependsOn.length > 0) yield* look(intent.id)
    let level = (unmetOf.get(intent.id) ?? []).slice(0, shownMax)
    for (let depth = 1; depth < depthMax && level.length > 0; depth++) {
      const next = level
        .filter(({ dependsOn, id, status }) => dependsOn.length > 0 && !isTerminal(status) && !unmetOf.has(id))
        .slice(0, lookedMax - unmetOf.size)
      yield* Effect.forEach(next, ({ id }) => look(id), { concurrency, discard: true })
      level = next.flatMap(({ id }) => (unmetOf.get(id) ?? []).slice(0, shownBelowMax))
    }
    const told = new Set<string>()
    const waitingOf = (id: string, shown: number, depth: number): Some<Waiting> | undefined => {
      const unmet = unmetOf.get(id)
      if (unmet === undefined || unmet.length === 0 || depth > depthMax || told.has(id)) return undefined
      told.add(id)
      const items = unmet.slice(0, shown).map((intent): Waiting => ({
        intent,
        waitsFor: waitingOf(intent.id, shownBelowMax, depth + 1)
      }))
      return { items, total: unmet.length }
    }
    return waitingOf(intent.id, shownMax, 1) ?? { items: [], total: 0 }
  })

/** Of one holder, or of portfolios it is in: what the engine told when a limit was passed. */
const gatherBudget = (engine: OpenIntentShape, holder: Intent): Effect.Effect<ReadonlyArray<SpentBudget>, Failed> =>
  Effect.gen(function* () {
    const budget = budgetOf(holder.constraints)
    const query = { type: "budget_exceeded", visibility: "all", limit: shownMax } as const
    const { items } = yield* engine.events.list(holder.id, query)
    const told = items.flatMap(({ payload }): ReadonlyArray<SpentBudget> => {
      const { agent_id, limit, portfolio_id, total } = payload
      if (typeof limit !== "number" || typeof total !== "number") return []
      const ofPortfolio = typeof portfolio_id === "string"
      return [
        {
          holder: ofPortfolio ? { kind: "portfolio", id: portfolio_id } : { kind: "intent", id: holder.id },
          limit,
          spent: total,
          currency: (ofPortfolio ? undefined : budget?.currency) ?? defaultCurrency,
          agentId: typeof agent_id === "string" ? agent_id : undefined
        }
      ]
    })
    if (told.length > 0 || budget?.total === undefined) return told
    // Spent to the last cent, it is not exceeded: nothing was told, and nothing is left.
    const { byUnit } = yield* engine.costs.summary(holder.id)
    const spent = amountOf(byUnit[budget.currency] ?? 0)
    if (spent < budget.total) return []
    const [limit, all] = [numberOf(budget.total), numberOf(spent)]
    return [
      { holder: { kind: "intent", id: holder.id }, limit, spent: all, currency: budget.currency, agentId: undefined }
    ]
  })

/** Portfolios have no log: what is to be told of theirs is told on who spends. */
const gatherBudgets = (engine: OpenIntentShape, intent: Intent) =>
  Effect.map(
    Effect.forEach(
      [intent.id, ...intent.budgetIds.filter((id) => id !== intent.id).slice(-budgetsMax)],
      (id) =>
        Effect.flatMap(id === intent.id ? Effect.succeed(intent) : engine.intents.get(id), (holder) =>
          gatherBudget(engine, holder)
        ),
      { concurrency }
    ),
    (budgets) => budgets.flat()
  )

/** The list is oldest first, and its end is what counts. */
const gatherFailure = ({ retries }: OpenIntentShape, intentId: string) =>
  Effect.gen(function* () {
    const { total } = yield* retries.failures(intentId, { limit: 1 })
    if (total === 0) return undefined
    const { items } = yield* retries.failures(intentId, { limit: 1, offset: total - 1 })
    const newest = items.at(-1)
    return newest?.resolvedAt === null ? newest : undefined
  })

const gatherChildren = ({ graph }: OpenIntentShape, intentId: string) =>
  Effect.map(
    Effect.all([graph.ready(intentId, { limit: shownMax }), graph.blocked(intentId, { limit: shownMax })], {
      concurrency
    }),
    ([ready, blocked]): Some<Intent> => ({
      items: [...ready.items, ...blocked.items].slice(0, shownMax),
      total: ready.total + blocked.total
    })
  )

export const gather = (engine: OpenIntentShape, intentId: string): Effect.Effect<Facts, Failed> =>
  Effect.gen(function* () {
    const { agents, governance, leases } = engine
    const intent = yield* engine.intents.get(intentId)
    const { effectivePolicy: policy } = yield* governance.policy(intentId)
    const gathered = yield* Effect.all(
      {
        dependencies: gatherWaiting(engine, intent),
        children: gatherChildren(engine, intentId),
        leases: Effect.map(leases.list(intentId, { limit: shownMax }), (page) => someOf(page, same)),
        arbitrations: Effect.map(governance.arbitrations(intentId, { status: "pending", limit: shownMax }), (page) =>
          someOf(page, same)
        ),
        approvals: Effect.map(governance.approvals(intentId, { status: "pending", limit: shownMax }), (page) =>
          someOf(page, same)
        ),
        approved:
          policy.completionMode === "auto"
            ? Effect.succeed(0)
            : Effect.map(
                governance.approvals(intentId, { status: "approved" }),
                ({ items }) => items.filter(({ action }) => action === "complete").length
              ),
        assigned: Effect.map(agents.list(intentId), (page) => someOf(page, ({ agentId }) => agentId)),
        budgets: gatherBudgets(engine, intent),
        failure: gatherFailure(engine, intentId)
      },
      { concurrency }
    )
    const { approved, ...rest } = gathered
    return {
      ...rest,
      now: yield* DateTime.now,
      intent,
      policy,
      agreement: { approved, assigned: rest.assigned.total }
    }
  })
