/** What is stored of portfolios. */
import { millis, time, unlessEmpty } from "../storedForms.ts"
import { integer, table, text } from "../Table.ts"
import type { Membership, Portfolio } from "./Portfolio.ts"

/** Without the aggregate, which is a running figure of its own (`core/counters.ts`). */
export type StoredPortfolio = Omit<Portfolio, "aggregate">

export const portfolios = table<StoredPortfolio>()("portfolios", {
  key: (portfolio) => portfolio.id,
  columns: {
    status: text((portfolio: StoredPortfolio) => portfolio.status),
    created_by: text((portfolio: StoredPortfolio) => portfolio.createdBy)
  },
  body: ({ createdAt, description, governancePolicy, metadata, name, updatedAt }) => ({
    name,
    // What is empty is left out.
    description: description === "" ? undefined : description,
    metadata: unlessEmpty(metadata),
    governancePolicy: unlessEmpty(governancePolicy),
    createdAt: millis(createdAt),
    updatedAt: millis(updatedAt)
  }),
  make: ({ body, columns, key }) => ({
    id: key,
    name: body.name,
    description: body.description ?? "",
    createdBy: columns.created_by,
    status: columns.status,
    metadata: body.metadata ?? {},
    governancePolicy: body.governancePolicy ?? {},
    createdAt: time(body.createdAt),
    updatedAt: time(body.updatedAt)
  }),
  indexes: {
    all: { columns: [] },
    byStatus: { columns: ["status"] },
    byCreator: { columns: ["created_by", "status"] }
  },
  guarded: true
})

/** Of either sign. Ranks, and with them the cursors of a page, are numbers from 0. */
export const priorityMax = 1_000_000_000

/** A membership, or what is left of one: streams ask who has ever been a member. */
export interface StoredMembership extends Membership {
  readonly state: "member" | "former"
}

export const membershipKey = (portfolioId: string, intentId: string) => `${portfolioId} ${intentId}`

export const memberships = table<StoredMembership>()("memberships", {
  key: (membership) => membershipKey(membership.portfolioId, membership.intentId),
  columns: {
    portfolio_id: text((membership: StoredMembership) => membership.portfolioId),
    state: text((membership: StoredMembership) => membership.state),
    rank: integer((membership: StoredMembership) => priorityMax - membership.priority)
  },
  body: ({ addedAt, id, intentId, role }) => ({ id, intentId, role, addedAt: millis(addedAt) }),
  make: ({ body, columns }) => ({
    id: body.id,
    portfolioId: columns.portfolio_id,
    intentId: body.intentId,
    role: body.role,
    priority: priorityMax - columns.rank,
    addedAt: time(body.addedAt),
    state: columns.state
  }),
  indexes: {
    /** By priority, then in the order of joining: who comes back gets a new row. */
    members: { columns: ["portfolio_id"], order: "rank", where: { column: "state", equals: "member" } },
    ever: { columns: ["portfolio_id"] }
  },
  removable: true
})
