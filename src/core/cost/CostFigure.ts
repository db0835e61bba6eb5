import type { Amount } from "./amount.ts"

export type Sums = ReadonlyMap<string, Amount>

/** The exact sums of which a summary is made. */
export interface CostFigure {
  readonly count: number
  readonly total: Amount
  /** Of the total, what is in the default currency, whichever case its code has: the sum by unit may not tell it. */
  readonly money: Amount
  readonly byType: Sums
  readonly byAgent: Sums
  readonly byUnit: Sums
  readonly byProvider: Sums
}
