/** What programs do to portfolios, and what is read of them. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Intent } from "../../core/intent/Intent.ts"
import type { Membership, Portfolio, PortfolioMember } from "../../core/portfolio/Portfolio.ts"
import { act, type Acted, type Stage } from "../scene.ts"

const Agent = Schema.Literals(["ann", "bob", "cid"])
const Ref = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))

export const AddIntent = Schema.TaggedStruct("AddIntent", {
  agent: Agent,
  portfolio: Ref,
  intent: Ref,
  role: Schema.Literals(["primary", "member", "dependency"]),
  priority: Schema.Literals([0, 0, 1, 5])
})
export const RemoveIntent = Schema.TaggedStruct("RemoveIntent", { agent: Agent, portfolio: Ref, intent: Ref })
export const EndIntent = Schema.TaggedStruct("EndIntent", {
  agent: Agent,
  intent: Ref,
  status: Schema.Literals(["completed", "completed", "completed", "abandoned", "active"])
})
export const SetPortfolioStatus = Schema.TaggedStruct("SetPortfolioStatus", {
  agent: Agent,
  portfolio: Ref,
  status: Schema.Literals(["completed", "completed", "active", "abandoned"])
})

export type Command =
  | typeof AddIntent.Type
  | typeof RemoveIntent.Type
  | typeof EndIntent.Type
  | typeof SetPortfolioStatus.Type

/** Portfolios of every policy that has a rule. */
const policies = [
  {},
  { require_all_completed: true },
  { auto_complete_threshold: 50 },
  { auto_complete_threshold: 100 }
]

export interface Known {
  readonly intents: ReadonlyArray<string>
  readonly portfolios: ReadonlyArray<string>
}

export const begin = ({ engine }: Stage) =>
  Effect.gen(function* () {
    const intents = yield* Effect.forEach([1, 2, 3, 4], (n) => engine.intents.create({ title: `intent ${n}` }))
    const portfolios = yield* Effect.forEach(policies, (governancePolicy) =>
      engine.portfolios.create({ name: "a portfolio", governancePolicy })
    )
    return { intents: intents.map(({ id }) => id), portfolios: portfolios.map(({ id }) => id) }
  })

/** A portfolio with its members. */
export interface Seen {
  readonly portfolio: Portfolio
  readonly members: ReadonlyArray<PortfolioMember>
}

export interface World {
  readonly intents: ReadonlyMap<string, { readonly intent: Intent; readonly portfolioIds: ReadonlyArray<string> }>
  readonly portfolios: ReadonlyMap<string, Seen>
}

interface OfMember {
  readonly portfolioId: string
  readonly intentId: string
}

export type PortfolioAct =
  | (Acted<"AddIntent", Membership> & OfMember & { readonly role: string; readonly priority: number })
  | (Acted<"RemoveIntent", void> & OfMember)
  | Acted<"EndIntent", Intent>
  | (Acted<"SetPortfolioStatus", Portfolio> & { readonly portfolioId: string })

export const perform = (
  { agents, engine: { intents, portfolios } }: Stage,
  known: Known,
  command: Command,
  seen: World
): Effect.Effect<PortfolioAct> | undefined => {
  const agent = agents[command.agent]
  const intentId = "intent" in command ? (known.intents[command.intent] ?? "") : ""
  const portfolioId = "portfolio" in command ? (known.portfolios[command.portfolio] ?? "") : ""
  const ids = { portfolioId, intentId }
  switch (command._tag) {
    case "AddIntent": {
      const { priority, role } = command
      const added = portfolios.addIntent(portfolioId, { intentId, role, priority })
      return act("AddIntent", agent, `adds ${intentId} to ${portfolioId} as ${role}, ${priority}`, added, {
        ...ids,
        role,
        priority
      })
    }
    case "RemoveIntent": {
      const removed = portfolios.removeIntent(portfolioId, intentId)
      return act("RemoveIntent", agent, `removes ${intentId} from ${portfolioId}`, removed, ids)
    }
    case "EndIntent": {
      const { status } = command
      const version = seen.intents.get(intentId)?.intent.version ?? 1
      return act(
        "EndIntent",
        agent,
        `sets ${intentId} to ${status}`,
        intents.setStatus(intentId, { version, status }),
        {}
      )
    }
    case "SetPortfolioStatus": {
      const { status } = command
      const set = portfolios.setStatus(portfolioId, { status })
      return act("SetPortfolioStatus", agent, `sets ${portfolioId} to ${status}`, set, { portfolioId })
    }
  }
}

export const read = ({ engine }: Stage, known: Known) =>
  Effect.gen(function* () {
    const { intents, portfolios } = engine
    const found = new Map<string, { readonly intent: Intent; readonly portfolioIds: ReadonlyArray<string> }>()
    for (const id of known.intents) {
      const { items } = yield* portfolios.ofIntent(id)
      found.set(id, { intent: yield* intents.get(id), portfolioIds: items.map((portfolio) => portfolio.id) })
    }
    const seen = new Map<string, Seen>()
    for (const id of known.portfolios) {
      seen.set(id, { portfolio: yield* portfolios.get(id), members: (yield* portfolios.members(id)).items })
    }
    return { intents: found, portfolios: seen }
  })
