/** Costs: invariants 45 and 46 of semantics 10; budgets: decisions 25 and 26. */
import type { Cost } from "../../core/cost/Cost.ts"
import { canonical, isSame } from "../canonical.ts"
import { isAnswered, type Trace } from "../scene.ts"
import type { Rule as SuiteRule } from "../Suite.ts"
import { type CostAct, portfolioCap, rootCap, type Seen, type World } from "./acts.ts"

type Rule = SuiteRule<Trace<CostAct, World>>

const worldsOf = ({ end, scenes }: Trace<CostAct, World>): ReadonlyArray<World> => [
  ...scenes.map((scene) => scene.after),
  end
]

/** Programs have amounts of at most seven digits after the point: as whole numbers they add up exactly. */
const scale = 1e7
const whole = (amount: number) => Math.round(amount * scale)
const sumOf = (amounts: ReadonlyArray<number>) => amounts.reduce((sum, amount) => sum + whole(amount), 0) / scale

const sumsBy = (costs: ReadonlyArray<Cost>, name: (cost: Cost) => string) => {
  const groups = Map.groupBy(costs, name)
  return Object.fromEntries([...groups].map(([key, group]) => [key, sumOf(group.map((cost) => cost.amount))]))
}

const exact: Rule = {
  id: "45",
  title: "totals are exact decimal sums, and so are those by type, agent, unit and provider, whatever the order",
  family: "costs",
  *judge(trace) {
    for (const { ids, intents, ofPortfolio } of worldsOf(trace)) {
      for (const [i, { costs, summary }] of intents.entries()) {
        const wanted = {
          total: sumOf(costs.map((cost) => cost.amount)),
          count: costs.length,
          byType: sumsBy(costs, (cost) => cost.costType),
          byAgent: sumsBy(costs, (cost) => cost.agentId),
          byUnit: sumsBy(costs, (cost) => cost.unit),
          byProvider: sumsBy(costs, (cost) => cost.provider ?? "unknown")
        }
        if (!isSame(summary, wanted))
          yield `${ids[i]} sums up to ${canonical(summary)}, but must to ${canonical(wanted)}`
      }
      // The one member of the portfolio is the child.
      if (!isSame(ofPortfolio.summary, intents[1]?.summary))
        yield `the portfolio sums up to ${canonical(ofPortfolio.summary)}, its member to ${canonical(intents[1]?.summary)}`
    }
  }
}

const tenths: Rule = {
  id: "46",
  title: "a tenth recorded ten times totals exactly 1",
  family: "costs",
  *judge({ end, scenes }) {
    const times = scenes.flatMap(({ acts }) => acts).filter((act) => act._tag === "RecordTenths" && isAnswered(act))
    const total = end.intents[3]?.summary.byType["tenth"] ?? 0
    if (total !== times.length) yield `${times.length} times ten tenths are ${total}`
  }
}

const dollars = ({ costs }: Seen) => sumOf(costs.flatMap((cost) => (cost.unit === "USD" ? cost.amount : [])))
const heldIn = ({ reservations }: Seen) =>
  sumOf(reservations.flatMap((reservation) => (reservation.status === "held" ? reservation.amount : [])))

/** Each cap, and the intents that it is for. */
const caps = [
  { name: "root", cap: rootCap, intents: [0, 1, 2] },
  { name: "portfolio", cap: portfolioCap, intents: [1, 2] }
]

const used = (world: World, intents: ReadonlyArray<number>) =>
  sumOf(intents.flatMap((i) => world.intents[i] ?? []).map((seen) => sumOf([dollars(seen), heldIn(seen)])))

const capped: Rule = {
  id: "budget",
  title:
    "what is spent and set aside never exceeds a cap by a reservation, and none is refused that has room (decision 25)",
  family: "costs",
  *judge({ scenes }) {
    for (const { acts, after, before } of scenes) {
      const reserves = acts.filter((act) => act._tag === "Reserve")
      // What is recorded or settled is spent already, and may exceed.
      if (reserves.length === 0 || acts.length > reserves.length) continue
      for (const { cap, intents, name } of caps) {
        const [was, is] = [used(before, intents), used(after, intents)]
        if (is > was && is > cap) yield `the ${name} has ${is} of ${cap} in use after a reservation`
      }
      const [only, ...others] = reserves
      if (only === undefined || others.length > 0) continue
      const hasRoom = caps.every(
        ({ cap, intents }) => !intents.includes(only.intent) || sumOf([used(before, intents), only.amount]) <= cap
      )
      // Reservations may come to their end between the two readings, which makes room.
      const wasHeld = before.intents.some((seen) => seen.reservations.some(({ status }) => status === "held"))
      if (isAnswered(only) !== hasRoom && !(wasHeld && isAnswered(only)))
        yield `${only.amount} was ${isAnswered(only) ? "reserved" : "refused"} with ${used(before, [0, 1, 2])} in use, ${used(before, [1, 2])} of it in the portfolio`
    }
  }
}

export const rules: ReadonlyArray<Rule> = [exact, tenths, capped]
