import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { CreateIntent, Intent, Status } from "../../src/core/intent/Intent.ts"
import type { OpenIntentShape } from "../../src/core/OpenIntent.ts"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import type { StorageShape } from "../../src/core/Storage.ts"
import { anEngine, engineOn, interleaved, logOf, memoryStorage } from "./engines.ts"

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1)

const start = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

/** Tags of errors, and the values of successes, in order. */
const endings = <A, E extends { readonly _tag: string }>(effects: ReadonlyArray<Effect.Effect<A, E>>) =>
  Effect.forEach(
    effects,
    (effect) => Effect.match(effect, { onFailure: (error) => error._tag, onSuccess: () => "done" }),
    {
      concurrency: "unbounded"
    }
  )

const create = ({ intents }: OpenIntentShape, input: Partial<CreateIntent> = {}) =>
  intents.create({ title: "t", ...input })
const move = ({ intents }: OpenIntentShape, { id, version }: Pick<Intent, "id" | "version">, status: Status) =>
  intents.setStatus(id, { version, status })

/** Two engines on one storage whose calls take turns, as two processes on one database. */
const pair = Effect.gen(function* () {
  const storage = yield* memoryStorage
  const engines = [yield* engineOn(interleaved(storage)), yield* engineOn(interleaved(storage))] as const
  return { storage, engines }
})

describe("returned records and the memory of the engine", () => {
  /** Changes whatever it can reach. Times are Effect's own, and keep what they computed. */
  const spoil = (value: unknown): void => {
    if (typeof value !== "object" || value === null || DateTime.isDateTime(value)) return
    for (const [key, inner] of Object.entries(value)) {
      spoil(inner)
      if (!DateTime.isDateTime(inner)) Reflect.set(value, key, "spoiled")
    }
    Reflect.set(value, "more", "spoiled")
    for (const key of Object.keys(value)) Reflect.deleteProperty(value, key)
  }

  it.effect("nothing that a caller does with what it was given changes what the engine keeps", () =>
    Effect.gen(function* () {
      const engine = yield* anEngine
      const first = yield* create(engine, {
        state: { a: { b: [1] } },
        constraints: ["c"],
        assign: "bo",
        governancePolicy: { p: {} }
      })
      const { id } = first
      const second = yield* create(engine, { dependsOn: [id] })
      const given: Array<unknown> = [first, second]
      const patched = yield* engine.intents.patchState(id, {
        version: 1,
        patches: [{ op: "append", path: "/a/b", value: { c: [2] } }]
      })
      const lease = yield* engine.leases.acquire(id, { scope: "s" })
      given.push(patched, lease, yield* engine.events.append(id, { type: "comment", payload: { d: { e: [] } } }))
      given.push(
        yield* engine.leases.renew(id, lease.id),
        yield* Effect.flip(engine.leases.acquire(id, { scope: "s" }))
      )
      const leases = yield* Effect.forEach(["x", "y"], (scope) => engine.leases.acquire(id, { scope }), {
        concurrency: 2
      })
      given.push(...leases, yield* engine.leases.release(id, lease.id), yield* engine.leases.revoke(id, leases[0]!.id))
      given.push(yield* engine.agents.assign(id, { agentId: "cy" }))
      given.push(yield* move(engine, patched, "completed"))
      const picture = Effect.gen(function* () {
        const pages: Array<unknown> = [yield* engine.intents.list(), yield* engine.intents.list({ agentId: "bo" })]
        for (const one of [id, second.id]) {
          pages.push(yield* engine.intents.get(one), yield* engine.events.list(one, { visibility: "all" }))
          pages.push(yield* engine.leases.list(one, { status: "all" }), yield* engine.agents.list(one))
        }
        return pages
      })
      given.push(yield* picture)
      const before = JSON.stringify(yield* picture)
      spoil(given)
      assert.strictEqual(JSON.stringify(yield* picture), before)
      assert.include(before, '"status":"pending"', "the dependent is unblocked")
      const after = yield* engine.intents.patchState(id, { version: 3, state: { z: 1 } })
      assert.deepStrictEqual([after.title, after.state], ["t", { a: { b: [1, { c: [2] }] }, z: 1 }])
      assert.strictEqual((yield* Effect.flip(engine.leases.acquire(id, { scope: "y" })))._tag, "LeaseConflict")
    })
  )

  it.effect("what a caller does with its input after the call changes nothing", () =>
    Effect.gen(function* () {
      const engine = yield* anEngine
      const input = { title: "t", state: { a: [1] }, constraints: { c: [1] }, dependsOn: [] as Array<string> }
      const { id } = yield* engine.intents.create(input)
      const patch = { version: 1, patches: [{ op: "set" as const, path: "/b", value: { x: [1] } }] }
      yield* engine.intents.patchState(id, patch)
      const payload = { n: [1] }
      yield* engine.events.append(id, { type: "comment", payload })
      const before = JSON.stringify([yield* engine.intents.get(id), (yield* engine.events.list(id)).items])
      input.state.a.push(2)
      input.constraints.c.push(2)
      input.dependsOn.push("x")
      patch.patches[0]!.value.x.push(2)
      patch.patches[0]!.path = "/changed"
      payload.n.push(2)
      assert.strictEqual(JSON.stringify([yield* engine.intents.get(id), (yield* engine.events.list(id)).items]), before)
    })
  )
})

describe("intents over the engine", () => {
  it.effect("semantics 7: the log replayed in order gives state, status and version", () =>
    Effect.gen(function* () {
      const storage = yield* memoryStorage
      const engine = yield* engineOn(storage)
      const { id } = yield* create(engine, { state: { a: 1 } })
      yield* engine.intents.patchState(id, { version: 1, patches: [{ op: "set", path: "/x/y", value: 1 }] })
      yield* move(engine, { id, version: 2 }, "active")
      yield* engine.intents.patchState(id, { version: 3, state: { "a/b": 1 } })
      const completed = yield* move(engine, { id, version: 4 }, "completed")
      yield* engine.intents.patchState(id, { version: 5, patches: [{ op: "remove", path: "/a" }] })
      const log = (yield* logOf(storage)).filter((event) => event.intentId === id)
      assert.deepStrictEqual(
        log.map(({ payload, type }) => [type, payload.version]),
        [
          ["intent_created", 1],
          ["state_patched", 2],
          ["status_changed", 3],
          ["state_patched", 4],
          ["status_changed", 5],
          ["state_patched", 6]
        ]
      )
      const replica = yield* create(engine, { state: { a: 1 } })
      let version = 1
      for (const { payload, type } of log) {
        if (type === "state_patched")
          yield* engine.intents.patchState(replica.id, { version: version++, patches: payload.patches as never })
      }
      assert.deepStrictEqual((yield* engine.intents.get(replica.id)).state, (yield* engine.intents.get(id)).state)
      assert.strictEqual(completed.status, "completed")
    })
  )

  it.effect("semantics 3: what is refused changes nothing and tells nothing", () =>
    Effect.gen(function* () {
      const storage = yield* memoryStorage
      const engine = yield* engineOn(storage)
      const parent = yield* create(engine, { status: "active", state: { n: 1 } })
      const child = yield* create(engine, { parentIntentId: parent.id })
      yield* OpenIntent.as("bo")(engine.leases.acquire(parent.id, { scope: "held" }))
      const picture = Effect.gen(function* () {
        return JSON.stringify([
          yield* logOf(storage),
          yield* engine.intents.list(),
          yield* engine.leases.list(parent.id, { status: "all" }),
          yield* engine.agents.list(parent.id)
        ])
      })
      const before = yield* picture
      const patch = (version: number, path: string, token?: number) =>
        engine.intents.patchState(parent.id, {
          version,
          patches: [
            { op: "set", path: "/ok", value: 1 },
            { op: "set", path, value: 1 }
          ],
          leaseToken: token
        })
      const calls: ReadonlyArray<readonly [string, Effect.Effect<unknown, { readonly _tag: string }>]> = [
        ["VersionConflict", patch(9, "/a")],
        ["ValidationError", patch(1, "/a//b")],
        ["InvalidPatch", patch(1, "/n/m")],
        ["LeaseHeld", patch(1, "/held/x")],
        ["LeaseExpired", patch(1, "/a", 12_345)],
        ["IntentNotFound", engine.intents.patchState("none", { version: 1, state: { a: 1 } })],
        ["ChildrenIncomplete", move(engine, parent, "completed")],
        ["InvalidTransition", move(engine, parent, "draft")],
        ["VersionConflict", move(engine, { ...parent, version: 7 }, "active")],
        ["ParentNotFound", create(engine, { parentIntentId: "none" })],
        ["UnknownDependency", create(engine, { dependsOn: ["none", child.id] })],
        ["DependencyCycle", create(engine, { parentIntentId: child.id, dependsOn: [parent.id] })],
        ["ValidationError", create(engine, { title: " " })],
        ["LeaseConflict", engine.leases.acquire(parent.id, { scope: "*" })],
        ["ValidationError", engine.leases.acquire(parent.id, { scope: " " })],
        ["LeaseNotFound", engine.leases.release(parent.id, "none")],
        ["AssignmentNotFound", engine.agents.unassign(parent.id, "nobody")],
        ["ValidationError", engine.events.append(parent.id, { type: "lease_renewed" })],
        ["ValidationError", engine.events.append(parent.id, { type: "comment", actor: "system" })],
        ["ValidationError", OpenIntent.as("system")(engine.leases.acquire(parent.id, { scope: "a" }))]
      ]
      for (const [tag, call] of calls) {
        assert.strictEqual((yield* Effect.flip(call))._tag, tag)
        assert.strictEqual(yield* picture, before, tag)
      }
    })
  )

  it.effect("semantics 4.2: with the parent gate off an intent may depend on any of its ancestors", () =>
    Effect.gen(function* () {
      const engine = yield* engineOn(yield* memoryStorage, { enforceParentGate: false })
      const root = yield* create(engine)
      const parent = yield* create(engine, { parentIntentId: root.id })
      for (const dependency of [root, parent]) {
        const child = yield* create(engine, { parentIntentId: parent.id, dependsOn: [dependency.id] })
        assert.strictEqual(child.status, "blocked")
      }
      assert.strictEqual((yield* move(engine, parent, "completed")).status, "completed", "its children are open")
    })
  )

  it.effect("semantics 1.5: abandoned dependencies stay unmet, and abandoned children are no gate", () =>
    Effect.gen(function* () {
      const engine = yield* anEngine
      const [a, b] = [yield* create(engine), yield* create(engine)]
      const waiting = yield* create(engine, { dependsOn: [a.id, b.id] })
      const child = yield* create(engine, { parentIntentId: a.id })
      yield* move(engine, child, "abandoned")
      yield* move(engine, a, "completed")
      assert.strictEqual((yield* engine.intents.get(waiting.id)).status, "blocked")
      yield* move(engine, b, "abandoned")
      assert.strictEqual((yield* engine.intents.get(waiting.id)).status, "blocked")
      assert.strictEqual((yield* Effect.flip(move(engine, waiting, "active")))._tag, "DependenciesIncomplete")
    })
  )

  it.effect("http.md 4.1: who is assigned at creation is assigned by the acting agent, as by a call that follows", () =>
    Effect.gen(function* () {
      const engine = yield* anEngine
      const { id } = yield* OpenIntent.as("me")(create(engine, { createdBy: "bo", assign: "cy" }))
      const events = (yield* engine.events.list(id, { order: "asc" })).items
      assert.deepStrictEqual(
        events.map(({ actor, type }) => [type, actor]),
        [
          ["intent_created", "bo"],
          ["agent_assigned", "me"]
        ]
      )
    })
  )

  it.effect("decision 1: the acting agent is checked also where another is named", () =>
    Effect.gen(function* () {
      const engine = yield* anEngine
      const { id } = yield* create(engine)
      const calls: ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string }>> = [
        create(engine, { createdBy: "bo" }),
        engine.events.append(id, { type: "comment", actor: "bo" })
      ]
      for (const call of calls)
        assert.strictEqual((yield* Effect.flip(OpenIntent.as("system")(call)))._tag, "ValidationError")
    })
  )

  it.effect(
    "a time is never before that of what it follows: updated_at of who is unblocked is not before created_at",
    () =>
      Effect.gen(function* () {
        const storage = yield* memoryStorage
        const other = yield* engineOn(storage)
        const dependency = yield* create(other)
        let isRacing = true
        // While one engine gathers what a status needs, another creates a dependent, a minute later.
        const engine = yield* engineOn({
          ...storage,
          load: (intentId) =>
            Effect.suspend(() => {
              if (!isRacing) return storage.load(intentId)
              isRacing = false
              return TestClock.adjust("1 minute").pipe(
                Effect.andThen(Effect.orDie(create(other, { dependsOn: [dependency.id] }))),
                Effect.andThen(storage.load(intentId))
              )
            })
        })
        yield* move(engine, dependency, "completed")
        for (const intent of (yield* other.intents.list()).items) {
          assert.isAtLeast(intent.updatedAt.epochMilliseconds, intent.createdAt.epochMilliseconds)
          assert.isAtLeast(intent.updatedAt.epochMilliseconds, intent.status === "draft" ? 0 : 60_000)
        }
      })
  )
})

describe("races of two engines on one storage", () => {
  it.effect("semantics 4: of many patches with one version exactly one wins, the others learn the version", () =>
    Effect.gen(function* () {
      const { engines } = yield* pair
      const { id } = yield* create(engines[0])
      for (let version = 1; version <= 5; version++) {
        const answers = yield* Effect.forEach(
          upTo(32),
          (n) => Effect.result(engines[n % 2]!.intents.patchState(id, { version, state: { n } })),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(answers.filter((answer) => answer._tag === "Success").length, 1)
        for (const answer of answers) {
          if (answer._tag === "Success") continue
          assert.strictEqual(answer.failure._tag === "VersionConflict" && answer.failure.current, version + 1)
        }
      }
    })
  )

  it.effect("semantics 38: of many that ask for one scope exactly one is granted, the others learn of it", () =>
    Effect.gen(function* () {
      const { engines } = yield* pair
      const { id } = yield* create(engines[0])
      for (const scopes of [["a"], ["*"], ["*", "a", "b"]]) {
        const answers = yield* Effect.forEach(
          upTo(24),
          (n) =>
            Effect.result(
              OpenIntent.as(`a${n}`)(engines[n % 2]!.leases.acquire(id, { scope: scopes[n % scopes.length]! }))
            ),
          { concurrency: "unbounded" }
        )
        const granted = answers.flatMap((answer) => (answer._tag === "Success" ? [answer.success] : []))
        const active = (yield* engines[0].leases.list(id)).items
        assert.deepStrictEqual(granted.map((lease) => lease.id).toSorted(), active.map((lease) => lease.id).toSorted())
        const has = (scope: string) => active.some((lease) => lease.scope === scope)
        assert.strictEqual(active.length, has("*") ? 1 : scopes.length === 1 ? 1 : 2)
        for (const answer of answers) {
          if (answer._tag === "Failure") {
            assert.isTrue(
              answer.failure._tag === "LeaseConflict" &&
                granted.some(
                  (lease) => answer.failure._tag === "LeaseConflict" && lease.id === answer.failure.existing.id
                )
            )
          }
        }
        for (const lease of granted) yield* OpenIntent.as(lease.agentId)(engines[1].leases.release(id, lease.id))
      }
    })
  )

  it.effect("semantics 27: dependencies completed at the same moment unblock who waited for all of them, once", () =>
    Effect.gen(function* () {
      const { engines, storage } = yield* pair
      for (let round = 0; round < 20; round++) {
        const dependencies = yield* Effect.forEach(upTo(3), () => create(engines[0]))
        const dependent = yield* create(engines[1], { dependsOn: dependencies.map(({ id }) => id) })
        assert.deepStrictEqual(
          yield* endings(dependencies.map((one, i) => move(engines[(i + round) % 2]!, one, "completed"))),
          ["done", "done", "done"]
        )
        const after = yield* engines[0].intents.get(dependent.id)
        assert.deepStrictEqual([after.status, after.version], ["pending", 2])
        const log = (yield* logOf(storage)).filter((event) => event.intentId === dependent.id)
        assert.deepStrictEqual(
          log.map(({ actor, type }) => `${type} by ${actor}`),
          ["intent_created by local", "status_changed by system"]
        )
      }
    })
  )

  it.effect("semantics 23: an intent created while its dependency completes is blocked by it or pending after it", () =>
    Effect.gen(function* () {
      const { engines } = yield* pair
      for (let round = 0; round < 20; round++) {
        const dependency = yield* create(engines[0])
        const completing = yield* start(move(engines[round % 2]!, dependency, "completed"))
        const dependents = yield* Effect.forEach(
          upTo(4),
          (n) => create(engines[n % 2]!, { dependsOn: [dependency.id] }),
          {
            concurrency: "unbounded"
          }
        )
        yield* Fiber.join(completing)
        for (const { id } of dependents)
          assert.strictEqual((yield* engines[0].intents.get(id)).status, "pending", `round ${round}`)
      }
    })
  )

  it.effect(
    "semantics 21: a parent that completes while a child is made has either the child in its way or is first",
    () =>
      Effect.gen(function* () {
        const { engines, storage } = yield* pair
        for (let round = 0; round < 20; round++) {
          const parent = yield* create(engines[0])
          const [completing] = yield* Effect.all(
            [endings([move(engines[0], parent, "completed")]), create(engines[1], { parentIntentId: parent.id })],
            { concurrency: "unbounded" }
          )
          const log = yield* logOf(storage)
          const made = log.findIndex((event) => event.payload.parent_id === parent.id)
          const completed = log.findIndex((event) => event.intentId === parent.id && event.type === "status_changed")
          if (completing[0] === "done") assert.isTrue(completed !== -1 && completed < made)
          else assert.deepStrictEqual([completing[0], completed], ["ChildrenIncomplete", -1])
        }
      })
  )

  it.effect("semantics 2: version is 1 and the bumping requests that succeeded, whoever made them", () =>
    Effect.gen(function* () {
      const { engines, storage } = yield* pair
      const { id } = yield* create(engines[0])
      const patching = (engine: OpenIntentShape, n: number): Effect.Effect<void, unknown> =>
        Effect.flatMap(engine.intents.get(id), ({ version }) =>
          engine.intents.patchState(id, { version, patches: [{ op: "append", path: "/list", value: n }] })
        ).pipe(
          Effect.asVoid,
          Effect.catchTag("VersionConflict", () => patching(engine, n))
        )
      yield* Effect.forEach(upTo(40), (n) => patching(engines[n % 2]!, n), { concurrency: "unbounded", discard: true })
      const { state, version } = yield* engines[0].intents.get(id)
      assert.strictEqual(version, 41)
      assert.deepStrictEqual(
        (state.list as ReadonlyArray<number>).toSorted((a, b) => a - b),
        upTo(40)
      )
      const versions = (yield* logOf(storage)).map(({ payload }) => payload.version)
      assert.deepStrictEqual(versions, upTo(41))
    })
  )

  it.effect("many creations that depend on one intent all succeed, and so does completing it among them", () =>
    Effect.gen(function* () {
      const { engines } = yield* pair
      const hub = yield* create(engines[0])
      const answers = yield* endings<unknown, { readonly _tag: string }>([
        ...upTo(40).map((n) => create(engines[n % 2]!, { dependsOn: [hub.id] })),
        move(engines[0], hub, "completed")
      ])
      assert.deepStrictEqual([...new Set(answers)], ["done"])
      const dependents = (yield* engines[1].intents.list({ limit: 1000 })).items.filter(({ id }) => id !== hub.id)
      assert.deepStrictEqual([...new Set(dependents.map(({ status }) => status))], ["pending"])
    })
  )

  it.effect("assigning one agent at the same moment leaves one assignment, told each time, new once", () =>
    Effect.gen(function* () {
      const { engines } = yield* pair
      const { id } = yield* create(engines[0])
      const made = yield* Effect.forEach(
        upTo(10),
        (n) => engines[n % 2]!.agents.assign(id, { agentId: "bo", role: `r${n}` }),
        {
          concurrency: "unbounded"
        }
      )
      assert.strictEqual(new Set(made.map((one) => one.id)).size, 1)
      const events = (yield* engines[0].events.list(id, { type: "agent_assigned" })).items
      assert.strictEqual(events.filter((event) => event.payload.reassigned === false).length, 1)
      assert.strictEqual(events.length, 10)
    })
  )

  it.effect("counters agree with what is listed, whatever raced", () =>
    Effect.gen(function* () {
      const { engines } = yield* pair
      const made = yield* Effect.forEach(upTo(20), (n) => create(engines[n % 2]!, { createdBy: `a${n % 3}` }), {
        concurrency: "unbounded"
      })
      yield* endings(
        made.flatMap((one, i) => [move(engines[i % 2]!, one, "active"), move(engines[(i + 1) % 2]!, one, "abandoned")])
      )
      for (const query of [
        {},
        { status: "draft" },
        { status: "active" },
        { status: "abandoned" },
        { createdBy: "a1" }
      ] as const) {
        const page = yield* engines[0].intents.list({ ...query, limit: 1000 })
        assert.strictEqual(page.total, page.items.length, JSON.stringify(query))
      }
    })
  )
})

describe("health", () => {
  it.effect("tells a fault of the storage", () =>
    Effect.gen(function* () {
      const storage = yield* memoryStorage
      const broken: StorageShape = { ...storage, check: Effect.die("not asked") }
      yield* (yield* engineOn(storage)).health.check
      assert.strictEqual((yield* Effect.exit((yield* engineOn(broken)).health.check))._tag, "Failure")
    })
  )
})
