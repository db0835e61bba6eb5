/** Who may spend, and what is written when a cost is recorded (semantics 7.1, decision 25). Pure. */
import * as Result from "effect/Result"
import type { Decision, Guard, Versioned, Write } from "../Aggregate.ts"
import { holdStill, moveOn } from "../Aggregate.ts"
import type { Env } from "../Env.ts"
import type { NewEvent } from "../event/LogEvent.ts"
import { systemEvent } from "../event/LogEvent.ts"
import { Denied } from "../governance/GovernanceErrors.ts"
import { checkWriter, effectivePolicy } from "../governance/policy.ts"
import type { Intent } from "../intent/Intent.ts"
import { IntentNotFound } from "../intent/IntentErrors.ts"
import type { JsonObject } from "../json.ts"
import type { Holder } from "./account.ts"
import { charge, firstExceeded, noPortfolios } from "./account.ts"
import type { Balance } from "./Balance.ts"
import type { Amount } from "./amount.ts"
import { amountOf, numberOf } from "./amount.ts"
import { currencyOf } from "./budget.ts"
import type { Cost } from "./Cost.ts"
import type { BudgetExceeded } from "./CostErrors.ts"

/** `max_cost` of the intent's own policy, and what the intent has used of it by itself. */
export interface OwnLimit extends Balance {
  readonly limit: Amount
}

/** An intent on which something is spent, and all that limits it. */
export interface Spender {
  readonly found: Versioned
  /** Whether the acting agent is assigned; read where the policy asks for it. */
  readonly isAssigned: boolean
  /** The budgets that it counts against: of portfolios first, then of intents from the root down. */
  readonly holders: ReadonlyArray<Holder>
  /** Undefined: the policy limits nothing. */
  readonly own: OwnLimit | undefined
}

/** Whether the policy lets the agent write costs here. */
export const denySpender = (
  { governancePolicy, id }: Intent,
  isAssigned: boolean,
  agentId: string
): Denied | undefined => {
  const breach = checkWriter(effectivePolicy(governancePolicy), { agentId, isAssigned })
  return breach && new Denied({ intentId: id, agentId, breach })
}

/** Whether the policy's `max_cost` leaves room for this amount (http.md appendix A). */
export const denyAmount = ({ found, own }: Spender, agentId: string, amount: Amount): Denied | undefined => {
  if (own === undefined || own.spent + own.held + amount <= own.limit) return undefined
  const reason = `max_cost is ${numberOf(own.limit)}: ${numberOf(own.spent)} spent, ${numberOf(own.held)} held`
  return new Denied({ intentId: found.intent.id, agentId, breach: { rule: "max_cost", reason } })
}

/**
 * What holds of the intent when the decision is committed: it is as it was read, so that no portfolio has come above it
 * meanwhile; and where its own policy limits it, nobody else spends on it.
 */
export const guardOf = ({ found }: Spender): Guard =>
  effectivePolicy(found.intent.governancePolicy).maxCost === null ? holdStill(found) : moveOn(found)

export interface CostCommand {
  readonly intentId: string
  /** Who acts; the cost may be another's. */
  readonly actor: string
  readonly agentId: string
  readonly costType: string
  readonly amount: number
  readonly unit: string
  readonly provider: string | null
  readonly metadata: JsonObject
}

/** A cost that counts against nothing. */
export const recorded = ({ actor, ...given }: CostCommand, env: Env): Decision<Cost> => {
  const cost = { ...given, id: env.newId(), recordedAt: env.now }
  return { value: cost, writes: [putCost(cost)], events: [costRecorded(cost, actor, env)] }
}

/** The same, where money counts against nothing as long as no portfolio has a budget. */
export const decideUnlimited = (command: CostCommand, env: Env): Decision<Cost> => ({
  ...recorded(command, env),
  guards: currencyOf(command.unit) === undefined ? [] : [noPortfolios]
})

const putCost = (record: Cost): Write => ({ _tag: "Put", table: "costs", record, before: undefined })

const costRecorded = ({ amount, costType, id, intentId, provider, unit }: Cost, actor: string, env: Env): NewEvent =>
  systemEvent(env, intentId, "cost_recorded", actor, { cost_id: id, cost_type: costType, amount, unit, provider })

/** Records what was spent. Limits refuse it only where they are enforced: else they are told to be passed. */
export const decideRecord = (
  spender: Spender | undefined,
  command: CostCommand,
  enforceBudgets: boolean,
  env: Env
): Result.Result<Decision<Cost>, IntentNotFound | Denied | BudgetExceeded> => {
  const { actor, agentId, intentId } = command
  if (spender === undefined) return Result.fail(new IntentNotFound({ intentId }))
  const { found, holders, isAssigned } = spender
  const amount = amountOf(command.amount)
  const refused =
    denySpender(found.intent, isAssigned, actor) ??
    denyAmount(spender, actor, amount) ??
    (enforceBudgets ? firstExceeded(holders, agentId, amount) : undefined)
  if (refused !== undefined) return Result.fail(refused)
  const { events, value, writes } = recorded(command, env)
  const charged = charge(holders, [{ agentId, spent: amount, held: 0n }], intentId, env)
  return Result.succeed({
    value,
    writes: [...writes, ...charged.writes],
    events: [...events, ...charged.events],
    guards: [guardOf(spender), ...charged.guards]
  })
}
