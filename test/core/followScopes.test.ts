import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Context from "effect/Context"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { passes } from "../../src/core/event/membership.ts"
import type { FollowEvents, LogEvent } from "../../src/core/event/LogEvent.ts"
import type { OpenIntentShape } from "../../src/core/OpenIntent.ts"
import { Storage, type StorageShape } from "../../src/core/Storage.ts"
import { SqliteStorage } from "../../src/storage/sqlite/SqliteStorage.ts"
import { eventOf } from "../../src/testing/storageRecords.ts"
import { type Random, randomOf } from "../crash/random.ts"
import { anEngine, engineOn, interleaved, logOf, memoryStorage } from "./engines.ts"

const start = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1)
const settle = Effect.forEach(upTo(50), () => Effect.yieldNow, { discard: true })

const sqliteStorage = Effect.map(Layer.build(Layer.fresh(SqliteStorage.layerMemory)), Context.get(Storage))

/** What a stream is to show, said another way than the engine does: intervals first, then the log filtered by them. */
const expected = (log: ReadonlyArray<LogEvent>, query: FollowEvents): ReadonlyArray<number> => {
  const { after = 0, agentId, intentId, portfolioId } = query
  const own = (event: LogEvent) =>
    event.source === "system" &&
    (agentId === undefined ? event.payload.portfolio_id === portfolioId : event.payload.agent_id === agentId)
  const [joins, leaves] =
    agentId === undefined ? ["added_to_portfolio", "removed_from_portfolio"] : ["agent_assigned", "agent_unassigned"]
  const intervals: Array<{ readonly intentId: string; readonly from: number; to: number }> = []
  for (const event of log) {
    if (!own(event)) continue
    const open = intervals.find((one) => one.intentId === event.intentId && one.to === Infinity)
    if (event.type === joins && open === undefined)
      intervals.push({ intentId: event.intentId, from: event.position, to: Infinity })
    if (event.type === leaves && open !== undefined) open.to = event.position
  }
  const isIn = ({ intentId, position }: LogEvent) =>
    intervals.some((one) => one.intentId === intentId && one.from <= position && position <= one.to)
  const isToldOthers = (event: LogEvent) =>
    agentId !== undefined && event.source === "system" && event.type === "agent_assigned" && !own(event)
  return log
    .filter((event) => event.position > after)
    .filter((event) =>
      agentId === undefined && portfolioId === undefined
        ? intentId === undefined || event.intentId === intentId
        : isIn(event) && !isToldOthers(event)
    )
    .map(({ position }) => position)
}

const agents = ["ann", "bob", "cyd"]

interface World {
  readonly engine: OpenIntentShape
  readonly intents: ReadonlyArray<string>
  readonly portfolios: ReadonlyArray<string>
}

const makeWorld = (engine: OpenIntentShape) =>
  Effect.gen(function* () {
    const intents = yield* Effect.forEach(upTo(4), () => engine.intents.create({ title: "t" }))
    const portfolios = yield* Effect.forEach(upTo(2), () => engine.portfolios.create({ name: "p" }))
    return { engine, intents: intents.map(({ id }) => id), portfolios: portfolios.map(({ id }) => id) }
  })

/** One random change; those that a rule refuses change nothing. */
const step = ({ engine, intents, portfolios }: World, random: Random): Effect.Effect<unknown> => {
  const [intentId, agentId, portfolioId] = [random.oneOf(intents), random.oneOf(agents), random.oneOf(portfolios)]
  const forged = random.oneOf(["agent_assigned", "agent_unassigned", "added_to_portfolio", "removed_from_portfolio"])
  const changes: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
    engine.agents.assign(intentId, { agentId }),
    engine.agents.assign(intentId, { agentId, role: "lead" }),
    engine.agents.unassign(intentId, agentId),
    engine.portfolios.addIntent(portfolioId, { intentId }),
    engine.portfolios.removeIntent(portfolioId, intentId),
    engine.events.append(intentId, { type: "comment" }),
    engine.events.append(intentId, { type: "comment" }),
    engine.events.append(intentId, {
      type: forged,
      payload: { agent_id: agentId, portfolio_id: portfolioId, reassigned: true }
    })
  ]
  return Effect.ignore(random.oneOf(changes))
}

const someQuery = ({ intents, portfolios }: World, random: Random, last: number): FollowEvents => {
  const after = random.below(3) === 0 ? last : random.below(last + 1)
  return random.oneOf<FollowEvents>([
    { after, agentId: random.oneOf(agents) },
    { after, portfolioId: random.oneOf(portfolios) },
    { after, intentId: random.oneOf(intents) },
    { after }
  ])
}

/** Random commands while followers come, at random places of the log, and are slow or quick; all see what they are to see. */
const history = (storage: StorageShape, seed: number, length: number) =>
  Effect.gen(function* () {
    const random = randomOf(seed)
    const engine = yield* engineOn(storage)
    const world = yield* makeWorld(engine)
    const followers: Array<{ query: FollowEvents; seen: Array<number>; fiber: Fiber.Fiber<void, unknown> }> = []
    for (const n of upTo(length)) {
      yield* random.below(4) === 0 ? start(step(world, random)) : step(world, random)
      if (n % 5 !== 0) continue
      const query = someQuery(world, random, yield* Effect.orDie(storage.lastPosition))
      const seen: Array<number> = []
      const pauses = random.below(4)
      const reading = Stream.runForEachArray(engine.events.follow(query), (events) =>
        Effect.andThen(
          Effect.sync(() => void seen.push(...events.map(({ position }) => position))),
          Effect.forEach(upTo(pauses), () => Effect.yieldNow)
        )
      )
      followers.push({ query, seen, fiber: yield* start(reading) })
    }
    yield* settle
    const log = yield* logOf(storage)
    for (const { fiber, query, seen } of followers) {
      const wanted = expected(log, query)
      for (let waited = 0; seen.length < wanted.length && waited < 2000; waited++) yield* Effect.yieldNow
      yield* settle
      assert.isUndefined(fiber.pollUnsafe())
      assert.deepStrictEqual(seen, wanted, `seed ${seed}, ${JSON.stringify(query)}`)
    }
  }).pipe(Effect.scoped)

describe("Events.follow of agents and portfolios", () => {
  it.effect("decision 22: memory: random histories are seen by the intervals of membership", () =>
    Effect.forEach(
      upTo(60),
      (seed) => Effect.flatMap(memoryStorage, (storage) => history(storage, seed, 60)).pipe(Effect.scoped),
      { discard: true }
    )
  )

  it.effect("decision 22: the same where others go on before each answer of the storage", () =>
    Effect.forEach(
      upTo(40),
      (seed) => Effect.flatMap(memoryStorage, (storage) => history(interleaved(storage), seed, 60)).pipe(Effect.scoped),
      { discard: true }
    )
  )

  it.effect("decision 22: the same on SQLite", () =>
    Effect.forEach(
      upTo(15),
      (seed) => Effect.flatMap(sqliteStorage, (storage) => history(storage, seed, 60)).pipe(Effect.scoped),
      { discard: true }
    )
  )

  it.effect("a long way back, with many members, it reads their events only, and sees the same", () =>
    Effect.gen(function* () {
      const storage = yield* memoryStorage
      const engine = yield* engineOn(storage)
      const intents = yield* Effect.forEach(upTo(150), () => engine.intents.create({ title: "t" }))
      const ids = intents.map(({ id }) => id)
      yield* Effect.forEach(ids.slice(0, 10), (id) => engine.agents.assign(id, { agentId: "few" }), { discard: true })
      yield* Effect.forEach(ids, (id) => engine.agents.assign(id, { agentId: "many" }), { discard: true })
      for (const n of upTo(2500))
        yield* storage.commit({
          guards: [],
          writes: [],
          events: [eventOf(`e${n}`, ids[n % 150]!)],
          counters: new Map()
        })
      yield* engine.agents.unassign(ids[3]!, "few")
      yield* engine.agents.unassign(ids[4]!, "many")
      const log = yield* logOf(storage)
      for (const agentId of ["few", "many"])
        for (const after of [0, 155, 400]) {
          const wanted = expected(log, { agentId, after })
          const seen = yield* Stream.runCollect(Stream.take(engine.events.follow({ agentId, after }), wanted.length))
          assert.deepStrictEqual(
            seen.map(({ position }) => position),
            wanted
          )
        }
    })
  )

  it.effect("another engine on the same storage assigns: heard of by the storage, in its place", () =>
    Effect.gen(function* () {
      const storage = yield* memoryStorage
      const changes = yield* Queue.unbounded<void>()
      const here = yield* engineOn({ ...storage, changedElsewhere: Stream.fromQueue(changes) })
      const there = yield* engineOn(storage)
      const { id } = yield* there.intents.create({ title: "t" })
      const following = yield* start(Stream.runCollect(Stream.take(here.events.follow({ agentId: "ann" }), 4)))
      yield* settle
      yield* there.agents.assign(id, { agentId: "ann" })
      yield* there.events.append(id, { type: "comment" })
      yield* here.events.append(id, { type: "comment" }) // Beyond what this engine knows of.
      yield* there.agents.unassign(id, "ann")
      yield* there.events.append(id, { type: "comment" })
      yield* Queue.offer(changes, undefined)
      assert.deepStrictEqual(
        (yield* Fiber.join(following)).map(({ type }) => type),
        ["agent_assigned", "comment", "comment", "agent_unassigned"]
      )
    })
  )

  it.effect("unknown portfolios are told; agents need no registration; one scope at most", () =>
    Effect.gen(function* () {
      const engine = yield* anEngine
      const ending = (query: FollowEvents) => Effect.flip(Stream.runHead(engine.events.follow(query)))
      assert.strictEqual((yield* ending({ portfolioId: "none" }))._tag, "PortfolioNotFound")
      assert.strictEqual((yield* ending({ agentId: "a", intentId: "i" }))._tag, "ValidationError")
      assert.strictEqual((yield* ending({ agentId: "" }))._tag, "ValidationError")
      const following = yield* start(Stream.runHead(engine.events.follow({ agentId: "nobody" })))
      yield* settle
      assert.isUndefined(following.pollUnsafe())
    })
  )

  it.effect("a position beyond the end is the end, and the stream tells where it begins", () =>
    Effect.gen(function* () {
      const engine = yield* anEngine
      const { id } = yield* engine.intents.create({ title: "t" })
      const starts: Array<number> = []
      const following = yield* start(
        Stream.runHead(engine.events.follow({ after: 1000, onStart: (position) => starts.push(position) }))
      )
      yield* settle
      yield* engine.events.append(id, { type: "comment" })
      const event = yield* Fiber.join(following)
      assert.deepStrictEqual([starts, event._tag === "Some" && event.value.position], [[1], 2])
    })
  )
})

describe("Events.follow and slow consumers", () => {
  /** A consumer that takes one event, and then nothing until it is let go. */
  const slow = (engine: OpenIntentShape, query: FollowEvents) =>
    Effect.gen(function* () {
      const go = yield* Queue.unbounded<void>()
      const seen: Array<number> = []
      const fiber = yield* start(
        Stream.runForEachArray(engine.events.follow(query), (events) => {
          seen.push(...events.map(({ position }) => position))
          return Queue.take(go)
        })
      )
      yield* settle
      return { seen, fiber, go: Effect.forEach(upTo(200), () => Queue.offer(go, undefined)) }
    })

  it.effect("who falls behind reads on from the log, and misses nothing", () =>
    Effect.gen(function* () {
      const engine = yield* anEngine
      const { id } = yield* engine.intents.create({ title: "t" })
      yield* engine.agents.assign(id, { agentId: "ann" })
      const { go, seen } = yield* slow(engine, { agentId: "ann", after: 0 })
      assert.deepStrictEqual(seen, [2])
      yield* Effect.forEach(upTo(2500), () => engine.events.append(id, { type: "comment" }), { discard: true })
      yield* settle
      assert.deepStrictEqual(seen, [2])
      yield* go
      for (let waited = 0; seen.length < 2501 && waited < 2000; waited++) yield* Effect.yieldNow
      assert.deepStrictEqual(
        seen,
        upTo(2501).map((n) => n + 1)
      )
    })
  )

  it.effect("http.md 12.6: with `endsBehind` the stream ends instead, and what it gave has no gap", () =>
    Effect.gen(function* () {
      const engine = yield* anEngine
      const { id } = yield* engine.intents.create({ title: "t" })
      const { fiber, go, seen } = yield* slow(engine, { intentId: id, endsBehind: 10 })
      yield* engine.events.append(id, { type: "comment" })
      yield* settle
      yield* Effect.forEach(upTo(11), () => engine.events.append(id, { type: "comment" }), { discard: true })
      yield* settle
      yield* go
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(seen, [2])
      const rest = yield* Stream.runCollect(Stream.take(engine.events.follow({ intentId: id, after: 2 }), 11))
      assert.strictEqual(rest.length, 11)
    })
  )

  it.effect("a backlog is no delay of the consumer's: `endsBehind` counts new events only", () =>
    Effect.gen(function* () {
      const engine = yield* anEngine
      const { id } = yield* engine.intents.create({ title: "t" })
      yield* Effect.forEach(upTo(1500), () => engine.events.append(id, { type: "comment" }), { discard: true })
      const events = yield* Stream.runCollect(
        Stream.take(engine.events.follow({ intentId: id, after: 0, endsBehind: 10 }), 1501)
      )
      assert.strictEqual(events.length, 1501)
    })
  )
})

describe("passes", () => {
  it("a forged event of a client changes no membership, and is shown as any other", () => {
    const group = { _tag: "Agent", id: "ann" } as const
    const members = new Set<string>()
    const forged = { ...eventOf("e1", "i1", { type: "agent_assigned", payload: { agent_id: "ann" } }), position: 1 }
    assert.isFalse(passes(group, members, forged))
    assert.strictEqual(members.size, 0)
    assert.isTrue(passes(group, new Set(["i1"]), forged))
  })
})
