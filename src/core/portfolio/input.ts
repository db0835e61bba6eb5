/** Reads what a caller gives about a portfolio (http.md 13): checked, with defaults, copied and frozen. */
import type * as Result from "effect/Result"
import type { TooLarge, ValidationError } from "../Errors.ts"
import type { PageRequest } from "../paging.ts"
import { readPageRequest } from "../paging.ts"
import { Checks, limits } from "../validate.ts"
import { checkPolicy } from "./policy.ts"
import type { AddIntent, CreatePortfolio, ListPortfolios, PortfolioStatus } from "./Portfolio.ts"
import { memberRoles, portfolioStatuses } from "./Portfolio.ts"
import type { AddCommand, NewPortfolio } from "./rules.ts"
import { priorityMax } from "./tables.ts"

const readOneOf = <A extends string>(checks: Checks, field: string, value: unknown, known: ReadonlyArray<A>): A => {
  const found = known.find((one) => one === value)
  if (found === undefined) checks.add(field, `must be one of ${known.join(", ")}`, value)
  return found ?? known[0]!
}

export const readPortfolioStatus = (checks: Checks, value: unknown): PortfolioStatus =>
  readOneOf(checks, "status", value, portfolioStatuses)

export const readCreation = (
  input: CreatePortfolio,
  agentId: string
): Result.Result<NewPortfolio, ValidationError | TooLarge> => {
  const checks = new Checks()
  const agent = checks.readAgent("agent", agentId)
  const governancePolicy = checks.readObject("governancePolicy", input.governancePolicy, limits.constraintsBytes)
  checkPolicy(checks, governancePolicy)
  return checks.finishSized({
    name: checks.readText("name", input.name, 1, limits.portfolioNameLength),
    description: checks.readOptionalText("description", input.description, limits.descriptionLength) ?? "",
    createdBy: input.createdBy === undefined ? agent : checks.readAgent("createdBy", input.createdBy),
    governancePolicy,
    metadata: checks.readObject("metadata", input.metadata, limits.constraintsBytes)
  })
}

export const readAddition = (
  portfolioId: string,
  { intentId, priority, role }: AddIntent,
  agentId: string
): Result.Result<AddCommand, ValidationError> => {
  const checks = new Checks()
  return checks.finish({
    portfolioId,
    intentId: checks.readText("intentId", intentId, 0, limits.agentIdLength),
    role: readOneOf(checks, "role", role ?? "member", memberRoles),
    priority: checks.readInt("priority", priority, 0, -priorityMax, priorityMax),
    actor: checks.readAgent("agent", agentId)
  })
}

export interface PortfolioFilter {
  readonly page: PageRequest
  readonly createdBy: string | undefined
  readonly status: PortfolioStatus | undefined
}

export const readListing = (query: ListPortfolios): Result.Result<PortfolioFilter, ValidationError> => {
  const checks = new Checks()
  return checks.finish({
    page: readPageRequest(checks, query, limits.pageSize),
    createdBy: checks.readOptionalText("createdBy", query.createdBy, limits.agentIdLength),
    status: query.status === undefined ? undefined : readPortfolioStatus(checks, query.status)
  })
}
