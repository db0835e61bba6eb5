import * as Data from "effect/Data"

export class PortfolioNotFound extends Data.TaggedError("PortfolioNotFound")<{
  readonly portfolioId: string
}> {
  override get message() {
    return "Portfolio not found"
  }
}

/** The intent, if there is one, is no member of the portfolio. */
export class MembershipNotFound extends Data.TaggedError("MembershipNotFound")<{
  readonly portfolioId: string
  readonly intentId: string
}> {
  override get message() {
    return "Membership not found"
  }
}

/** Its policy wants all members completed, and some are not (http.md 13.4). */
export class PortfolioIncomplete extends Data.TaggedError("PortfolioIncomplete")<{
  readonly portfolioId: string
  /** Members in the way: not completed, nor abandoned where the policy allows partial completion. */
  readonly incomplete: number
}> {
  override get message() {
    return `${this.incomplete} of its members ${this.incomplete === 1 ? "is" : "are"} not completed`
  }
}
