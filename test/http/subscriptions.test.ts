/** http.md 11 over HTTP: routes, aliases, secrets; and the remote engine answers what the embedded one does. */
import * as Duration from "effect/Duration"
import { connect, createEngine, DeliveryNotFound, type Engine, IntentNotFound, SubscriptionNotFound } from "openintent"
import { assert, describe, it, onTestFinished } from "vitest"
import { memory } from "../../src/layers/memory.ts"
import { serving, type Serving } from "./serving.ts"
import { listeningSink } from "./webhooks/sink.ts"

const url = "https://hooks.example.org/oi"
const path = "/api/v1/subscriptions"

const served = async (engine = memory()): Promise<Serving> => {
  const server = await serving({}, engine)
  onTestFinished(() => server.close())
  return server
}

const newIntent = async (server: Serving): Promise<string> =>
  (await server.ask("POST", "/api/v1/intents", { body: { title: "t" } })).body.id

const profile2 = { "x-openintent-profile": "2" }

describe("subscriptions over HTTP", () => {
  it("are created under every name of the contract, and shown in both spellings", async () => {
    const server = await served()
    const intentId = await newIntent(server)
    const forms = [
      {
        intent_id: intentId,
        portfolio_id: null,
        subscriber_id: "atlas",
        event_types: ["state_patched"],
        webhook_url: url,
        expires_at: null
      },
      { intent_id: intentId, callback_url: url, expiresAt: "2031-05-06T07:08:09Z" },
      { event_types: null, webhook_url: null }
    ]
    const [one, two, three] = await Promise.all(forms.map((body) => server.ask("POST", path, { body })))
    for (const answer of [one, two, three]) assert.strictEqual(answer?.status, 200, answer?.text)
    assert.include(one!.body, {
      intent_id: intentId,
      webhook_url: url,
      callback_url: url,
      active: true,
      expiresAt: null
    })
    assert.match(one!.body.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/)
    assert.strictEqual(one!.body.created_at, one!.body.createdAt)
    assert.include(two!.body, { expires_at: "2031-05-06T07:08:09.000000", expiresAt: "2031-05-06T07:08:09.000000" })
    assert.deepInclude(three!.body, { subscriber_id: "atlas", intent_id: null, webhook_url: null, event_types: [] })
    const second = await server.ask("GET", `${path}/${two!.body.id}`, { headers: profile2 })
    assert.strictEqual(second.body.expires_at, "2031-05-06T07:08:09.000000Z")
  })

  it("show their secret once, in the answer to creation, in both profiles", async () => {
    const server = await served()
    const intentId = await newIntent(server)
    const secret = "whsec_AAECAwQFBgcICQ=="
    for (const headers of [{}, profile2]) {
      const made = await server.ask("POST", path, { headers, body: { intent_id: intentId, webhook_url: url } })
      assert.match(made.body.secret, /^whsec_/)
    }
    const given = await server.ask("POST", path, { body: { intent_id: intentId, webhook_url: url, secret } })
    assert.strictEqual(given.body.secret, secret)
    for (const shown of [path, `${path}/${given.body.id}`, `${path}/${given.body.id}/deliveries`]) {
      assert.notInclude((await server.ask("GET", shown, { headers: profile2 })).text, "whsec_")
    }
    const log = await server.ask("GET", `/api/v1/intents/${intentId}/events`, { headers: profile2 })
    assert.notInclude(log.text, "whsec_")
    assert.include(log.text, "subscription_created")
    const hidden = await server.ask("GET", `/api/v1/intents/${intentId}/events`)
    assert.notInclude(hidden.text, "subscription_created")
  })

  it("are listed by intent, portfolio and state; what is over is not active", async () => {
    const server = await served()
    const [a, b] = [await newIntent(server), await newIntent(server)]
    const portfolio = (await server.ask("POST", "/api/v1/portfolios", { body: { name: "p" } })).body.id
    for (const body of [
      { intent_id: a },
      { intent_id: a, expires_at: "2020-01-01" },
      { intent_id: b },
      { portfolio_id: portfolio },
      {}
    ]) {
      assert.strictEqual((await server.ask("POST", path, { body })).status, 200)
    }
    const total = async (query: string) => {
      const { body } = await server.ask("GET", query)
      assert.strictEqual(body.subscriptions.length, body.total)
      return body.total
    }
    assert.strictEqual(await total(path), 5)
    assert.strictEqual(await total(`${path}?intent_id=${a}`), 2)
    assert.strictEqual(await total(`${path}?intent_id=${a}&active=true`), 1)
    assert.strictEqual(await total(`${path}?active=false`), 1)
    assert.strictEqual(await total(`${path}?active=true`), 4)
    assert.strictEqual(await total(`${path}?portfolio_id=${portfolio}`), 1)
    assert.strictEqual(await total(`${path}?intent_id=${a}&portfolio_id=${portfolio}`), 0)
    assert.strictEqual(await total(`/api/v1/intents/${a}/subscriptions`), 2)
    const page = await server.ask("GET", `${path}?limit=2`)
    assert.include(page.headers.get("link"), 'rel="next"')
    assert.strictEqual((await server.ask("GET", `${path}?active=maybe`)).status, 400)
  })

  it("have aliases below their intent, which do not reach those of others", async () => {
    const server = await served()
    const [a, b] = [await newIntent(server), await newIntent(server)]
    const made = await server.ask("POST", `/api/v1/intents/${a}/subscriptions`, {
      body: { callback_url: url, intent_id: b }
    })
    assert.include(made.body, { intent_id: a })
    const id: string = made.body.id
    assert.strictEqual((await server.ask("DELETE", `/api/v1/intents/${b}/subscriptions/${id}`)).status, 404)
    assert.strictEqual((await server.ask("GET", `${path}/${id}`)).status, 200)
    assert.strictEqual((await server.ask("DELETE", `/api/v1/intents/${a}/subscriptions/${id}`)).status, 204)
    assert.strictEqual((await server.ask("DELETE", `/api/v1/intents/${a}/subscriptions/${id}`)).status, 404)
    for (const method of ["GET", "POST"]) {
      const body = method === "POST" ? { body: { webhook_url: "ftp://x" } } : {}
      const missing = await server.ask(method, "/api/v1/intents/none/subscriptions", body)
      assert.strictEqual(missing.status, 404)
    }
  })

  it("refuse what is not valid with 400, and what does not exist with 404", async () => {
    const server = await served()
    const intentId = await newIntent(server)
    const wrong: ReadonlyArray<readonly [object, string]> = [
      [{ webhook_url: "ftp://x" }, "webhook_url"],
      [{ webhook_url: "no url" }, "webhook_url"],
      [{ webhook_url: "" }, "webhook_url"],
      [{ webhook_url: 7 }, "webhook_url"],
      [{ webhook_url: `https://example.org/${"x".repeat(3000)}` }, "webhook_url"],
      [{ webhook_url: "https://user:pass@example.org/" }, "webhook_url"],
      [{ webhook_url: "http://127.0.0.1:9/" }, "webhook_url"],
      [{ callback_url: "http://0x7f.1/" }, "webhook_url"],
      [{ webhook_url: "http://[::ffff:169.254.169.254]/" }, "webhook_url"],
      [{ webhook_url: "http://example.org:0/" }, "webhook_url"],
      [{ event_types: "comment" }, "event_types"],
      [{ event_types: ["a", " "] }, "event_types[1]"],
      [{ event_types: Array.from({ length: 1001 }, () => "a") }, "event_types"],
      [{ expires_at: "tomorrow" }, "expires_at"],
      [{ secret: "" }, "secret"],
      [{ secret: "whsec_?" }, "secret"],
      [{ subscriber_id: "system" }, "subscriber_id"],
      [{ intent_id: intentId, portfolio_id: "p" }, "portfolio_id"]
    ]
    for (const [body, field] of wrong) {
      const answer = await server.ask("POST", path, { body })
      assert.strictEqual(answer.status, 400, answer.text)
      assert.strictEqual(answer.body.code, "validation_error")
      assert.strictEqual(answer.body.errors[0].field, field, answer.text)
      assert.notInclude(answer.text, "user:pass")
    }
    assert.strictEqual((await server.ask("GET", path)).body.total, 0)
    for (const body of [{ intent_id: "none" }, { portfolio_id: "none" }]) {
      assert.strictEqual((await server.ask("POST", path, { body })).status, 404)
    }
    for (const [method, missing] of [
      ["GET", `${path}/none`],
      ["DELETE", `${path}/none`],
      ["GET", `${path}/none/deliveries`],
      ["POST", `${path}/none/deliveries/none/redeliver`]
    ] as const) {
      assert.strictEqual((await server.ask(method, missing)).status, 404, missing)
    }
  })

  it("a delivery is listed, and made again when asked", async () => {
    const quick = { allowPrivate: true, lookInterval: Duration.millis(20) }
    const [server, sink] = [await served(memory({ webhooks: quick })), await listeningSink()]
    const intentId = await newIntent(server)
    const { body } = await server.ask("POST", path, { body: { intent_id: intentId, webhook_url: sink.url } })
    await server.ask("POST", `/api/v1/intents/${intentId}/events`, { body: { event_type: "comment" } })
    await sink.until(1)
    const delivery = await listedOnce(server, `${path}/${body.id}/deliveries`)
    assert.include(delivery, { attempt: 1, status: "delivered", response_status: 200, next_attempt_at: null })
    assert.strictEqual(delivery.id, sink.got[0]?.headers["x-openintent-delivery"])
    assert.strictEqual(delivery.event_id, sink.got[0]?.json.event.id)
    const again = await server.ask("POST", `${path}/${body.id}/deliveries/${delivery.id}/redeliver`, { body: {} })
    assert.deepInclude(again.body, { id: delivery.id, status: "pending" })
    await sink.until(2)
    assert.strictEqual(sink.got[1]?.headers["x-openintent-delivery"], delivery.id)
    assert.strictEqual(sink.got[1]?.headers["x-openintent-attempt"], "2")
  })
})

/** The one delivery, once it is over. */
const listedOnce = async (server: Serving, at: string) => {
  for (;;) {
    const [delivery] = (await server.ask("GET", at)).body.deliveries
    if (delivery?.status === "delivered") return delivery
  }
}

describe("subscriptions of an engine, embedded and remote", () => {
  const remote = async (): Promise<Engine> => {
    const server = await served()
    return connect({ url: server.url, apiKey: "dev-user-key", agent: "atlas" })
  }

  it.each([
    ["embedded", () => createEngine({ storage: "memory:", agent: "atlas" })],
    ["remote", remote]
  ])("%s: the same records and errors", async (_, open) => {
    const engine = await open()
    onTestFinished(() => engine.close())
    const { id: intentId } = await engine.intents.create({ title: "t" })
    const { secret, ...created } = await engine.subscriptions.create({
      intentId,
      eventTypes: ["comment", "comment"],
      webhookUrl: url,
      expiresAt: "2031-05-06T07:08:09Z"
    })
    assert.match(secret, /^whsec_/)
    assert.deepInclude(created, {
      intentId,
      subscriberId: "atlas",
      eventTypes: ["comment"],
      webhookUrl: url,
      active: true
    })
    assert.strictEqual(created.expiresAt?.epochMilliseconds, Date.parse("2031-05-06T07:08:09Z"))
    assert.deepEqual(await engine.subscriptions.get(created.id), created)
    const other = await engine.subscriptions.create({})
    assert.deepEqual((await engine.subscriptions.list({ intentId, active: true })).items, [created])
    assert.strictEqual((await engine.subscriptions.list({ limit: 1 })).total, 2)
    assert.deepEqual((await engine.subscriptions.deliveries(other.id)).items, [])
    await engine.subscriptions.remove(created.id)
    const failed = (call: Promise<unknown>) =>
      call.then(
        () => assert.fail("did not fail"),
        (error: unknown) => error
      )
    assert.instanceOf(await failed(engine.subscriptions.remove(created.id)), SubscriptionNotFound)
    assert.deepInclude(await failed(engine.subscriptions.get(created.id)), { subscriptionId: created.id })
    assert.instanceOf(await failed(engine.subscriptions.deliveries("")), SubscriptionNotFound)
    assert.instanceOf(await failed(engine.subscriptions.redeliver(other.id, "none")), DeliveryNotFound)
    assert.instanceOf(await failed(engine.subscriptions.create({ intentId: "none" })), IntentNotFound)
    assert.deepInclude(await failed(engine.subscriptions.create({ portfolioId: "none" })), {
      _tag: "PortfolioNotFound",
      portfolioId: "none"
    })
    assert.deepInclude(await failed(engine.subscriptions.create({ webhookUrl: "x" })), { _tag: "ValidationError" })
  })
})
