/** Write transactions. */
import * as Effect from "effect/Effect"
import type { StorageShape } from "../../core/Storage.ts"
import { type Checks, commit, ending, idOf, pagesAre, same, violated } from "./check.ts"
import {
  assignmentOf,
  commitOf,
  created,
  creating,
  eventOf,
  intentOf,
  leaseOf,
  movedOn,
  put
} from "../storageRecords.ts"

export const exclusiveChecks: Checks = {
  "exclusively commits its work, and answers it": (storage) =>
    Effect.gen(function* () {
      const answer = yield* storage.exclusively((inside) =>
        Effect.gen(function* () {
          yield* inside.commit(creating(intentOf("i1")))
          const [revision] = yield* inside.revisions("intents", ["i1"])
          const [position] = yield* inside.commit(
            commitOf({
              guards: [movedOn("i1", revision ?? 0)],
              events: [eventOf("e1", "i1")],
              counters: new Map([["c", 1]])
            })
          )
          return [position, yield* inside.lastPosition, (yield* inside.load("i1")).aggregate?.revision]
        }).pipe(Effect.catchTag("StaleRevision", () => violated("a guard that holds was refused")))
      )
      yield* same("answer", answer, [yield* storage.lastPosition, yield* storage.lastPosition, 2])
      yield* same("revision", yield* storage.revisions("intents", ["i1"]), [2])
      yield* same("counter", yield* storage.counters(["c"]), [1])
    }),

  "exclusively takes all back when its work fails or dies": (storage) =>
    Effect.gen(function* () {
      const one = intentOf("i1", { status: "draft" })
      const lease = leaseOf("l1", "i1")
      yield* commit(
        storage,
        commitOf({
          guards: [created("i1")],
          writes: [put.intent(one), put.lease(lease)],
          events: [eventOf("e0", "i1")]
        })
      )
      const last = yield* storage.lastPosition
      const work = (end: Effect.Effect<never, "failed">) => (inside: StorageShape) =>
        Effect.gen(function* () {
          yield* inside.commit(
            commitOf({
              guards: [movedOn("i1", 1)],
              writes: [put.intent({ ...one, status: "active", version: 2 }, one)],
              events: [eventOf("e1", "i1")]
            })
          )
          yield* inside.commit(creating(intentOf("i2")))
          yield* inside.commit(
            commitOf({
              writes: [{ _tag: "Remove", table: "leases", before: lease }, put.assignment(assignmentOf("i1", "ann"))],
              counters: new Map([["c", 1]])
            })
          )
          return yield* end
        })
      for (const end of [Effect.fail("failed" as const), Effect.die("died")]) {
        const exit = yield* Effect.exit(storage.exclusively(work(end)))
        yield* same("exit", exit._tag, "Failure")
        yield* same("intents", yield* storage.get("intents", ["i1", "i2"]), [one, undefined])
        yield* same("lease", yield* storage.get("leases", ["l1"]), [lease])
        yield* same("assignment", yield* storage.get("assignments", ["i1 ann"]), [undefined])
        yield* same("revisions", yield* storage.revisions("intents", ["i1", "i2"]), [1, 0])
        yield* same("counter", yield* storage.counters(["c"]), [0])
        yield* same("lastPosition", yield* storage.lastPosition, last)
        yield* pagesAre(storage, { table: "intents", index: "byStatus", keys: [["draft"]] }, idOf, ["i1"])
        yield* pagesAre(storage, { table: "intents", index: "byStatus", keys: [["active"]] }, idOf, [])
        yield* pagesAre(storage, { table: "leases", index: "due", keys: [["active"]] }, idOf, ["l1"])
        yield* same("log", yield* storage.count({ table: "events", index: "all", keys: [[]] }, 10), 1)
      }
      const [position] = yield* commit(storage, commitOf({ events: [eventOf("e2", "i1")] }))
      yield* same("the next position is greater", (position ?? 0) > last, true)
    }),

  "a commit that fails within exclusively leaves the rest of its work": (storage) =>
    Effect.gen(function* () {
      const endings = yield* storage.exclusively((inside) =>
        Effect.all([
          ending(inside, creating(intentOf("i1"))),
          ending(inside, creating(intentOf("i1"))),
          ending(inside, commitOf({ writes: [put.dependency("i1", "i2")] })),
          ending(inside, commitOf({ writes: [put.assignment(assignmentOf("i1", "ann")), put.dependency("i1", "i2")] }))
        ])
      )
      yield* same("endings", endings, ["committed", "stale", "committed", "constraint"])
      yield* same("assignment", yield* storage.get("assignments", ["i1 ann"]), [undefined])
      yield* same("edge", yield* storage.reachable(["dependencies"], "i1", 10), [{ id: "i2", from: "i1" }])
    }),

  "nobody commits between the reads and the commit of exclusively": (storage) =>
    Effect.gen(function* () {
      yield* commit(storage, creating(intentOf("i1")))
      const step = storage.exclusively((inside) =>
        Effect.gen(function* () {
          const [n = 0] = yield* inside.counters(["n"])
          const [revision = 0] = yield* inside.revisions("intents", ["i1"])
          yield* inside.commit(
            commitOf({
              guards: [movedOn("i1", revision)],
              counters: new Map([
                ["n", 1],
                ["sum", n]
              ])
            })
          )
        }).pipe(Effect.catchTag("StaleRevision", () => violated("somebody else committed within exclusively")))
      )
      const others = ending(storage, commitOf({ events: [eventOf("e", "i1")], counters: new Map([["others", 1]]) }))
      yield* Effect.all(
        Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? step : others)),
        { concurrency: "unbounded", discard: true }
      )
      yield* same("counters", yield* storage.counters(["n", "sum", "others"]), [20, (19 * 20) / 2, 20])
    })
}
