/** Which events a stream has, from the log alone (decision 22). */
import type { LogEvent } from "../../core/event/LogEvent.ts"
import type { Scope } from "../following.ts"

/** What the event does to the membership of its intent in the scope. */
const changeOf = (scope: Scope, { payload, source, type }: LogEvent): "joins" | "leaves" | undefined => {
  if (source !== "system") return undefined
  if ("agentId" in scope && payload["agent_id"] === scope.agentId)
    return type === "agent_assigned" ? "joins" : type === "agent_unassigned" ? "leaves" : undefined
  if ("portfolioId" in scope && payload["portfolio_id"] === scope.portfolioId)
    return type === "added_to_portfolio" ? "joins" : type === "removed_from_portfolio" ? "leaves" : undefined
  return undefined
}

/** An agent is told of its own assignments only (http.md 12.3). */
const isOthers = (scope: Scope, { payload, source, type }: LogEvent): boolean =>
  "agentId" in scope && source === "system" && type === "agent_assigned" && payload["agent_id"] !== scope.agentId

/** The scope's events after a position: those of its members, from the one that joins to the one that leaves. */
export const eventsOf = (
  scope: Scope | undefined,
  log: ReadonlyArray<LogEvent>,
  after: number
): ReadonlyArray<LogEvent> => {
  if (scope === undefined) return []
  const members = new Set<string>("intentId" in scope ? [scope.intentId] : [])
  return log.filter((event) => {
    const change = changeOf(scope, event)
    if (change === "joins") members.add(event.intentId)
    const isOf = members.has(event.intentId)
    if (change === "leaves") members.delete(event.intentId)
    return isOf && event.position > after && !isOthers(scope, event)
  })
}
