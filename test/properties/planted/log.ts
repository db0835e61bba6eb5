/** Bugs in the log, in lists and in assignments. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { LogEvent } from "../../../src/core/event/LogEvent.ts"
import { mapItems, overStorage, type PlantedBug, withMethods } from "./engines.ts"

export const logBugs: ReadonlyArray<PlantedBug> = [
  {
    name: "events are written after the commit of their change",
    foundBy: ["31"],
    engine: overStorage((storage) => ({
      commit: (commit) =>
        Effect.gen(function* () {
          yield* storage.commit({ ...commit, events: [] })
          yield* Effect.yieldNow
          return yield* storage.commit({ guards: [], writes: [], events: commit.events, counters: new Map() })
        })
    }))
  },
  {
    name: "an event is written over",
    foundBy: ["30"],
    engine: withMethods(({ events }) => ({
      events: {
        list: (intentId, query) =>
          Effect.map(events.list(intentId, query), (page) => {
            const changed = (event: LogEvent): LogEvent =>
              page.total > 3 && event.type === "state_patched" ? { ...event, traceId: "compacted" } : event
            return mapItems(changed)(page)
          })
      }
    }))
  },
  {
    name: "a page by cursor skips a row",
    foundBy: ["16"],
    engine: withMethods(({ events }) => ({
      events: {
        list: (intentId, query) =>
          Effect.map(events.list(intentId, query), (page) =>
            query?.after !== undefined && page.items.length > 1 ? { ...page, items: page.items.slice(1) } : page
          )
      }
    }))
  },
  {
    name: "assigning again makes a second assignment",
    foundBy: ["16", "41", "order"],
    engine: withMethods(({ agents }) => {
      const twice = new Set<string>()
      return {
        agents: {
          assign: (intentId, input) =>
            Effect.gen(function* () {
              const known = (yield* agents.list(intentId)).items.some(
                (assignment) => assignment.agentId === input.agentId
              )
              if (known) twice.add(`${intentId} ${input.agentId}`)
              return yield* agents.assign(intentId, input)
            }),
          list: (intentId, query) =>
            Effect.map(agents.list(intentId, query), (page) => ({
              ...page,
              items: page.items.flatMap((item) => (twice.has(`${intentId} ${item.agentId}`) ? [item, item] : [item]))
            }))
        }
      }
    })
  },
  {
    name: "the newest events come first only on the first page",
    foundBy: ["29", "16"],
    engine: withMethods(({ events }) => ({
      events: {
        list: (intentId, query) =>
          Effect.map(events.list(intentId, query), (page) =>
            query?.order === "desc" && query.limit !== 1 ? { ...page, items: page.items.toReversed() } : page
          )
      }
    }))
  },
  {
    name: "the filter by time takes the event of that time too",
    foundBy: ["32"],
    engine: withMethods(({ events }) => ({
      events: {
        list: (intentId, query) =>
          Effect.gen(function* () {
            if (query?.since === undefined) return yield* events.list(intentId, query)
            const since = DateTime.makeUnsafe(query.since)
            return yield* events.list(intentId, {
              ...query,
              since: DateTime.formatIso(DateTime.subtract(since, { milliseconds: 1 }))
            })
          })
      }
    }))
  },
  {
    name: "clients can write system events",
    foundBy: ["33"],
    engine: overStorage((storage) => ({
      commit: (commit) =>
        storage.commit({
          ...commit,
          events: commit.events.map((event) =>
            event.type === "lease_acquired" ? { ...event, source: "system" } : event
          )
        })
    }))
  },
  {
    name: "a follower sees an event twice",
    foundBy: ["53"],
    engine: withMethods(({ events }) => ({
      events: {
        follow: (query) =>
          Stream.flatMap(events.follow(query), (event) =>
            Stream.fromIterable(event.type === "agent_assigned" ? [event, event] : [event])
          )
      }
    }))
  }
]
