/** Bugs in the status machine and the graph. */
import * as Effect from "effect/Effect"
import { forceStatus, freedBy, overStorage, type PlantedBug, withMethods } from "./engines.ts"

export const graphBugs: ReadonlyArray<PlantedBug> = [
  {
    name: "dependents are not unblocked",
    foundBy: ["27", "order"],
    engine: overStorage((storage) => ({
      commit: ({ events, writes, ...commit }) => {
        const freed = freedBy(events)
        return storage.commit({
          ...commit,
          guards: commit.guards.map((guard) => (freed.has(guard.key) ? { ...guard, next: guard.expected } : guard)),
          writes: writes.filter(
            (write) => write.table !== "intents" || write._tag !== "Put" || !freed.has(write.record.id)
          ),
          events: events.filter((event) => !freed.has(event.intentId))
        })
      }
    }))
  },
  {
    name: "dependents are unblocked in a commit of their own",
    foundBy: ["27", "order"],
    engine: overStorage((storage) => ({
      commit: ({ counters, events, guards, writes }) => {
        const freed = freedBy(events)
        const isLate = (id: string) => freed.has(id)
        const isLateWrite = (write: (typeof writes)[number]) =>
          write.table === "intents" && write._tag === "Put" && isLate(write.record.id)
        return Effect.gen(function* () {
          const early = events.filter((event) => !isLate(event.intentId))
          const late = events.filter((event) => isLate(event.intentId))
          const first = yield* storage.commit({
            guards: guards.filter((guard) => !isLate(guard.key)),
            writes: writes.filter((write) => !isLateWrite(write)),
            events: early,
            counters
          })
          if (freed.size === 0) return first
          // The process dies here.
          if (freed.size > 0 && late.length % 2 === 1) return [...first, ...late.map(() => first[0] ?? 0)]
          const second = yield* storage.commit({
            guards: guards.filter((guard) => isLate(guard.key)),
            writes: writes.filter(isLateWrite),
            events: late,
            counters: new Map()
          })
          return [...first, ...second]
        })
      }
    }))
  },
  {
    name: "a parent is completed before its children",
    foundBy: ["21", "order"],
    engine: withMethods(() => ({}), { enforceParentGate: false })
  },
  {
    name: "dependencies are no gate",
    foundBy: ["20", "23", "order"],
    engine: withMethods(({ intents }, storage) => ({
      intents: {
        setStatus: (intentId, input) =>
          intents.setStatus(intentId, input).pipe(
            Effect.catchTag(["DependenciesIncomplete", "InvalidTransition"], (error) =>
              Effect.gen(function* () {
                const { status } = yield* intents.get(intentId)
                if (status === "completed" || status === "abandoned" || input.status === "pending") return yield* error
                return yield* forceStatus(storage, intentId, input.status, error)
              })
            )
          )
      }
    }))
  },
  {
    name: "a completed intent is opened again",
    foundBy: ["17", "18", "order"],
    engine: withMethods(({ intents }, storage) => ({
      intents: {
        setStatus: (intentId, input) =>
          intents
            .setStatus(intentId, input)
            .pipe(
              Effect.catchTag("InvalidTransition", (error) =>
                error.from === "completed" ? forceStatus(storage, intentId, input.status, error) : Effect.fail(error)
              )
            )
      }
    }))
  },
  {
    name: "a change of status is not logged",
    foundBy: ["19", "31"],
    engine: overStorage((storage) => ({
      commit: ({ events, ...commit }) =>
        Effect.gen(function* () {
          const kept = events.filter((event) => event.type !== "status_changed" || event.payload["to"] !== "blocked")
          const positions = yield* storage.commit({ ...commit, events: kept })
          return events.map((_, i) => positions[i] ?? positions.at(-1) ?? 0)
        })
    }))
  }
]
