/** What a refusal says of a budget or a reservation, as the error of the engine it was made from. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { BudgetExceeded, ReservationEnded } from "../../core/cost/CostErrors.ts"

const OverBudget = Schema.Struct({
  holder: Schema.Struct({ kind: Schema.Literals(["intent", "portfolio"]), id: Schema.String }),
  limit_on: Schema.Literals(["total", "agent", "call"]),
  currency: Schema.String,
  limit: Schema.Finite,
  spent: Schema.Finite,
  held: Schema.Finite,
  amount: Schema.Finite
})

/** Undefined if the value is none that the contract has there. */
export const overBudget = (value: unknown): BudgetExceeded | undefined =>
  Option.match(Schema.decodeUnknownOption(OverBudget)(value), {
    onNone: () => undefined,
    onSome: ({ limit_on: limitOn, ...exceeded }) => new BudgetExceeded({ ...exceeded, limitOn })
  })

const ends = ["settled", "cancelled", "expired"] as const

export const reservationEnded = (
  of: { readonly intentId: string; readonly reservationId: string },
  value: unknown
): ReservationEnded | undefined => {
  const status = ends.find((known) => known === value)
  return status && new ReservationEnded({ ...of, status })
}
