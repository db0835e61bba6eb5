/** What programs do while streams are followed, and what these were given. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { LogEvent } from "../../core/event/LogEvent.ts"
import type { OpenIntentShape } from "../../core/OpenIntent.ts"
import { follow, type Followed, type Scope } from "../following.ts"
import { type Act, act, type Stage } from "../scene.ts"
import { eventsOf } from "./membership.ts"

const Agent = Schema.Literals(["ann", "bob", "cid"])
const IntentRef = Schema.Literals([0, 1, 2])

/** Clients may append events with the names of those that tell of membership: they change none. */
export const Append = Schema.TaggedStruct("Append", {
  agent: Agent,
  intent: IntentRef,
  type: Schema.Literals(["comment", "comment", "agent_assigned", "agent_unassigned", "added_to_portfolio", "x.own"])
})
export const Assign = Schema.TaggedStruct("Assign", {
  agent: Agent,
  intent: IntentRef,
  who: Schema.Literals(["bob", "bob", "cid"])
})
export const Unassign = Schema.TaggedStruct("Unassign", {
  agent: Agent,
  intent: IntentRef,
  who: Schema.Literals(["bob", "bob", "cid"])
})
export const Join = Schema.TaggedStruct("Join", { agent: Agent, intent: IntentRef })
export const Leave = Schema.TaggedStruct("Leave", { agent: Agent, intent: IntentRef })

export type Command =
  | typeof Append.Type
  | typeof Assign.Type
  | typeof Unassign.Type
  | typeof Join.Type
  | typeof Leave.Type

/** Makes the intent a member of the portfolio, or ends that. */
export const changeMembership = (
  agent: string,
  { portfolios }: OpenIntentShape,
  { _tag }: typeof Join.Type | typeof Leave.Type,
  intentId: string,
  portfolioId: string
): Effect.Effect<Act> =>
  _tag === "Join"
    ? act(_tag, agent, `adds ${intentId} to ${portfolioId}`, portfolios.addIntent(portfolioId, { intentId }), {})
    : act(_tag, agent, `removes ${intentId} from ${portfolioId}`, portfolios.removeIntent(portfolioId, intentId), {})

type Told = (count: number) => Effect.Effect<Followed>

export interface Known {
  readonly intents: ReadonlyArray<string>
  readonly portfolioId: string
  /** The scopes that are followed. */
  readonly scopes: ReadonlyArray<Scope>
  /** Those who follow from the beginning. */
  readonly followers: ReadonlyArray<Told>
}

export interface World {
  /** Events of all intents, in the order of the log. */
  readonly log: ReadonlyArray<LogEvent>
  /** Known at the end only. */
  readonly followed: ReadonlyArray<Followed>
}

export const begin = ({ agents, engine, patienceMs }: Stage) =>
  Effect.gen(function* () {
    const intents = yield* Effect.forEach([1, 2, 3], (n) => engine.intents.create({ title: `intent ${n}` }))
    const portfolio = yield* engine.portfolios.create({ name: "followed" })
    const [first] = intents
    const scopes: ReadonlyArray<Scope> = [
      { intentId: first?.id ?? "" },
      { portfolioId: portfolio.id },
      { agentId: agents.bob }
    ]
    // Nobody but this program writes of these, so the beginning of the log is that of the program.
    const followers = yield* Effect.forEach(scopes, (scope) => follow(engine, scope, 0, patienceMs))
    const known: Known = { intents: intents.map(({ id }) => id), portfolioId: portfolio.id, scopes, followers }
    return known
  })

export const perform = (
  { agents, engine }: Stage,
  { intents, portfolioId }: Known,
  command: Command
): Effect.Effect<Act> => {
  const agent = agents[command.agent]
  const intentId = intents[command.intent] ?? ""
  switch (command._tag) {
    case "Append": {
      const payload = { agent_id: agents.bob, portfolio_id: portfolioId }
      const appended = engine.events.append(intentId, { type: command.type, payload })
      return act("Append", agent, `appends ${command.type} to ${intentId}`, appended, {})
    }
    case "Assign": {
      const agentId = agents[command.who]
      return act("Assign", agent, `assigns ${agentId} to ${intentId}`, engine.agents.assign(intentId, { agentId }), {})
    }
    case "Unassign": {
      const agentId = agents[command.who]
      const unassigned = engine.agents.unassign(intentId, agentId)
      return act("Unassign", agent, `unassigns ${agentId} from ${intentId}`, unassigned, {})
    }
    case "Join":
    case "Leave":
      return changeMembership(agent, engine, command, intentId, portfolioId)
  }
}

const everything = { order: "asc", visibility: "all", limit: 1_000 } as const

/** The events of these intents, in the order of the log. */
export const readLog = ({ engine }: Stage, intents: ReadonlyArray<string>) =>
  Effect.map(
    Effect.forEach(intents, (id) => engine.events.list(id, everything)),
    (pages) => pages.flatMap(({ items }) => items).toSorted((a, b) => a.position - b.position)
  )

export const read = (stage: Stage, known: Known) =>
  Effect.map(readLog(stage, known.intents), (log): World => ({ log, followed: [] }))

/** What was given to those who followed from the beginning, and to those who begin now in the middle of the log. */
export const finish = (stage: Stage, known: Known) =>
  Effect.gen(function* () {
    const log = yield* readLog(stage, known.intents)
    const middle = log[log.length >> 1]?.position ?? 0
    const late = yield* Effect.forEach(known.scopes, (scope) => follow(stage.engine, scope, middle, stage.patienceMs))
    const given = (followers: ReadonlyArray<Told>, after: number) =>
      followers.map((told, i) => told(eventsOf(known.scopes[i], log, after).length))
    const followed = yield* Effect.all([...given(known.followers, 0), ...given(late, middle)], {
      concurrency: "unbounded"
    })
    return { log, followed }
  })
