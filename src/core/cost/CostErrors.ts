import * as Data from "effect/Data"
import type { ReservationStatus } from "./Cost.ts"

/** A budget does not have that much left; nothing was changed (decision 25). Amounts are in its currency. */
export class BudgetExceeded extends Data.TaggedError("BudgetExceeded")<{
  /** Whose budget it is. */
  readonly holder: { readonly kind: "intent" | "portfolio"; readonly id: string }
  /** Which of its limits: on all that is spent, on what one agent spends, on one call. */
  readonly limitOn: "total" | "agent" | "call"
  readonly currency: string
  readonly limit: number
  readonly spent: number
  /** Set aside by reservations. */
  readonly held: number
  /** What was asked for. */
  readonly amount: number
}> {
  override get message() {
    const { amount, currency, held, holder, limit, limitOn, spent } = this
    const used = limitOn === "call" ? "" : `: ${spent} spent, ${held} held`
    return `${amount} ${currency} is more than the budget of ${holder.kind} ${holder.id} allows (${limitOn} limit ${limit}${used})`
  }
}

/** No such reservation on this intent. */
export class ReservationNotFound extends Data.TaggedError("ReservationNotFound")<{
  readonly intentId: string
  readonly reservationId: string
}> {
  override get message() {
    return "Reservation not found"
  }
}

/**
 * The reservation is no longer held. What was spent all the same is to be recorded. (Nothing in it may hold the letters
 * that Python clients look for in a 409: http.md 1.6.)
 */
export class ReservationEnded extends Data.TaggedError("ReservationEnded")<{
  readonly intentId: string
  readonly reservationId: string
  readonly status: Exclude<ReservationStatus, "held">
}> {
  override get message() {
    return `The reservation is no longer held: ${this.status}`
  }
}
