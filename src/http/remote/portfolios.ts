import * as Effect from "effect/Effect"
import { type Status, statuses } from "../../core/intent/Intent.ts"
import type { OpenIntentShape } from "../../core/OpenIntent.ts"
import type {
  AggregateStatus,
  CreatePortfolio,
  Membership,
  Portfolio,
  PortfolioMember
} from "../../core/portfolio/Portfolio.ts"
import type { AggregateStatusBody, MemberBody, MembershipBody, PortfolioBody } from "../api/portfolios.ts"
import { ask, type Client, given, objectOf } from "./call.ts"
import { intentOf, pageOf } from "./records.ts"

const aggregateOf = (body: AggregateStatusBody): AggregateStatus => {
  const byStatus: { [S in Status]: number } = {
    draft: 0,
    pending: 0,
    active: 0,
    blocked: 0,
    completed: 0,
    abandoned: 0
  }
  for (const status of statuses) byStatus[status] = body.by_status[status] ?? 0
  return { total: body.total, byStatus, completionPercentage: body.completion_percentage }
}

const portfolioOf = (body: PortfolioBody): Portfolio => ({
  id: body.id,
  name: body.name,
  description: body.description,
  createdBy: body.created_by,
  status: body.status,
  metadata: body.metadata,
  governancePolicy: body.governance_policy,
  createdAt: body.created_at,
  updatedAt: body.updated_at,
  aggregate: aggregateOf(body.aggregate_status)
})

const membershipOf = (body: MembershipBody): Membership => ({
  id: body.id,
  portfolioId: body.portfolio_id,
  intentId: body.intent_id,
  role: body.role,
  priority: body.priority,
  addedAt: body.added_at
})

const memberOf = (body: MemberBody): PortfolioMember => ({
  id: body.membership_id,
  portfolioId: body.portfolio_id,
  intentId: body.id,
  role: body.role,
  priority: body.priority,
  addedAt: body.added_at,
  intent: intentOf(body)
})

const creation = Effect.fnUntraced(function* (input: CreatePortfolio) {
  return {
    name: input.name,
    ...given({
      description: input.description ?? undefined,
      created_by: input.createdBy,
      governance_policy: yield* objectOf("governancePolicy", input.governancePolicy),
      metadata: yield* objectOf("metadata", input.metadata)
    })
  }
})

/** Members may be many, and have a call of their own. */
const withoutMembers = { intents: "false" } as const

/** http.md 13 */
export const makePortfolios = ({ portfolios }: Client): OpenIntentShape["portfolios"] => ({
  create: (input) =>
    Effect.flatMap(creation(input), (payload) =>
      ask({ operation: "portfolios.create" }, ["TooLarge"], portfolios.create({ payload }), portfolioOf)
    ),
  list: ({ createdBy, ...rest } = {}) =>
    ask(
      { operation: "portfolios.list" },
      [],
      portfolios.list({ query: given({ ...rest, created_by: createdBy }) }),
      (page) => pageOf(page, page.portfolios, portfolioOf)
    ),
  get: (portfolioId) =>
    ask(
      { operation: "portfolios.get", portfolioId },
      ["PortfolioNotFound"],
      portfolios.get({ params: { portfolioId }, query: withoutMembers }),
      portfolioOf
    ),
  setStatus: (portfolioId, { status }) =>
    ask(
      { operation: "portfolios.setStatus", portfolioId },
      ["PortfolioNotFound", "PortfolioIncomplete"],
      portfolios.setStatus({ params: { portfolioId }, query: withoutMembers, payload: { status } }),
      portfolioOf
    ),
  addIntent: (portfolioId, { intentId, priority, role }) =>
    ask(
      { operation: "portfolios.addIntent", portfolioId, intentId },
      ["PortfolioNotFound", "IntentNotFound"],
      portfolios.addIntent({
        params: { portfolioId },
        payload: { intent_id: intentId, ...given({ role, priority }) }
      }),
      membershipOf
    ),
  removeIntent: (portfolioId, intentId) =>
    ask(
      { operation: "portfolios.removeIntent", portfolioId, memberId: intentId },
      ["PortfolioNotFound", "MembershipNotFound"],
      portfolios.removeIntent({ params: { portfolioId, intentId } }),
      () => undefined
    ),
  members: (portfolioId, query = {}) =>
    ask(
      { operation: "portfolios.members", portfolioId },
      ["PortfolioNotFound"],
      portfolios.members({ params: { portfolioId }, query: given(query) }),
      (page) => pageOf(page, page.intents, memberOf)
    ),
  aggregate: (portfolioId) =>
    ask(
      { operation: "portfolios.aggregate", portfolioId },
      ["PortfolioNotFound"],
      portfolios.get({ params: { portfolioId }, query: withoutMembers }),
      (portfolio) => aggregateOf(portfolio.aggregate_status)
    ),
  ofIntent: (intentId, query = {}) =>
    ask(
      { operation: "portfolios.ofIntent", intentId },
      ["IntentNotFound"],
      portfolios.ofIntent({ params: { intentId }, query: given(query) }),
      (page) => pageOf(page, page.portfolios, portfolioOf)
    )
})
