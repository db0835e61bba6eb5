/** Webhooks from an engine to a real endpoint, which is not always well (http.md 11.4, semantics 9). */
import * as Duration from "effect/Duration"
import { createHmac } from "node:crypto"
import { join } from "node:path"
import { Webhook } from "standardwebhooks"
import { assert, describe, it, onTestFinished } from "vitest"
import type { WebhookOptions } from "../../../src/core/subscription/options.ts"
import type { CreatedSubscription, Delivery } from "../../../src/core/subscription/Subscription.ts"
import { createEngine } from "../../../src/layers/createEngine.ts"
import type { Engine } from "../../../src/layers/promises.ts"
import { newFolder } from "../../layers/processes.ts"
import { answering, listeningSink, type Got, type Sink } from "./sink.ts"

const quick: Partial<WebhookOptions> = {
  allowPrivate: true,
  delay: Duration.millis(5),
  delayMax: Duration.millis(20),
  timeout: Duration.millis(150),
  lookInterval: Duration.millis(40),
  claimDuration: Duration.millis(400)
}

const opened = async (storage: string, webhooks: Partial<WebhookOptions> = {}): Promise<Engine> => {
  const engine = await createEngine({ storage, webhooks: { ...quick, ...webhooks } })
  onTestFinished(() => engine.close())
  return engine
}

const newFile = () => `sqlite:${join(newFolder(), "work.db")}`

const comment = (engine: Engine, intentId: string, n: number) =>
  engine.events.append(intentId, { type: "comment", payload: { n } })

const comments = async (engine: Engine, intentId: string, from: number, to: number) => {
  for (let n = from; n <= to; n++) await comment(engine, intentId, n)
}

const numbers = (got: ReadonlyArray<Got>): ReadonlyArray<number> => got.map(({ json }) => json.event.payload.n)
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1)
const first = <A>(values: ReadonlyArray<A>): ReadonlyArray<A> => [...new Set(values)]

/** Asks until it is so. */
const eventually = async <A>(ask: () => Promise<A>, is: (answer: A) => boolean): Promise<A> => {
  for (;;) {
    const answer = await ask()
    if (is(answer)) return answer
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const deliveriesOf = async (engine: Engine, id: string): Promise<ReadonlyArray<Delivery>> =>
  (await engine.subscriptions.deliveries(id)).items

const settled = (engine: Engine, id: string, n: number) =>
  eventually(
    () => deliveriesOf(engine, id),
    (all) => all.length === n && all.every(({ status }) => status !== "pending")
  )

const verified = ({ body, headers }: Got, { secret }: CreatedSubscription) => {
  const own = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`
  assert.strictEqual(headers["x-openintent-signature"], own)
  new Webhook(secret).verify(
    body,
    Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
  )
}

const subscribed = async (engine: Engine, sink: Sink, fields: object = {}) => {
  const { id } = await engine.intents.create({ title: "t" })
  return {
    intentId: id,
    subscription: await engine.subscriptions.create({ intentId: id, webhookUrl: sink.url, ...fields })
  }
}

describe.each([
  ["memory", () => "memory:"],
  ["sqlite", newFile]
])("webhooks of an engine on %s", (_, storage) => {
  it("every event arrives, in order and signed, though the endpoint fails, hangs, is late, cuts, redirects and dies", async () => {
    const [engine, sink] = [await opened(storage()), await listeningSink()]
    const ok: Array<Got> = []
    sink.onRequest = (n, response, request) => {
      const got = sink.got.at(-1)!
      if (n % 9 === 1) response.writeHead(500).end()
      else if (n % 9 === 2) response.writeHead(302, { Location: sink.url }).end()
      else if (n % 9 === 3) request.socket.destroy()
      else if (n % 9 === 4) response.writeHead(503, { "Retry-After": "0" }).end("x".repeat(100_000))
      else if (n === 14) void 0 // Until the timeout.
      else {
        ok.push(got)
        if (n === 15) setTimeout(() => response.end(), 40)
        else response.end()
      }
    }
    const { intentId, subscription } = await subscribed(engine, sink)
    await comments(engine, intentId, 1, 6)
    await eventually(
      () => deliveriesOf(engine, subscription.id),
      (all) => all.length >= 3
    )
    await sink.die()
    await comments(engine, intentId, 7, 12)
    await sink.rise()
    const all = await settled(engine, subscription.id, 12)
    assert.deepStrictEqual(numbers(ok), upTo(12))
    assert.deepStrictEqual(first(numbers(sink.got)), upTo(12))
    for (const got of sink.got) verified(got, subscription)
    for (const { attempt, eventId, id, status } of all) {
      assert.strictEqual(status, "delivered")
      const requests = sink.got.filter(({ json }) => json.event.id === eventId)
      assert.deepStrictEqual(first(requests.map(({ headers }) => headers["x-openintent-delivery"])), [id])
      const attempts = requests.map(({ headers }) => Number(headers["x-openintent-attempt"]))
      assert.deepStrictEqual(
        attempts,
        attempts.toSorted((a, b) => a - b)
      )
      assert.isAtLeast(attempt, attempts.at(-1)!)
    }
    const [{ headers, json } = sink.got[0]!] = sink.got
    assert.strictEqual(json.subscription_id, subscription.id)
    assert.match(json.event.created_at, /\.\d{6}Z$/)
    assert.include(headers, { "x-openintent-event": "comment", "content-type": "application/json" })
  })

  it("gives up, tells it, and goes on; deactivates when it gives up again and again", async () => {
    const [engine, sink] = [await opened(storage(), { attempts: 3, giveUpsMax: 2 }), await listeningSink()]
    sink.onRequest = (_, response) => answering(numbers(sink.got).at(-1) === 2 ? 200 : 500)(_, response)
    const { intentId, subscription } = await subscribed(engine, sink)
    await comments(engine, intentId, 1, 5)
    await eventually(
      () => engine.subscriptions.get(subscription.id),
      ({ active }) => !active
    )
    assert.deepStrictEqual(numbers(sink.got), [1, 1, 1, 2, 3, 3, 3, 4, 4, 4])
    const all = await deliveriesOf(engine, subscription.id)
    assert.deepStrictEqual(
      all.map(({ attempt, responseStatus, status }) => [attempt, status, responseStatus]),
      [
        [3, "failed", 500],
        [1, "delivered", 200],
        [3, "failed", 500],
        [3, "failed", 500]
      ]
    )
    const { items } = await engine.events.list(intentId, { visibility: "all", order: "asc" })
    const failed = items.filter(({ type }) => type.startsWith("webhook_"))
    assert.deepStrictEqual(
      failed.map(({ payload, type }) => [type, payload.event_id]),
      [
        ["webhook_failed", all[0]?.eventId],
        ["webhook_failed", all[2]?.eventId],
        ["webhook_failed", all[3]?.eventId],
        ["webhook_disabled", all[3]?.eventId]
      ]
    )
    assert.notInclude(JSON.stringify(items), subscription.secret)
  })

  it("410 deactivates at once", async () => {
    const [engine, sink] = [await opened(storage()), await listeningSink()]
    sink.onRequest = answering(410)
    const { intentId, subscription } = await subscribed(engine, sink)
    await comments(engine, intentId, 1, 3)
    await eventually(
      () => engine.subscriptions.get(subscription.id),
      ({ active }) => !active
    )
    assert.deepStrictEqual(numbers(sink.got), [1])
    const { items } = await engine.events.list(intentId, { visibility: "all", limit: 1 })
    assert.deepInclude(items[0], { type: "webhook_disabled", source: "system" })
  })

  it("delivers again when asked: what was delivered, what was given up, what waits; also when deactivated", async () => {
    const [engine, sink] = [await opened(storage(), { attempts: 1, giveUpsMax: 3 }), await listeningSink()]
    sink.onRequest = answering(500)
    const { intentId, subscription } = await subscribed(engine, sink)
    await comments(engine, intentId, 1, 2)
    const [one, two] = await settled(engine, subscription.id, 2)
    sink.onRequest = answering(200)
    const again = async (asked: Delivery | undefined, attempts: number, status: Delivery["status"]) => {
      const { id, nextAttemptAt } = await engine.subscriptions.redeliver(subscription.id, asked!.id)
      assert.isNotNull(nextAttemptAt)
      const all = await eventually(
        () => deliveriesOf(engine, subscription.id),
        (all) =>
          all.some((delivery) => delivery.id === id && delivery.attempt === attempts && delivery.status === status)
      )
      assert.strictEqual(sink.got.at(-1)?.headers["x-openintent-delivery"], id)
      verified(sink.got.at(-1)!, subscription)
      return all
    }
    await again(one, 2, "delivered")
    await again(one, 3, "delivered")
    sink.onRequest = answering(500)
    await again(two, 2, "failed")
    sink.onRequest = answering(410)
    await again(two, 3, "failed")
    assert.isFalse((await engine.subscriptions.get(subscription.id)).active)
    sink.onRequest = answering(200)
    await again(two, 4, "delivered")
    assert.deepStrictEqual(numbers(sink.got), [1, 2, 1, 1, 2, 2, 2])
  })

  it("a delivery that waits is tried at once when asked", async () => {
    const day = Duration.days(1)
    const [engine, sink] = [await opened(storage(), { delay: day, delayMax: day }), await listeningSink()]
    sink.onRequest = (n, response) => answering(n === 1 ? 500 : 200)(n, response)
    const { intentId, subscription } = await subscribed(engine, sink)
    await comments(engine, intentId, 1, 2)
    const [waiting] = await eventually(
      () => deliveriesOf(engine, subscription.id),
      (all) => all[0]?.attempt === 1
    )
    assert.isAbove(waiting!.nextAttemptAt!.epochMilliseconds, Date.now() + 60_000)
    await engine.subscriptions.redeliver(subscription.id, waiting!.id)
    await settled(engine, subscription.id, 2)
    assert.deepStrictEqual(numbers(sink.got), [1, 1, 2])
  })

  it("tells each what it asked for: of an intent, of a portfolio's members, of all; by type; nothing once removed", async () => {
    const engine = await opened(storage())
    const [ofIntent, ofPortfolio, ofAll, ofType] = await Promise.all([1, 2, 3, 4].map(listeningSink))
    const { id: portfolioId } = await engine.portfolios.create({ name: "p" })
    const all = await engine.subscriptions.create({ webhookUrl: ofAll!.url })
    await engine.subscriptions.create({ portfolioId, webhookUrl: ofPortfolio!.url, eventTypes: ["comment"] })
    await engine.subscriptions.create({ webhookUrl: ofType!.url, eventTypes: ["state_patched"] })
    const { id: a } = await engine.intents.create({ title: "a" })
    const { id: b } = await engine.intents.create({ title: "b" })
    await engine.subscriptions.create({ intentId: a, webhookUrl: ofIntent!.url, eventTypes: ["comment"] })
    await comment(engine, a, 1)
    await comment(engine, b, 2)
    await engine.portfolios.addIntent(portfolioId, { intentId: b })
    await comment(engine, a, 3)
    await comment(engine, b, 4)
    await engine.portfolios.removeIntent(portfolioId, b)
    await comment(engine, b, 5)
    await engine.intents.patchState(a, { version: 1, state: { n: 6 } })
    await Promise.all([ofIntent!.until(2), ofPortfolio!.until(1), ofType!.until(1), ofAll!.until(11)])
    assert.deepStrictEqual([numbers(ofIntent!.got), numbers(ofPortfolio!.got)], [[1, 3], [4]])
    assert.deepStrictEqual(
      ofType!.got.map(({ json }) => json.event.event_type),
      ["state_patched"]
    )
    const { items } = await engine.events.list(a, { visibility: "all", order: "asc" })
    assert.deepStrictEqual(
      ofAll!.got.filter(({ json }) => json.event.intent_id === a).map(({ json }) => json.event.sequence),
      items.map(({ position }) => position)
    )
    await engine.subscriptions.remove(all.id)
    await comment(engine, a, 7)
    await ofIntent!.until(3)
    assert.strictEqual(ofAll!.got.length, 11)
  })
})

describe("webhooks over restarts and processes", () => {
  it("goes on where it was: attempts are counted on, and nothing that was delivered comes again", async () => {
    const [file, sink] = [newFile(), await listeningSink()]
    const before = await opened(file, { delay: Duration.millis(80) })
    sink.onRequest = (n, response) => answering(n === 3 || n === 4 ? 500 : 200)(n, response)
    const { intentId, subscription } = await subscribed(before, sink)
    await comments(before, intentId, 1, 2)
    await settled(before, subscription.id, 2)
    await comment(before, intentId, 3)
    await eventually(
      () => deliveriesOf(before, subscription.id),
      (all) => all[2]?.attempt === 1
    )
    await before.close()
    const after = await opened(file)
    await comments(after, intentId, 4, 5)
    await settled(after, subscription.id, 5)
    assert.deepStrictEqual(
      sink.got.map(({ headers, json }) => `${json.event.payload.n}/${String(headers["x-openintent-attempt"])}`),
      ["1/1", "2/1", "3/1", "3/2", "3/3", "4/1", "5/1"]
    )
  })

  it("one that is over is delivered what came before, and is then left alone", async () => {
    const [file, sink] = [newFile(), await listeningSink()]
    const before = await opened(file)
    await sink.die()
    const expiresAt = new Date(Date.now() + 150).toISOString()
    const { intentId, subscription } = await subscribed(before, sink, { expiresAt })
    await comment(before, intentId, 1)
    await before.close()
    await new Promise((resolve) => setTimeout(resolve, 160))
    await sink.rise()
    const after = await opened(file)
    assert.isFalse((await after.subscriptions.get(subscription.id)).active)
    await comment(after, intentId, 2)
    await settled(after, subscription.id, 1)
    assert.deepStrictEqual(numbers(sink.got), [1])
  })

  it("old deliveries are forgotten while it goes on, but for the last ones", async () => {
    const [file, sink] = [newFile(), await listeningSink()]
    const short = { deliveriesKept: 5, deliveriesKeptFor: Duration.zero }
    const engine = await opened(file, short)
    const { intentId, subscription } = await subscribed(engine, sink)
    await Promise.all(upTo(205).map((n) => comment(engine, intentId, n)))
    await sink.until(205)
    await settled(engine, subscription.id, 10)
    assert.strictEqual(new Set(numbers(sink.got)).size, 205)
    await engine.close()
    const again = await opened(file, short)
    assert.isAtMost((await settled(again, subscription.id, 5)).length, 5)
  })

  it("of two engines on a file one delivers, and the other when that one ends", async () => {
    const [file, sink] = [newFile(), await listeningSink()]
    const patient = { claimDuration: Duration.seconds(5) }
    const [one, two] = [await opened(file, patient), await opened(file, patient)]
    const { intentId, subscription } = await subscribed(one, sink)
    await Promise.all([comments(one, intentId, 1, 20), comments(two, intentId, 21, 40)])
    await settled(two, subscription.id, 40)
    assert.strictEqual(sink.got.length, 40)
    assert.strictEqual(new Set(numbers(sink.got)).size, 40)
    await one.close()
    await comments(two, intentId, 41, 50)
    await settled(two, subscription.id, 50)
    assert.deepStrictEqual(numbers(sink.got.slice(40)), upTo(50).slice(40))
  })
})
