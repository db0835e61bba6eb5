import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Cost, CostSummary, RecordCost, Reservation } from "../../core/cost/Cost.ts"
import type { OpenIntentShape } from "../../core/OpenIntent.ts"
import type { CostBody, ReservationBody, SummaryBody } from "../api/costs.ts"
import { ask, type Client, durationOf, given, objectOf } from "./call.ts"
import { pageOf } from "./records.ts"

const costOf = (body: CostBody): Cost => ({
  id: body.id,
  intentId: body.intent_id,
  agentId: body.agent_id,
  costType: body.cost_type,
  amount: body.amount,
  unit: body.unit,
  provider: body.provider,
  metadata: body.metadata,
  recordedAt: body.recorded_at
})

export const summaryOf = (body: SummaryBody): CostSummary => ({
  total: body.total,
  count: body.count,
  byType: body.by_type,
  byAgent: body.by_agent,
  byUnit: body.by_unit,
  byProvider: body.by_provider
})

const reservationOf = (body: ReservationBody): Reservation => ({
  id: body.id,
  intentId: body.intent_id,
  agentId: body.agent_id,
  costType: body.cost_type,
  amount: body.amount,
  unit: body.unit,
  status: body.status,
  createdAt: body.created_at,
  expiresAt: body.expires_at,
  endedAt: body.ended_at
})

/** Who spent it, with whom, and what else is told of it. */
const originOf = ({ agentId, metadata, provider }: Pick<RecordCost, "agentId" | "metadata" | "provider">) =>
  Effect.map(objectOf("metadata", metadata), (object) => given({ provider, metadata: object, agent_id: agentId }))

/** http.md 14 and 13.9 */
export const makeCosts = ({ costs }: Client): OpenIntentShape["costs"] => ({
  record: Effect.fnUntraced(function* (intentId, input) {
    const payload = {
      cost_type: input.costType,
      amount: input.amount,
      unit: input.unit,
      ...(yield* originOf(input))
    }
    return yield* ask(
      { operation: "costs.record", intentId },
      ["IntentNotFound", "GovernanceViolation", "BudgetExceeded", "TooLarge"],
      costs.record({ params: { intentId }, payload }),
      costOf
    )
  }),
  list: (intentId, query = {}) =>
    ask(
      { operation: "costs.list", intentId },
      ["IntentNotFound"],
      costs.list({ params: { intentId }, query: given(query) }),
      (page) => pageOf(page, page.costs, costOf)
    ),
  summary: (intentId) =>
    ask(
      { operation: "costs.summary", intentId },
      ["IntentNotFound"],
      costs.summary({ params: { intentId } }),
      summaryOf
    ),
  reserve: Effect.fnUntraced(function* (intentId, { agentId, amount, costType, ttl, unit }) {
    const seconds = yield* durationOf("ttl", ttl, Duration.toSeconds)
    const payload = { amount, ...given({ unit, cost_type: costType, ttl_seconds: seconds, agent_id: agentId }) }
    return yield* ask(
      { operation: "costs.reserve", intentId },
      ["IntentNotFound", "GovernanceViolation", "BudgetExceeded"],
      costs.reserve({ params: { intentId }, payload }),
      (held) => ({ ...reservationOf(held), remaining: held.remaining })
    )
  }),
  settle: Effect.fnUntraced(function* (intentId, reservationId, input) {
    const payload = {
      amount: input.amount,
      ...given({ unit: input.unit, cost_type: input.costType }),
      ...(yield* originOf(input))
    }
    return yield* ask(
      { operation: "costs.settle", intentId, reservationId },
      ["IntentNotFound", "ReservationNotFound", "ReservationEnded", "GovernanceViolation", "TooLarge"],
      costs.settle({ params: { intentId, reservationId }, payload }),
      (settled) => ({
        ...costOf(settled),
        reservationId: settled.reservation_id,
        reserved: settled.reserved,
        excess: settled.excess
      })
    )
  }),
  release: (intentId, reservationId) =>
    ask(
      { operation: "costs.release", intentId, reservationId },
      ["IntentNotFound", "ReservationNotFound", "ReservationEnded"],
      costs.release({ params: { intentId, reservationId } }),
      reservationOf
    ),
  reservations: (intentId, query = {}) =>
    ask(
      { operation: "costs.reservations", intentId },
      ["IntentNotFound"],
      costs.reservations({ params: { intentId }, query: given(query) }),
      (page) => pageOf(page, page.reservations, reservationOf)
    ),
  ofPortfolio: (portfolioId) =>
    ask(
      { operation: "costs.ofPortfolio", portfolioId },
      ["PortfolioNotFound"],
      costs.ofPortfolio({ params: { portfolioId } }),
      ({ by_intent, summary }) => ({ summary: summaryOf(summary), byIntent: by_intent })
    )
})
