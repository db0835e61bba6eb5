import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import type { Aggregate, Decision } from "../../src/core/Aggregate.ts"
import { putIntent, unchanged } from "../../src/core/Aggregate.ts"
import type { Command, WideCommand } from "../../src/core/Commands.ts"
import type { Env } from "../../src/core/Env.ts"
import { automaticEvent } from "../../src/core/event/LogEvent.ts"
import { StaleRevision } from "../../src/core/Storage.ts"
import { fault, logOf, memoryStorage, partsOn, stored, watch } from "./engines.ts"
import { movedOn } from "./records.ts"

interface Refusal {
  readonly _tag: "Refusal"
  readonly n: number
  readonly seen: ReadonlyArray<number>
}

const refusal = (n: number, seen: ReadonlyArray<number>): Result.Result<never, Refusal> =>
  Result.fail({ _tag: "Refusal", n, seen })

const listOf = (aggregate: Aggregate): ReadonlyArray<number> =>
  (aggregate.intent.state.list ?? []) as ReadonlyArray<number>

/** Puts `n` at the end of the list in the state, tells it with an event, and answers the list. */
const adding = ({ intent, ...found }: Aggregate, n: number, env: Env): Decision<ReadonlyArray<number>> => {
  const list = [...listOf({ intent, ...found }), n]
  const after = { ...intent, state: { list }, version: intent.version + 1 }
  return {
    value: list,
    writes: [putIntent(after, intent)],
    events: [automaticEvent(env, intent.id, "comment", { n })]
  }
}

const add = (n: number, intentId = "i"): Command<ReadonlyArray<number>, Refusal> => ({
  intentId,
  decide: (found, env) =>
    found === undefined ? Result.fail({ _tag: "Refusal", n, seen: [] }) : Result.succeed(adding(found, n, env))
})

/** Adds `n` if the list has this length, as a patch does that names a version. */
const addAt = (n: number, length: number): Command<ReadonlyArray<number>, Refusal> => ({
  intentId: "i",
  decide: (found, env) =>
    found !== undefined && listOf(found).length === length
      ? Result.succeed(adding(found, n, env))
      : Result.fail({ _tag: "Refusal", n, seen: found === undefined ? [] : listOf(found) })
})

const read: Command<ReadonlyArray<number>, never> = {
  intentId: "i",
  decide: (found) => Result.succeed(unchanged(found === undefined ? [] : listOf(found)))
}

const addWide = (
  n: number,
  turn: string | undefined = "i"
): WideCommand<Aggregate | undefined, ReadonlyArray<number>, Refusal> => ({
  intentId: turn,
  gather: (storage) => Effect.map(storage.load("i"), ({ aggregate }) => aggregate),
  decide: (found, env) =>
    found === undefined
      ? Result.fail({ _tag: "Refusal", n, seen: [] })
      : Result.succeed({ ...adding(found, n, env), guards: [movedOn("i", found.revision)] })
})

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1)

const start = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

/** The engine on a storage with intent `i`, and a second one on the same storage. */
const setUp = Effect.gen(function* () {
  const storage = yield* memoryStorage
  yield* stored(storage, "i")
  const watched = watch(storage)
  const { commands } = yield* partsOn(watched.storage)
  const { commands: others } = yield* partsOn(storage)
  const stateOf = (id: string) =>
    Effect.map(Effect.orDie(storage.load(id)), ({ aggregate }) => (aggregate === undefined ? [] : listOf(aggregate)))
  /** From now on commits wait until the gate opens. */
  const gate = Effect.sync(() => {
    const open = Deferred.makeUnsafe<void>()
    watched.onCommit = (_, go) => Effect.andThen(Deferred.await(open), go)
    return Deferred.succeed(open, undefined)
  })
  return { ...commands, others, storage, watched, stateOf, gate }
})

describe("Commands: the queue of an intent (design.md 3)", () => {
  it.effect("commands of one intent are decided in the order of their arrival, those that wait together at once", () =>
    Effect.gen(function* () {
      const { execute, gate, stateOf, watched } = yield* setUp
      const open = yield* gate
      const fibers = yield* Effect.forEach(upTo(150), (n) => start(execute(add(n))))
      assert.strictEqual(watched.commits.length, 1)
      assert.isUndefined(fibers[0]?.pollUnsafe())
      yield* open
      const answers = yield* Effect.forEach(fibers, Fiber.join)
      assert.deepStrictEqual(yield* stateOf("i"), upTo(150))
      answers.forEach((list, i) => assert.deepStrictEqual(list, upTo(i + 1)))
      assert.deepStrictEqual(
        watched.commits.map(({ events }) => events.length),
        [1, 64, 64, 21]
      )
    })
  )

  it.effect("a batch stores the last record of each, guarded by the revision it began with", () =>
    Effect.gen(function* () {
      const { execute, gate, watched } = yield* setUp
      const open = yield* gate
      const fibers = yield* Effect.forEach(upTo(4), (n) => start(execute(add(n))))
      yield* open
      yield* Effect.forEach(fibers, Fiber.join)
      const [, batch] = watched.commits
      assert.deepStrictEqual(batch?.guards, [{ table: "intents", key: "i", expected: 2, next: 5 }])
      assert.deepStrictEqual(
        batch?.writes.map(
          (write) => write._tag === "Put" && write.table === "intents" && [write.before?.version, write.record.version]
        ),
        [[2, 5]]
      )
    })
  )

  it.effect("commands of different intents do not wait for each other", () =>
    Effect.gen(function* () {
      const { execute, gate, storage, watched } = yield* setUp
      yield* stored(storage, "j")
      const open = yield* gate
      const held = yield* start(execute(add(1)))
      watched.onCommit = (_, go) => go
      assert.deepStrictEqual(yield* execute(add(2, "j")), [2])
      assert.isUndefined(held.pollUnsafe())
      yield* open
      yield* Fiber.join(held)
    })
  )

  it.effect("one that is refused in a batch leaves the others alone, and sees what went before it", () =>
    Effect.gen(function* () {
      const { execute, gate, stateOf } = yield* setUp
      const open = yield* gate
      const fibers = yield* Effect.forEach([add(1), addAt(2, 1), addAt(3, 1), addAt(4, 2)], (command) =>
        start(Effect.result(execute(command)))
      )
      yield* open
      const answers = yield* Effect.forEach(fibers, Fiber.join)
      assert.deepStrictEqual(answers, [
        Result.succeed([1]),
        Result.succeed([1, 2]),
        refusal(3, [1, 2]),
        Result.succeed([1, 2, 4])
      ])
      assert.deepStrictEqual(yield* stateOf("i"), [1, 2, 4])
    })
  )

  it.effect("of many with one version exactly one wins, and each loser sees the winner's", () =>
    Effect.gen(function* () {
      const { execute, stateOf } = yield* setUp
      const answers = yield* Effect.forEach(upTo(100), (n) => Effect.result(execute(addAt(n, 0))), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(answers[0], Result.succeed([1]))
      answers.slice(1).forEach((answer, i) => assert.deepStrictEqual(answer, refusal(i + 2, [1])))
      assert.deepStrictEqual(yield* stateOf("i"), [1])
    })
  )

  it.effect("a rule that throws is a defect of its command alone, and the queue goes on", () =>
    Effect.gen(function* () {
      const { execute, gate, stateOf } = yield* setUp
      const bug = new Error("a bug in a rule")
      const throwing: Command<never, never> = {
        intentId: "i",
        decide: () => {
          throw bug
        }
      }
      const open = yield* gate
      const first = yield* start(execute(add(1)))
      const broken = yield* start(Effect.exit(execute(throwing)))
      const last = yield* start(execute(add(2)))
      yield* open
      yield* Fiber.join(first)
      const exit = yield* Fiber.join(broken)
      assert.strictEqual(Exit.isFailure(exit) && Cause.squash(exit.cause), bug)
      assert.deepStrictEqual(yield* Fiber.join(last), [1, 2])
      assert.isTrue(Exit.isFailure(yield* Effect.exit(execute(throwing))), "and as the lead")
      assert.deepStrictEqual(yield* execute(add(3)), [1, 2, 3])
      assert.deepStrictEqual(yield* stateOf("i"), [1, 2, 3])
    })
  )

  it.effect("a caller that is interrupted while it waits takes nothing back, and the queue goes on", () =>
    Effect.gen(function* () {
      const { execute, gate, stateOf } = yield* setUp
      const open = yield* gate
      const [lead, waiting, last] = yield* Effect.forEach(upTo(3), (n) => start(execute(add(n))))
      const interrupting = yield* start(
        Effect.all([Fiber.interrupt(lead!), Fiber.interrupt(waiting!)], { concurrency: 2 })
      )
      yield* Effect.yieldNow
      assert.isUndefined(interrupting.pollUnsafe())
      yield* open
      assert.deepStrictEqual(yield* Fiber.join(last!), [1, 2, 3])
      yield* Fiber.join(interrupting)
      assert.deepStrictEqual(yield* stateOf("i"), [1, 2, 3])
      assert.deepStrictEqual(yield* execute(add(4)), [1, 2, 3, 4])
    })
  )

  it.effect("wide commands run alone, in their turn among narrow ones", () =>
    Effect.gen(function* () {
      const { execute, executeWide, gate, stateOf, watched } = yield* setUp
      const open = yield* gate
      const fibers = [
        yield* start(execute(add(1))),
        yield* start(execute(add(2))),
        yield* start(execute(add(3))),
        yield* start(executeWide(addWide(4))),
        yield* start(executeWide(addWide(5))),
        yield* start(execute(add(6))),
        yield* start(execute(add(7)))
      ]
      yield* open
      const answers = yield* Effect.forEach(fibers, Fiber.join)
      answers.forEach((list, i) => assert.deepStrictEqual(list, upTo(i + 1)))
      assert.deepStrictEqual(yield* stateOf("i"), upTo(7))
      assert.deepStrictEqual(
        watched.commits.map(({ events }) => events.length),
        [1, 2, 1, 1, 2]
      )
    })
  )

  it.effect("a wide command that throws or is refused is answered so, and the queue goes on", () =>
    Effect.gen(function* () {
      const { execute, executeWide, watched } = yield* setUp
      const bug = new Error("a bug in a rule")
      const wide = addWide(1)
      const [thrown, refused, last] = yield* Effect.all(
        [
          Effect.exit(
            executeWide({
              ...wide,
              decide: () => {
                throw bug
              }
            })
          ),
          Effect.result(executeWide({ ...wide, decide: () => refusal(1, []) })),
          execute(add(2))
        ],
        { concurrency: "unbounded" }
      )
      assert.strictEqual(Exit.isFailure(thrown) && Cause.squash(thrown.cause), bug)
      assert.deepStrictEqual(refused, refusal(1, []))
      assert.deepStrictEqual(last, [2])
      assert.strictEqual(watched.commits.length, 1, "a refusal is no race to be run again")
    })
  )

  it.effect("an append waits for nobody and is guarded by nothing", () =>
    Effect.gen(function* () {
      const { append, execute, gate, watched } = yield* setUp
      const open = yield* gate
      const held = yield* start(execute(add(1)))
      const holding = watched.onCommit
      watched.onCommit = (commit, go) => (commit.guards.length === 0 ? go : holding(commit, go))
      const event = yield* append((env) => automaticEvent(env, "i", "comment", {}))
      assert.isUndefined(held.pollUnsafe())
      assert.isAbove(event.position, 0)
      yield* open
      yield* Fiber.join(held)
    })
  )
})

describe("Commands: faults of the storage (decision 8)", () => {
  const cases = [
    ["io", "StorageUnavailable"],
    ["full", "StorageUnavailable"],
    ["busy", "Busy"]
  ] as const
  for (const [reason, tag] of cases) {
    it.effect(`${reason}: everybody in the batch is told ${tag}, nothing is changed, and the next command works`, () =>
      Effect.gen(function* () {
        const { execute, gate, stateOf, storage, watched } = yield* setUp
        const open = yield* gate
        const first = yield* start(execute(add(1)))
        const batch = yield* Effect.forEach([add(2), addAt(3, 5), add(4)], (command) =>
          start(Effect.result(execute(command)))
        )
        const held = watched.onCommit
        watched.onCommit = () => Effect.fail(fault(reason))
        yield* open
        assert.deepStrictEqual(yield* Fiber.join(first), [1])
        for (const answer of yield* Effect.forEach(batch, Fiber.join)) {
          assert.strictEqual(answer._tag === "Failure" && answer.failure._tag, tag)
        }
        assert.notStrictEqual(watched.onCommit, held)
        watched.onCommit = (_, go) => go
        assert.deepStrictEqual(yield* execute(add(5)), [1, 5])
        assert.deepStrictEqual(yield* stateOf("i"), [1, 5])
        assert.strictEqual((yield* logOf(storage)).length, 2)
      })
    )
  }

  it.effect("a broken constraint is a defect, and the next command works", () =>
    Effect.gen(function* () {
      const { execute, watched } = yield* setUp
      watched.onCommit = () => Effect.fail(fault("constraint"))
      const exit = yield* Effect.exit(execute(add(1)))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      watched.onCommit = (_, go) => go
      assert.deepStrictEqual(yield* execute(add(2)), [2])
    })
  )

  it.effect("what a wide command or an append meets is told too", () =>
    Effect.gen(function* () {
      const { append, execute, executeWide, watched } = yield* setUp
      watched.onCommit = () => Effect.fail(fault("readonly"))
      const wide = yield* Effect.flip(executeWide(addWide(1)))
      const free = yield* Effect.flip(executeWide(addWide(1, undefined)))
      const appended = yield* Effect.flip(append((env) => automaticEvent(env, "i", "comment", {})))
      for (const error of [wide, free, appended]) {
        assert.strictEqual(error._tag === "StorageUnavailable" && error.reason, "readonly")
        assert.notInclude(JSON.stringify(error), "a disk told this", "the driver's words stay inside")
      }
      watched.onCommit = (_, go) => go
      assert.deepStrictEqual(yield* execute(add(2)), [2])
    })
  )
})

describe("Commands: races with another engine on the same storage (design.md 3)", () => {
  /** Before each of the next `times` commits of the first engine, the other one adds a number: 101, 102, … */
  const racing = (setting: Effect.Success<typeof setUp>, times: number) => {
    let n = 0
    setting.watched.onCommit = (_, go) =>
      n++ < times ? Effect.andThen(Effect.orDie(Effect.ignore(setting.others.execute(add(100 + n)))), go) : go
  }

  it.effect("a commit whose guard no longer holds is decided again on what is stored now", () =>
    Effect.gen(function* () {
      const setting = yield* setUp
      yield* setting.execute(add(1))
      racing(setting, 1)
      assert.deepStrictEqual(yield* setting.execute(add(2)), [1, 101, 2])
      assert.deepStrictEqual(yield* setting.stateOf("i"), [1, 101, 2])
    })
  )

  it.effect("a rule that holds no more when it is decided again refuses", () =>
    Effect.gen(function* () {
      const setting = yield* setUp
      racing(setting, 1)
      const answer = yield* Effect.result(setting.execute(addAt(1, 0)))
      assert.deepStrictEqual(answer, refusal(1, [101]))
      assert.deepStrictEqual(yield* setting.stateOf("i"), [101])
    })
  )

  it.effect("what is only remembered leads to no refusal and to no answer", () =>
    Effect.gen(function* () {
      const { execute, others, stateOf } = yield* setUp
      yield* execute(add(1))
      yield* others.execute(add(2))
      assert.deepStrictEqual(yield* execute(addAt(3, 2)), [1, 2, 3])
      yield* others.execute(add(4))
      assert.deepStrictEqual(yield* execute(read), [1, 2, 3, 4])
      yield* others.execute(add(5))
      const [first, second] = yield* Effect.all([Effect.result(execute(addAt(6, 4))), execute(addAt(7, 5))], {
        concurrency: 2
      })
      assert.deepStrictEqual(first, refusal(6, [1, 2, 3, 4, 5]))
      assert.deepStrictEqual(second, [1, 2, 3, 4, 5, 7])
      assert.deepStrictEqual(yield* stateOf("i"), [1, 2, 3, 4, 5, 7])
    })
  )

  it.effect("an aggregate is remembered between commands, in a bounded map, and forgotten by what fails", () =>
    Effect.gen(function* () {
      const { execute, storage, watched } = yield* setUp
      const ids = upTo(300).map((n) => `x${n}`)
      yield* Effect.forEach(ids, (id) => stored(storage, id))
      yield* Effect.forEach(ids, (id) => execute(add(1, id)))
      assert.deepStrictEqual(watched.loads, ids)
      watched.loads.length = 0
      assert.deepStrictEqual(yield* execute(add(2, "x300")), [1, 2])
      assert.deepStrictEqual(watched.loads, [])
      assert.deepStrictEqual(yield* execute(add(2, "x1")), [1, 2])
      assert.deepStrictEqual(watched.loads, ["x1"])
      watched.onCommit = () => Effect.fail(fault("io"))
      yield* Effect.flip(execute(add(3, "x300")))
      watched.onCommit = (_, go) => go
      yield* execute(add(4, "x300"))
      assert.deepStrictEqual(watched.loads, ["x1", "x300"])
    })
  )

  it.effect("a race that is lost again and again ends as Busy after 16 tries, and the next command works", () =>
    Effect.gen(function* () {
      const { execute, stateOf, watched } = yield* setUp
      watched.onCommit = () => Effect.fail(new StaleRevision())
      const losing = yield* start(Effect.flip(execute(add(1))))
      while (losing.pollUnsafe() === undefined) yield* TestClock.adjust("1 second")
      const error = yield* Fiber.join(losing)
      assert.strictEqual(error._tag, "Busy")
      assert.strictEqual(watched.commits.length, 16)
      watched.onCommit = (_, go) => go
      assert.deepStrictEqual(yield* execute(add(2)), [2])
      assert.deepStrictEqual(yield* stateOf("i"), [2])
    })
  )

  it.effect("decision 18: a wide command that lost twice runs inside the storage's write transaction", () =>
    Effect.gen(function* () {
      const setting = yield* setUp
      racing(setting, 1)
      assert.deepStrictEqual(yield* setting.executeWide(addWide(1)), [101, 1])
      assert.strictEqual(setting.watched.exclusive, 0)
      racing(setting, 99)
      assert.deepStrictEqual(yield* setting.executeWide(addWide(2)), [101, 1, 101, 102, 2])
      assert.strictEqual(setting.watched.exclusive, 1)
      assert.deepStrictEqual(yield* setting.stateOf("i"), [101, 1, 101, 102, 2])
    })
  )

  it.effect("a wide command of no intent's turn makes those that it changed forgotten", () =>
    Effect.gen(function* () {
      const { execute, executeWide, watched } = yield* setUp
      yield* execute(add(1))
      yield* executeWide(addWide(2, undefined))
      watched.loads.length = 0
      assert.deepStrictEqual(yield* execute(add(3)), [1, 2, 3])
      assert.deepStrictEqual(watched.loads, ["i"])
      assert.strictEqual(watched.commits.length, 3, "no commit was lost")
    })
  )

  it.effect("an intent is known to exist once it is stored, also by another", () =>
    Effect.gen(function* () {
      const { execute, mustExist, storage } = yield* setUp
      const exists = (id: string) =>
        Effect.match(mustExist(id), { onSuccess: () => true, onFailure: ({ _tag }) => _tag !== "IntentNotFound" })
      assert.isTrue(yield* exists("i"))
      assert.isFalse(yield* exists("later"))
      yield* stored(storage, "later")
      assert.isTrue(yield* exists("later"))
      yield* execute(add(1))
      assert.isTrue(yield* exists("i"))
    })
  )
})
