/**
 * Ten agents and one budget: money is set aside before it is spent, so that they cannot spend it twice.
 * Run it with Node 24: `node examples/budget.ts`, where `openintent` is installed (`npm run build` does it here).
 */
import { Console, Effect, Result } from "effect"
import { OpenIntent } from "openintent"
import { memory } from "openintent/memory"

/** Stands for a call to a model: what it may cost is known before, what it has cost after. */
const atMost = 0.3
const callModel = Effect.succeed({ answer: "…", price: 0.21 })

const program = Effect.gen(function* () {
  const { costs, events, intents } = yield* OpenIntent
  const { id: research } = yield* intents.create({ title: "Market research", constraints: { max_cost: 1 } })

  // Costs below the intent count too: each agent works on a child of its own.
  const work = (n: number) =>
    Effect.gen(function* () {
      const { id } = yield* intents.create({ title: `Region ${n}`, parentIntentId: research })
      const reserved = yield* costs.reserve(id, { amount: atMost, costType: "tokens" })
      return { id, reserved }
    }).pipe(OpenIntent.as(`agent-${n}`), Effect.result)

  // All reserve at once. There is room for three.
  const all = yield* Effect.forEach([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], work, { concurrency: "unbounded" })
  const granted = all.filter(Result.isSuccess).map(({ success }) => success)
  const refused = all.filter(Result.isFailure).map(({ failure }) => failure)
  const remaining = granted.map(({ reserved }) => reserved.remaining ?? 0).toSorted((a, b) => a - b)
  yield* Console.log(`${granted.length} of ${all.length} may call; ${remaining.join(", ")} left after each`)
  for (const error of refused.slice(0, 1)) {
    if (error._tag !== "BudgetExceeded") return yield* error
    const { amount, currency, held, limit, spent } = error
    yield* Console.log(`${refused.length} are refused: ${amount} ${currency} of ${limit}, ${spent} spent, ${held} held`)
  }

  // What a call has cost takes the place of what was set aside for it; the rest is free again.
  for (const { id, reserved } of granted) {
    const { price } = yield* callModel
    yield* costs.settle(id, reserved.id, { amount: price, provider: "example" })
  }
  const more = yield* costs.reserve(research, { amount: 0.37 })
  yield* Console.log(`0.37 more fit exactly: ${more.remaining} left`)

  // A call that did not happen gives its money back.
  yield* costs.release(research, more.id)

  // What is spent without asking is recorded all the same; the log tells that it was too much.
  yield* costs.record(research, { costType: "compute", amount: 0.4, unit: "USD" })
  const { items } = yield* events.list(research, { visibility: "all", order: "asc" })
  for (const { payload, type } of items.filter(({ type }) => type.startsWith("budget_"))) {
    yield* Console.log(`${type}:`, payload["total"], "of", payload["limit"])
  }
})

await Effect.runPromise(Effect.provide(program, memory()))
