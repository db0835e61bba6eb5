/** Bugs in edges and in the routes along them. */
import * as Effect from "effect/Effect"
import type { Intent } from "../../../src/core/intent/Intent.ts"
import { freedBy, overStorage, type PlantedBug, withMethods, writingOtherwise } from "./engines.ts"

export const edgeBugs: ReadonlyArray<PlantedBug> = [
  {
    name: "the search for a cycle looks at the next dependency only",
    foundBy: ["22"],
    engine: overStorage((storage) => ({
      exclusively: (work) => storage.exclusively((inside) => work({ ...inside, reachable: () => Effect.succeed([]) }))
    }))
  },
  {
    name: "a new edge does not block",
    foundBy: ["edges 23"],
    engine: writingOtherwise((write, { events }) => {
      const isBlocking = events.some((event) => event.payload["trigger"] === "dependency_added")
      return isBlocking && write.table === "intents" && write._tag === "Put" && write.before !== undefined
        ? [{ ...write, record: { ...write.record, status: write.before.status } }]
        : [write]
    })
  },
  {
    name: "an edge that is removed is still walked",
    foundBy: ["24"],
    engine: writingOtherwise((write) => (write.table === "dependencies" && write._tag === "Remove" ? [] : [write]))
  },
  {
    name: "ready names children that are over",
    foundBy: ["25"],
    engine: withMethods(({ graph }) => ({
      graph: {
        ready: (intentId, page) =>
          Effect.map(graph.children(intentId, page), (children) => ({
            ...children,
            items: children.items.filter((child) => child.status !== "blocked")
          }))
      }
    }))
  },
  {
    name: "removing an edge takes two",
    foundBy: ["26"],
    engine: writingOtherwise((write, { events }) => {
      const isRemoval = events.some((event) => event.type === "dependency_removed")
      if (!isRemoval || write.table !== "intents" || write._tag !== "Put") return [write]
      const record: Intent = { ...write.record, dependsOn: write.record.dependsOn.slice(1) }
      return [{ ...write, record }]
    })
  },
  {
    name: "only the first dependent is unblocked",
    foundBy: ["edges 27"],
    engine: overStorage((storage) => ({
      commit: ({ events, writes, ...commit }) => {
        const [, ...left] = freedBy(events)
        return storage.commit({
          ...commit,
          guards: commit.guards.map((guard) => (left.includes(guard.key) ? { ...guard, next: guard.expected } : guard)),
          writes: writes.filter(
            (write) => write.table !== "intents" || write._tag !== "Put" || !left.includes(write.record.id)
          ),
          events: events.filter((event) => !left.includes(event.intentId))
        })
      }
    }))
  },
  {
    name: "a graph counts the intents that are reached twice",
    foundBy: ["28"],
    engine: withMethods(({ graph }) => ({
      graph: {
        get: (intentId) =>
          Effect.map(graph.get(intentId), (found) => {
            const twice = found.nodes.filter(
              ({ dependsOn, parentIntentId }) => parentIntentId !== null && dependsOn.length > 0
            )
            return { ...found, nodes: [...found.nodes, ...twice] }
          })
      }
    }))
  }
]
