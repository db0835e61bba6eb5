/** Bugs in what followers are given. */
import * as Stream from "effect/Stream"
import type { LogEvent } from "../../../src/core/event/LogEvent.ts"
import { type PlantedBug, withMethods } from "./engines.ts"

/** The engine whose streams of one kind are changed. */
const following = (
  scope: "intentId" | "portfolioId" | "agentId",
  change: (
    id: string,
    after: number | undefined
  ) => <E>(events: Stream.Stream<LogEvent, E>) => Stream.Stream<LogEvent, E>
) =>
  withMethods(({ events }) => ({
    events: {
      follow: (query = {}) => {
        const id = query[scope]
        return id === undefined ? events.follow(query) : change(id, query.after)(events.follow(query))
      }
    }
  }))

export const streamBugs: ReadonlyArray<PlantedBug> = [
  {
    name: "an agent is not told that it is unassigned",
    foundBy: ["streams 53"],
    engine: following(
      "agentId",
      (agentId) => (events) =>
        Stream.filter(events, ({ payload, type }) => type !== "agent_unassigned" || payload["agent_id"] !== agentId)
    )
  },
  {
    name: "an event that a client forged ends membership",
    foundBy: ["streams 53"],
    engine: following("agentId", (agentId) => (events) => {
      const left = new Set<string>()
      return Stream.filter(events, ({ intentId, payload, type }) => {
        const isGone = left.has(intentId)
        if (type === "agent_unassigned" && payload["agent_id"] === agentId) left.add(intentId)
        if (type === "agent_assigned" && payload["agent_id"] === agentId) left.delete(intentId)
        return !isGone
      })
    })
  },
  {
    name: "who resumes misses the first event",
    foundBy: ["streams 53"],
    engine: following("portfolioId", (_, after) => (events) => (after === 0 ? events : Stream.drop(events, 1)))
  },
  {
    name: "a member's last event is given twice",
    foundBy: ["streams 53"],
    engine: following(
      "portfolioId",
      () => (events) =>
        Stream.flatMap(events, (event) =>
          event.type === "removed_from_portfolio" ? Stream.make(event, event) : Stream.succeed(event)
        )
    )
  }
]
