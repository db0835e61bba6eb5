/** What programs do while webhooks are delivered, and what arrived. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { LogEvent } from "../../core/event/LogEvent.ts"
import type { CreatedSubscription } from "../../core/subscription/Subscription.ts"
import { type Scope, turn } from "../following.ts"
import { type Act, act, pass, type Stage } from "../scene.ts"
import { changeMembership, type Join, type Leave, readLog } from "../stream/acts.ts"
import { eventsOf } from "../stream/membership.ts"
import type { SinkRequest } from "../Suite.ts"

const Agent = Schema.Literals(["ann", "bob", "cid"])
const IntentRef = Schema.Literals([0, 1])

export const Append = Schema.TaggedStruct("Append", {
  agent: Agent,
  intent: IntentRef,
  text: Schema.Literals(["a", "é😀"])
})
export const Assign = Schema.TaggedStruct("Assign", { agent: Agent, intent: IntentRef })
export type Command = typeof Append.Type | typeof Assign.Type | typeof Join.Type | typeof Leave.Type

/** A subscription, and where the log was when it was made. */
interface Subscribed {
  readonly subscription: CreatedSubscription
  readonly scope: Scope
  readonly from: number
}

export interface Known {
  readonly intents: ReadonlyArray<string>
  readonly portfolioId: string
  readonly subscribed: ReadonlyArray<Subscribed>
}

/** What one subscription should have got, and what it got. */
export interface Delivered {
  readonly scope: Scope
  readonly wanted: ReadonlyArray<LogEvent>
  readonly requests: ReadonlyArray<SinkRequest & { readonly isSigned: boolean }>
}

export interface World {
  readonly log: ReadonlyArray<LogEvent>
  /** Known at the end only. */
  readonly delivered: ReadonlyArray<Delivered>
}

/** Without a sink there is nowhere to deliver to, and nobody subscribes. */
export const begin = (stage: Stage) =>
  Effect.gen(function* () {
    const { engine, options } = stage
    const intents = yield* Effect.forEach([1, 2], (n) => engine.intents.create({ title: `intent ${n}` }))
    const ids = intents.map(({ id }) => id)
    const portfolio = yield* engine.portfolios.create({ name: "delivered" })
    const subscribe = (scope: Scope) =>
      Effect.gen(function* () {
        const webhookUrl = `${options.sink?.url}/${crypto.randomUUID()}`
        const subscription = yield* engine.subscriptions.create({ ...scope, webhookUrl })
        return { subscription, scope, from: (yield* readLog(stage, ids)).at(-1)?.position ?? 0 }
      })
    const scopes: ReadonlyArray<Scope> =
      options.sink === undefined ? [] : [{ intentId: ids[0] ?? "" }, { portfolioId: portfolio.id }]
    const subscribed = yield* Effect.forEach(scopes, subscribe)
    const known: Known = { intents: ids, portfolioId: portfolio.id, subscribed }
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
      const appended = engine.events.append(intentId, { type: "comment", payload: { text: command.text } })
      return act("Append", agent, `appends a comment to ${intentId}`, appended, {})
    }
    case "Assign": {
      const assigned = engine.agents.assign(intentId, { agentId: agent })
      return act("Assign", agent, `is assigned to ${intentId}`, assigned, {})
    }
    case "Join":
    case "Leave":
      return changeMembership(agent, engine, command, intentId, portfolioId)
  }
}

export const read = (stage: Stage, { intents }: Known) =>
  Effect.map(readLog(stage, intents), (log): World => ({ log, delivered: [] }))

const encoder = new TextEncoder()

/** Whether the contract's signature is that of the raw body, with the whole secret as its key (decision 24). */
const isSigned = (secret: string, { body, headers }: SinkRequest): Effect.Effect<boolean> =>
  Effect.promise(async () => {
    const algorithm = { name: "HMAC", hash: "SHA-256" }
    const key = await crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, ["sign"])
    const bytes = new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(body)))
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
    return headers["x-openintent-signature"] === `sha256=${hex}`
  })

/** Waits until everything has arrived, or for as long as that may take. */
export const finish = (stage: Stage, known: Known) =>
  Effect.gen(function* () {
    const { options, patienceMs } = stage
    const log = yield* readLog(stage, known.intents)
    const requestsOf = ({ subscription }: Subscribed) => {
      const path = new URL(subscription.webhookUrl ?? "").pathname
      return options.sink?.requests().filter((request) => request.path === path) ?? []
    }
    const wanted = known.subscribed.map(({ from, scope }) => eventsOf(scope, log, from))
    const isComplete = () =>
      known.subscribed.every(
        (one, i) => requestsOf(one).filter((request) => request.isAcknowledged).length >= (wanted[i]?.length ?? 0)
      )
    const began = performance.now()
    while (!isComplete() && performance.now() - began < patienceMs) {
      if (options.advance !== undefined) yield* pass(options, 100)
      yield* turn
    }
    const delivered = yield* Effect.forEach(known.subscribed, (one, i) =>
      Effect.map(
        Effect.forEach(requestsOf(one), (request) =>
          Effect.map(isSigned(one.subscription.secret, request), (signed) => ({ ...request, isSigned: signed }))
        ),
        (requests): Delivered => ({ scope: one.scope, wanted: wanted[i] ?? [], requests })
      )
    )
    return { log, delivered }
  })
