import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import type { JsonObject } from "../json.ts"
import type { PageOptions } from "../Page.ts"

/** What something has cost (RFC 0009). Never changes. */
export interface Cost {
  readonly id: string
  readonly intentId: string
  /** Who spent it. */
  readonly agentId: string
  /** `tokens`, `api_call`, `compute`, `custom`, or a name of your own. */
  readonly costType: string
  /** 0 or more, exact as a decimal: at most 12 digits after the point. */
  readonly amount: number
  /** A currency code (`USD`), which counts against budgets of that currency, or any other unit, which counts against none. */
  readonly unit: string
  readonly provider: string | null
  readonly metadata: JsonObject
  readonly recordedAt: DateTime.Utc
}

export interface RecordCost {
  readonly costType: string
  readonly amount: number
  readonly unit: string
  readonly provider?: string | null | undefined
  readonly metadata?: object | null | undefined
  /** Default: the acting agent. */
  readonly agentId?: string | undefined
}

/**
 * Exact sums over the costs of an intent, or of the members of a portfolio (http.md 2.8). Each map tells some 200 names
 * by themselves, and sums up what has another under `other`.
 */
export interface CostSummary {
  /** Over all units: `byUnit` is the honest figure. */
  readonly total: number
  readonly count: number
  readonly byType: { readonly [costType: string]: number }
  readonly byAgent: { readonly [agentId: string]: number }
  readonly byUnit: { readonly [unit: string]: number }
  /** Costs without a provider are under `unknown`. */
  readonly byProvider: { readonly [provider: string]: number }
}

export interface PortfolioCosts {
  /** Over its members. */
  readonly summary: CostSummary
  /** Totals of the members, over all units. */
  readonly byIntent: { readonly [intentId: string]: number }
}

/** Money set aside before it is spent (decision 26). At `expiresAt` it is given back. */
export interface Reservation {
  readonly id: string
  readonly intentId: string
  /** On whose account it is. */
  readonly agentId: string
  readonly costType: string
  readonly amount: number
  readonly unit: string
  /** `settled`: a cost took its place; `cancelled`: given back by `release`. */
  readonly status: "held" | "settled" | "cancelled" | "expired"
  readonly createdAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
  /** When it was settled or given back; null while it is held, and of one that expired. */
  readonly endedAt: DateTime.Utc | null
}
export type ReservationStatus = Reservation["status"]

export const isHeldAt = (reservation: Reservation, now: DateTime.Utc): boolean =>
  reservation.status === "held" && now.epochMilliseconds < reservation.expiresAt.epochMilliseconds

/** The reservation as it is at `now`: one that is stored as held and over is expired. */
export const reservationAsOf = (reservation: Reservation, now: DateTime.Utc): Reservation =>
  reservation.status === "held" && !isHeldAt(reservation, now) ? { ...reservation, status: "expired" } : reservation

export interface ReserveCost {
  readonly amount: number
  /** Default `USD`. */
  readonly unit?: string | undefined
  /** Default `custom`. */
  readonly costType?: string | undefined
  /** 1 second to 24 hours in whole seconds, default 5 minutes. */
  readonly ttl?: Duration.Input | undefined
  /** Default: the acting agent. */
  readonly agentId?: string | undefined
}

/** A reservation that was just made. */
export interface NewReservation extends Reservation {
  /** What can still be spent under every limit there is, after this one; null if there is none. */
  readonly remaining: number | null
}

/** What was spent of a reservation. What is not given is as it was reserved. */
export interface SettleCost {
  /** May be more than was reserved: it is spent already. */
  readonly amount: number
  /** If given, that of the reservation. */
  readonly unit?: string | undefined
  readonly costType?: string | undefined
  readonly provider?: string | null | undefined
  readonly metadata?: object | null | undefined
  /** Default: whose reservation it is. */
  readonly agentId?: string | undefined
}

/** The cost that took the place of a reservation. */
export interface Settlement extends Cost {
  readonly reservationId: string
  readonly reserved: number
  /** What was spent beyond what was reserved; 0 if nothing. */
  readonly excess: number
}

export interface ListCosts extends PageOptions {}
