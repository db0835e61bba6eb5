import type * as DateTime from "effect/DateTime"
import type { Intent, Status } from "../intent/Intent.ts"
import type { JsonObject } from "../json.ts"
import type { PageOptions } from "../Page.ts"

export const portfolioStatuses = ["active", "completed", "abandoned"] as const
export type PortfolioStatus = (typeof portfolioStatuses)[number]

/** How far the current members are (semantics 7.2). */
export interface AggregateStatus {
  /** Members. */
  readonly total: number
  /** Members of each stored status, 0 where there is none. */
  readonly byStatus: { readonly [S in Status]: number }
  /** floor(100 * completed / total); 0 without members. */
  readonly completionPercentage: number
}

/** Intents that are looked after together (RFC 0004, 0007). */
export interface Portfolio {
  /** Lower-case UUIDv7, opaque. */
  readonly id: string
  readonly name: string
  readonly description: string
  readonly createdBy: string
  readonly status: PortfolioStatus
  readonly metadata: JsonObject
  /**
   * As it was given. Known are `require_all_completed`, `allow_partial_completion`, `auto_complete_threshold` (percent),
   * `max_cost` and `shared_constraints`; whatever else is in it is kept (semantics 7.2).
   */
  readonly governancePolicy: JsonObject
  readonly createdAt: DateTime.Utc
  /** Moves with the status. */
  readonly updatedAt: DateTime.Utc
  readonly aggregate: AggregateStatus
}

export const memberRoles = ["primary", "member", "dependency"] as const
export type MemberRole = (typeof memberRoles)[number]

/** An intent belongs to a portfolio; at most one per (portfolio, intent). */
export interface Membership {
  /** Stays the same while the intent is a member; coming back later is a new membership. */
  readonly id: string
  readonly portfolioId: string
  readonly intentId: string
  readonly role: MemberRole
  readonly priority: number
  readonly addedAt: DateTime.Utc
}

/** A member as it is now. */
export interface PortfolioMember extends Membership {
  readonly intent: Intent
}

export interface CreatePortfolio {
  /** 1 to 255 characters, not blank. */
  readonly name: string
  readonly description?: string | null | undefined
  /** Default: the acting agent. */
  readonly createdBy?: string | undefined
  readonly governancePolicy?: object | null | undefined
  readonly metadata?: object | null | undefined
}

export interface AddIntent {
  readonly intentId: string
  /** Default `member`. */
  readonly role?: MemberRole | undefined
  /** From -1,000,000,000 to 1,000,000,000, default 0. Members come with the greatest first. */
  readonly priority?: number | undefined
}

export interface ListMembers extends PageOptions {}

export interface ListPortfolios extends PageOptions {
  readonly createdBy?: string | undefined
  readonly status?: PortfolioStatus | undefined
}
