/** What is stored of money that is spent and set aside. */
import type { Amount } from "./amount.ts"

export interface Balance {
  readonly spent: Amount
  /** By reservations that are stored as held: one that is over counts until its end is written. */
  readonly held: Amount
}

/** A balance with a limit, and whether it was told that more than that is spent. */
export interface LimitedBalance extends Balance {
  readonly isExceeded: boolean
}

/**
 * What is spent and held under one budget, in its currency: all of it, or where the budget limits what one agent may
 * spend also what an agent has of it. Guarded: whoever spends moves it on.
 */
export interface Account extends LimitedBalance {
  /** `intent/<id>` or `portfolio/<id>`, and after a space the agent. */
  readonly key: string
  /** Whether it was told that the threshold is reached. */
  readonly isAlerted: boolean
}
