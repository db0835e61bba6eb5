/** http.md 15, on the wire and through the remote engine. */
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import * as Remote from "../../src/http/remote.ts"
import { connect } from "../../src/layers/createEngine.ts"
import type { Engine } from "../../src/layers/promises.ts"
import { serving, type Serving } from "./serving.ts"

let server: Serving
let runtime: ManagedRuntime.ManagedRuntime<OpenIntent, never>
let promised: Engine
beforeAll(async () => {
  server = await serving()
  runtime = ManagedRuntime.make(Remote.layer({ url: server.url, apiKey: "dev-user-key" }))
  promised = await connect({ url: server.url, apiKey: "dev-user-key", agent: "ann" })
})
afterAll(async () => {
  await promised.close()
  await runtime.dispose()
  await server.close()
})

const anIntent = async () => String((await server.ask("POST", "/api/v1/intents", { body: { title: "t" } })).body.id)

const policyAt = (id: string) => `/api/v1/intents/${id}/retry-policy`
const failuresAt = (id: string) => `/api/v1/intents/${id}/failures`

const put = (id: string, body: unknown) => server.ask("PUT", policyAt(id), { body })
const post = (id: string, body: unknown) => server.ask("POST", failuresAt(id), { body })

/** Fields at fault. */
const faults = (answer: { readonly status: number; readonly body: any }) => {
  assert.strictEqual(answer.status, 400)
  assert.strictEqual(answer.body.code, "validation_error")
  return answer.body.errors.map((error: { readonly field: string }) => error.field)
}

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/

describe("retry policy over HTTP (http.md 15.1, 15.2)", () => {
  it("404 without a policy, and for an unknown intent whatever the body", async () => {
    const id = await anIntent()
    const none = await server.ask("GET", policyAt(id))
    assert.deepInclude(none, { status: 404 })
    assert.deepInclude(none.body, { code: "not_found", message: "No retry policy set" })
    for (const answer of [await server.ask("GET", policyAt("nope")), await put("nope", { strategy: 7 })]) {
      assert.strictEqual(answer.status, 404)
      assert.strictEqual(answer.body.message, "Intent not found")
    }
  })

  it("all fields under every name, with their defaults; null counts as absent", async () => {
    const id = await anIntent()
    const { body } = await put(id, { strategy: null, max_retries: null, max_attempts: null, fallback_agent_id: null })
    const { created_at: createdAt, id: policyId, updated_at: updatedAt } = body
    assert.match(createdAt, time)
    assert.deepStrictEqual(body, {
      id: policyId,
      intent_id: id,
      strategy: "exponential",
      max_retries: 3,
      max_attempts: 4,
      base_delay_ms: 1000,
      base_delay_seconds: 1,
      max_delay_ms: 60_000,
      max_delay_seconds: 60,
      backoff_multiplier: 2,
      retryable_errors: [],
      jitter: false,
      fallback_agent_id: null,
      failure_threshold: 3,
      created_at: createdAt,
      updated_at: updatedAt,
      createdAt,
      updatedAt
    })
    assert.deepStrictEqual((await server.ask("GET", policyAt(id))).body, body)
    const empty = await server.ask("PUT", policyAt(id))
    assert.deepStrictEqual(empty.body, { ...body, updated_at: empty.body.updated_at, updatedAt: empty.body.updated_at })
  })

  it("semantics 59: an alias stores the same as its name, and the name wins over it", async () => {
    const id = await anIntent()
    const stored = async (given: object) => {
      const { body } = await put(id, given)
      return { ...body, updated_at: "", updatedAt: "" }
    }
    const named = { max_retries: 4, base_delay_ms: 500, max_delay_ms: 2500.5 }
    assert.deepStrictEqual(
      await stored({ max_attempts: 5, base_delay_seconds: 0.5, max_delay_seconds: 2.5005 }),
      await stored(named)
    )
    assert.deepStrictEqual(
      await stored({ ...named, max_attempts: 9, base_delay_seconds: 9, max_delay_seconds: 9 }),
      await stored(named)
    )
  })

  it("names what is wrong as the caller wrote it", async () => {
    const id = await anIntent()
    assert.deepStrictEqual(faults(await put(id, { strategy: "weird" })), ["strategy"])
    assert.deepStrictEqual(
      faults(
        await put(id, {
          base_delay_ms: -1,
          max_retries: 1001,
          backoff_multiplier: 0.5,
          failure_threshold: 0,
          fallback_agent_id: "system",
          retryable_errors: ["a", " "]
        })
      ).toSorted(),
      [
        "backoff_multiplier",
        "base_delay_ms",
        "failure_threshold",
        "fallback_agent_id",
        "max_retries",
        "retryable_errors[1]"
      ]
    )
    assert.deepStrictEqual(faults(await put(id, { base_delay_ms: 5000, max_delay_seconds: 4 })), ["max_delay_ms"])
    assert.deepStrictEqual(faults(await put(id, { max_delay_ms: 1e20 })), ["max_delay_ms"])
    assert.deepStrictEqual(faults(await put(id, { max_attempts: 0 })), ["max_attempts"])
    assert.deepStrictEqual(
      faults(await put(id, { jitter: "yes", retryable_errors: [1], max_retries: 1.5 })).toSorted(),
      ["jitter", "max_retries", "retryable_errors"]
    )
  })
})

describe("failures over HTTP (http.md 15.3, 15.4)", () => {
  it("all fields under every name; the log tells it as the agent named", async () => {
    const id = await anIntent()
    await put(id, {})
    const { body } = await post(id, {
      agent_id: "bo",
      error_code: "TIMEOUT",
      error_message: "30 s",
      retry_scheduled_at: null,
      metadata: { http: 504 }
    })
    const { created_at: createdAt, id: failureId, retry_scheduled_at: retryAt } = body
    assert.strictEqual(Date.parse(`${retryAt}Z`) - Date.parse(`${createdAt}Z`), 1000)
    assert.deepStrictEqual(body, {
      id: failureId,
      intent_id: id,
      agent_id: "bo",
      attempt_number: 1,
      attempt: 1,
      error_code: "TIMEOUT",
      error_type: "TIMEOUT",
      error_message: "30 s",
      will_retry: true,
      recoverable: true,
      retry_scheduled_at: retryAt,
      retryScheduledAt: retryAt,
      resolved_at: null,
      resolvedAt: null,
      metadata: { http: 504 },
      created_at: createdAt,
      createdAt,
      occurred_at: createdAt
    })
    const { body: log } = await server.ask("GET", `/api/v1/intents/${id}/events`)
    assert.deepInclude(log.events[0], { event_type: "failure_recorded", actor: "bo" })
    assert.isFalse(
      log.events.some((event: any) => event.event_type === "retry_policy_set"),
      "hidden"
    )
    const { body: list } = await server.ask("GET", `${failuresAt(id)}?limit=1`)
    assert.deepStrictEqual(list, { failures: [body], total: 1, limit: 1, offset: 0 })
  })

  it("semantics 59: an alias stores the same as its name", async () => {
    const id = await anIntent()
    const aliased = await post(id, { error_type: "E", attempt: 7, recoverable: true })
    assert.deepInclude(aliased.body, { error_code: "E", attempt_number: 7, will_retry: true, agent_id: "atlas" })
    const both = await post(id, { error_type: "x", error_code: "E", attempt: 1, attempt_number: 7, will_retry: false })
    assert.deepInclude(both.body, { error_code: "E", attempt_number: 7, will_retry: false })
    const given = await post(id, { retry_scheduled_at: "2031-05-06T07:08:09+01:00" })
    assert.strictEqual(given.body.retry_scheduled_at, "2031-05-06T06:08:09.000000")
    const empty = await server.ask("POST", failuresAt(id))
    assert.deepInclude(empty.body, { attempt_number: 4, error_code: null, will_retry: false, metadata: {} })
  })

  it("names what is wrong; a missing intent comes before it", async () => {
    const id = await anIntent()
    assert.deepStrictEqual(faults(await post(id, { attempt: 0, retry_scheduled_at: "soon", agent_id: "system" })), [
      "agent_id",
      "attempt_number",
      "retry_scheduled_at"
    ])
    assert.deepStrictEqual(faults(await post(id, { recoverable: "maybe", metadata: [] })), ["will_retry", "metadata"])
    assert.strictEqual((await post(id, { metadata: { text: "x".repeat(300_000) } })).status, 413)
    for (const body of [{}, { attempt: 0 }]) assert.strictEqual((await post("nope", body)).status, 404)
    assert.strictEqual((await server.ask("GET", failuresAt("nope"))).status, 404)
    assert.strictEqual((await server.ask("GET", `${failuresAt(id)}?limit=0`)).status, 400)
  })

  it("are resolved", async () => {
    const id = await anIntent()
    const { body } = await post(id, {})
    const resolve = (of: string, ids: unknown) =>
      server.ask("POST", `${failuresAt(of)}/resolve`, { body: { failure_ids: ids } })
    const { body: resolved } = await resolve(id, [body.id, "nope"])
    assert.strictEqual(resolved.failures.length, 1)
    assert.match(resolved.failures[0].resolvedAt, time)
    assert.strictEqual(resolved.failures[0].resolved_at, resolved.failures[0].resolvedAt)
    assert.deepStrictEqual(faults(await resolve(id, undefined)), ["failure_ids"])
    assert.deepStrictEqual(faults(await resolve(id, Array.from({ length: 1001 }, String))), ["failure_ids"])
    assert.strictEqual((await resolve("nope", [])).status, 404)
  })

  it("a bound key speaks for its own agents only", async () => {
    await using bound = await serving({ keys: [{ key: "k", agentIds: ["ann"] }] })
    const as = { key: "k", agent: "ann" }
    const { body } = await bound.ask("POST", "/api/v1/intents", { ...as, body: { title: "t" } })
    const asked = (agent: string) => bound.ask("POST", failuresAt(body.id), { ...as, body: { agent_id: agent } })
    assert.strictEqual((await asked("bo")).status, 403)
    assert.strictEqual((await asked("ann")).status, 200)
  })
})

const run = <A, E>(use: (engine: OpenIntent["Service"]) => Effect.Effect<A, E>) =>
  runtime.runPromise(OpenIntent.as("ann")(OpenIntent.use(use)))

const failing = <A, E>(use: (engine: OpenIntent["Service"]) => Effect.Effect<A, E>) =>
  run((engine) => Effect.flip(use(engine)))

describe("retries of the remote engine", () => {
  it("keeps records whole", async () => {
    const id = await anIntent()
    const policy = await run(({ retries }) =>
      retries.setPolicy(id, { baseDelay: "1500 micros", maxDelay: "1 hour", retryableErrors: ["E"], jitter: true })
    )
    assert.deepStrictEqual(await run(({ retries }) => retries.policy(id)), policy)
    const failure = await run(({ retries }) =>
      retries.recordFailure(id, { errorCode: "E", errorMessage: "é", metadata: { a: [1] }, agentId: "bo" })
    )
    assert.deepInclude(failure, { intentId: id, agentId: "bo", errorCode: "E", errorMessage: "é", willRetry: true })
    assert.deepInclude(await run(({ retries }) => retries.failures(id)), { items: [failure], total: 1 })
    const [resolved] = await run(({ retries }) => retries.resolveFailures(id, [failure.id]))
    assert.deepStrictEqual(resolved, { ...failure, resolvedAt: resolved?.resolvedAt ?? null })
    assert.isAbove(resolved?.resolvedAt?.epochMilliseconds ?? 0, 0)
  })

  it("gives back every error with its data", async () => {
    const id = await anIntent()
    assert.deepInclude(await failing(({ retries }) => retries.policy(id)), {
      _tag: "RetryPolicyNotFound",
      intentId: id
    })
    assert.deepInclude(await failing(({ retries }) => retries.policy("nope")), { _tag: "IntentNotFound" })
    assert.deepInclude(await failing(({ retries }) => retries.run("nope", Effect.die("ran"))), {
      _tag: "IntentNotFound"
    })
    const invalid = await failing(({ retries }) => retries.setPolicy(id, { baseDelay: "2 minutes" }))
    assert.isTrue(invalid._tag === "ValidationError" && invalid.issues[0].field === "maxDelay")
    const endless = await failing(({ retries }) => retries.setPolicy(id, { maxDelay: Number.POSITIVE_INFINITY }))
    assert.isTrue(endless._tag === "ValidationError" && endless.issues[0].field === "maxDelay")
    const large = await failing(({ retries }) => retries.recordFailure(id, { metadata: { a: "x".repeat(300_000) } }))
    assert.deepInclude(large, { _tag: "TooLarge", field: "metadata" })
  })

  it("runs work again by the policy of the server, and resolves its failures", async () => {
    const id = await anIntent()
    await run(({ retries }) => retries.setPolicy(id, { strategy: "fixed", baseDelay: "2 millis" }))
    const made: Array<number> = []
    const work = (attempt: number) =>
      Effect.suspend(() => (made.push(attempt) < 3 ? Effect.fail({ code: "E" }) : Effect.succeed(attempt)))
    assert.strictEqual(await run(({ retries }) => retries.run(id, work)), 3)
    const { items } = await run(({ retries }) => retries.failures(id))
    assert.deepStrictEqual(
      items.map(({ agentId, attemptNumber, errorCode, resolvedAt }) => [
        agentId,
        attemptNumber,
        errorCode,
        resolvedAt !== null
      ]),
      [
        ["ann", 1, "E", true],
        ["ann", 2, "E", true]
      ]
    )
  })
})

describe("retries with promises", () => {
  it("a rejection or an exception is tried again, and the last one is the answer as it is", async () => {
    const id = await anIntent()
    await promised.retries.setPolicy(id, { strategy: "fixed", baseDelay: "1 millis", maxRetries: 2 })
    const answer = await promised.retries.run(id, (attempt, signal) => {
      assert.isFalse(signal.aborted)
      if (attempt === 1) throw new RangeError("first")
      return attempt === 2 ? Promise.reject(new Error("second")) : `attempt ${attempt}`
    })
    assert.strictEqual(answer, "attempt 3")
    const last = new Error("last")
    const error = await promised.retries.run(id, () => Promise.reject(last)).catch((caught: unknown) => caught)
    assert.strictEqual(error, last)
    const { items } = await promised.retries.failures(id)
    assert.deepStrictEqual(
      items.map(({ errorCode, errorMessage }) => [errorCode, errorMessage]),
      [["RangeError", "first"], ["Error", "second"], ...Array.from({ length: 3 }, () => ["Error", "last"])]
    )
  })

  it("closing the engine aborts the work and ends the run", async () => {
    const id = await anIntent()
    const engine = await connect({ url: server.url, apiKey: "dev-user-key", agent: "ann" })
    const { promise: started, resolve: begin } = Promise.withResolvers<AbortSignal>()
    const running = engine.retries
      .run(id, (_, signal) => {
        begin(signal)
        return new Promise(() => undefined)
      })
      .catch((error: unknown) => error)
    const signal = await started
    await engine.close()
    assert.deepInclude(await running, { _tag: "StorageUnavailable", reason: "closed" })
    assert.isTrue(signal.aborted)
  })
})
