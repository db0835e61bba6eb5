/** Portfolios: invariants 50 to 52 of semantics 10. */
import { statuses } from "../../core/intent/Intent.ts"
import { canonical, isSame } from "../canonical.ts"
import { isAnswered, type Trace } from "../scene.ts"
import type { Rule as SuiteRule } from "../Suite.ts"
import type { PortfolioAct, Seen, World } from "./acts.ts"

type Rule = SuiteRule<Trace<PortfolioAct, World>>

const worldsOf = ({ end, scenes }: Trace<PortfolioAct, World>): ReadonlyArray<World> => [
  ...scenes.map((scene) => scene.after),
  end
]

const memberOf = (world: World, portfolioId: string, intentId: string) =>
  world.portfolios.get(portfolioId)?.members.find((member) => member.intentId === intentId)

const unique: Rule = {
  id: "50",
  title:
    "an intent is a member once, adding it again updates, removing it once removes, and the aggregate counts members",
  family: "members",
  *judge(trace) {
    for (const world of worldsOf(trace)) {
      for (const [id, { members, portfolio }] of world.portfolios) {
        const ids = members.map((member) => member.intentId)
        if (new Set(ids).size !== ids.length) yield `${id} has a member twice: ${canonical(ids)}`
        if (portfolio.aggregate.total !== ids.length)
          yield `${id} counts ${portfolio.aggregate.total} members, but has ${ids.length}`
        const sorted = members.toSorted((a, b) => b.priority - a.priority)
        if (!isSame(members, sorted)) yield `members of ${id} are not by priority: ${canonical(ids)}`
        for (const [intentId, { intent, portfolioIds }] of world.intents) {
          const wanted = ids.includes(intentId)
          if (portfolioIds.includes(id) !== wanted || intent.portfolioIds.includes(id) !== wanted)
            yield `${intentId} ${wanted ? "is" : "is no"} member of ${id}, but says it is of ${canonical(portfolioIds)}`
        }
      }
    }
    for (const { acts, after, before } of trace.scenes) {
      const [only, ...others] = acts
      if (only === undefined || others.length > 0 || !isAnswered(only)) continue
      if (only._tag === "AddIntent") {
        const { intentId, portfolioId, priority, role } = only
        const [was, is] = [memberOf(before, portfolioId, intentId), memberOf(after, portfolioId, intentId)]
        if (is?.role !== role || is.priority !== priority)
          yield `${intentId} was added as ${role}, ${priority}, and is ${canonical([is?.role, is?.priority])}`
        if (was !== undefined && was.id !== is?.id) yield `${intentId} has another membership after it was added again`
      }
      if (only._tag === "RemoveIntent" && memberOf(after, only.portfolioId, only.intentId) !== undefined)
        yield `${only.intentId} is still a member after it was removed`
    }
  }
}

const aggregates: Rule = {
  id: "51",
  title: "the aggregate is that of the members: 0 % for none, 100 % if and only if all are completed",
  family: "members",
  *judge(trace) {
    for (const world of worldsOf(trace)) {
      for (const [id, { members, portfolio }] of world.portfolios) {
        const { byStatus, completionPercentage } = portfolio.aggregate
        const count = (status: string) =>
          members.filter((member) => world.intents.get(member.intentId)?.intent.status === status).length
        const wanted = Object.fromEntries(statuses.map((status) => [status, count(status)]))
        if (!isSame(byStatus, wanted))
          yield `${id} counts ${canonical(byStatus)}, but its members are ${canonical(wanted)}`
        const percentage = members.length === 0 ? 0 : Math.floor((100 * count("completed")) / members.length)
        if (completionPercentage !== percentage) yield `${id} is at ${completionPercentage} %, not ${percentage} %`
      }
    }
  }
}

const incomplete = (world: World, { members }: Seen): ReadonlyArray<string> =>
  members.flatMap(({ intentId }) => (world.intents.get(intentId)?.intent.status === "completed" ? [] : intentId))

const policies: Rule = {
  id: "52",
  title: "a policy that requires all completed holds, and a threshold that is reached completes",
  family: "members",
  *judge({ scenes }) {
    for (const { acts, after, before } of scenes) {
      const answered = acts.filter(isAnswered)
      for (const [id, seen] of after.portfolios) {
        const { aggregate, governancePolicy, status } = seen.portfolio
        const was = before.portfolios.get(id)?.portfolio.status
        // Who joins or leaves at the same time may do so before or after it.
        const moved = answered.some(
          (act) => (act._tag === "AddIntent" || act._tag === "RemoveIntent") && act.portfolioId === id
        )
        if (moved) continue
        const open = incomplete(after, seen)
        if (governancePolicy["require_all_completed"] === true && status === "completed" && was !== status) {
          if (open.length > 0) yield `${id} was completed while ${open.join(", ")} was not`
        }
        const threshold = governancePolicy["auto_complete_threshold"]
        const set = answered.some((act) => act._tag === "SetPortfolioStatus" && act.portfolioId === id)
        const completedNow = seen.members.some(
          ({ intentId }) =>
            after.intents.get(intentId)?.intent.status === "completed" &&
            before.intents.get(intentId)?.intent.status !== "completed"
        )
        if (typeof threshold !== "number" || set || !completedNow || was !== "active") continue
        if (aggregate.completionPercentage >= threshold && status === "active")
          yield `${id} is at ${aggregate.completionPercentage} % of ${threshold} %, and still active`
      }
    }
  }
}

export const rules: ReadonlyArray<Rule> = [unique, aggregates, policies]
