/** `Idempotency-Key` on every POST of the contract (http.md 1.2, decision 8). */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { HttpApi } from "effect/http-api"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { Engine } from "../../src/core/Engine.ts"
import { type Range, Storage, type StorageShape } from "../../src/core/Storage.ts"
import type { IndexName, TableName } from "../../src/core/tables.ts"
import { Api } from "../../src/http/Api.ts"
import { SqliteStorage } from "../../src/storage/sqlite/SqliteStorage.ts"
import { type Answer, type Ask, serving, type Serving } from "./serving.ts"

interface Case {
  readonly path: string
  readonly body: object
  readonly headers?: { readonly [name: string]: string }
  /** Rows that it adds, by table. */
  readonly adds: { readonly [T in Counted]?: number }
  /** What others do before it is sent once more: the answer would be another one now. */
  readonly meanwhile: () => Promise<unknown>
}

let server: Serving
let storage: StorageShape
const scope = Scope.makeUnsafe()
beforeAll(async () => {
  const context = await Effect.runPromise(Layer.buildWithScope(SqliteStorage.layerMemory, scope))
  storage = Context.get(context, Storage)
  // Nothing comes in the background that a count of rows could mistake for an effect.
  const engine = Engine.layer({ sweepInterval: Duration.days(1) }).pipe(Layer.provide(Layer.succeed(Storage, storage)))
  server = await serving({}, engine)
})
afterAll(async () => {
  await server.close()
  await Effect.runPromise(Scope.close(scope, Exit.void))
})

const post = (path: string, body?: unknown, headers: Ask["headers"] = {}): Promise<Answer> =>
  server.ask("POST", `/api/v1${path}`, { body, headers })

const done = async (answer: Promise<Answer>): Promise<Answer> => {
  const found = await answer
  assert.strictEqual(found.status, 200, found.text)
  return found
}

const made = async (path: string, body?: unknown, headers?: Ask["headers"]): Promise<string> =>
  (await done(post(path, body, headers))).body.id

const version = (n: number) => ({ "if-match": String(n) })
const newIntent = (fields: object = {}) => made("/intents", { title: "Release", status: "active", ...fields })
const newPortfolio = () => made("/portfolios", { name: "Releases" })
const remove = (path: string) => server.ask("DELETE", `/api/v1${path}`)
const patch = (id: string, n: number) => done(post(`/intents/${id}/state`, { state: { moved: n } }, version(n)))

/** Of every POST, by its name in the contract. */
const cases: { readonly [operation: string]: () => Promise<Case> } = {
  "intents.create": async () => ({
    path: "/intents",
    body: { title: "One", state: { $: ["undefined"], "a/b": { __proto__: 1 } }, assign: "borea" },
    adds: { intents: 1, events: 2, assignments: 1 },
    meanwhile: () => newIntent()
  }),
  "intents.patchState": async () => {
    const id = await newIntent()
    return {
      path: `/intents/${id}/state`,
      body: { patches: [{ op: "append", path: "/list", value: 1 }] },
      headers: version(1),
      adds: { events: 1 },
      meanwhile: () => patch(id, 2)
    }
  },
  "intents.setStatus": async () => {
    const id = await newIntent()
    const meanwhile = () => patch(id, 2)
    return {
      path: `/intents/${id}/status`,
      body: { status: "blocked" },
      headers: version(1),
      adds: { events: 1 },
      meanwhile
    }
  },
  "events.append": async () => {
    const id = await newIntent()
    return {
      path: `/intents/${id}/events`,
      body: { event_type: "comment", payload: { text: "once" } },
      adds: { events: 1 },
      meanwhile: () => made(`/intents/${id}/events`, { event_type: "comment" })
    }
  },
  "agents.assign": async () => {
    const id = await newIntent()
    return {
      path: `/intents/${id}/agents`,
      body: { agent_id: "borea", role: "reviewer" },
      adds: { assignments: 1, events: 1 },
      meanwhile: () => remove(`/intents/${id}/agents/borea`)
    }
  },
  "graph.createChild": async () => {
    const id = await newIntent()
    return {
      path: `/intents/${id}/children`,
      body: { title: "Part" },
      adds: { intents: 1, events: 1 },
      meanwhile: () => newIntent({ parent_intent_id: id })
    }
  },
  "graph.addDependency": async () => {
    const [id, dependency_id] = [await newIntent(), await newIntent()]
    return {
      path: `/intents/${id}/dependencies`,
      body: { dependency_id },
      headers: version(1),
      adds: { dependencies: 1, events: 2 },
      meanwhile: () => done(post(`/intents/${dependency_id}/status`, { status: "completed" }, version(1)))
    }
  },
  "leases.acquire": async () => {
    const id = await newIntent()
    return {
      path: `/intents/${id}/leases`,
      body: { scope: "notes" },
      adds: { leases: 1, events: 1 },
      meanwhile: async () => {
        const { body } = await server.ask("GET", `/api/v1/intents/${id}/leases`)
        await remove(`/intents/${id}/leases/${body.leases[0].id}`)
        await made(`/intents/${id}/leases`, { scope: "notes" })
      }
    }
  },
  "leases.revoke": async () => {
    const id = await newIntent()
    const lease = await made(`/intents/${id}/leases`, { scope: "notes" })
    return {
      path: `/intents/${id}/leases/${lease}/revoke`,
      body: { reason: "why not" },
      adds: { events: 1 },
      meanwhile: () => made(`/intents/${id}/leases`, { scope: "notes" })
    }
  },
  "attachments.add": async () => {
    const id = await newIntent()
    return {
      path: `/intents/${id}/attachments`,
      // More than other bodies may have.
      body: { filename: "a.txt", mime_type: "text/plain", content_base64: "aGkh".repeat(400_000) },
      adds: { attachments: 1, events: 1 },
      meanwhile: async () => {
        const { body } = await server.ask("GET", `/api/v1/intents/${id}/attachments`)
        await remove(`/intents/${id}/attachments/${body.attachments[0].id}`)
      }
    }
  },
  "portfolios.create": async () => ({
    path: "/portfolios",
    body: { name: "Releases", governance_policy: { max_cost: 5 } },
    adds: { portfolios: 1 },
    meanwhile: async () => {
      const { body } = await server.ask("GET", "/api/v1/portfolios")
      await made(`/portfolios/${body.portfolios.at(-1).id}/intents`, { intent_id: await newIntent() })
    }
  }),
  "portfolios.addIntent": async () => {
    const [portfolio, intent_id] = [await newPortfolio(), await newIntent()]
    return {
      path: `/portfolios/${portfolio}/intents`,
      body: { intent_id, role: "primary" },
      adds: { memberships: 1, events: 1 },
      meanwhile: () => remove(`/portfolios/${portfolio}/intents/${intent_id}`)
    }
  },
  "governance.requestArbitration": async () => {
    const id = await newIntent()
    const meanwhile = () =>
      made(`/intents/${id}/decisions`, { decision: "a", decision_type: "arbitration", outcome: "a" })
    return {
      path: `/intents/${id}/arbitrate`,
      body: { reason: "two" },
      adds: { arbitrations: 1, events: 1 },
      meanwhile
    }
  },
  "governance.recordDecision": async () => {
    const id = await newIntent()
    await made(`/intents/${id}/arbitrate`, { reason: "two" })
    return {
      path: `/intents/${id}/decisions`,
      body: { decision: "the first", decision_type: "arbitration", outcome: "the first" },
      adds: { decisions: 1, events: 2 },
      meanwhile: () => made(`/intents/${id}/arbitrate`, { reason: "again" })
    }
  },
  "governance.requestApproval": async () => {
    const id = await newIntent()
    return {
      path: `/intents/${id}/approvals`,
      body: { action: "complete" },
      adds: { approvals: 1, events: 1 },
      meanwhile: async () => {
        const { body } = await server.ask("GET", `/api/v1/intents/${id}/approvals`)
        await done(post(`/intents/${id}/approvals/${body.approvals[0].id}/approve`))
      }
    }
  },
  "governance.approve": async () => {
    const id = await newIntent()
    const approval = await made(`/intents/${id}/approvals`, { action: "complete" })
    const meanwhile = () => patch(id, 1)
    return {
      path: `/intents/${id}/approvals/${approval}/approve`,
      body: { notes: "yes" },
      adds: { events: 1 },
      meanwhile
    }
  },
  "governance.deny": async () => {
    const id = await newIntent()
    const approval = await made(`/intents/${id}/approvals`, { action: "complete" })
    const meanwhile = () => patch(id, 1)
    return { path: `/intents/${id}/approvals/${approval}/deny`, body: {}, adds: { events: 1 }, meanwhile }
  },
  "subscriptions.create": async () => ({
    path: "/subscriptions",
    body: { subscriber_id: "borea" },
    adds: { subscriptions: 1 },
    meanwhile: async () => {
      const { body } = await server.ask("GET", "/api/v1/subscriptions")
      await remove(`/subscriptions/${body.subscriptions.at(-1).id}`)
    }
  }),
  "subscriptions.createOfIntent": async () => {
    const id = await newIntent()
    return {
      path: `/intents/${id}/subscriptions`,
      body: { event_types: ["comment"] },
      adds: { subscriptions: 1, events: 1 },
      meanwhile: () => made(`/intents/${id}/subscriptions`, {})
    }
  },
  "subscriptions.redeliver": async () => {
    const subscriptionId = await made("/subscriptions", {})
    const [found] = await Effect.runPromise(storage.get("subscriptions", [subscriptionId]))
    const [revision = 0] = await Effect.runPromise(storage.revisions("subscriptions", [subscriptionId]))
    assert.isDefined(found)
    const record = {
      id: crypto.randomUUID(),
      subscriptionId,
      eventId: crypto.randomUUID(),
      attempt: 1,
      status: "failed" as const,
      responseStatus: 500,
      nextAttemptAt: null,
      createdAt: found.createdAt,
      position: 1,
      asked: false
    }
    // As if it had been given up: no delivery here is made by itself.
    await Effect.runPromise(
      storage.commit({
        guards: [{ table: "subscriptions", key: subscriptionId, expected: revision, next: revision + 1 }],
        writes: [{ _tag: "Put", table: "deliveries", record, before: undefined }],
        events: [],
        counters: new Map()
      })
    )
    return {
      path: `/subscriptions/${subscriptionId}/deliveries/${record.id}/redeliver`,
      body: {},
      adds: {},
      meanwhile: () => remove(`/subscriptions/${subscriptionId}`)
    }
  },
  "costs.record": async () => {
    const id = await newIntent({ constraints: { max_cost: 10 } })
    const body = { cost_type: "tokens", amount: 1, unit: "USD" }
    const meanwhile = () => made(`/intents/${id}/costs`, body)
    return { path: `/intents/${id}/costs`, body, adds: { costs: 1, events: 1 }, meanwhile }
  },
  "costs.reserve": async () => {
    const id = await newIntent({ constraints: { max_cost: 10 } })
    const meanwhile = () => made(`/intents/${id}/costs/reservations`, { amount: 3 })
    return {
      path: `/intents/${id}/costs/reservations`,
      body: { amount: 3 },
      adds: { reservations: 1, events: 1 },
      meanwhile
    }
  },
  "costs.settle": async () => {
    const id = await newIntent({ constraints: { max_cost: 10 } })
    const reservation = await made(`/intents/${id}/costs/reservations`, { amount: 3 })
    return {
      path: `/intents/${id}/costs/reservations/${reservation}/settle`,
      body: { amount: 2, cost_type: "tokens" },
      adds: { costs: 1, events: 2 },
      meanwhile: () => made(`/intents/${id}/costs/reservations`, { amount: 3 })
    }
  },
  "retries.recordFailure": async () => {
    const id = await newIntent()
    await server.ask("PUT", `/api/v1/intents/${id}/retry-policy`, { body: { strategy: "exponential", jitter: true } })
    const body = { error_message: "no release" }
    const meanwhile = () => made(`/intents/${id}/failures`, body)
    return { path: `/intents/${id}/failures`, body, adds: { failures: 1, events: 1 }, meanwhile }
  },
  "retries.resolveFailures": async () => {
    const id = await newIntent()
    const failure = await made(`/intents/${id}/failures`, { error_message: "no release" })
    const meanwhile = () => made(`/intents/${id}/failures`, {})
    return { path: `/intents/${id}/failures/resolve`, body: { failure_ids: [failure] }, adds: { events: 1 }, meanwhile }
  }
}

const posts: Array<string> = []
HttpApi.reflect(Api, {
  onGroup: () => undefined,
  onEndpoint: ({ endpoint, group }) => {
    if (endpoint.method === "POST") posts.push(`${group.identifier}.${endpoint.identifier}`)
  }
})

/** Where every row of a table is found that a POST writes. */
const everyRow = {
  intents: "all",
  events: "all",
  dependencies: "byIntent",
  leases: "byStatus",
  assignments: "everOfAgent",
  attachments: "byIntent",
  portfolios: "all",
  memberships: "members",
  arbitrations: "byStatus",
  decisions: "byIntent",
  approvals: "byStatus",
  subscriptions: "all",
  deliveries: "bySubscription",
  costs: "byIntent",
  reservations: "byIntent",
  failures: "byIntent",
  receipts: "due"
} as const satisfies { readonly [T in TableName]?: IndexName<T> }

type Counted = keyof typeof everyRow

const rows = async (): Promise<{ readonly [name: string]: number }> => {
  const counts = Object.entries(everyRow).map(async ([name, index]) => {
    const range = { table: name, index, keys: [[]] } as Range<Counted>
    return [name, await Effect.runPromise(storage.count(range, 1_000_000))] as const
  })
  return Object.fromEntries(await Promise.all(counts))
}

const difference = (before: { readonly [name: string]: number }, after: { readonly [name: string]: number }) =>
  Object.fromEntries(
    Object.keys(after).flatMap((name) => {
      const more = (after[name] ?? 0) - (before[name] ?? 0)
      return more === 0 ? [] : [[name, more] as const]
    })
  )

const shape = ({ headers, status, text }: Answer) => ({ status, text, etag: headers.get("etag") })
const isReplay = ({ headers }: Answer) => headers.get("idempotency-replayed") === "true"

describe("Idempotency-Key", () => {
  it("has a case for every POST of the contract", () => {
    assert.deepStrictEqual(Object.keys(cases).toSorted(), posts.toSorted())
  })

  for (const [operation, prepare] of Object.entries(cases)) {
    it(`${operation}: one effect and one answer, at once, and after the world moved on`, async () => {
      const { adds, body, headers, meanwhile, path } = await prepare()
      const key = crypto.randomUUID()
      const send = (more: Ask = {}) =>
        server.ask("POST", `/api/v1${path}`, {
          body,
          ...more,
          headers: { ...headers, "idempotency-key": key, ...more.headers }
        })
      const before = await rows()
      const [first, ...others] = await Promise.all(Array.from({ length: 5 }, () => send()))
      assert.isDefined(first)
      assert.strictEqual(first.status, 200, first.text)
      const { receipts, ...added } = difference(before, await rows())
      assert.deepStrictEqual(added, adds)
      assert.strictEqual(receipts, 1)
      for (const other of others) assert.deepStrictEqual(shape(other), shape(first))
      assert.strictEqual([first, ...others].filter(isReplay).length, 4)

      await meanwhile()
      const moved = await rows()
      const later = await send({ headers: { "idempotency-key": `"${key}"` } })
      assert.isTrue(isReplay(later))
      assert.deepStrictEqual(shape(later), shape(first))
      // As this caller reads it, whatever the first one did.
      const inProfile2 = await send({ headers: { "x-openintent-profile": "2" } })
      assert.strictEqual(inProfile2.status, 200)
      assert.deepStrictEqual(Object.keys(inProfile2.body), Object.keys(first.body))

      const other = await send({ body: { ...body, other: 1 } })
      assert.strictEqual(other.status, 422, other.text)
      assert.deepInclude(other.body, {
        code: "idempotency_key_reused",
        errors: [{ field: "Idempotency-Key", message: "was used for another request before", value: key }]
      })
      assert.deepStrictEqual(difference(moved, await rows()), {})
    })
  }

  it("belongs to the key, the agent and the route", async () => {
    const headers = { "idempotency-key": "shared" }
    const id = await newIntent()
    const ask = (path: string, more: Ask = {}) =>
      server.ask("POST", `/api/v1${path}`, { body: { title: "One", event_type: "comment" }, headers, ...more })
    const answers = [
      await ask("/intents"),
      await ask("/intents", { agent: "borea" }),
      await ask("/intents", { key: "agent-research-key" }),
      await ask(`/intents/${id}/children`),
      await ask(`/intents/${id}/events`)
    ]
    assert.deepStrictEqual(answers.map(isReplay), [false, false, false, false, false])
    assert.strictEqual(new Set(answers.map(({ body }) => body.id)).size, 5)
    assert.isTrue(isReplay(await ask("/intents?trace=1")))
  })

  it("keeps no refusal", async () => {
    const id = await newIntent()
    const send = (n: number) =>
      post(`/intents/${id}/state`, { state: { a: 1 } }, { ...version(n), "idempotency-key": "k" })
    assert.strictEqual((await send(9)).status, 409)
    assert.strictEqual((await post("/intents", {}, { "idempotency-key": "k9" })).status, 400)
    assert.strictEqual((await done(send(1))).body.version, 2)
    assert.isTrue(isReplay(await send(9)))
    assert.isFalse(isReplay(await done(post("/intents", { title: "now" }, { "idempotency-key": "k9" }))))
  })

  it("is visible ASCII, quoted or not, and heeded on POST alone", async () => {
    const id = await newIntent()
    for (const key of ["a b", "x".repeat(256), '"a', '""', '"a"b"', "a, b"]) {
      const refused = await post("/intents", { title: "One" }, { "idempotency-key": key })
      assert.strictEqual(refused.status, 400, key)
      assert.deepInclude(refused.body, { code: "validation_error" })
      assert.strictEqual(refused.body.errors[0].field, "Idempotency-Key")
      // What is not there comes first, as everywhere.
      assert.strictEqual((await post("/intents/none/events", {}, { "idempotency-key": key })).status, 404)
    }
    const first = await done(post("/intents", { title: "q" }, { "idempotency-key": '"a\\"b\\\\"' }))
    assert.strictEqual((await post("/intents", { title: "q" }, { "idempotency-key": 'a"b\\' })).text, first.text)
    const change = (n: number) =>
      server.ask("PATCH", `/api/v1/intents/${id}/state`, {
        body: { state: { n } },
        headers: { ...version(n), "idempotency-key": "a b" }
      })
    for (const n of [1, 2]) assert.isFalse(isReplay(await done(change(n))))
  })

  it("is documented on every POST, with what else may be answered", async () => {
    const { body } = await server.ask("GET", "/openapi.json", { key: null })
    for (const path of Object.values<any>(body.paths)) {
      for (const [method, { parameters = [], responses }] of Object.entries<any>(path)) {
        const isNamed = parameters.some(({ $ref }: any) => $ref === "#/components/parameters/IdempotencyKey")
        assert.strictEqual(isNamed, method === "post")
        assert.strictEqual(responses["422"] !== undefined, method === "post")
      }
    }
  })
})
