/** Pages, counts and walks. */
import * as Effect from "effect/Effect"
import type { Reached } from "../../core/Storage.ts"
import { type Checks, commit, idOf, pagesAre, same } from "./check.ts"
import { assignmentOf, at, commitOf, creating, eventOf, intentOf, leaseOf, put } from "../storageRecords.ts"

export const pageChecks: Checks = {
  "pages by every index, in both directions, with after, offset, limit and merged ranges": (storage) =>
    Effect.gen(function* () {
      const statuses = ["draft", "active", "completed", "active", "draft", "blocked", "active"] as const
      const intents = statuses.map((status, i) =>
        intentOf(`i${i}`, {
          status,
          createdBy: i % 2 === 0 ? "ann" : "bob",
          parentIntentId: i === 0 ? null : i < 5 ? "i0" : "i1"
        })
      )
      for (const intent of intents) yield* commit(storage, creating(intent))
      const names = (keep: (i: number) => boolean) => intents.filter((_, i) => keep(i)).map(idOf)
      yield* pagesAre(
        storage,
        { table: "intents", index: "all", keys: [[]] },
        idOf,
        names(() => true)
      )
      yield* pagesAre(storage, { table: "intents", index: "byStatus", keys: [["active"]] }, idOf, ["i1", "i3", "i6"])
      yield* pagesAre(
        storage,
        { table: "intents", index: "byStatus", keys: [["draft"], ["active"], ["abandoned"]] },
        idOf,
        ["i0", "i1", "i3", "i4", "i6"]
      )
      yield* pagesAre(storage, { table: "intents", index: "byStatus", keys: [] }, idOf, [])
      yield* pagesAre(storage, { table: "intents", index: "byCreator", keys: [["bob"]] }, idOf, ["i1", "i3", "i5"])
      yield* pagesAre(storage, { table: "intents", index: "byParent", keys: [["i0"]] }, idOf, ["i1", "i2", "i3", "i4"])
      yield* pagesAre(
        storage,
        { table: "intents", index: "byParent", keys: [["i1"], ["i0"]] },
        idOf,
        names((i) => i > 0)
      )
      yield* pagesAre(
        storage,
        {
          table: "intents",
          index: "byParentAndStatus",
          keys: [
            ["i0", "active"],
            ["i0", "completed"]
          ]
        },
        idOf,
        ["i1", "i2", "i3"]
      )
      for (const [i, d] of [
        [1, 0],
        [2, 0],
        [2, 1],
        [3, 2]
      ])
        yield* commit(storage, commitOf({ writes: [put.dependency(`i${i}`, `i${d}`)] }))
      yield* pagesAre(
        storage,
        { table: "dependencies", index: "byIntent", keys: [["i2"]] },
        (edge) => edge.dependencyId,
        ["i0", "i1"]
      )
      // Dependents come by the creation of the intent, whenever the edge was added.
      yield* commit(storage, commitOf({ writes: [put.dependency("i4", "i0", 999)] }))
      yield* pagesAre(
        storage,
        { table: "dependencies", index: "byDependency", keys: [["i0"]] },
        (edge) => edge.intentId,
        ["i4", "i1", "i2"]
      )
      for (const agentId of ["ann", "bob", "cid"]) {
        const assigned = [
          assignmentOf("i1", agentId, { intentCreatedAt: at(9) }),
          assignmentOf("i2", agentId),
          assignmentOf("i3", agentId)
        ]
        yield* commit(storage, commitOf({ writes: assigned.map((record) => put.assignment(record)) }))
      }
      yield* pagesAre(
        storage,
        { table: "assignments", index: "byAgent", keys: [["bob"]] },
        (record) => record.intentId,
        ["i1", "i2", "i3"]
      )
      yield* pagesAre(
        storage,
        { table: "assignments", index: "byIntent", keys: [["i1"]] },
        (record) => record.agentId,
        ["ann", "bob", "cid"]
      )
    }),

  "pages in the order of a column, equal ones by position; after skips equal ones": (storage) =>
    Effect.gen(function* () {
      const ends = [50, 20, 20, 90, 10]
      const leases = ends.map((end, i) =>
        leaseOf(`l${i}`, "i1", { expiresAt: at(end), status: i === 3 ? "expired" : "active" })
      )
      for (const lease of leases) yield* commit(storage, commitOf({ writes: [put.lease(lease)] }))
      yield* pagesAre(storage, { table: "leases", index: "due", keys: [["active"]] }, idOf, ["l4", "l1", "l2", "l0"])
      const moved = { ...leases[4]!, expiresAt: at(30) }
      yield* commit(
        storage,
        commitOf({ writes: [put.lease(moved, leases[4]), put.lease({ ...leases[1]!, status: "released" }, leases[1])] })
      )
      yield* pagesAre(storage, { table: "leases", index: "due", keys: [["active"]] }, idOf, ["l2", "l4", "l0"])
      yield* pagesAre(storage, { table: "leases", index: "byStatus", keys: [["i1"]] }, idOf, [
        "l0",
        "l1",
        "l2",
        "l3",
        "l4"
      ])
      yield* pagesAre(
        storage,
        {
          table: "leases",
          index: "byStatus",
          keys: [
            ["i1", "active"],
            ["i1", "released"]
          ]
        },
        idOf,
        ["l0", "l1", "l2", "l4"]
      )
    }),

  "pages of the log by intent and kind, a short key standing for all kinds; tally counts by kind": (storage) =>
    Effect.gen(function* () {
      const types = ["comment", "x.own", "task.created", "comment", "lease_renewed", "state_patched"]
      yield* Effect.forEach(types, (type, i) =>
        commit(storage, commitOf({ events: [eventOf(`a${i}`, "i1", { type }), eventOf(`b${i}`, "i2", { type })] }))
      )
      yield* pagesAre(storage, { table: "events", index: "byIntent", keys: [["i1", "comment"]] }, idOf, ["a0", "a3"])
      yield* pagesAre(storage, { table: "events", index: "byIntent", keys: [["i1"]] }, idOf, [
        "a0",
        "a1",
        "a2",
        "a3",
        "a4",
        "a5"
      ])
      yield* pagesAre(
        storage,
        { table: "events", index: "byIntent", keys: [["i2", "x."], ["i2", "comment"], ["i3"]] },
        idOf,
        ["b0", "b1", "b3"]
      )
      const all = { table: "events", index: "byIntent", keys: [["i1"]] } as const
      yield* same(
        "tally",
        yield* storage.tally(all),
        new Map([
          ["comment", 2],
          ["state_patched", 1],
          ["x.", 1],
          ["lease_renewed", 1],
          ["task.created", 1]
        ])
      )
      const [first] = yield* storage.page({ ...all, direction: "asc", limit: 1 })
      yield* same(
        "tally after the first",
        yield* storage.tally({ ...all, after: first?.order }),
        new Map([
          ["comment", 1],
          ["state_patched", 1],
          ["x.", 1],
          ["lease_renewed", 1],
          ["task.created", 1]
        ])
      )
      yield* same(
        "tally of nothing",
        yield* storage.tally({ table: "events", index: "byIntent", keys: [["i3"]] }),
        new Map()
      )
    }),

  "reachable walks breadth first, over cycles and up to a limit": (storage) =>
    Effect.gen(function* () {
      const edges = [
        ["a", "b"],
        ["a", "c"],
        ["b", "d"],
        ["c", "d"],
        ["d", "e"],
        ["e", "a"],
        ["x", "a"],
        ["s", "s"]
      ] as const
      yield* commit(storage, commitOf({ writes: edges.map(([from, to]) => put.dependency(from, to)) }))
      const dependencies = (from: string, limit: number) => storage.reachable(["dependencies"], from, limit)
      const up = yield* dependencies("a", 100)
      yield* same("up", [up.length, levels(up, 2, 1, 1)], [4, [["b", "c"], ["d"], ["e"]]])
      const down = yield* storage.reachable(["dependents"], "d", 100)
      yield* same("down", [down.length, levels(down, 2, 1, 2)], [5, [["b", "c"], ["a"], ["e", "x"]]])
      yield* same("limit", levels(yield* dependencies("a", 3), 2, 1), [["b", "c"], ["d"]])
      yield* same("limit within a level", (yield* dependencies("a", 1)).length, 1)
      yield* same("no limit", (yield* dependencies("a", Number.POSITIVE_INFINITY)).length, 4)
      yield* same("itself", yield* dependencies("s", 10), [])
      yield* commit(
        storage,
        creating(
          intentOf("p"),
          ...["q", "r"].map((id) => intentOf(id, { parentIntentId: "p" })),
          intentOf("t", { parentIntentId: "q" })
        )
      )
      yield* same("ancestors", yield* storage.reachable(["parent"], "t", 10), [
        { id: "q", from: "t" },
        { id: "p", from: "q" }
      ])
      const below = yield* storage.reachable(["children"], "p", 10)
      yield* same("descendants", levels(below, 2, 1), [["q", "r"], ["t"]])
      yield* same("of none", yield* storage.reachable(["parent"], "none", 10), [])
    }),

  "reachable takes several steps at once, and tells from where each was reached first": (storage) =>
    Effect.gen(function* () {
      const children = [
        ["b", "a"],
        ["c", "a"],
        ["e", "b"],
        ["f", "c"]
      ] as const
      yield* commit(
        storage,
        creating(
          ...["a", "d", "g"].map((id) => intentOf(id)),
          ...children.map(([id, parentIntentId]) => intentOf(id, { parentIntentId }))
        )
      )
      for (const [from, to] of [
        ["c", "d"],
        ["b", "d"], // Also from b, which is walked from before c.
        ["d", "g"],
        ["f", "g"],
        ["g", "a"]
      ] as const)
        yield* commit(storage, commitOf({ writes: [put.dependency(from, to)] }))
      const reached = yield* storage.reachable(["children", "dependencies"], "a", 100)
      yield* same("levels", levels(reached, 2, 3, 1), [["b", "c"], ["d", "e", "f"], ["g"]])
      const origins = Object.fromEntries(reached.map(({ from, id }) => [id, from]))
      const places = new Map(reached.map(({ id }, place) => [id, place]))
      const [b = 0, c = 0, d = 0, f = 0] = ["b", "c", "d", "f"].map((id) => places.get(id))
      yield* same("origins", origins, {
        b: "a",
        c: "a",
        d: b < c ? "b" : "c",
        e: "b",
        f: "c",
        g: d < f ? "d" : "f"
      })
      yield* same("the one step alone", levels(yield* storage.reachable(["children"], "a", 100), 2, 2), [
        ["b", "c"],
        ["e", "f"]
      ])
    })
}

/** Ids of so many at a time, in any order of siblings. */
const levels = (reached: ReadonlyArray<Reached>, ...sizes: ReadonlyArray<number>) => {
  let from = 0
  return sizes.map((size) =>
    reached
      .slice(from, (from += size))
      .map(({ id }) => id)
      .toSorted()
  )
}
