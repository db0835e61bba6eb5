/**
 * Many spend at once under the same budgets, through two engines on one storage (decision 25): no budget is ever
 * overdrawn, and what is left can always be spent. `COST_ROUNDS` sets how many rounds each storage goes through.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as TestClock from "effect/testing/TestClock"
import { amountOf, numberOf } from "../../src/core/cost/amount.ts"
import type { OpenIntentShape } from "../../src/core/OpenIntent.ts"
import type { Commit, StorageShape } from "../../src/core/Storage.ts"
import { expireDue } from "../../src/core/cost/expiry.ts"
import { engineOn, memoryStorage, partsOn, watch } from "./engines.ts"
import { pairs, storages } from "./graphs.ts"

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

const rounds = (otherwise: number) => Number(process.env["COST_ROUNDS"] ?? otherwise)

const reservers = 64
const leafCount = 8
/** Of the portfolio and of the root in it. */
const [tighter, wider] = [16, 24]

/** Every account that a commit is about to write must be within its limit. */
const assertWithin = (limits: ReadonlyMap<string, number>, { writes }: Commit) => {
  for (const write of writes) {
    if (write._tag !== "Put" || write.table !== "accounts") continue
    const { held, key, spent } = write.record
    const limit = limits.get(key)
    if (limit !== undefined) assert.isTrue(spent >= 0n && held >= 0n && spent + held <= amountOf(limit), key)
  }
}

/** What reservations and costs of these intents come to, without any account. */
const recount = (engine: OpenIntentShape, ids: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    let [spent, held] = [0n, 0n]
    for (const id of ids) {
      spent += amountOf((yield* engine.costs.summary(id)).total)
      for (const { amount, status } of (yield* engine.costs.reservations(id)).items) {
        if (status === "held") held += amountOf(amount)
      }
    }
    return [spent, held].map(numberOf)
  })

const balance = (storage: StorageShape, key: string) =>
  Effect.map(storage.get("accounts", [key]), ([account]) => [account?.spent ?? 0n, account?.held ?? 0n].map(numberOf))

/** Reserves, and keeps it, gives it back, or settles it: all of it, or half. Answers whether there was room. */
const reserver = ({ costs }: OpenIntentShape, leaf: string) =>
  Effect.gen(function* () {
    const { id } = yield* costs.reserve(leaf, { amount: 1 })
    const fate = yield* Random.nextIntBetween(0, 4)
    if (fate === 1) yield* costs.release(leaf, id)
    if (fate === 2) yield* costs.settle(leaf, id, { amount: 1 })
    if (fate === 3) yield* costs.settle(leaf, id, { amount: 0.5 })
    return true
  }).pipe(Effect.catchTag("BudgetExceeded", () => Effect.succeed(false)))

/** A root with a budget and leaves below it, in a portfolio with a tighter one. */
const grow = ({ intents, portfolios }: OpenIntentShape, limits: Map<string, number>) =>
  Effect.gen(function* () {
    const root = yield* intents.create({ title: "root", constraints: { max_cost: wider } })
    const leaves = yield* Effect.forEach(upTo(leafCount), () =>
      Effect.map(intents.create({ title: "leaf", parentIntentId: root.id }), ({ id }) => id)
    )
    const portfolio = yield* portfolios.create({ name: "p", governancePolicy: { max_cost: tighter } })
    yield* portfolios.addIntent(portfolio.id, { intentId: root.id })
    limits.set(`portfolio/${portfolio.id}`, tighter).set(`intent/${root.id}`, wider)
    return { root: root.id, leaves, portfolio: portfolio.id }
  })

const race = (engines: readonly [OpenIntentShape, ...Array<OpenIntentShape>], limits: Map<string, number>) =>
  Effect.gen(function* () {
    const [engine] = engines
    const { leaves, portfolio, root } = yield* grow(engine, limits)
    const served = yield* Effect.forEach(
      upTo(reservers),
      (i) => reserver(engines[i % engines.length] ?? engine, leaves[i % leafCount] ?? root),
      { concurrency: "unbounded" }
    )
    // As many as there is room for without giving anything back, at least.
    assert.isAtLeast(served.filter(Boolean).length, tighter)
    // What is left can be reserved to the last half, and no more.
    for (;;) {
      const more = yield* Effect.result(engine.costs.reserve(leaves[0] ?? root, { amount: 0.5 }))
      if (more._tag === "Success") continue
      assert.strictEqual(more.failure._tag, "BudgetExceeded")
      break
    }
    const [spent = 0, held = 0] = yield* recount(engine, leaves)
    assert.strictEqual(spent + held, tighter)
    limits.clear()
    return { portfolio, root, figures: [spent, held] }
  })

/** Rounds over engines whose commits are all looked at. */
const racing = (opened: ReadonlyArray<StorageShape>, count: number) =>
  Effect.gen(function* () {
    const limits = new Map<string, number>()
    const watched = opened.map(watch)
    for (const one of watched) {
      one.onCommit = (commit, go) =>
        Effect.suspend(() => {
          assertWithin(limits, commit)
          return go
        })
    }
    const [first, ...others] = yield* Effect.forEach(watched, ({ storage }) => engineOn(storage))
    const [storage] = opened
    if (first === undefined || storage === undefined) return
    for (let round = 0; round < count; round++) {
      const { figures, portfolio, root } = yield* race([first, ...others], limits)
      assert.deepStrictEqual(yield* balance(storage, `portfolio/${portfolio}`), figures)
      assert.deepStrictEqual(yield* balance(storage, `intent/${root}`), figures)
    }
  })

for (const [name, empty] of Object.entries(storages)) {
  describe(`64 reserve at once under one cap: one engine, ${name}`, () => {
    it.live("it is never passed and always reached", () =>
      Effect.flatMap(empty, (storage) => racing([storage], rounds(name === "memory" ? 40 : 10)))
    )
  })
}

for (const [name, pair] of Object.entries(pairs)) {
  describe(`64 reserve at once under one cap: two engines, ${name}`, () => {
    it.live("it is never passed and always reached", () =>
      Effect.flatMap(pair, (opened) => racing(opened, rounds(name === "memory" ? 10 : 3)))
    )

    it.live("a portfolio whose members come and go meanwhile counts each of them once", () =>
      Effect.gen(function* () {
        const [one, two] = yield* pair
        const engines = [yield* engineOn(one), yield* engineOn(two)] as const
        const [engine] = engines
        for (let round = 0; round < rounds(3); round++) {
          const root = yield* engine.intents.create({ title: "root" })
          const middle = yield* engine.intents.create({ title: "middle", parentIntentId: root.id })
          const leaf = yield* engine.intents.create({ title: "leaf", parentIntentId: middle.id })
          const ids = [root.id, middle.id, leaf.id]
          const { id: portfolio } = yield* engine.portfolios.create({ name: "p", governancePolicy: { max_cost: 1000 } })
          const members = new Set<string>()
          const toggle = (side: OpenIntentShape, intentId: string) =>
            Effect.andThen(
              side.portfolios.addIntent(portfolio, { intentId }),
              Effect.andThen(
                Effect.ignore(side.costs.record(intentId, { costType: "c", amount: 0.25, unit: "USD" })),
                Effect.flatMap(Random.nextBoolean, (stays) =>
                  stays
                    ? Effect.sync(() => void members.add(intentId))
                    : Effect.asVoid(side.portfolios.removeIntent(portfolio, intentId))
                )
              )
            )
          yield* Effect.all(
            [
              ...upTo(24).map((i) => reserver(engines[i % 2 === 0 ? 0 : 1], ids[i % 3] ?? leaf.id)),
              ...ids.map((id, i) => toggle(engines[i % 2 === 0 ? 1 : 0], id))
            ],
            { concurrency: "unbounded" }
          )
          const parents = [undefined, root.id, middle.id]
          const covered: Array<string> = []
          for (const [i, id] of ids.entries()) {
            if (members.has(id) || covered.includes(parents[i] ?? "")) covered.push(id)
          }
          const figures = yield* recount(engine, covered)
          assert.deepStrictEqual(yield* balance(one, `portfolio/${portfolio}`), figures)
          for (const id of members) yield* engine.portfolios.removeIntent(portfolio, id)
          assert.deepStrictEqual(yield* balance(two, `portfolio/${portfolio}`), [0, 0])
        }
      })
    )
  })
}

describe("what comes between two steps", () => {
  it.effect("a cost that nothing limits when it is looked at, and the first portfolio with a budget", () =>
    Effect.gen(function* () {
      const storage = yield* memoryStorage
      const watched = watch(storage)
      const [one, two] = [yield* engineOn(watched.storage), yield* engineOn(storage)]
      const { id } = yield* one.intents.create({ title: "t" })
      const portfolios: Array<string> = []
      const join = Effect.gen(function* () {
        const portfolio = yield* two.portfolios.create({ name: "p", governancePolicy: { max_cost: 10 } })
        yield* two.portfolios.addIntent(portfolio.id, { intentId: id })
        portfolios.push(portfolio.id)
      })
      watched.onCommit = (commit, go) =>
        portfolios.length === 0 && commit.writes.some(({ table }) => table === "costs")
          ? Effect.andThen(Effect.orDie(join), go)
          : go
      yield* one.costs.record(id, { costType: "c", amount: 9, unit: "USD" })
      const [portfolio = ""] = portfolios
      assert.deepStrictEqual(yield* balance(storage, `portfolio/${portfolio}`), [9, 0])
      assert.strictEqual((yield* Effect.flip(two.costs.reserve(id, { amount: 2 })))._tag, "BudgetExceeded")
      yield* two.portfolios.removeIntent(portfolio, id)
      assert.deepStrictEqual(yield* balance(storage, `portfolio/${portfolio}`), [0, 0])
    })
  )

  it.effect("one who is refused because of a reservation that is over, and another who writes its end", () =>
    Effect.gen(function* () {
      const storage = yield* memoryStorage
      const { commands } = yield* partsOn(storage)
      let meanwhile: Effect.Effect<unknown> = Effect.void
      const engine = yield* engineOn(
        {
          ...storage,
          page: (query) => Effect.andThen(query.index === "due" ? meanwhile : Effect.void, storage.page(query))
        },
        { sweepInterval: Duration.hours(1) }
      )
      const { id } = yield* engine.intents.create({ title: "t", constraints: { max_cost: 1 } })
      yield* engine.costs.reserve(id, { amount: 1, ttl: "1 second" })
      yield* TestClock.adjust("999 millis")
      assert.strictEqual((yield* Effect.flip(engine.costs.reserve(id, { amount: 1 })))._tag, "BudgetExceeded")
      yield* TestClock.adjust("1 millis")
      meanwhile = Effect.orDie(expireDue(storage, commands))
      assert.strictEqual((yield* engine.costs.reserve(id, { amount: 1 })).remaining, 0)
    })
  )
})
