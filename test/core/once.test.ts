/** Calls that take effect once per key, over both storages and over two engines on one file (design.md 7). */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { IdempotencyKeyReused, ValidationError } from "../../src/core/Errors.ts"
import { OpenIntent, type OpenIntentShape } from "../../src/core/OpenIntent.ts"
import { Storage, type StorageShape } from "../../src/core/Storage.ts"
import { SqliteStorage } from "../../src/storage/sqlite/SqliteStorage.ts"
import { temporaryFile } from "../storage/sqliteFiles.ts"
import { engineOn, interleaved, logOf, watch } from "./engines.ts"
import { storages } from "./storages.ts"

const once = OpenIntent.once

const receiptsIn = (storage: StorageShape) =>
  Effect.orDie(storage.count({ table: "receipts", index: "due", keys: [[]] }, 1_000_000))

const countOf = ({ intents }: OpenIntentShape) => Effect.map(intents.list(), ({ total }) => total)

/** At once, as twins of a client that is in doubt. */
const twins = <A, E>(call: Effect.Effect<A, E>, count = 5) =>
  Effect.all(
    Array.from({ length: count }, () => call),
    { concurrency: "unbounded" }
  )

for (const [name, storage] of storages) {
  describe(`once: ${name}`, () => {
    it.live("twins create one intent, have one answer, and so has who comes after it changed", () =>
      Effect.gen(function* () {
        const on = interleaved(yield* storage)
        const engine = yield* engineOn(on)
        const create = once("k")(engine.intents.create({ title: "one", state: { a: { $: ["Utc", 1] } } }))
        const [first, ...others] = yield* twins(create)
        for (const other of others) assert.deepStrictEqual(other, first)
        assert.isDefined(first)
        yield* engine.intents.patchState(first.id, { version: 1, state: { b: 2 } })
        assert.deepStrictEqual(yield* create, first)
        assert.strictEqual(yield* countOf(engine), 1)
        assert.deepStrictEqual(
          (yield* logOf(on)).map(({ type }) => type),
          ["intent_created", "state_patched"]
        )
      })
    )

    it.live("a patch that a twin made is no conflict of versions", () =>
      Effect.gen(function* () {
        const engine = yield* engineOn(interleaved(yield* storage))
        const { id } = yield* engine.intents.create({ title: "one", state: { n: 0 } })
        const patch = once("k")(
          engine.intents.patchState(id, { version: 1, patches: [{ op: "append", path: "/list", value: 1 }] })
        )
        const [first, ...others] = yield* twins(patch)
        for (const other of others) assert.deepStrictEqual(other, first)
        assert.deepStrictEqual((yield* engine.intents.get(id)).state, { n: 0, list: [1] })
        // Another version is what the caller saw meanwhile, not another request.
        const again = engine.intents.patchState(id, {
          version: 2,
          patches: [{ op: "append", path: "/list", value: 1 }]
        })
        assert.deepStrictEqual(yield* once("k")(again), first)
      })
    )

    it.live("an event is appended once, at the place where it is", () =>
      Effect.gen(function* () {
        const on = yield* storage
        const engine = yield* engineOn(interleaved(on))
        const { id } = yield* engine.intents.create({ title: "one" })
        const append = (n: number) => engine.events.append(id, { type: "comment", payload: { n, $: ["undefined"] } })
        // More of the kind come in between than one page of the log has.
        const [twin] = yield* Effect.all(
          [
            twins(once("k")(append(-1))),
            Effect.forEach(
              Array.from({ length: 250 }, (_, n) => n),
              append,
              { concurrency: 50 }
            )
          ],
          { concurrency: 2 }
        )
        const [first, ...others] = twin
        for (const other of others) assert.deepStrictEqual(other, first)
        yield* append(1000)
        assert.deepStrictEqual(yield* once("k")(append(-1)), first)
        const kept = (yield* logOf(on)).filter(({ payload }) => payload["n"] === -1)
        assert.deepStrictEqual(kept, [first])
      })
    )

    it.live("what changes nothing, and what needs no guard, keeps its answer too", () =>
      Effect.gen(function* () {
        const on = yield* storage
        const engine = yield* engineOn(on)
        const { id } = yield* engine.intents.create({ title: "one", status: "active" })
        const same = once("k")(engine.intents.setStatus(id, { version: 1, status: "active" }))
        const first = yield* same
        yield* engine.intents.setStatus(id, { version: 1, status: "blocked" })
        assert.deepStrictEqual(yield* same, first)
        const ask = once("k")(engine.governance.requestApproval(id, { action: "complete" }))
        const [approval] = yield* twins(ask)
        assert.isDefined(approval)
        yield* engine.governance.approve(id, approval.id)
        assert.deepStrictEqual(yield* ask, approval)
        assert.strictEqual((yield* engine.governance.approvals(id)).total, 1)
        assert.strictEqual(yield* receiptsIn(on), 2)
      })
    )

    it.live("a secret is made once", () =>
      Effect.gen(function* () {
        const engine = yield* engineOn(yield* storage)
        const create = once("k")(engine.subscriptions.create({ subscriberId: "ann" }))
        const [first, ...others] = yield* twins(create)
        for (const other of others) assert.deepStrictEqual(other, first)
        yield* engine.subscriptions.remove(first?.id ?? "")
        assert.deepStrictEqual(yield* create, first)
        assert.strictEqual((yield* engine.subscriptions.list()).total, 0)
      })
    )

    it.live("another input is refused, and another agent, call or id is another call", () =>
      Effect.gen(function* () {
        const engine = yield* engineOn(yield* storage)
        const { intents } = engine
        const one = yield* once("k")(intents.create({ title: "one", state: { a: 1, b: [2] } }))
        assert.deepStrictEqual(yield* once("k")(intents.create({ state: { b: [2], a: 1 }, title: "one" })), one)
        const reused = yield* Effect.flip(once("k")(intents.create({ title: "two" })))
        assert.deepStrictEqual(reused, new IdempotencyKeyReused({ key: "k" }))
        assert.strictEqual(yield* countOf(engine), 1)
        const two = yield* OpenIntent.as("other")(once("k")(intents.create({ title: "two" })))
        yield* once("k")(engine.events.append(one.id, { type: "comment" }))
        yield* once("k")(engine.events.append(two.id, { type: "comment" }))
        yield* once("k2")(intents.create({ title: "one", state: { a: 1, b: [2] } }))
        assert.strictEqual(yield* countOf(engine), 3)
        for (const id of [one.id, two.id])
          assert.strictEqual((yield* engine.events.list(id, { type: "comment" })).total, 1)
      })
    )

    it.live("refusals are not kept, and tell what they tell each time", () =>
      Effect.gen(function* () {
        const on = yield* storage
        const engine = yield* engineOn(on)
        const { intents } = engine
        const patch = once("k")(intents.patchState("none", { version: 1, state: { a: 1 } }))
        assert.strictEqual((yield* Effect.flip(patch))._tag, "IntentNotFound")
        const { id } = yield* intents.create({ title: "one", governancePolicy: { allowed_agents: ["ann"] } })
        const denied = once("k")(intents.patchState(id, { version: 1, state: { a: 1 } }))
        for (let i = 0; i < 2; i++) assert.strictEqual((yield* Effect.flip(denied))._tag, "GovernanceViolation")
        assert.strictEqual(yield* receiptsIn(on), 0)
        yield* engine.governance.removePolicy(id, { version: 1 })
        const conflict = once("k")(intents.patchState(id, { version: 1, state: { a: 1 } }))
        assert.strictEqual((yield* Effect.flip(conflict))._tag, "VersionConflict")
        // The reason is gone: it is done now, and once.
        const allowed = once("k")(intents.patchState(id, { version: 2, state: { a: 1 } }))
        assert.strictEqual((yield* allowed).version, 3)
        assert.strictEqual((yield* allowed).version, 3)
        assert.strictEqual(
          (yield* engine.events.list(id, { type: "governance.violation", visibility: "all" })).total,
          2
        )
      })
    )

    it.live("an assignment that the policy asks for is read on the way, and a replay needs it no more", () =>
      Effect.gen(function* () {
        const engine = yield* engineOn(yield* storage)
        const { id } = yield* engine.intents.create({
          title: "one",
          governancePolicy: { write_scope: "assigned_only" }
        })
        yield* engine.agents.assign(id, { agentId: "local" })
        const patch = once("k")(engine.intents.patchState(id, { version: 1, state: { a: 1 } }))
        const first = yield* patch
        yield* engine.agents.unassign(id, "local")
        assert.deepStrictEqual(yield* patch, first)
      })
    )

    it.live("a key is visible characters, at most 255", () =>
      Effect.gen(function* () {
        const engine = yield* engineOn(yield* storage)
        for (const key of ["", "a b", "é", "x".repeat(256), "\n"]) {
          const refused = yield* Effect.flip(once(key)(engine.intents.create({ title: "one" })))
          assert.instanceOf(refused, ValidationError)
          assert.strictEqual(refused.issues[0].field, "idempotencyKey")
        }
        yield* once("!~".repeat(127))(engine.intents.create({ title: "one" }))
        assert.strictEqual(yield* countOf(engine), 1)
      })
    )

    it.live("calls that are no POST are made as ever", () =>
      Effect.gen(function* () {
        const on = yield* storage
        const engine = yield* engineOn(on)
        const { id } = yield* engine.intents.create({ title: "one" })
        const lease = yield* engine.leases.acquire(id, { scope: "a" })
        const both = once("k")(
          Effect.andThen(engine.leases.renew(id, lease.id, { duration: "1 hour" }), engine.leases.release(id, lease.id))
        )
        yield* both
        yield* once("k")(engine.leases.withLease(id, "b", {}, () => Effect.void))
        yield* once("k")(engine.leases.withLease(id, "b", {}, () => Effect.void))
        assert.strictEqual(yield* receiptsIn(on), 0)
        assert.strictEqual((yield* engine.leases.list(id, { status: "released" })).total, 3)
      })
    )

    it.effect("after its time a key is a new one, though its receipt is still there", () =>
      Effect.gen(function* () {
        const on = yield* storage
        const engine = yield* engineOn(on, { sweepInterval: Duration.days(100) })
        const create = once("k")(engine.intents.create({ title: "one" }))
        const first = yield* create
        yield* TestClock.adjust(Duration.millis(Duration.toMillis("24 hours") - 1))
        assert.strictEqual((yield* create).id, first.id)
        yield* TestClock.adjust("1 millis")
        const second = yield* create
        assert.notStrictEqual(second.id, first.id)
        assert.strictEqual((yield* once("k")(engine.intents.create({ title: "one" }))).id, second.id)
        assert.strictEqual(yield* receiptsIn(on), 1)
      })
    )

    it.effect("receipts are taken away when their time is over, however many, and no others", () =>
      Effect.gen(function* () {
        const on = yield* storage
        const engine = yield* engineOn(on, { receiptsKept: Duration.hours(1) })
        const create = (n: number) => once(`k${n}`)(engine.intents.create({ title: "one" }))
        yield* Effect.forEach(
          Array.from({ length: 150 }, (_, n) => n),
          create,
          { concurrency: 50 }
        )
        yield* TestClock.adjust("30 minutes")
        yield* create(150)
        assert.strictEqual(yield* receiptsIn(on), 151)
        yield* TestClock.adjust("31 minutes")
        // Commits of SQLite come with a turn of the event loop, not with the clock.
        while ((yield* receiptsIn(on)) > 1) yield* TestClock.withLive(Effect.sleep("1 millis"))
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* receiptsIn(on), 1)
      })
    )
  })
}

describe("once: two engines on one file", () => {
  it.live("twins that come to both have one effect and one answer", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      const open = Effect.gen(function* () {
        const storage = Context.get(
          yield* Layer.build(Layer.fresh(SqliteStorage.layer({ path, synchronous: "NORMAL" }))),
          Storage
        )
        return yield* engineOn(interleaved(storage))
      })
      const engines = [yield* open, yield* open]
      const { id } = yield* engines[0]!.intents.create({ title: "one" })
      for (let n = 1; n <= 20; n++) {
        const both = <A, E>(call: (engine: OpenIntentShape) => Effect.Effect<A, E>) =>
          Effect.forEach([...engines, ...engines], (engine) => once(`k${n}`)(call(engine)), {
            concurrency: "unbounded"
          })
        const answers = [
          yield* both(({ intents }) => intents.create({ title: "two", parentIntentId: id })),
          yield* both(({ intents }) => intents.patchState(id, { version: n, state: { n } })),
          yield* both(({ events }) => events.append(id, { type: "comment", payload: { n } })),
          yield* both(({ leases }) => leases.acquire(id, { scope: `s${n}` }))
        ]
        for (const [first, ...others] of answers) for (const other of others) assert.deepStrictEqual(other, first)
      }
      const [, { events, graph, leases }] = engines as [OpenIntentShape, OpenIntentShape]
      assert.strictEqual((yield* graph.children(id)).total, 20)
      assert.strictEqual((yield* leases.list(id)).total, 20)
      for (const type of ["comment", "state_patched", "lease_acquired"])
        assert.strictEqual((yield* events.list(id, { type })).total, 20)
    })
  )
})

describe("once: the commit", () => {
  it.live("holds the receipt with the change; without a key nothing is read or written more", () =>
    Effect.gen(function* () {
      const [, memory] = storages[0]!
      const watched = watch(yield* memory)
      const engine = yield* engineOn(watched.storage)
      const tablesOf = () => watched.commits.splice(0).map(({ writes }) => writes.map(({ table }) => table))
      const { id } = yield* engine.intents.create({ title: "one" })
      yield* engine.intents.patchState(id, { version: 1, state: { a: 1 } })
      assert.deepStrictEqual(tablesOf(), [["intents"], ["intents"]])
      yield* once("k")(engine.intents.patchState(id, { version: 2, state: { a: 2 } }))
      yield* once("k")(engine.intents.patchState(id, { version: 2, state: { a: 2 } }))
      yield* once("k")(engine.events.append(id, { type: "comment" }))
      assert.deepStrictEqual(tablesOf(), [["intents", "receipts"], ["receipts"]])
      assert.strictEqual(watched.exclusive, 0)
    })
  )
})
