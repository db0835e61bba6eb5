/** What is spent and held below each holder of a budget, and what that allows. Pure. */
import type { Guard, Write } from "../Aggregate.ts"
import type { Env } from "../Env.ts"
import type { NewEvent } from "../event/LogEvent.ts"
import { automaticEvent } from "../event/LogEvent.ts"
import type { Account, Balance, LimitedBalance } from "./Balance.ts"
import type { Amount } from "./amount.ts"
import { amountOf, lesser, numberOf } from "./amount.ts"
import type { Budget } from "./budget.ts"
import { BudgetExceeded } from "./CostErrors.ts"

/** The account that there is from the first portfolio with a budget on: without it, nobody who spends looks for them. */
export const portfoliosKey = "portfolios"

/** No portfolio has a budget. */
export const noPortfolios: Guard = { table: "accounts", key: portfoliosKey, expected: 0, next: 0 }

export const accountKey = (kind: Holder["kind"], id: string, agentId?: string) =>
  agentId === undefined ? `${kind}/${id}` : `${kind}/${id} ${agentId}`

/** An account as it was read. */
export interface ReadAccount {
  /** Undefined until something is spent. */
  readonly account: Account | undefined
  readonly revision: number
}

/** A budget that a cost counts against, and its account. */
export interface Holder extends ReadAccount {
  readonly kind: "intent" | "portfolio"
  readonly id: string
  readonly budget: Budget
  /** Where the budget limits what one agent may spend: the accounts of all agents that a command is about. */
  readonly agents: ReadonlyMap<string, ReadAccount>
}

const unused: LimitedBalance = { spent: 0n, held: 0n, isExceeded: false }

export const emptyAccount = (key: string): Account => ({ ...unused, key, isAlerted: false })

const agentBalance = ({ agents }: Holder, agentId: string): LimitedBalance => agents.get(agentId)?.account ?? unused

/** The first limit that an agent would break with this amount. */
export const firstExceeded = (
  holders: ReadonlyArray<Holder>,
  agentId: string,
  amount: Amount
): BudgetExceeded | undefined => {
  for (const holder of holders) {
    const { account = unused, budget, id, kind } = holder
    const gauges = [
      ["call", budget.perCall, unused],
      ["agent", budget.perAgent, agentBalance(holder, agentId)],
      ["total", budget.total, account]
    ] as const
    for (const [limitOn, limit, { held, spent }] of gauges) {
      if (limit === undefined || spent + held + amount <= limit) continue
      return new BudgetExceeded({
        holder: { kind, id },
        limitOn,
        currency: budget.currency,
        limit: numberOf(limit),
        spent: numberOf(spent),
        held: numberOf(held),
        amount: numberOf(amount)
      })
    }
  }
  return undefined
}

const left = (limit: Amount | undefined, { held, spent }: Balance): Amount | undefined =>
  limit === undefined ? undefined : limit - spent - held

/** What an agent can still spend under every total and agent's limit; undefined if there is none. */
export const remainingOf = (holders: ReadonlyArray<Holder>, agentId: string): Amount | undefined =>
  holders.reduce<Amount | undefined>((smallest, holder) => {
    const { account = unused, budget } = holder
    return lesser(smallest, lesser(left(budget.total, account), left(budget.perAgent, agentBalance(holder, agentId))))
  }, undefined)

/** What a command adds to (negative: takes from) the balances of an agent and of all that it counts against. */
export interface Move extends Balance {
  readonly agentId: string
}

const moved = <B extends Balance>(balance: B, { held, spent }: Balance): B => ({
  ...balance,
  spent: balance.spent + spent,
  held: balance.held + held
})

const isOver = ({ isExceeded, spent }: LimitedBalance, limit: Amount | undefined): boolean =>
  !isExceeded && limit !== undefined && spent > limit

const isAlarming = ({ isAlerted, spent }: Account, { alertPercent, total }: Budget): boolean =>
  !isAlerted && total !== undefined && spent > 0n && spent * amountOf(100) >= total * amountOf(alertPercent)

/** Percent with two digits after the point, rounded down. */
const percentOf = (spent: Amount, limit: Amount): number =>
  limit === 0n ? 100 : Number((spent * 10_000n) / limit) / 100

const unread: ReadAccount = { account: undefined, revision: 0 }

/** The accounts after some moves, and what is to be told of them. */
export interface Charge {
  readonly holders: ReadonlyArray<Holder>
  readonly writes: ReadonlyArray<Write>
  readonly guards: ReadonlyArray<Guard>
  readonly events: ReadonlyArray<NewEvent>
}

/**
 * Moves the balances of all holders. That a threshold is reached or a limit passed is told once, on the intent whose
 * budget it is; portfolios have no log, so theirs is told on `spender`, the intent that spends.
 */
export const charge = (
  holders: ReadonlyArray<Holder>,
  moves: ReadonlyArray<Move>,
  spender: string,
  env: Env
): Charge => {
  const writes: Array<Write> = []
  const guards: Array<Guard> = []
  const events: Array<NewEvent> = []
  const put = ({ account: before, revision }: ReadAccount, account: Account): ReadAccount => {
    writes.push({ _tag: "Put", table: "accounts", record: account, before })
    guards.push({ table: "accounts", key: account.key, expected: revision, next: revision + 1 })
    return { account, revision }
  }
  const after = holders.map((holder): Holder => {
    const { budget, id, kind } = holder
    const tell = (type: string, spent: Amount, limit: Amount, more?: { readonly agent_id: string }) => {
      const payload = { total: numberOf(spent), limit: numberOf(limit), percent: percentOf(spent, limit), ...more }
      events.push(
        kind === "intent"
          ? automaticEvent(env, id, type, payload)
          : automaticEvent(env, spender, type, { ...payload, portfolio_id: id })
      )
    }
    let account = moves.reduce(moved, holder.account ?? emptyAccount(accountKey(kind, id)))
    if (budget.total !== undefined && isAlarming(account, budget)) {
      account = { ...account, isAlerted: true }
      tell("budget_alert", account.spent, budget.total)
    }
    if (budget.total !== undefined && isOver(account, budget.total)) {
      account = { ...account, isExceeded: true }
      tell("budget_exceeded", account.spent, budget.total)
    }
    const own = put(holder, account)
    if (budget.perAgent === undefined) return { ...holder, ...own }
    const agents = new Map(holder.agents)
    for (const [agentId, theirs] of Map.groupBy(moves, (move) => move.agentId)) {
      const before = agents.get(agentId) ?? unread
      const balance = theirs.reduce(moved, before.account ?? emptyAccount(accountKey(kind, id, agentId)))
      const isTold = isOver(balance, budget.perAgent)
      agents.set(agentId, put(before, isTold ? { ...balance, isExceeded: true } : balance))
      if (isTold) tell("budget_exceeded", balance.spent, budget.perAgent, { agent_id: agentId })
    }
    return { ...holder, ...own, agents }
  })
  return { holders: after, writes, guards, events }
}
