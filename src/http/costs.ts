/** http.md 14 and 13.9: costs, under every name the contract reads and shows; and reservations (decision 26). */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { HttpApiBuilder } from "effect/http-api"
import type {
  Cost,
  CostSummary,
  RecordCost,
  Reservation,
  ReserveCost,
  SettleCost,
  Settlement
} from "../core/cost/Cost.ts"
import { OpenIntent } from "../core/OpenIntent.ts"
import { answer, json, pageAnswer } from "./answers.ts"
import { Api } from "./Api.ts"
import { Caller } from "./api/common.ts"
import type { Refusal } from "./refusals.ts"
import { Fields } from "./fields.ts"
import { HttpOptions } from "./HttpOptions.ts"
import { readBody, type RawBody } from "./requestBody.ts"
import { type Bound, doneAs } from "./requests.ts"
import { formatTimestamp, type Profile } from "./timestamps.ts"

/** http.md 2.8 */
const costBody = (cost: Cost, profile: Profile) => {
  const recordedAt = formatTimestamp(cost.recordedAt, profile)
  return {
    id: cost.id,
    intent_id: cost.intentId,
    agent_id: cost.agentId,
    cost_type: cost.costType,
    amount: cost.amount,
    unit: cost.unit,
    provider: cost.provider,
    metadata: cost.metadata,
    cost_metadata: cost.metadata,
    recorded_at: recordedAt,
    recordedAt
  }
}

const settlementBody = (settlement: Settlement, profile: Profile) => ({
  ...costBody(settlement, profile),
  reservation_id: settlement.reservationId,
  reserved: settlement.reserved,
  excess: settlement.excess
})

/** http.md 2.8 */
export const summaryBody = ({ byAgent, byProvider, byType, byUnit, count, total }: CostSummary) => ({
  total,
  count,
  by_type: byType,
  by_agent: byAgent,
  by_unit: byUnit,
  by_provider: byProvider
})

const reservationBody = (reservation: Reservation, profile: Profile) => {
  const createdAt = formatTimestamp(reservation.createdAt, profile)
  const expiresAt = formatTimestamp(reservation.expiresAt, profile)
  const endedAt = reservation.endedAt && formatTimestamp(reservation.endedAt, profile)
  return {
    id: reservation.id,
    intent_id: reservation.intentId,
    agent_id: reservation.agentId,
    cost_type: reservation.costType,
    amount: reservation.amount,
    unit: reservation.unit,
    status: reservation.status,
    created_at: createdAt,
    createdAt,
    expires_at: expiresAt,
    expiresAt,
    ended_at: endedAt,
    endedAt
  }
}

const requiredNumber = (fields: Fields, name: string): number => {
  const value = fields.number(name)
  if (value === undefined && fields.issues.every(({ field }) => field !== name))
    fields.issues.push({ field: name, message: "is required" })
  return value ?? 0
}

/** http.md 14.1 */
const recordCost = (body: RawBody, bound: Bound): Effect.Effect<RecordCost, Refusal> => {
  const fields = new Fields(body)
  const agentId = fields.string("agent_id")
  const input = {
    costType: fields.requiredString("cost_type"),
    amount: requiredNumber(fields, "amount"),
    unit: fields.requiredString("unit"),
    provider: fields.string("provider"),
    metadata: fields.object("metadata", "cost_metadata"),
    agentId
  }
  return doneAs(fields, input, agentId, bound)
}

const ttl = (fields: Fields): Duration.Duration | undefined => {
  const seconds = fields.integer("ttl_seconds")
  if (seconds === undefined) return undefined
  if (seconds >= 1 && seconds <= 86_400) return Duration.seconds(seconds)
  fields.issues.push({ field: "ttl_seconds", message: "must be from 1 to 86400" })
  return undefined
}

const reserveCost = (body: RawBody, bound: Bound): Effect.Effect<ReserveCost, Refusal> => {
  const fields = new Fields(body)
  const agentId = fields.string("agent_id")
  const input = {
    amount: requiredNumber(fields, "amount"),
    unit: fields.string("unit"),
    costType: fields.string("cost_type"),
    ttl: ttl(fields),
    agentId
  }
  return doneAs(fields, input, agentId, bound)
}

const settleCost = (body: RawBody, bound: Bound): Effect.Effect<SettleCost, Refusal> => {
  const fields = new Fields(body)
  const agentId = fields.string("agent_id")
  const input = {
    amount: requiredNumber(fields, "amount"),
    unit: fields.string("unit"),
    costType: fields.string("cost_type"),
    provider: fields.string("provider"),
    metadata: fields.object("metadata", "cost_metadata"),
    agentId
  }
  return doneAs(fields, input, agentId, bound)
}

/** Needs `OpenIntent`. */
export const layer = HttpApiBuilder.group(
  Api,
  "costs",
  Effect.fnUntraced(function* (handlers) {
    const engine = yield* OpenIntent
    const options = yield* HttpOptions
    const { costs } = engine
    return handlers
      .handleRaw("record", ({ params: { intentId }, request }) =>
        Effect.flatMap(Caller, ({ boundTo, profile }) =>
          readBody(request, options).pipe(
            Effect.flatMap((body) => recordCost(body, boundTo)),
            Effect.flatMap((input) => costs.record(intentId, input)),
            (effect) =>
              answer(effect, { engine, intentId, profile, onSuccess: (cost) => json(costBody(cost, profile)) })
          )
        )
      )
      .handleRaw("list", ({ params: { intentId }, query, request }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(Effect.zip(costs.list(intentId, query), costs.summary(intentId)), {
            engine,
            intentId,
            profile,
            onSuccess: ([page, summary]) =>
              pageAnswer("costs", page, costBody, profile, request.url, { summary: summaryBody(summary) })
          })
        )
      )
      .handleRaw("summary", ({ params: { intentId } }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(costs.summary(intentId), {
            engine,
            intentId,
            profile,
            onSuccess: (summary) => json(summaryBody(summary))
          })
        )
      )
      .handleRaw("reserve", ({ params: { intentId }, request }) =>
        Effect.flatMap(Caller, ({ boundTo, profile }) =>
          readBody(request, options).pipe(
            Effect.flatMap((body) => reserveCost(body, boundTo)),
            Effect.flatMap((input) => costs.reserve(intentId, input)),
            (effect) =>
              answer(effect, {
                engine,
                intentId,
                profile,
                onSuccess: (held) => json({ ...reservationBody(held, profile), remaining: held.remaining })
              })
          )
        )
      )
      .handleRaw("reservations", ({ params: { intentId }, query, request }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(costs.reservations(intentId, query), {
            engine,
            intentId,
            profile,
            onSuccess: (page) => pageAnswer("reservations", page, reservationBody, profile, request.url)
          })
        )
      )
      .handleRaw("settle", ({ params: { intentId, reservationId }, request }) =>
        Effect.flatMap(Caller, ({ boundTo, profile }) =>
          readBody(request, options).pipe(
            Effect.flatMap((body) => settleCost(body, boundTo)),
            Effect.flatMap((input) => costs.settle(intentId, reservationId, input)),
            (effect) =>
              answer(effect, { engine, intentId, profile, onSuccess: (cost) => json(settlementBody(cost, profile)) })
          )
        )
      )
      .handleRaw("release", ({ params: { intentId, reservationId } }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(costs.release(intentId, reservationId), {
            engine,
            intentId,
            profile,
            onSuccess: (reservation) => json(reservationBody(reservation, profile))
          })
        )
      )
      .handleRaw("ofPortfolio", ({ params: { portfolioId } }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(costs.ofPortfolio(portfolioId), {
            engine,
            intentId: undefined,
            portfolioId,
            profile,
            onSuccess: ({ byIntent, summary }) => json({ summary: summaryBody(summary), by_intent: byIntent })
          })
        )
      )
  })
)
