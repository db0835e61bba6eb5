/** How often a key may ask, and how often an address may guess (http.md 1.6: 429). */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { HttpApi } from "effect/http-api"
import * as Headers from "effect/http/Headers"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as TestClock from "effect/testing/TestClock"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { assert, describe, it } from "@effect/vitest"
import { RateLimited } from "openintent"
import { makeClientAddress } from "../../src/http/addresses.ts"
import { Api } from "../../src/http/Api.ts"
import { defaultHttpOptions, HttpOptions } from "../../src/http/HttpOptions.ts"
import { makeRateLimits } from "../../src/http/RateLimits.ts"
import type { Passage } from "../../src/http/Passage.ts"
import { connect } from "../../src/layers/createEngine.ts"
import { memory } from "../../src/layers/memory.ts"
import { OpenIntentServer } from "../../src/layers/server.ts"
import { asking as askingOf, serving } from "./serving.ts"

setFlagsFromString("--expose-gc")
const collect: () => void = runInNewContext("gc")

const intents = "/api/v1/intents"
const aMinute = (limit: number) => ({ limit, window: Duration.minutes(1) })

const from = (address: string, headers: { readonly [name: string]: string } = {}) => ({
  remoteAddress: Option.some(address),
  headers: Headers.fromInput(headers)
})

/** Asks the limits as a request with that key from that address: how long it is refused for, and what its answer says. */
const limits = (limit: number, options: Partial<HttpOptions> = {}) =>
  Effect.gen(function* () {
    const admit = (yield* makeRateLimits) ?? assert.fail("no limits")
    const runSync = Effect.runSyncWith(yield* Effect.context())
    return (keyId: string | undefined, address = "192.0.2.1"): { readonly [name: string]: string | undefined } => {
      const passage: Passage = { id: "r", since: 0, headers: {} }
      const refusal = runSync(admit(keyId, from(address), passage))
      assert.strictEqual(refusal?.status ?? 429, 429)
      return { after: refusal?.headers?.["retry-after"], ...passage.headers }
    }
  }).pipe(Effect.provideService(HttpOptions, { ...defaultHttpOptions, rateLimit: aMinute(limit), ...options }))

describe("a key", () => {
  it.effect("has its requests at once, and each again when its time has come", () =>
    Effect.gen(function* () {
      const ask = yield* limits(6)
      for (let left = 5; left >= 0; left--) {
        assert.deepStrictEqual(ask("a"), {
          after: undefined,
          "ratelimit-policy": '"key";q=6;w=60',
          ratelimit: `"key";r=${left};t=${(6 - left) * 10}`
        })
      }
      assert.deepInclude(ask("a"), { after: "10", ratelimit: '"key";r=0;t=60' })
      yield* TestClock.adjust("9 seconds")
      assert.deepInclude(ask("a"), { after: "1" })
      yield* TestClock.adjust("1 second")
      assert.deepInclude(ask("a"), { after: undefined, ratelimit: '"key";r=0;t=60' })
      assert.deepInclude(ask("a"), { after: "10" })
      yield* TestClock.adjust("1 hour")
      assert.deepInclude(ask("a"), { after: undefined, ratelimit: '"key";r=5;t=10' })
    })
  )

  it.effect("does not use what others have", () =>
    Effect.gen(function* () {
      const ask = yield* limits(1)
      assert.isUndefined(ask("a")["after"])
      assert.isDefined(ask("a")["after"])
      assert.isUndefined(ask("b")["after"])
    })
  )

  it.effect("never has more than the limit in a window, however it asks", () =>
    Effect.gen(function* () {
      const ask = yield* limits(10)
      let admitted = 0
      for (let second = 0; second < 600; second++) {
        for (let i = 0; i < 3; i++) if (ask("a")["after"] === undefined) admitted++
        yield* TestClock.adjust("1 second")
      }
      // All of the first window, and then what came back in ten minutes.
      assert.strictEqual(admitted, 10 + 99)
    })
  )
})

describe("wrong keys", () => {
  it.effect("are judged no more once an address has tried a tenth of the limit: a right guess is not told", () =>
    Effect.gen(function* () {
      const ask = yield* limits(20)
      assert.isUndefined(ask("used-here")["after"])
      assert.isUndefined(ask(undefined)["after"])
      assert.isUndefined(ask(undefined)["after"])
      assert.strictEqual(ask(undefined)["after"], "30")
      // As the answer to a wrong one.
      assert.deepStrictEqual(ask("guessed"), { after: "30" })
      // The keys of the address work, and other addresses are not concerned.
      assert.isUndefined(ask("used-here")["after"])
      assert.isUndefined(ask("guessed", "192.0.2.2")["after"])
      yield* TestClock.adjust("30 seconds")
      assert.isUndefined(ask("guessed")["after"])
    })
  )

  it.effect("of one network of IPv6 are counted together", () =>
    Effect.gen(function* () {
      const ask = yield* limits(10)
      assert.isUndefined(ask(undefined, "2001:db8::1")["after"])
      assert.isDefined(ask(undefined, "2001:db8::ffff:2")["after"])
      assert.isUndefined(ask(undefined, "2001:db8:0:1::1")["after"])
    })
  )

  it.effect("from as many addresses as one likes take no more memory, whatever right keys come from there", () =>
    Effect.gen(function* () {
      const ask = yield* limits(1000)
      const grown = (round: number) => {
        for (let i = 0; i < 12_000; i++) {
          ask(undefined, `10.${round}.${i >> 8}.${i & 255}`)
          ask(`key_${i}`, `10.${round}.${i >> 8}.${i & 255}`)
        }
        collect()
        return process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed
      }
      const [first = 0, , , , last = 0] = [1, 2, 3, 4, 5].map(grown)
      // Kept, those of four rounds would take 30 MB.
      assert.isBelow(last - first, 12e6)
    })
  )
})

describe("a store of the context", () => {
  /** What a test has its store do, and what was logged meanwhile. */
  const breakable = Effect.gen(function* () {
    const inner = yield* Effect.provide(RateLimiter.RateLimiterStore, RateLimiter.layerStoreMemory, { local: true })
    const state: { answer: Effect.Effect<void, RateLimiter.RateLimiterError>; asked: number } = {
      answer: Effect.void,
      asked: 0
    }
    const lines: Array<string> = []
    const tokenBucket: typeof inner.tokenBucket = (options) => {
      state.asked++
      return Effect.andThen(state.answer, inner.tokenBucket(options))
    }
    const layer = Layer.merge(
      Layer.succeed(RateLimiter.RateLimiterStore, { ...inner, tokenBucket }),
      Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
    )
    return { layer, lines, state }
  })
  const fails = Effect.fail(
    new RateLimiter.RateLimiterError({ reason: new RateLimiter.RateLimitStoreError({ message: "no connection" }) })
  )
  const origin = from("192.0.2.1")
  const options = { ...defaultHttpOptions, rateLimit: aMinute(10) }
  const asking = Effect.gen(function* () {
    const admit = (yield* makeRateLimits) ?? assert.fail("no limits")
    return (keyId?: string) =>
      Effect.map(admit(keyId, origin, { id: "r", since: 0, headers: {} }), (refusal) => refusal === undefined)
  }).pipe(Effect.provideService(HttpOptions, options))

  it.effect("is what all its servers count in", () =>
    Effect.gen(function* () {
      const { layer, state } = yield* breakable
      yield* Effect.gen(function* () {
        const [one, other] = [yield* asking, yield* asking]
        for (let i = 0; i < 5; i++) assert.isTrue((yield* one("a")) && (yield* other("a")))
        for (let i = 0; i < 5; i++) assert.isFalse((yield* one("a")) || (yield* other("a")))
        // A server that knows that there is none asks no more.
        assert.strictEqual(state.asked, 11)
        yield* TestClock.adjust("6 seconds")
        assert.isTrue(yield* other("a"))
        assert.isFalse(yield* one("a"))
      }).pipe(Effect.provide(layer))
    })
  )

  it.effect("limits nobody while it fails, is asked now and then, and says so once each time", () =>
    Effect.gen(function* () {
      const { layer, lines, state } = yield* breakable
      yield* Effect.gen(function* () {
        const ask = yield* asking
        state.answer = fails
        for (let i = 0; i < 50; i++) assert.isTrue(yield* ask("a"))
        assert.deepStrictEqual([state.asked, lines.length], [1, 1])
        assert.match(lines[0] ?? "", /not limited.*no connection/)
        yield* TestClock.adjust("5 seconds")
        assert.isTrue(yield* ask("a"))
        assert.deepStrictEqual([state.asked, lines.length], [2, 2])
        // Wrong keys are limited all the same.
        assert.isTrue(yield* ask())
        assert.isFalse(yield* ask())
        state.answer = Effect.void
        yield* TestClock.adjust("5 seconds")
        for (let i = 0; i < 10; i++) assert.isTrue(yield* ask("a"))
        assert.isFalse(yield* ask("a"))
        assert.lengthOf(lines, 2)
      }).pipe(Effect.provide(layer))
    })
  )

  it.effect("holds up nobody for more than a second", () =>
    Effect.gen(function* () {
      const { layer, lines, state } = yield* breakable
      yield* Effect.gen(function* () {
        const ask = yield* asking
        state.answer = Effect.never
        const waiting = yield* Effect.forkChild(Effect.all([ask("a"), ask("b")], { concurrency: 2 }))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* Fiber.join(waiting), [true, true])
        assert.isTrue(yield* ask("a"))
        assert.deepStrictEqual([state.asked, lines.length], [2, 1])
      }).pipe(Effect.provide(layer))
    })
  )

  it.effect("is taken by a server that is provided with it", () =>
    Effect.gen(function* () {
      const { layer, state } = yield* breakable
      const context = yield* OpenIntentServer.layer({ port: 0, rateLimit: aMinute(10) }).pipe(
        Layer.provide([memory(), layer]),
        Layer.build
      )
      const url = HttpServer.formatAddress(Context.get(context, HttpServer.HttpServer).address)
      const { headers } = yield* Effect.promise(() => askingOf(url)("GET", intents))
      assert.strictEqual(headers.get("ratelimit"), '"key";r=9;t=6')
      assert.strictEqual(state.asked, 1)
    }).pipe(Effect.scoped, TestClock.withLive)
  )
})

describe("the address of a client", () => {
  const trusted = makeClientAddress(["10.0.0.0/8", "::1/128"])
  for (const [what, remote, forwarded, expected] of [
    ["is that of the connection", "192.0.2.1", "198.51.100.7", "192.0.2.1"],
    ["is what a trusted proxy says", "10.0.0.1", "198.51.100.7", "198.51.100.7"],
    ["is the last that none of them is", "10.0.0.1", "203.0.113.9, 198.51.100.7, 10.2.2.2", "198.51.100.7"],
    ["is the proxy where it says nothing", "10.0.0.1", undefined, "10.0.0.1"],
    ["is the same in the form of IPv6", "::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"],
    ["is unknown where a proxy names none", "10.0.0.1", "banana", "unknown"]
  ] as const) {
    it(what, () => {
      const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded }
      assert.strictEqual(trusted(from(remote, headers)), expected)
    })
  }

  it("is that of the connection where no proxy is trusted", () => {
    assert.strictEqual(makeClientAddress([])(from("10.0.0.1", { "x-forwarded-for": "198.51.100.7" })), "10.0.0.1")
  })
})

describe("over HTTP", () => {
  it("429 in the form of the contract, with the headers; streams and wrong requests count", async () => {
    await using server = await serving({ rateLimit: aMinute(4), streamRefusalDelay: Duration.zero })
    const abort = new AbortController()
    const stream = await fetch(`${server.url}/api/v1/agents/ann/subscribe`, {
      headers: { "x-api-key": "dev-user-key" },
      signal: abort.signal
    })
    assert.strictEqual(stream.headers.get("ratelimit"), '"key";r=3;t=15')
    abort.abort()
    assert.strictEqual((await server.ask("GET", "/api/v1/nope")).headers.get("ratelimit"), '"key";r=2;t=30')
    assert.strictEqual((await server.ask("POST", intents, { raw: "{" })).headers.get("ratelimit"), '"key";r=1;t=45')
    assert.strictEqual((await server.ask("GET", intents)).status, 200)
    for (const path of [intents, "/api/v1/nope", "/api/v1/agents/ann/subscribe"]) {
      const { body, headers, status } = await server.ask("GET", path)
      assert.strictEqual(status, 429, path)
      assert.strictEqual(headers.get("ratelimit-policy"), '"key";q=4;w=60')
      assert.match(headers.get("ratelimit") ?? "", /^"key";r=0;t=(59|60)$/)
      const seconds = Number(headers.get("retry-after"))
      assert.include([14, 15], seconds)
      const message = `Too many requests: try again in ${seconds} s`
      const errors = [{ field: "Retry-After", message: "seconds have to pass", value: seconds }]
      assert.deepStrictEqual(body, { detail: message, message, code: "rate_limited", errors })
    }
    // Another key, and what needs none.
    assert.strictEqual((await server.ask("GET", intents, { key: "agent-synth-key" })).status, 200)
    const health = await server.ask("GET", "/health", { key: null })
    assert.strictEqual(health.status, 200)
    assert.isNull(health.headers.get("ratelimit"))
  })

  it("an address that guesses is told 429 for right and wrong keys alike, but for those it has used", async () => {
    await using server = await serving({ rateLimit: aMinute(30) })
    const status = async (key: string | null) => (await server.ask("GET", intents, { key })).status
    assert.strictEqual(await status("dev-user-key"), 200)
    for (const key of ["wrong", null, "dev-user-kez"]) assert.strictEqual(await status(key), 401)
    assert.strictEqual(await status("wrong"), 429)
    assert.strictEqual(await status("agent-synth-key"), 429)
    assert.strictEqual(await status("dev-user-key"), 200)
  })

  it("no limit, no word of it", async () => {
    await using server = await serving()
    const { headers } = await server.ask("GET", intents)
    assert.isNull(headers.get("ratelimit"))
    assert.isNull(headers.get("ratelimit-policy"))
  })

  it("is an error of its own for the remote engine", async () => {
    await using server = await serving({ rateLimit: aMinute(1) })
    await using engine = await connect({ url: server.url, apiKey: "dev-user-key" })
    await engine.intents.list()
    const error: unknown = await engine.intents.list().then(
      () => assert.fail("not limited"),
      (error: unknown) => error
    )
    assert.instanceOf(error, RateLimited)
    assert.include([59, 60], error.retryAfterSeconds)
  })

  it("is among the answers of every route that needs a key", async () => {
    await using server = await serving()
    const { body: document } = await server.ask("GET", "/openapi.json")
    HttpApi.reflect(Api, {
      onGroup: () => undefined,
      onEndpoint: ({ endpoint, group }) => {
        if (group.identifier === "discovery") return
        const path = endpoint.path.replaceAll(/:(\w+)/g, "{$1}")
        const answers = document.paths[path][endpoint.method.toLowerCase()].responses
        assert.property(answers, "429", `${endpoint.method} ${path}`)
      }
    })
  })
})
