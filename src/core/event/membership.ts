/** Which events change who belongs to an agent or a portfolio, and which events their streams show (semantics 9). Pure. */
import type { LogEvent, NewEvent } from "./LogEvent.ts"

/** Whose events are followed: an intent's, those of the intents of an agent or a portfolio, or all. */
export type FollowScope = { readonly _tag: "Everything" } | { readonly _tag: "Intent"; readonly id: string } | Group

/** Has intents as its members, from one position of the log to another. */
export interface Group {
  readonly _tag: "Agent" | "Portfolio"
  readonly id: string
}

/** Names a scope in maps. */
export const keyOf = (scope: FollowScope): string =>
  scope._tag === "Everything" ? scope._tag : `${scope._tag} ${scope.id}`

/** The intent of the event becomes or ceases to be a member of a group. */
export interface Change {
  /** Key of the group. */
  readonly group: string
  readonly joins: boolean
  /** Before the event. */
  readonly wasMember: boolean
}

const named = (kind: Group["_tag"], id: unknown): string => `${kind} ${String(id)}`

/** What the event changes. Only the engine's own events do: clients may append some of these types. */
export const changeOf = ({ extra, payload, source, type }: NewEvent): Change | undefined => {
  if (source !== "system") return undefined
  switch (type) {
    case "agent_assigned":
      return { group: named("Agent", payload.agent_id), joins: true, wasMember: payload.reassigned === true }
    case "agent_unassigned":
      return { group: named("Agent", payload.agent_id), joins: false, wasMember: true }
    case "added_to_portfolio":
      return { group: named("Portfolio", payload.portfolio_id), joins: true, wasMember: extra?.was_member === true }
    case "removed_from_portfolio":
      return { group: named("Portfolio", payload.portfolio_id), joins: false, wasMember: true }
    default:
      return undefined
  }
}

/** The types above, for each kind of group. */
export const changingTypes: { readonly [K in Group["_tag"]]: ReadonlyArray<string> } = {
  Agent: ["agent_assigned", "agent_unassigned"],
  Portfolio: ["added_to_portfolio", "removed_from_portfolio"]
}

/** An agent is not told whom else its intents are given to (http.md 12.3). */
export const isOfAnotherAgent = (kind: FollowScope["_tag"], key: string, change: Change | undefined): boolean =>
  kind === "Agent" && change !== undefined && change.joins && change.group !== key && change.group.startsWith("Agent ")

/**
 * Whether the stream of a group shows the event; moves `members` on. The event that makes an intent a member is the
 * first that is shown of it, and the one that ends its membership the last.
 */
export const passes = (group: Group, members: Set<string>, event: LogEvent): boolean => {
  const change = changeOf(event)
  const key = keyOf(group)
  const own = change?.group === key ? change : undefined
  if (own?.joins === true) members.add(event.intentId)
  const shown = members.has(event.intentId) && !isOfAnotherAgent(group._tag, key, change)
  if (own?.joins === false) members.delete(event.intentId)
  return shown
}
