/** What programs spend and set aside, and what is read of it. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type {
  Cost,
  CostSummary,
  NewReservation,
  PortfolioCosts,
  Reservation,
  Settlement
} from "../../core/cost/Cost.ts"
import { act, type Acted, type Stage } from "../scene.ts"

const Agent = Schema.Literals(["ann", "bob", "cid"])
/** Which of the intents: the root, its child, the child's child, and one without a budget. */
const IntentRef = Schema.Literals([0, 1, 2, 2, 3])
/** Which of the reservations made so far, modulo their number. */
const Ref = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 }))
/** Some that floating point cannot add up. */
const Amount = Schema.Literals([0.1, 0.1, 0.2, 0.7, 1, 2.5, 3, 4, 1e-7, 0])

export const RecordCost = Schema.TaggedStruct("RecordCost", {
  agent: Agent,
  intent: IntentRef,
  amount: Amount,
  unit: Schema.Literals(["USD", "tokens"]),
  costType: Schema.Literals(["tokens", "api_call"]),
  provider: Schema.NullOr(Schema.Literals(["maker"]))
})
/** A tenth, ten times. */
export const RecordTenths = Schema.TaggedStruct("RecordTenths", { agent: Agent })
export const Reserve = Schema.TaggedStruct("Reserve", {
  agent: Agent,
  intent: IntentRef,
  amount: Amount,
  seconds: Schema.Literals([1, 2, 60, 60])
})
export const Settle = Schema.TaggedStruct("Settle", { agent: Agent, reservation: Ref, amount: Amount })
export const Release = Schema.TaggedStruct("Release", { agent: Agent, reservation: Ref })
const PassTime = Schema.TaggedStruct("Pass", { seconds: Schema.Literals([1, 2]) })

export type Command =
  | typeof RecordCost.Type
  | typeof RecordTenths.Type
  | typeof Reserve.Type
  | typeof Settle.Type
  | typeof Release.Type
export const Pass: Schema.Codec<typeof PassTime.Type> = PassTime

/** Caps in dollars: of the root for all, and of a portfolio for the child and what is below it. */
export const rootCap = 5
export const portfolioCap = 3

export interface Known {
  readonly intents: ReadonlyArray<string>
  readonly portfolioId: string
  readonly reservations: Array<Reservation>
}

export interface Seen {
  readonly costs: ReadonlyArray<Cost>
  readonly summary: CostSummary
  readonly reservations: ReadonlyArray<Reservation>
}

export interface World {
  /** The intents in their order. */
  readonly intents: ReadonlyArray<Seen>
  readonly ofPortfolio: PortfolioCosts
  readonly ids: ReadonlyArray<string>
}

export type CostAct =
  | Acted<"RecordCost" | "RecordTenths", unknown>
  | (Acted<"Reserve", NewReservation> & { readonly intent: number; readonly amount: number })
  | Acted<"Settle", Settlement>
  | Acted<"Release", Reservation>

export const begin = ({ engine: { intents, portfolios } }: Stage) =>
  Effect.gen(function* () {
    const root = yield* intents.create({ title: "root", constraints: { max_cost: rootCap } })
    const child = yield* intents.create({ title: "child", parentIntentId: root.id })
    const leaf = yield* intents.create({ title: "leaf", parentIntentId: child.id })
    const free = yield* intents.create({ title: "free" })
    const portfolio = yield* portfolios.create({ name: "capped", governancePolicy: { max_cost: portfolioCap } })
    yield* portfolios.addIntent(portfolio.id, { intentId: child.id })
    const known: Known = {
      intents: [root.id, child.id, leaf.id, free.id],
      portfolioId: portfolio.id,
      reservations: []
    }
    return known
  })

export const perform = (
  { agents, engine: { costs } }: Stage,
  known: Known,
  command: Command
): Effect.Effect<CostAct> | undefined => {
  const agent = agents[command.agent]
  const intentId = "intent" in command ? (known.intents[command.intent] ?? "") : ""
  const reservation =
    "reservation" in command ? known.reservations[command.reservation % known.reservations.length] : undefined
  switch (command._tag) {
    case "RecordCost": {
      const { amount, costType, provider, unit } = command
      const recorded = costs.record(intentId, { amount, costType, provider, unit })
      return act("RecordCost", agent, `records ${amount} ${unit} (${costType}) on ${intentId}`, recorded, {})
    }
    case "RecordTenths": {
      const free = known.intents[3] ?? ""
      const tenths = Effect.forEach(
        Array.from({ length: 10 }),
        () => costs.record(free, { amount: 0.1, costType: "tenth", unit: "USD" }),
        { concurrency: "unbounded" }
      )
      return act("RecordTenths", agent, `records 0.1 USD on ${free} ten times`, tenths, {})
    }
    case "Reserve": {
      const { amount, intent, seconds } = command
      const reserved = Effect.tap(costs.reserve(intentId, { amount, ttl: Duration.seconds(seconds) }), (made) =>
        Effect.sync(() => known.reservations.push(made))
      )
      return act("Reserve", agent, `reserves ${amount} on ${intentId} for ${seconds} s`, reserved, { intent, amount })
    }
    case "Settle": {
      if (reservation === undefined) return undefined
      const settled = costs.settle(reservation.intentId, reservation.id, { amount: command.amount })
      return act("Settle", agent, `settles ${reservation.id} with ${command.amount}`, settled, {})
    }
    case "Release": {
      if (reservation === undefined) return undefined
      const released = costs.release(reservation.intentId, reservation.id)
      return act("Release", agent, `gives ${reservation.id} back`, released, {})
    }
  }
}

export const read = ({ engine: { costs } }: Stage, { intents, portfolioId }: Known) =>
  Effect.gen(function* () {
    const seen = yield* Effect.forEach(intents, (id) =>
      Effect.gen(function* () {
        return {
          costs: (yield* costs.list(id)).items,
          summary: yield* costs.summary(id),
          reservations: (yield* costs.reservations(id)).items
        }
      })
    )
    return { intents: seen, ofPortfolio: yield* costs.ofPortfolio(portfolioId), ids: intents }
  })
