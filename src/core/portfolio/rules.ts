/** Portfolios and their members (http.md 13). Pure. */
import * as Result from "effect/Result"
import type { Decision, Guard, Versioned, Write } from "../Aggregate.ts"
import { moveOn, putIntent, unchanged } from "../Aggregate.ts"
import type { Env } from "../Env.ts"
import { ValidationError } from "../Errors.ts"
import { systemEvent } from "../event/LogEvent.ts"
import { IntentNotFound } from "../intent/IntentErrors.ts"
import { limits } from "../validate.ts"
import { noMembers } from "./aggregate.ts"
import { incompleteMembers } from "./policy.ts"
import type { AggregateStatus, MemberRole, Membership, Portfolio, PortfolioStatus } from "./Portfolio.ts"
import { MembershipNotFound, PortfolioIncomplete, PortfolioNotFound } from "./PortfolioErrors.ts"
import type { StoredMembership, StoredPortfolio } from "./tables.ts"

/** A portfolio, the revision it was read at, and how far it is. */
export interface VersionedPortfolio {
  readonly portfolio: StoredPortfolio
  /** One more with each change of its status, of its members, and of a member that may complete it. */
  readonly revision: number
  readonly aggregate: AggregateStatus
}

const moveOnPortfolio = (portfolioId: string, revision: number): Guard => ({
  table: "portfolios",
  key: portfolioId,
  expected: revision,
  next: revision + 1
})

export const movePortfolioOn = ({ portfolio, revision }: VersionedPortfolio): Guard =>
  moveOnPortfolio(portfolio.id, revision)

export const putPortfolio = (portfolio: StoredPortfolio, before: StoredPortfolio | undefined): Write => ({
  _tag: "Put",
  table: "portfolios",
  record: portfolio,
  before
})

const putMembership = (membership: StoredMembership, before: StoredMembership | undefined): Write => ({
  _tag: "Put",
  table: "memberships",
  record: membership,
  before
})

export type NewPortfolio = Omit<StoredPortfolio, "id" | "status" | "createdAt" | "updatedAt">

export const decideCreate = (given: NewPortfolio, env: Env): Decision<Portfolio> => {
  const id = env.newId()
  const portfolio: StoredPortfolio = { ...given, id, status: "active", createdAt: env.now, updatedAt: env.now }
  return {
    value: { ...portfolio, aggregate: noMembers },
    writes: [putPortfolio(portfolio, undefined)],
    events: [],
    guards: [moveOnPortfolio(id, 0)]
  }
}

export interface PortfolioStatusCommand {
  readonly portfolioId: string
  readonly status: PortfolioStatus
  /** Whether `require_all_completed` is a gate. */
  readonly enforcePolicy: boolean
}

/** Any status may follow any other. What is there already changes nothing and passes no gate. */
export const decideStatus = (
  found: VersionedPortfolio | undefined,
  { enforcePolicy, portfolioId, status }: PortfolioStatusCommand,
  env: Env
): Result.Result<Decision<Portfolio>, PortfolioNotFound | PortfolioIncomplete> => {
  if (found === undefined) return Result.fail(new PortfolioNotFound({ portfolioId }))
  const { aggregate, portfolio } = found
  if (status === portfolio.status) return Result.succeed(unchanged({ ...portfolio, aggregate }))
  const incomplete = incompleteMembers(portfolio.governancePolicy, aggregate)
  if (status === "completed" && enforcePolicy && incomplete > 0) {
    return Result.fail(new PortfolioIncomplete({ portfolioId, incomplete }))
  }
  const after: StoredPortfolio = { ...portfolio, status, updatedAt: env.now }
  return Result.succeed({
    value: { ...after, aggregate },
    writes: [putPortfolio(after, portfolio)],
    events: [],
    guards: [movePortfolioOn(found)]
  })
}

/** The intent, the portfolio's revision (0: there is none), and what is stored of the one in the other. */
export interface MembershipFacts {
  readonly portfolioRevision: number
  readonly found: Versioned | undefined
  readonly known: StoredMembership | undefined
}

export const shown = ({ addedAt, id, intentId, portfolioId, priority, role }: StoredMembership): Membership => ({
  id,
  portfolioId,
  intentId,
  role,
  priority,
  addedAt
})

export interface AddCommand {
  readonly portfolioId: string
  readonly intentId: string
  readonly role: MemberRole
  readonly priority: number
  readonly actor: string
}

/**
 * Adds a member, or gives the one that there is its new role and priority. Who comes back gets a new row, so that those
 * of one priority stand in the order of joining.
 */
export const decideAdd = (
  { found, known, portfolioRevision }: MembershipFacts,
  { actor, intentId, portfolioId, priority, role }: AddCommand,
  env: Env
): Result.Result<Decision<Membership>, PortfolioNotFound | IntentNotFound | ValidationError> => {
  if (portfolioRevision === 0) return Result.fail(new PortfolioNotFound({ portfolioId }))
  if (found === undefined) return Result.fail(new IntentNotFound({ intentId }))
  const { intent } = found
  const member = known?.state === "member" ? known : undefined
  if (member?.role === role && member.priority === priority) return Result.succeed(unchanged(shown(member)))
  if (member === undefined && intent.portfolioIds.length >= limits.portfoliosPerIntent) {
    const message = `must be in fewer than ${limits.portfoliosPerIntent} portfolios`
    return Result.fail(new ValidationError({ issues: [{ field: "intentId", message, value: intentId }] }))
  }
  const record: StoredMembership = {
    id: member?.id ?? env.newId(),
    portfolioId,
    intentId,
    role,
    priority,
    addedAt: member?.addedAt ?? env.now,
    state: "member"
  }
  const left: ReadonlyArray<Write> =
    known?.state === "former" ? [{ _tag: "Remove", table: "memberships", before: known }] : []
  const joined: ReadonlyArray<Write> =
    member === undefined ? [putIntent({ ...intent, portfolioIds: [...intent.portfolioIds, portfolioId] }, intent)] : []
  const payload = { portfolio_id: portfolioId, membership_id: record.id, role, priority }
  return Result.succeed({
    value: shown(record),
    writes: [...left, putMembership(record, member), ...joined],
    events: [systemEvent(env, intentId, "added_to_portfolio", actor, payload, { was_member: member !== undefined })],
    guards: [moveOn(found), moveOnPortfolio(portfolioId, portfolioRevision)]
  })
}

/** What is left says that the intent has been a member. */
export const decideRemove = (
  { found, known, portfolioRevision }: MembershipFacts,
  { actor, intentId, portfolioId }: Pick<AddCommand, "actor" | "intentId" | "portfolioId">,
  env: Env
): Result.Result<Decision<void>, PortfolioNotFound | MembershipNotFound> => {
  if (portfolioRevision === 0) return Result.fail(new PortfolioNotFound({ portfolioId }))
  if (found === undefined || known?.state !== "member") {
    return Result.fail(new MembershipNotFound({ portfolioId, intentId }))
  }
  const { intent } = found
  const portfolioIds = intent.portfolioIds.filter((id) => id !== portfolioId)
  return Result.succeed({
    value: undefined,
    writes: [putMembership({ ...known, state: "former" }, known), putIntent({ ...intent, portfolioIds }, intent)],
    events: [systemEvent(env, intentId, "removed_from_portfolio", actor, { portfolio_id: portfolioId })],
    guards: [moveOn(found), moveOnPortfolio(portfolioId, portfolioRevision)]
  })
}
