/** What the remote engine refuses to send, or cannot ask for, ends as it does embedded (design.md 1.3). */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import type { OpenIntentShape } from "../../src/core/OpenIntent.ts"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import type { Page } from "../../src/core/Page.ts"
import * as Remote from "../../src/http/remote.ts"
import { memory } from "../../src/layers/memory.ts"
import { serving, type Serving } from "./serving.ts"

let server: Serving
let embedded: ManagedRuntime.ManagedRuntime<OpenIntent, never>
let remote: ManagedRuntime.ManagedRuntime<OpenIntent, never>
/** What the calls below are made on. */
const ids = { intent: "", portfolio: "", subscription: "" }

beforeAll(async () => {
  embedded = ManagedRuntime.make(memory())
  const engine = await embedded.runPromise(OpenIntent)
  server = await serving({}, Layer.succeed(OpenIntent, engine))
  remote = ManagedRuntime.make(Remote.layer({ url: server.url, apiKey: "dev-user-key" }))
  const make = Effect.all([
    engine.intents.create({ title: "x" }),
    engine.portfolios.create({ name: "p" }),
    engine.subscriptions.create({})
  ])
  const [intent, portfolio, subscription] = await embedded.runPromise(make)
  Object.assign(ids, { intent: intent.id, portfolio: portfolio.id, subscription: subscription.id })
})
afterAll(async () => {
  await remote.dispose()
  await server.close()
  await embedded.dispose()
})

type Use = (engine: OpenIntentShape) => Effect.Effect<unknown, { readonly _tag: string }>

/** How a call fails: its error, and the fields at fault. */
const ending = (runtime: typeof embedded, use: Use) =>
  runtime.runPromise(
    Effect.map(Effect.flip(OpenIntent.use(use)), (error) => ({
      tag: error._tag,
      fields:
        "issues" in error && Array.isArray(error.issues)
          ? error.issues.map(({ field }: { readonly field: string }) => field)
          : []
    }))
  )

const assertSame = async (name: string, use: Use) => {
  const here = await ending(embedded, use)
  assert.deepStrictEqual(await ending(remote, use), here, name)
  return here
}

type Answer<Member> = Member extends (...input: never) => infer A ? A : undefined

type ListsOf<N extends keyof OpenIntentShape> = {
  [M in keyof OpenIntentShape[N]]: Answer<OpenIntentShape[N][M]> extends Effect.Effect<Page<unknown>, unknown>
    ? `${N}.${Extract<M, string>}`
    : never
}[keyof OpenIntentShape[N]]

/** Every method of the interface that answers with a page, so that none is forgotten below. */
type ListName = { [N in keyof OpenIntentShape]: ListsOf<N> }[keyof OpenIntentShape]

interface Query {
  readonly limit?: number
  readonly offset?: number
  readonly after?: string
}

const lists: { readonly [name in ListName]: (engine: OpenIntentShape, query: Query) => ReturnType<Use> } = {
  "agents.list": ({ agents }, query) => agents.list(ids.intent, query),
  "attachments.list": ({ attachments }, query) => attachments.list(ids.intent, query),
  "costs.list": ({ costs }, query) => costs.list(ids.intent, query),
  "costs.reservations": ({ costs }, query) => costs.reservations(ids.intent, query),
  "events.list": ({ events }, query) => events.list(ids.intent, query),
  "governance.approvals": ({ governance }, query) => governance.approvals(ids.intent, query),
  "governance.arbitrations": ({ governance }, query) => governance.arbitrations(ids.intent, query),
  "governance.decisions": ({ governance }, query) => governance.decisions(ids.intent, query),
  "graph.ancestors": ({ graph }, query) => graph.ancestors(ids.intent, query),
  "graph.blocked": ({ graph }, query) => graph.blocked(ids.intent, query),
  "graph.children": ({ graph }, query) => graph.children(ids.intent, query),
  "graph.dependencies": ({ graph }, query) => graph.dependencies(ids.intent, query),
  "graph.dependents": ({ graph }, query) => graph.dependents(ids.intent, query),
  "graph.descendants": ({ graph }, query) => graph.descendants(ids.intent, query),
  "graph.ready": ({ graph }, query) => graph.ready(ids.intent, query),
  "intents.list": ({ intents }, query) => intents.list(query),
  "leases.list": ({ leases }, query) => leases.list(ids.intent, query),
  "portfolios.list": ({ portfolios }, query) => portfolios.list(query),
  "portfolios.members": ({ portfolios }, query) => portfolios.members(ids.portfolio, query),
  "portfolios.ofIntent": ({ portfolios }, query) => portfolios.ofIntent(ids.intent, query),
  "retries.failures": ({ retries }, query) => retries.failures(ids.intent, query),
  "subscriptions.deliveries": ({ subscriptions }, query) => subscriptions.deliveries(ids.subscription, query),
  "subscriptions.list": ({ subscriptions }, query) => subscriptions.list(query)
}

describe("input that is not valid", () => {
  for (const [name, list] of Object.entries(lists)) {
    it(`${name}: every field of the page`, async () => {
      const cases: ReadonlyArray<readonly [Query, ReadonlyArray<string>]> = [
        [{ limit: 0 }, ["limit"]],
        [{ limit: 1001 }, ["limit"]],
        [{ limit: 1.5 }, ["limit"]],
        [{ limit: Number.NaN }, ["limit"]],
        [{ limit: "5" as never }, ["limit"]],
        [{ offset: -1 }, ["offset"]],
        [{ offset: 2 ** 60 }, ["offset"]],
        [{ after: "?" }, ["after"]],
        [{ after: "" }, ["after"]],
        [{ after: 5 as never }, ["after"]]
      ]
      for (const [query, fields] of cases) {
        const found = await assertSame(JSON.stringify(query), (engine) => list(engine, query))
        assert.deepStrictEqual(found, { tag: "ValidationError", fields })
      }
    })
  }

  const calls: ReadonlyArray<readonly [name: string, fields: ReadonlyArray<string>, use: Use]> = [
    ["an order", ["order"], ({ intents }) => intents.list({ order: "up" as never })],
    ["a status of leases", ["status"], ({ leases }) => leases.list(ids.intent, { status: "lost" as never })],
    ["a position", ["afterPosition"], ({ events }) => events.list(ids.intent, { afterPosition: -1 })],
    ["a type that is no text", ["type"], ({ events }) => events.append(ids.intent, { type: 7 as never })],
    ["a title that is no text", ["title"], ({ intents }) => intents.create({ title: 7 as never })],
    ["a confidence", ["confidence"], ({ intents }) => intents.create({ title: "x", confidence: Number.NaN })],
    ["a duration", ["duration"], ({ leases }) => leases.acquire(ids.intent, { scope: "a", duration: "soon" as never })],
    ["no end", ["duration"], ({ leases }) => leases.renew(ids.intent, "x", { duration: Number.POSITIVE_INFINITY })],
    ["half a second", ["duration"], ({ leases }) => leases.acquire(ids.intent, { scope: "a", duration: 1500 })],
    ["a time to live", ["ttl"], ({ costs }) => costs.reserve(ids.intent, { amount: 1, ttl: "soon" as never })],
    [
      "an amount",
      ["amount"],
      ({ costs }) => costs.record(ids.intent, { costType: "a", amount: Number.NaN, unit: "USD" })
    ],
    ["a delay", ["baseDelay"], ({ retries }) => retries.setPolicy(ids.intent, { baseDelay: "soon" as never })],
    ["a strategy", ["strategy"], ({ retries }) => retries.setPolicy(ids.intent, { strategy: "wild" as never })],
    ["an attempt", ["attemptNumber"], ({ retries }) => retries.recordFailure(ids.intent, { attemptNumber: 0.5 })],
    [
      "a role",
      ["role"],
      ({ portfolios }) => portfolios.addIntent(ids.portfolio, { intentId: "x", role: "a" as never })
    ],
    ["a token", ["leaseToken"], ({ intents }) => intents.patchState(ids.intent, { version: 1, leaseToken: 0.5 })],
    [
      "a size",
      ["size"],
      ({ attachments }) =>
        attachments.add(ids.intent, { filename: "a", mimeType: "text/plain", storageUrl: "https://a.b", size: 0.5 })
    ]
  ]
  for (const [name, fields, use] of calls) {
    it(`${name}: ${fields.join()}`, async () =>
      assert.deepStrictEqual(await assertSame(name, use), { tag: "ValidationError", fields }))
  }
})

describe("ids that no path can name", () => {
  const calls: ReadonlyArray<readonly [tag: string, use: (engine: OpenIntentShape, odd: string) => ReturnType<Use>]> = [
    ["IntentNotFound", ({ intents }, odd) => intents.get(odd)],
    ["IntentNotFound", ({ costs }, odd) => costs.release(odd, "x")],
    ["LeaseNotFound", ({ leases }, odd) => leases.release(ids.intent, odd)],
    ["AssignmentNotFound", ({ agents }, odd) => agents.unassign(ids.intent, odd)],
    ["DependencyNotFound", ({ graph }, odd) => graph.removeDependency(ids.intent, { dependencyId: odd, version: 1 })],
    ["AttachmentNotFound", ({ attachments }, odd) => attachments.remove(ids.intent, odd)],
    ["AttachmentNotFound", ({ attachments }, odd) => attachments.content(ids.intent, odd)],
    ["ApprovalNotFound", ({ governance }, odd) => governance.approve(ids.intent, odd)],
    [
      "ArbitrationNotFound",
      ({ governance }, odd) => governance.recordDecision(ids.intent, { outcome: "a", arbitrationId: odd })
    ],
    ["ReservationNotFound", ({ costs }, odd) => costs.settle(ids.intent, odd, { amount: 1 })],
    ["ReservationNotFound", ({ costs }, odd) => costs.release(ids.intent, odd)],
    ["PortfolioNotFound", ({ portfolios }, odd) => portfolios.get(odd)],
    ["PortfolioNotFound", ({ costs }, odd) => costs.ofPortfolio(odd)],
    ["IntentNotFound", ({ portfolios }, odd) => portfolios.addIntent(ids.portfolio, { intentId: odd })],
    ["MembershipNotFound", ({ portfolios }, odd) => portfolios.removeIntent(ids.portfolio, odd)],
    ["SubscriptionNotFound", ({ subscriptions }, odd) => subscriptions.get(odd)],
    ["IntentNotFound", ({ subscriptions }, odd) => subscriptions.create({ intentId: odd })],
    ["PortfolioNotFound", ({ subscriptions }, odd) => subscriptions.create({ portfolioId: odd })],
    ["DeliveryNotFound", ({ subscriptions }, odd) => subscriptions.redeliver(ids.subscription, odd)],
    ["RetryPolicyNotFound", ({ retries }) => retries.policy(ids.intent)],
    ["IntentNotFound", ({ retries }, odd) => retries.policy(odd)],
    ["IntentNotFound", ({ llm }, odd) => llm.summary(odd)],
    ["ParentNotFound", ({ intents }, odd) => intents.create({ title: "x", parentIntentId: odd })]
  ]
  for (const [tag, use] of calls) {
    it(`${tag} of ${/\w+\.\w+\(/.exec(use.toString())?.[0] ?? ""}…)`, async () => {
      for (const odd of ["", ".", "..", "%2e", "a/b?c#d", "漢 é", "no such"]) {
        const found = await assertSame(odd, (engine) => use(engine, odd))
        assert.strictEqual(found.tag, tag, odd)
      }
    })
  }
})
