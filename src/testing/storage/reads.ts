/** Reading what was written. */
import * as Effect from "effect/Effect"
import { type Checks, commit, same, violated } from "./check.ts"
import {
  assignmentOf,
  at,
  commitOf,
  created,
  creating,
  eventOf,
  intentOf,
  leaseOf,
  movedOn,
  put
} from "../storageRecords.ts"

export const readChecks: Checks = {
  "an empty storage answers with nothing": (storage) =>
    Effect.gen(function* () {
      yield* storage.check
      yield* same("load", (yield* storage.load("i1")).aggregate, undefined)
      yield* same("get", yield* storage.get("intents", ["i1", "i2"]), [undefined, undefined])
      yield* same("revisions", yield* storage.revisions("intents", ["i1"]), [0])
      yield* same("counters", yield* storage.counters(["c1", "c2"]), [0, 0])
      yield* same("lastPosition", yield* storage.lastPosition, 0)
      yield* same(
        "page",
        yield* storage.page({ table: "events", index: "all", keys: [[]], direction: "desc", limit: 10 }),
        []
      )
      yield* same("count", yield* storage.count({ table: "intents", index: "all", keys: [[]] }, 10), 0)
      yield* same("reachable", yield* storage.reachable(["dependencies"], "i1", 10), [])
    }),

  "many records and revisions come in the order of their keys, also those that are missing or asked for twice": (
    storage
  ) =>
    Effect.gen(function* () {
      const intents = ["i1", "i2", "i3"].map((id) => intentOf(id))
      yield* commit(storage, creating(...intents))
      yield* commit(storage, commitOf({ guards: [movedOn("i2", 1)] }))
      const keys = ["i3", "none", "i1", "i2", "i3", ""]
      const [one, two, three] = intents
      yield* same("get", yield* storage.get("intents", keys), [three, undefined, one, two, three, undefined])
      yield* same("revisions", yield* storage.revisions("intents", keys), [1, 0, 1, 2, 1, 0])
      yield* same("get of none", yield* storage.get("intents", []), [])
      yield* same("revisions of none", yield* storage.revisions("intents", []), [])
    }),

  "what is read equals what was written": (storage) =>
    Effect.gen(function* () {
      const awkward = JSON.parse(
        '{"__proto__":{"a":1},"":[],"a/b":{"~":null},"é😀":"\\u2028\\"\'","n":-1.5e-7,"deep":[[[{}]]],"no":false}'
      )
      const intent = intentOf("i1", {
        title: 'it\'s "quoted"; 100 %',
        state: awkward,
        constraints: { rules: ["a", 1] },
        dependsOn: ["i8", "i9"],
        parentIntentId: "i0",
        status: "blocked",
        confidence: 99.5,
        version: 7,
        governancePolicy: { mode: "auto" },
        createdAt: at(1_767_225_600_123),
        updatedAt: at(1_767_225_600_456)
      })
      const lease = leaseOf("l1", "i1", { scope: "*", status: "revoked", releasedAt: at(2_000), fencingToken: 12 })
      const assignment = assignmentOf("i1", "böb", { role: "reviewer", intentCreatedAt: at(77) })
      const event = eventOf("e1", "i1", { payload: awkward, extra: { old: 1 }, traceId: "t", parentEventId: "p" })
      const plain = eventOf("e2", "i1", { type: "x.own", source: "system" })
      yield* commit(
        storage,
        commitOf({
          guards: [created("i1")],
          writes: [put.intent(intent), put.lease(lease), put.assignment(assignment)],
          events: [event, plain]
        })
      )
      yield* same("intent", yield* storage.get("intents", ["i1"]), [intent])
      yield* same("lease", yield* storage.get("leases", ["l1"]), [lease])
      yield* same("assignment", yield* storage.get("assignments", ["i1 böb"]), [assignment])
      const rows = yield* storage.page({ table: "events", index: "all", keys: [[]], direction: "asc", limit: 10 })
      yield* same(
        "events",
        rows.map((row) => row.record),
        [event, plain].map((event, i) => ({ ...event, position: rows[i]?.position }))
      )
      yield* same(
        "positions of events",
        rows.map((row) => [row.position, row.order]),
        rows.map(({ record }) => [record.position, record.position])
      )
      const claim = { work: "sweep", owner: "me", until: at(5_000) }
      const count = { intentId: "i1", through: 2, byKind: { comment: 1, "x.": 1 } }
      yield* commit(
        storage,
        commitOf({
          guards: [{ table: "claims", key: "sweep", expected: 0, next: 1 }],
          writes: [
            { _tag: "Put", table: "claims", record: claim, before: undefined },
            { _tag: "Put", table: "eventCounts", record: count, before: undefined }
          ]
        })
      )
      yield* same("claim", yield* storage.get("claims", ["sweep"]), [claim])
      yield* same("count", yield* storage.get("eventCounts", ["i1"]), [count])
      yield* same(
        "revisions",
        [yield* storage.revisions("claims", ["sweep", "x"]), yield* storage.revisions("intents", ["i1"])],
        [[1, 0], [1]]
      )
    }),

  "get answers in the order of the keys": (storage) =>
    Effect.gen(function* () {
      const intents = ["i1", "i2", "i3"].map((id) => intentOf(id))
      yield* commit(storage, creating(...intents))
      const found = yield* storage.get("intents", ["i3", "none", "i1", "i3"])
      yield* same(
        "get",
        found.map((intent) => intent?.id),
        ["i3", undefined, "i1", "i3"]
      )
      yield* same("get of nothing", yield* storage.get("intents", []), [])
    }),

  "load gives the intent, its revision and the leases stored as active": (storage) =>
    Effect.gen(function* () {
      const intent = intentOf("i1")
      const leases = [leaseOf("l1", "i1"), leaseOf("l2", "i1", { expiresAt: at(1) })]
      const others = [leaseOf("l3", "i1", { status: "released", releasedAt: at(2_000) }), leaseOf("l4", "i2")]
      yield* commit(
        storage,
        commitOf({
          guards: [created("i1")],
          writes: [put.intent(intent), ...[...leases, ...others].map((lease) => put.lease(lease))]
        })
      )
      yield* same("load", (yield* storage.load("i1")).aggregate, { intent, revision: 1, leases })
      yield* commit(storage, commitOf({ guards: [movedOn("i1", 1)] }))
      yield* same("load of a moved revision", (yield* storage.load("i1")).aggregate, { intent, revision: 2, leases })
    }),

  "now does not go back": (storage) =>
    Effect.gen(function* () {
      let latest = 0
      for (let i = 0; i < 20; i++) {
        const now = (yield* storage.now).epochMilliseconds
        const loaded = (yield* storage.load("i1")).now.epochMilliseconds
        if (now < latest || loaded < now) return yield* violated("the storage's clock went back")
        latest = loaded
      }
    })
}
