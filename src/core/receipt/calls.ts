/**
 * The calls that take effect once under `OpenIntent.once`: those that are a POST over HTTP. The embedded and the remote
 * engine share them, so both treat a key alike.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { encodeBase64 } from "../base64.ts"
import { CurrentAgent } from "../CurrentAgent.ts"
import type { ValidationError } from "../Errors.ts"
import type { Events, OpenIntentShape } from "../OpenIntent.ts"
import { CurrentCall, CurrentKey, isKey, keyIssue, type KeyedCall, type Mark } from "./KeyedCall.ts"

const digest = (text: string): Promise<ArrayBuffer> => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))

const hashed = async (text: string): Promise<string> => encodeBase64(new Uint8Array(await digest(text)))

/** What a caller has seen, and under which lease: told by headers over HTTP, and no part of what is asked for. */
const isSeen = (name: string): boolean => name === "version" || name === "leaseToken"

/** Names in order, and forms for what JSON has none for. */
const inOrder = (_: string, value: unknown): unknown => {
  if (typeof value === "bigint") return `${value}n`
  if (value instanceof Uint8Array) return encodeBase64(value)
  if (!Predicate.isObject(value) || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((name) => [name, value[name]])
  )
}

/** The input as text: the same for the same input. What has no such form, a cycle, is refused by its call. */
const canonical = (inputs: ReadonlyArray<unknown>): string => {
  try {
    return JSON.stringify(
      inputs.map((input) =>
        Predicate.isObject(input) ? Object.fromEntries(Object.entries(input).filter(([name]) => !isSeen(name))) : input
      ),
      inOrder
    )
  } catch {
    return ""
  }
}

/** Ids come before the input, as they stand in the path of a request. */
const markOf = async (agentId: string, operation: string, args: ReadonlyArray<unknown>, key: string): Promise<Mark> => {
  const ids = args.filter((arg) => typeof arg === "string")
  return {
    receiptKey: await hashed(JSON.stringify(["once", agentId, operation, ids, key])),
    fingerprint: await hashed(canonical(args.filter((arg) => typeof arg !== "string")))
  }
}

/** The call, which takes effect once where there is a key. */
const keyed =
  <Args extends ReadonlyArray<unknown>, A, E>(operation: string, call: (...args: Args) => Effect.Effect<A, E>) =>
  (...args: Args): Effect.Effect<A, E | ValidationError> =>
    Effect.withFiber((fiber): Effect.Effect<A, E | ValidationError> => {
      const key = fiber.getRef(CurrentKey)
      if (key === undefined) return call(...args)
      if (!isKey(key)) return Effect.fail(keyIssue)
      const agentId = fiber.getRef(CurrentAgent)
      const mark = Effect.promise(() => markOf(agentId, operation, args, key))
      return Effect.suspend(() => {
        const under: KeyedCall = { key, mark, outcome: "open" }
        return Effect.updateContext(call(...args), (context: Context.Context<never>) =>
          Context.add(context, CurrentCall, under)
        )
      })
    })

/** Of `llm` too, which appends by them. */
export const keyedEvents = (events: Events): Events => ({ ...events, append: keyed("events.append", events.append) })

/** Whose `events` are keyed already. */
export const keyedCalls = (engine: OpenIntentShape): OpenIntentShape => {
  const { agents, attachments, costs, governance, graph, intents, leases, portfolios, retries, subscriptions } = engine
  return {
    ...engine,
    intents: {
      ...intents,
      create: keyed("intents.create", intents.create),
      patchState: keyed("intents.patchState", intents.patchState),
      setStatus: keyed("intents.setStatus", intents.setStatus)
    },
    graph: { ...graph, addDependency: keyed("graph.addDependency", graph.addDependency) },
    agents: { ...agents, assign: keyed("agents.assign", agents.assign) },
    leases: {
      ...leases,
      acquire: keyed("leases.acquire", leases.acquire),
      revoke: keyed("leases.revoke", leases.revoke)
    },
    attachments: { ...attachments, add: keyed("attachments.add", attachments.add) },
    costs: {
      ...costs,
      record: keyed("costs.record", costs.record),
      reserve: keyed("costs.reserve", costs.reserve),
      settle: keyed("costs.settle", costs.settle)
    },
    governance: {
      ...governance,
      requestArbitration: keyed("governance.requestArbitration", governance.requestArbitration),
      recordDecision: keyed("governance.recordDecision", governance.recordDecision),
      requestApproval: keyed("governance.requestApproval", governance.requestApproval),
      approve: keyed("governance.approve", governance.approve),
      deny: keyed("governance.deny", governance.deny)
    },
    portfolios: {
      ...portfolios,
      create: keyed("portfolios.create", portfolios.create),
      addIntent: keyed("portfolios.addIntent", portfolios.addIntent)
    },
    retries: {
      ...retries,
      recordFailure: keyed("retries.recordFailure", retries.recordFailure),
      resolveFailures: keyed("retries.resolveFailures", retries.resolveFailures)
    },
    subscriptions: {
      ...subscriptions,
      create: keyed("subscriptions.create", subscriptions.create),
      redeliver: keyed("subscriptions.redeliver", subscriptions.redeliver)
    }
  }
}
