/** Two storages on the same data, as two processes have it. */
import * as Effect from "effect/Effect"
import type { StorageError, StorageShape } from "../../core/Storage.ts"
import { type StorageViolated, commit, ending, same, violated } from "./check.ts"
import { commitOf, created, creating, eventOf, intentOf, movedOn, put } from "../storageRecords.ts"

type PairCheck = (one: StorageShape, two: StorageShape) => Effect.Effect<void, StorageViolated | StorageError>

export const pairChecks: { readonly [name: string]: PairCheck } = {
  "two storages on the same data see each other's commits": (one, two) =>
    Effect.gen(function* () {
      const intent = intentOf("i1")
      yield* commit(
        one,
        commitOf({ guards: [created("i1")], writes: [put.intent(intent)], events: [eventOf("e1", "i1")] })
      )
      yield* same("load", (yield* two.load("i1")).aggregate, { intent, revision: 1, leases: [] })
      yield* same("lastPosition", yield* two.lastPosition, yield* one.lastPosition)
      yield* commit(
        two,
        commitOf({ guards: [movedOn("i1", 1)], writes: [put.intent({ ...intent, version: 2 }, intent)] })
      )
      yield* same("stale", yield* ending(one, commitOf({ guards: [movedOn("i1", 1)] })), "stale")
      yield* same("revision", yield* one.revisions("intents", ["i1"]), [2])
    }),

  "20 guarded commits through two storages race: one wins": (one, two) =>
    Effect.gen(function* () {
      yield* commit(one, creating(intentOf("i1")))
      for (let round = 1; round <= 5; round++) {
        const endings = yield* Effect.forEach(
          Array.from({ length: 20 }, (_, i) => i),
          (i) =>
            ending(
              i % 2 === 0 ? one : two,
              commitOf({ guards: [movedOn("i1", round)], events: [eventOf(`e${round}-${i}`, "i1")] })
            ),
          { concurrency: "unbounded" }
        )
        yield* same("winners", endings.filter((ending) => ending === "committed").length, 1)
        yield* same("losers", endings.filter((ending) => ending === "stale").length, 19)
      }
      yield* same("log", yield* two.count({ table: "events", index: "all", keys: [[]] }, 100), 5)
    }),

  "exclusively through two storages: no lost update": (one, two) =>
    Effect.gen(function* () {
      const step = (storage: StorageShape) =>
        storage.exclusively((inside) =>
          Effect.gen(function* () {
            const [n = 0] = yield* inside.counters(["n"])
            yield* inside.commit(
              commitOf({
                counters: new Map([
                  ["n", 1],
                  ["sum", n]
                ])
              })
            )
          }).pipe(Effect.catchTag("StaleRevision", () => violated("nothing was guarded")))
        )
      yield* Effect.all(
        Array.from({ length: 20 }, (_, i) => step(i % 2 === 0 ? one : two)),
        { concurrency: "unbounded", discard: true }
      )
      yield* same("counters", yield* two.counters(["n", "sum"]), [20, (19 * 20) / 2])
    })
}
