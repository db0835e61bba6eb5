import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import type { EngineOptions } from "../../src/core/EngineOptions.ts"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import { RetryPolicyNotFound, type SetRetryPolicy } from "../../src/core/retry/Retry.ts"
import { Storage, type StorageShape } from "../../src/core/Storage.ts"
import { SqliteStorage } from "../../src/storage/sqlite/SqliteStorage.ts"
import { temporaryFile } from "../storage/sqliteFiles.ts"
import { engineOn, fault, logOf, memoryStorage } from "./engines.ts"
import { storages } from "./storages.ts"

const start = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

/** Lets what was set off come to its end: a commit of SQLite takes a turn of the event loop. */
const settle = Effect.promise(async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
})

const advance = (duration: Duration.Input) => Effect.andThen(TestClock.adjust(duration), settle)

const types = (storage: StorageShape) => Effect.map(logOf(storage), (log) => log.map(({ type }) => type))

/** What agents were told to try again. */
const handedOut = (storage: StorageShape) =>
  Effect.map(logOf(storage), (log) =>
    log.flatMap(({ extra, payload, type }) =>
      type === "agent_assigned" && typeof extra?.["retry_attempt"] === "number"
        ? [[payload["agent_id"], extra["retry_attempt"], extra["last_error"]]]
        : []
    )
  )

const stored = (storage: StorageShape) =>
  Effect.map(storage.page({ table: "retries", index: "due", keys: [[]], direction: "asc", limit: 100 }), (rows) =>
    rows.map(({ record }) => record)
  )

class Trouble {
  readonly code: string
  readonly message = "no luck"
  constructor(code = "TIMEOUT") {
    this.code = code
  }
}

/** Fails as often, then answers the number of the attempt. */
const failing =
  (times: number, made: Array<number> = []) =>
  (attempt: number) =>
    Effect.suspend(() => {
      made.push(attempt)
      return made.length <= times ? Effect.fail(new Trouble()) : Effect.succeed(attempt)
    })

/** An engine, and an intent with a policy: 1 s, 2 s, 4 s. */
const setUpOn = (storage: StorageShape, policy: SetRetryPolicy | undefined = {}, options?: Partial<EngineOptions>) =>
  Effect.gen(function* () {
    const engine = yield* engineOn(storage, options)
    const { id } = yield* engine.intents.create({ title: "t" })
    yield* engine.retries.setPolicy(id, policy)
    return { storage, engine, retries: engine.retries, id }
  })

for (const [name, aStorage] of storages) {
  const setUp = (policy?: SetRetryPolicy, options?: Partial<EngineOptions>) =>
    Effect.flatMap(aStorage, (storage) => setUpOn(storage, policy, options))

  describe(`retries on ${name}`, () => {
    it.effect("semantics 49: a policy is replaced in full, keeps its id, and moves no version", () =>
      Effect.gen(function* () {
        const storage = yield* aStorage
        const { intents, retries } = yield* engineOn(storage)
        const { id } = yield* intents.create({ title: "t" })
        assert.deepInclude(yield* Effect.flip(retries.policy(id)), new RetryPolicyNotFound({ intentId: id }))
        assert.strictEqual((yield* Effect.flip(retries.policy("nope")))._tag, "IntentNotFound")
        const first = yield* retries.setPolicy(id, {
          strategy: "linear",
          maxRetries: 0,
          baseDelay: "1500 micros",
          maxDelay: "2 hours",
          backoffMultiplier: 1.5,
          retryableErrors: ["a", "b"],
          jitter: true,
          fallbackAgentId: "carl",
          failureThreshold: 9
        })
        assert.deepStrictEqual(yield* retries.policy(id), first)
        yield* advance("1 second")
        const second = yield* retries.setPolicy(id)
        assert.deepStrictEqual(second, {
          id: first.id,
          intentId: id,
          strategy: "exponential",
          maxRetries: 3,
          baseDelay: Duration.seconds(1),
          maxDelay: Duration.minutes(1),
          backoffMultiplier: 2,
          retryableErrors: [],
          jitter: false,
          fallbackAgentId: null,
          failureThreshold: 3,
          createdAt: first.createdAt,
          updatedAt: DateTime.add(first.createdAt, { seconds: 1 })
        })
        assert.deepStrictEqual(yield* retries.policy(id), second)
        assert.strictEqual((yield* intents.get(id)).version, 1)
        assert.deepStrictEqual(yield* types(storage), ["intent_created", "retry_policy_set", "retry_policy_set"])
        assert.strictEqual((yield* Effect.flip(retries.setPolicy("nope")))._tag, "IntentNotFound")
      })
    )

    it.effect("what is no text or no duration is refused, also where it is left out of an array", () =>
      Effect.gen(function* () {
        const { id, retries } = yield* setUp()
        const holes = yield* Effect.flip(
          retries.setPolicy(id, { retryableErrors: Object.assign([], { length: 1 }), baseDelay: Number.NaN })
        )
        assert.strictEqual(holes._tag, "ValidationError")
        assert.deepStrictEqual(holes._tag === "ValidationError" && holes.issues.map(({ field }) => field), [
          "baseDelay",
          "retryableErrors[0]"
        ])
      })
    )

    it.effect("failures are counted, listed by page, and resolved", () =>
      Effect.gen(function* () {
        const { id, retries, storage } = yield* setUp()
        const first = yield* retries.recordFailure(id, { errorCode: "E", metadata: { http: 504 } })
        const others = yield* Effect.forEach([1, 2, 3], () => OpenIntent.as("bo")(retries.recordFailure(id)), {
          concurrency: 3
        })
        assert.deepInclude(first, { agentId: "local", attemptNumber: 1, willRetry: true, errorCode: "E" })
        assert.deepStrictEqual(
          others.map(({ attemptNumber, willRetry }) => [attemptNumber, willRetry]),
          [
            [2, true],
            [3, true],
            [4, false]
          ]
        )
        const page = yield* retries.failures(id, { limit: 1 })
        assert.deepInclude(page, { items: [first], total: 4, totalCapped: false })
        assert.deepStrictEqual((yield* retries.failures(id, { after: page.next })).items, others)
        assert.strictEqual((yield* Effect.flip(retries.failures("nope")))._tag, "IntentNotFound")
        yield* advance("1 second")
        const resolved = yield* retries.resolveFailures(id, [others[0]!.id, "nope", others[0]!.id])
        assert.deepStrictEqual(resolved, [{ ...others[0]!, resolvedAt: DateTime.makeUnsafe(1000) }])
        yield* advance("1 second")
        assert.deepStrictEqual(yield* retries.resolveFailures(id, [others[0]!.id]), resolved)
        const items = (yield* retries.failures(id)).items
        assert.deepStrictEqual(items, [first, ...resolved, ...others.slice(1)])
        assert.strictEqual((yield* types(storage)).filter((type) => type === "failures_resolved").length, 1)
        assert.strictEqual((yield* Effect.flip(retries.recordFailure("nope")))._tag, "IntentNotFound")
        assert.strictEqual((yield* Effect.flip(retries.resolveFailures("nope", [])))._tag, "IntentNotFound")
      })
    )

    it.effect("the fallback agent takes over with the leases freed, and only once", () =>
      Effect.gen(function* () {
        const { engine, id, retries, storage } = yield* setUp({ fallbackAgentId: "carl", failureThreshold: 2 })
        yield* engine.leases.acquire(id, { scope: "a" })
        yield* OpenIntent.as("bo")(engine.leases.acquire(id, { scope: "b" }))
        yield* retries.recordFailure(id)
        assert.strictEqual((yield* engine.agents.list(id)).total, 0)
        yield* retries.recordFailure(id)
        yield* retries.recordFailure(id)
        assert.deepStrictEqual(
          (yield* engine.agents.list(id)).items.map(({ agentId, role }) => [agentId, role]),
          [["carl", "fallback"]]
        )
        assert.deepStrictEqual(
          (yield* engine.leases.list(id)).items.map(({ agentId }) => agentId),
          ["bo"]
        )
        assert.deepStrictEqual((yield* types(storage)).slice(-6), [
          "failure_recorded",
          "failure_recorded",
          "lease_released",
          "agent_assigned",
          "fallback_triggered",
          "failure_recorded"
        ])
      })
    )

    it.effect("decision 27: what others recorded is handed out when it is due, with the switch alone", () =>
      Effect.gen(function* () {
        const { id, retries, storage } = yield* setUp({}, { handOutRetries: true })
        const off = yield* setUp()
        yield* off.retries.recordFailure(off.id)
        yield* retries.recordFailure(id, { agentId: "ann", errorMessage: "slow" })
        yield* retries.recordFailure(id, { agentId: "bo", retryScheduledAt: "1970-01-01T00:00:03", willRetry: true })
        yield* advance("900 millis")
        assert.deepStrictEqual(yield* handedOut(storage), [])
        yield* advance("600 millis")
        assert.deepStrictEqual(yield* handedOut(storage), [["ann", 2, "slow"]])
        yield* advance("1 minute")
        assert.deepStrictEqual(yield* handedOut(storage), [
          ["ann", 2, "slow"],
          ["bo", 3, null]
        ])
        assert.deepStrictEqual(yield* stored(storage), [])
        assert.deepStrictEqual(yield* handedOut(off.storage), [])
      })
    )
  })

  describe(`retries.run on ${name}`, () => {
    it.effect("tries again after the delays of the policy, until it succeeds; then its failures are resolved", () =>
      Effect.gen(function* () {
        const { id, retries, storage } = yield* setUp()
        const foreign = yield* retries.recordFailure(id, { attemptNumber: 1 })
        const made: Array<number> = []
        const fiber = yield* start(retries.run(id, failing(2, made)))
        yield* settle
        assert.deepStrictEqual(made, [1])
        assert.strictEqual((yield* stored(storage)).length, 1)
        yield* advance("999 millis")
        assert.deepStrictEqual(made, [1])
        yield* advance("1 millis")
        assert.deepStrictEqual(made, [1, 2])
        yield* advance("2 seconds")
        assert.strictEqual(yield* Fiber.join(fiber), 3)
        const { items } = yield* retries.failures(id)
        assert.deepStrictEqual(
          items.map(({ attemptNumber, errorCode, errorMessage, resolvedAt }) => [
            attemptNumber,
            errorCode,
            errorMessage,
            resolvedAt?.epochMilliseconds ?? null
          ]),
          [
            [1, null, null, null],
            [1, "TIMEOUT", "no luck", 3000],
            [2, "TIMEOUT", "no luck", 3000]
          ]
        )
        assert.strictEqual(items[0]?.id, foreign.id)
        assert.deepStrictEqual(yield* stored(storage), [])
        yield* advance("1 minute")
        assert.deepStrictEqual(yield* handedOut(storage), [])
      })
    )

    it.effect("success at once, and an effect instead of a function: nothing is stored", () =>
      Effect.gen(function* () {
        const { id, retries, storage } = yield* setUp()
        assert.strictEqual(yield* retries.run(id, Effect.succeed(7)), 7)
        assert.deepStrictEqual(yield* types(storage), ["intent_created", "retry_policy_set"])
      })
    )

    it.effect("exhausted: the last error as it is, every failure recorded, the fallback agent at work", () =>
      Effect.gen(function* () {
        const { engine, id, retries, storage } = yield* setUp({
          maxRetries: 2,
          strategy: "fixed",
          fallbackAgentId: "carl",
          failureThreshold: 9
        })
        const errors = [new Trouble("A"), new Trouble("B"), new Trouble("C")]
        const fiber = yield* start(Effect.flip(retries.run(id, (attempt) => Effect.fail(errors[attempt - 1]!))))
        yield* settle
        yield* advance("1 second")
        assert.strictEqual((yield* engine.agents.list(id)).total, 0)
        yield* advance("1 second")
        assert.strictEqual(yield* Fiber.join(fiber), errors[2])
        const { items } = yield* retries.failures(id)
        assert.deepStrictEqual(
          items.map(({ errorCode, resolvedAt, willRetry }) => [errorCode, willRetry, resolvedAt]),
          [
            ["A", true, null],
            ["B", true, null],
            ["C", false, null]
          ]
        )
        assert.strictEqual((yield* engine.agents.list(id)).items[0]?.agentId, "carl")
        assert.deepStrictEqual(yield* stored(storage), [])
      })
    )

    it.effect("interrupted while it waits: the retry stays stored, and is handed out when it is due", () =>
      Effect.gen(function* () {
        const { id, retries, storage } = yield* setUp({}, { retryHold: Duration.seconds(3) })
        const made: Array<number> = []
        const fiber = yield* start(OpenIntent.as("ann")(retries.run(id, failing(9, made))))
        yield* settle
        yield* advance("500 millis")
        yield* Fiber.interrupt(fiber)
        yield* advance("3 seconds")
        assert.deepStrictEqual(yield* handedOut(storage), [])
        yield* advance("1 second")
        assert.deepStrictEqual(yield* handedOut(storage), [["ann", 2, "no luck"]])
        assert.deepStrictEqual(made, [1])
        const again = yield* OpenIntent.as("ann")(retries.run(id, (n) => Effect.succeed(n), { attempt: 2 }))
        assert.strictEqual(again, 2)
        assert.strictEqual((yield* retries.failures(id)).items[0]?.resolvedAt?.epochMilliseconds, 4500)
      })
    )

    it.effect("interrupted in the second attempt: handed out as that attempt, once", () =>
      Effect.gen(function* () {
        const { id, retries, storage } = yield* setUp()
        const work = (attempt: number) => (attempt === 1 ? Effect.fail(new Trouble()) : Effect.never)
        const fiber = yield* start(retries.run(id, work))
        yield* settle
        yield* advance("1 second")
        for (let n = 0; n < 20; n++) yield* advance("5 seconds") // It lives, for longer than a hold.
        assert.deepStrictEqual(yield* handedOut(storage), [])
        yield* Fiber.interrupt(fiber)
        yield* advance("11 seconds")
        assert.deepStrictEqual(yield* handedOut(storage), [["local", 2, "no luck"]])
        yield* advance("1 minute")
        assert.strictEqual((yield* handedOut(storage)).length, 1)
      })
    )

    it.effect("an intent that has ended is not tried again, nor is anybody told", () =>
      Effect.gen(function* () {
        const { engine, id, retries, storage } = yield* setUp()
        const made: Array<number> = []
        const fiber = yield* start(Effect.flip(retries.run(id, failing(9, made))))
        yield* settle
        yield* engine.intents.setStatus(id, { version: 1, status: "abandoned" })
        yield* advance("1 second")
        assert.instanceOf(yield* Fiber.join(fiber), Trouble)
        assert.deepStrictEqual(made, [1])
        assert.deepStrictEqual(yield* stored(storage), [])
        yield* advance("1 minute")
        assert.deepStrictEqual(yield* handedOut(storage), [])
      })
    )
  })
}

describe("retries.run", () => {
  const setUp = (policy?: SetRetryPolicy, options?: Partial<EngineOptions>) =>
    Effect.flatMap(memoryStorage, (storage) => setUpOn(storage, policy, options))

  it.effect("one try without a policy, with strategy none, and for codes that are not retryable", () =>
    Effect.gen(function* () {
      const { engine, id, retries } = yield* setUp({ strategy: "none" })
      const bare = yield* engine.intents.create({ title: "bare" })
      const picky = yield* engine.intents.create({ title: "picky" })
      yield* retries.setPolicy(picky.id, { retryableErrors: ["rate_limit"] })
      for (const intentId of [id, bare.id, picky.id]) {
        const error = new Trouble()
        assert.strictEqual(yield* Effect.flip(retries.run(intentId, Effect.fail(error))), error)
        const { items, total } = yield* retries.failures(intentId)
        assert.strictEqual(total, 1)
        assert.deepInclude(items[0], { errorCode: "TIMEOUT", willRetry: false, retryScheduledAt: null })
      }
      const made: Array<number> = []
      const fiber = yield* start(retries.run(picky.id, failing(1, made), { errorCode: () => "RATE_LIMIT" }))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(fiber), 2)
    })
  )

  it.effect("the code of an error is its tag, its code or its name", () =>
    Effect.gen(function* () {
      const { id, retries } = yield* setUp({ strategy: "none" })
      const errors = [
        new RetryPolicyNotFound({ intentId: "x" }),
        Object.assign(new Error("reset"), { code: "ECONNRESET" }),
        new RangeError("too far"),
        "plain",
        { message: `cut \0 ${"x".repeat(20_000)}`, name: 3 },
        null
      ]
      for (const error of errors) assert.strictEqual(yield* Effect.flip(retries.run(id, Effect.fail(error))), error)
      const { items } = yield* retries.failures(id)
      assert.deepStrictEqual(
        items.map(({ errorCode, errorMessage }) => [errorCode, errorMessage?.slice(0, 30) ?? null]),
        [
          ["RetryPolicyNotFound", "No retry policy set"],
          ["ECONNRESET", "reset"],
          ["RangeError", "too far"],
          [null, "plain"],
          [null, `cut \uFFFD ${"x".repeat(24)}`],
          [null, null]
        ]
      )
    })
  )

  it.effect("without an intent, or with an attempt that is none, no work is done", () =>
    Effect.gen(function* () {
      const { id, retries } = yield* setUp()
      const none = yield* Effect.flip(retries.run("nope", Effect.die("ran")))
      assert.strictEqual(none._tag, "IntentNotFound")
      for (const attempt of [0, 1.5, Number.NaN]) {
        const error = yield* Effect.flip(retries.run(id, Effect.die("ran"), { attempt }))
        assert.strictEqual(error._tag, "ValidationError")
      }
    })
  )

  it.effect("a defect is a bug and not tried again", () =>
    Effect.gen(function* () {
      const { id, retries } = yield* setUp()
      const exit = yield* Effect.exit(retries.run(id, () => Effect.die("a bug")))
      assert.deepStrictEqual(exit, Exit.die("a bug"))
      const thrown = yield* Effect.exit(
        retries.run(id, (): Effect.Effect<never> => {
          throw new Trouble()
        })
      )
      assert.isTrue(Exit.isFailure(thrown) && Exit.hasDies(thrown))
      assert.strictEqual((yield* retries.failures(id)).total, 0)
    })
  )

  it.effect("a retry that was handed out is not the run's: it stops with the last error, in its attempt as well", () =>
    Effect.gen(function* () {
      const { id, retries, storage } = yield* setUp()
      const takeAway = Effect.gen(function* () {
        const [due] = yield* stored(storage)
        assert.isDefined(due)
        yield* storage.commit({
          guards: [],
          writes: [{ _tag: "Remove", table: "retries", before: due }],
          events: [],
          counters: new Map()
        })
      })
      const waiting = yield* start(Effect.flip(retries.run(id, failing(9))))
      yield* TestClock.adjust("500 millis")
      yield* takeAway
      yield* TestClock.adjust("500 millis")
      assert.instanceOf(yield* Fiber.join(waiting), Trouble)
      const interrupted = yield* Deferred.make<void>()
      const working = yield* start(
        Effect.flip(
          retries.run(id, (attempt) =>
            attempt === 1
              ? Effect.fail(new Trouble("FIRST"))
              : Effect.onInterrupt(Effect.never, () => Deferred.succeed(interrupted, undefined))
          )
        )
      )
      yield* TestClock.adjust("2 seconds")
      yield* takeAway
      yield* TestClock.adjust("4 seconds")
      assert.deepInclude(yield* Fiber.join(working), { code: "FIRST" })
      yield* Deferred.await(interrupted)
      assert.strictEqual((yield* retries.failures(id)).total, 2)
    })
  )

  it.effect("a sign of life that fails is given again, and no reason to stop", () =>
    Effect.gen(function* () {
      const inner = yield* memoryStorage
      let isBroken = false
      const storage: StorageShape = {
        ...inner,
        commit: (commit) => Effect.suspend(() => (isBroken ? Effect.fail(fault("io")) : inner.commit(commit)))
      }
      const { id, retries } = yield* setUpOn(storage)
      const done = yield* Deferred.make<string>()
      const fiber = yield* start(
        retries.run(id, (attempt) => (attempt === 1 ? Effect.fail(new Trouble()) : Deferred.await(done)))
      )
      yield* TestClock.adjust("2 seconds")
      isBroken = true
      yield* TestClock.adjust("5 seconds")
      isBroken = false
      yield* TestClock.adjust("20 seconds")
      yield* Deferred.succeed(done, "done")
      assert.strictEqual(yield* Fiber.join(fiber), "done")
      assert.deepStrictEqual(yield* handedOut(inner), [])
    })
  )

  it.effect("a failure that cannot be recorded is the engine's error; success is success all the same", () =>
    Effect.gen(function* () {
      const inner = yield* memoryStorage
      let isBroken = false
      const storage: StorageShape = {
        ...inner,
        commit: (commit) => Effect.suspend(() => (isBroken ? Effect.fail(fault("io")) : inner.commit(commit)))
      }
      const { id, retries } = yield* setUpOn(storage)
      const fiber = yield* start(
        retries.run(id, (attempt) =>
          attempt === 1 ? Effect.fail(new Trouble()) : Effect.sync(() => void (isBroken = true))
        )
      )
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      const error = yield* Effect.flip(retries.run(id, failing(1)))
      assert.strictEqual("_tag" in error && error._tag, "StorageUnavailable")
    })
  )
})

describe("a restart (decision 27)", () => {
  /** An engine on the file, and what closes it. */
  const opened = (path: string) =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const storage = yield* Layer.build(Layer.fresh(SqliteStorage.layerFile(path))).pipe(
        Effect.map(Context.get(Storage)),
        Scope.provide(scope)
      )
      const engine = yield* Scope.provide(engineOn(storage), scope)
      return { storage, engine, close: Scope.close(scope, Exit.void) }
    })

  it.effect("the engine closed in the middle of a wait: the next one hands the retry out, once", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      const first = yield* opened(path)
      const { id } = yield* first.engine.intents.create({ title: "t" })
      yield* first.engine.retries.setPolicy(id, { baseDelay: "1 minute" })
      const fiber = yield* start(OpenIntent.as("ann")(first.engine.retries.run(id, failing(9))))
      yield* settle
      yield* advance("30 seconds")
      yield* Fiber.interrupt(fiber)
      yield* first.close
      const second = yield* opened(path)
      yield* advance("30 seconds")
      assert.deepStrictEqual(yield* handedOut(second.storage), [])
      yield* advance("11 seconds")
      assert.deepStrictEqual(yield* handedOut(second.storage), [["ann", 2, "no luck"]])
      yield* advance("1 minute")
      assert.strictEqual((yield* handedOut(second.storage)).length, 1)
      assert.strictEqual((yield* second.engine.agents.list(id)).items[0]?.agentId, "ann")
      yield* second.close
    })
  )

  it.effect("two engines on the file hand it out once, and never what a run of either holds", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      const [one, two] = [yield* opened(path), yield* opened(path)]
      const ids = yield* Effect.forEach(["a", "b", "c"], (title) =>
        Effect.map(one.engine.intents.create({ title }), ({ id }) => id)
      )
      for (const id of ids) yield* one.engine.retries.setPolicy(id, { strategy: "fixed" })
      const living = yield* start(two.engine.retries.run(ids[0]!, failing(3)))
      const gone = yield* Effect.forEach(ids, (id) =>
        start(OpenIntent.as(`agent of ${id}`)(one.engine.retries.run(id, failing(9))))
      )
      yield* settle
      yield* Fiber.interruptAll(gone)
      for (let n = 0; n < 3; n++) yield* advance("1 second")
      assert.strictEqual(yield* Fiber.join(living), 4)
      for (let n = 0; n < 20; n++) yield* advance("1 second")
      const handed = yield* handedOut(two.storage)
      assert.sameMembers(
        handed.map(([agent]) => agent),
        ids.map((id) => `agent of ${id}`)
      )
      yield* one.close
      yield* two.close
    })
  )
})
