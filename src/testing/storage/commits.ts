/** Commits: guards, constraints, atomicity, counters and positions. */
import * as Effect from "effect/Effect"
import type { Commit } from "../../core/Storage.ts"
import { canonical } from "../canonical.ts"
import { type Checks, commit, ending, growing, idOf, pagesAre, same, violated } from "./check.ts"
import {
  assignmentOf,
  at,
  checked,
  commitOf,
  created,
  creating,
  eventOf,
  intentOf,
  leaseOf,
  movedOn,
  put
} from "../storageRecords.ts"

export const commitChecks: Checks = {
  "a guard that does not hold writes nothing": (storage) =>
    Effect.gen(function* () {
      const [one, two] = [intentOf("i1"), intentOf("i2")]
      yield* commit(storage, creating(one, two))
      const attempt = commitOf({
        writes: [put.intent({ ...one, version: 2 }, one), put.lease(leaseOf("l1", "i1"))],
        events: [eventOf("e1", "i1")],
        counters: new Map([["c", 1]])
      })
      const wrong: ReadonlyArray<Commit["guards"]> = [
        [movedOn("i1", 0)],
        [movedOn("i1", 2)],
        [movedOn("i1", 1), movedOn("i2", 2)],
        [movedOn("i1", 1), checked("i2", 0)],
        [movedOn("i1", 1), checked("i3", 1)],
        [checked("i3", 1), movedOn("i1", 1)]
      ]
      for (const guards of wrong) {
        yield* same(`guards ${canonical(guards)}`, yield* ending(storage, { ...attempt, guards }), "stale")
        yield* same("intent", yield* storage.get("intents", ["i1"]), [one])
        yield* same("lease", yield* storage.get("leases", ["l1"]), [undefined])
        yield* same("counter", yield* storage.counters(["c"]), [0])
        yield* same("lastPosition", yield* storage.lastPosition, 0)
        yield* same("revisions", yield* storage.revisions("intents", ["i1", "i2", "i3"]), [1, 1, 0])
      }
    }),

  "guards are checked and moved on, each by its own": (storage) =>
    Effect.gen(function* () {
      const intents = ["i1", "i2", "i3"].map((id) => intentOf(id))
      yield* commit(storage, creating(...intents))
      yield* commit(
        storage,
        commitOf({
          guards: [movedOn("i1", 1), checked("i2", 1), { table: "intents", key: "i3", expected: 1, next: 5 }]
        })
      )
      yield* same("revisions", yield* storage.revisions("intents", ["i3", "i2", "i1", "i4"]), [5, 1, 2, 0])
      yield* commit(storage, commitOf({ guards: [checked("i4", 0)], events: [eventOf("e1", "i1")] }))
      yield* same("revision of none", yield* storage.revisions("intents", ["i4"]), [0])
      yield* same("created twice", yield* ending(storage, creating(intentOf("i1"))), "stale")
      yield* same(
        "an existing one, expected not to be",
        yield* ending(storage, commitOf({ guards: [checked("i1", 0)] })),
        "stale"
      )
    }),

  "a put takes the place of its record and keeps the revision of its guard": (storage) =>
    Effect.gen(function* () {
      const [one, two] = [intentOf("i1"), intentOf("i2")]
      yield* commit(storage, creating(one))
      yield* commit(storage, creating(two))
      const changed = { ...one, state: { a: 1 }, version: 2, status: "active" as const }
      yield* commit(storage, commitOf({ guards: [movedOn("i1", 1)], writes: [put.intent(changed, one)] }))
      yield* same("record", yield* storage.get("intents", ["i1"]), [changed])
      yield* same("revision", yield* storage.revisions("intents", ["i1"]), [2])
      yield* pagesAre(storage, { table: "intents", index: "all", keys: [[]] }, idOf, ["i1", "i2"])
      yield* pagesAre(storage, { table: "intents", index: "byStatus", keys: [["draft"]] }, idOf, ["i2"])
      yield* pagesAre(storage, { table: "intents", index: "byStatus", keys: [["active"]] }, idOf, ["i1"])
    }),

  "a removed record is gone, and may come again": (storage) =>
    Effect.gen(function* () {
      const [one, two] = [assignmentOf("i1", "ann"), assignmentOf("i1", "bob")]
      const edge = { intentId: "i1", dependencyId: "i2", intentCreatedAt: at(1_000) }
      yield* commit(
        storage,
        commitOf({ writes: [put.assignment(one), put.assignment(two), put.dependency("i1", "i2")] })
      )
      yield* commit(
        storage,
        commitOf({
          writes: [
            { _tag: "Remove", table: "assignments", before: one },
            { _tag: "Remove", table: "dependencies", before: edge }
          ]
        })
      )
      yield* same("get", yield* storage.get("assignments", ["i1 ann", "i1 bob"]), [undefined, two])
      yield* same("edges", yield* storage.reachable(["dependencies"], "i1", 10), [])
      yield* commit(storage, commitOf({ writes: [put.assignment(one)] }))
      yield* pagesAre(
        storage,
        { table: "assignments", index: "byIntent", keys: [["i1"]] },
        (record) => record.agentId,
        ["bob", "ann"]
      )
      // Within one commit too: the row is a new one, at the end.
      yield* commit(
        storage,
        commitOf({ writes: [{ _tag: "Remove", table: "assignments", before: two }, put.assignment(two)] })
      )
      yield* pagesAre(
        storage,
        { table: "assignments", index: "byIntent", keys: [["i1"]] },
        (record) => record.agentId,
        ["ann", "bob"]
      )
    }),

  "a guarded record that is removed counts as revision 0": (storage) =>
    Effect.gen(function* () {
      const claim = { work: "sweep", owner: "me", until: at(1) }
      const guard = (expected: number, next: number) => ({ table: "claims", key: "sweep", expected, next }) as const
      yield* commit(
        storage,
        commitOf({
          guards: [guard(0, 1)],
          writes: [{ _tag: "Put", table: "claims", record: claim, before: undefined }]
        })
      )
      yield* commit(
        storage,
        commitOf({ guards: [guard(1, 2)], writes: [{ _tag: "Remove", table: "claims", before: claim }] })
      )
      yield* same("revision", yield* storage.revisions("claims", ["sweep"]), [0])
      yield* same("stale", yield* ending(storage, commitOf({ guards: [guard(2, 3)] })), "stale")
      yield* commit(
        storage,
        commitOf({
          guards: [guard(0, 1)],
          writes: [{ _tag: "Put", table: "claims", record: claim, before: undefined }]
        })
      )
    }),

  "a violated constraint writes nothing of the commit": (storage) =>
    Effect.gen(function* () {
      const one = intentOf("i1")
      const lease = leaseOf("l1", "i1", { scope: "draft" })
      yield* commit(
        storage,
        commitOf({ guards: [created("i1")], writes: [put.intent(one), put.lease(lease), put.dependency("i1", "i2")] })
      )
      const beside = { events: [eventOf("e1", "i1")], counters: new Map([["c", 1]]) }
      const first = put.lease(leaseOf("l2", "i1"))
      const broken: ReadonlyArray<Commit> = [
        commitOf({
          guards: [movedOn("i1", 1)],
          writes: [first, put.lease(leaseOf("l3", "i1", { scope: "draft" }))],
          ...beside
        }),
        commitOf({
          guards: [movedOn("i1", 1)],
          writes: [first, put.lease(leaseOf("l1", "i1", { status: "released" }))],
          ...beside
        }),
        commitOf({ guards: [movedOn("i1", 1)], writes: [first, put.dependency("i1", "i2")], ...beside })
      ]
      for (const commit of broken) {
        yield* same("ending", yield* ending(storage, commit), "constraint")
        yield* same("leases", yield* storage.get("leases", ["l1", "l2", "l3"]), [lease, undefined, undefined])
        yield* same("counter", yield* storage.counters(["c"]), [0])
        yield* same("lastPosition", yield* storage.lastPosition, 0)
        yield* same("revision", yield* storage.revisions("intents", ["i1"]), [1])
        yield* pagesAre(storage, { table: "leases", index: "byStatus", keys: [["i1"]] }, idOf, ["l1"])
      }
      yield* commit(storage, commitOf({ guards: [movedOn("i1", 1)], writes: [first], ...beside }))
    }),

  "broken and sound commits at the same time: each has its own end": (storage) =>
    Effect.gen(function* () {
      yield* commit(storage, commitOf({ writes: [put.dependency("i0", "i0")] }))
      const endings = yield* Effect.forEach(
        Array.from({ length: 20 }, (_, i) => i),
        (i) => {
          const event = eventOf(`e${i}`, "i1")
          if (i % 4 === 1) return ending(storage, commitOf({ writes: [put.dependency("i0", "i0")], events: [event] }))
          if (i % 4 === 2) return ending(storage, commitOf({ guards: [movedOn("none", 3)], events: [event] }))
          return ending(storage, commitOf({ writes: [put.assignment(assignmentOf("i1", `a${i}`))], events: [event] }))
        },
        { concurrency: "unbounded" }
      )
      yield* same(
        "endings",
        endings,
        endings.map((_, i) => (i % 4 === 1 ? "constraint" : i % 4 === 2 ? "stale" : "committed"))
      )
      yield* same("events", yield* storage.count({ table: "events", index: "all", keys: [[]] }, 100), 10)
      yield* same(
        "assignments",
        yield* storage.count({ table: "assignments", index: "byIntent", keys: [["i1"]] }, 100),
        10
      )
    }),

  "a unique index holds only for its rows, and one commit may hand its place on": (storage) =>
    Effect.gen(function* () {
      const first = leaseOf("l1", "i1", { scope: "draft" })
      const over = { ...first, status: "expired" as const }
      const second = leaseOf("l2", "i1", { scope: "draft" })
      const third = leaseOf("l3", "i1", { scope: "draft", status: "released" })
      yield* commit(
        storage,
        commitOf({ writes: [put.lease(first), put.lease(third), put.lease(leaseOf("l4", "i2", { scope: "draft" }))] })
      )
      yield* commit(storage, commitOf({ writes: [put.lease(over, first), put.lease(second)] }))
      yield* pagesAre(storage, { table: "leases", index: "active", keys: [["i1", "draft"]] }, idOf, ["l2"])
      yield* same(
        "back to active",
        yield* ending(storage, commitOf({ writes: [put.lease(first, over)] })),
        "constraint"
      )
      yield* same(
        "renewed in place",
        yield* ending(storage, commitOf({ writes: [put.lease({ ...second, expiresAt: at(99) }, second)] })),
        "committed"
      )
    }),

  "positions of events grow strictly, in the order of a commit and of commits": (storage) =>
    Effect.gen(function* () {
      const first = yield* commit(storage, commitOf({ events: ["e1", "e2", "e3"].map((id) => eventOf(id, "i1")) }))
      const none = yield* commit(storage, commitOf({ counters: new Map([["c", 1]]) }))
      const second = yield* commit(storage, commitOf({ events: ["e4", "e5"].map((id) => eventOf(id, "i2")) }))
      yield* same("positions of a commit without events", none, [])
      yield* same("how many", [first.length, second.length], [3, 2])
      if (!growing([0, ...first, ...second]))
        return yield* violated(`positions do not grow: ${canonical([first, second])}`)
      yield* same("lastPosition", yield* storage.lastPosition, second[1])
      const rows = yield* storage.page({ table: "events", index: "all", keys: [[]], direction: "asc", limit: 10 })
      yield* same(
        "stored",
        rows.map((row) => [row.record.id, row.position]),
        ["e1", "e2", "e3", "e4", "e5"].map((id, i) => [id, [...first, ...second][i]])
      )
      const many = yield* Effect.forEach(
        Array.from({ length: 50 }, (_, i) => i),
        (i) => commit(storage, commitOf({ events: [eventOf(`f${i}`, "i1"), eventOf(`g${i}`, "i1")] })),
        { concurrency: "unbounded" }
      )
      yield* same("unique", new Set(many.flat()).size, 100)
      for (const pair of many)
        if (!growing([second[1]!, ...pair])) return yield* violated(`positions do not grow: ${canonical(pair)}`)
      yield* same("lastPosition", yield* storage.lastPosition, Math.max(...many.flat()))
    }),

  "counters add up, concurrently too": (storage) =>
    Effect.gen(function* () {
      yield* commit(
        storage,
        commitOf({
          counters: new Map([
            ["a", 2],
            ["b", -1]
          ])
        })
      )
      yield* commit(storage, commitOf({ counters: new Map([["a", -5]]) }))
      yield* same("counters", yield* storage.counters(["b", "a", "c"]), [-1, -3, 0])
      yield* Effect.forEach(
        Array.from({ length: 30 }),
        () =>
          commit(
            storage,
            commitOf({
              counters: new Map([
                ["a", 1],
                ["c", 2]
              ])
            })
          ),
        {
          concurrency: "unbounded",
          discard: true
        }
      )
      yield* same("counters", yield* storage.counters(["a", "b", "c"]), [27, -1, 60])
    }),

  "20 guarded commits race: one wins": (storage) =>
    Effect.gen(function* () {
      const one = intentOf("i1")
      yield* commit(storage, creating(one))
      for (let round = 1; round <= 5; round++) {
        const endings = yield* Effect.forEach(
          Array.from({ length: 20 }, (_, i) => i),
          (i) =>
            ending(
              storage,
              commitOf({
                guards: [movedOn("i1", round)],
                writes: [put.intent({ ...one, version: round + 1, title: `by ${i}` }, one)],
                events: [eventOf(`e${round}-${i}`, "i1", { actor: `a${i}` })],
                counters: new Map([["c", 1]])
              })
            ),
          { concurrency: "unbounded" }
        )
        yield* same("winners", endings.filter((ending) => ending === "committed").length, 1)
        yield* same("losers", endings.filter((ending) => ending === "stale").length, 19)
        const winner = endings.indexOf("committed")
        const [stored] = yield* storage.get("intents", ["i1"])
        yield* same("stored", stored?.title, `by ${winner}`)
        const [last] = yield* storage.page({ table: "events", index: "all", keys: [[]], direction: "desc", limit: 1 })
        yield* same("event", last?.record.id, `e${round}-${winner}`)
      }
      yield* same("counter", yield* storage.counters(["c"]), [5])
    })
}
