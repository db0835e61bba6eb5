/** The remote engine against a real server: the same answers and the same typed errors as embedded (design.md 1.3). */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import { createServer } from "node:http"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import * as Remote from "../../src/http/remote.ts"
import { serving, type Serving } from "./serving.ts"

let server: Serving
let runtime: ManagedRuntime.ManagedRuntime<OpenIntent, never>
beforeAll(async () => {
  server = await serving()
  runtime = ManagedRuntime.make(Remote.layer({ url: server.url, apiKey: "dev-user-key", reconnectDelay: "5 millis" }))
})
afterAll(async () => {
  await runtime.dispose()
  await server.close()
})

const run = <A, E>(use: (engine: OpenIntent["Service"]) => Effect.Effect<A, E>) =>
  runtime.runPromise(OpenIntent.use(use))

/** The error of a call. */
const failing = <A, E>(use: (engine: OpenIntent["Service"]) => Effect.Effect<A, E>) =>
  run((engine) => Effect.flip(use(engine)))

describe("remote", () => {
  it("keeps records whole: times, pending, `__proto__`, unicode agents", async () => {
    const state = JSON.parse('{"a":{"__proto__":{"b":1}},"ü":"é"}')
    const made = await run((engine) =>
      OpenIntent.as("agent:zoë 漢")(engine.intents.create({ title: "x", state, constraints: ["be kind"] }))
    )
    assert.strictEqual(made.createdBy, "agent:zoë 漢")
    assert.strictEqual(JSON.stringify(made.state), JSON.stringify(state))
    assert.deepEqual(made.constraints, { rules: ["be kind"] })
    assert.isAbove(made.createdAt.epochMilliseconds, 0)
    assert.deepStrictEqual(await run((engine) => engine.intents.get(made.id)), made)
    await run((engine) => engine.intents.setStatus(made.id, { version: 1, status: "completed" }))
    const next = await run((engine) => engine.intents.create({ title: "y", dependsOn: [made.id] }))
    assert.strictEqual(next.status, "pending")
    const page = await run((engine) =>
      engine.intents.list({ status: ["pending", "completed"], limit: 1, order: "asc" })
    )
    assert.deepInclude(page, { total: 2, limit: 1, totalCapped: false })
    const rest = await run((engine) =>
      engine.intents.list({ status: ["pending", "completed"], order: "asc", after: page.next })
    )
    assert.deepStrictEqual(rest.items, [next])
    assert.strictEqual(await run((engine) => engine.intents.list({ status: [] })).then(({ items }) => items.length), 0)
  })

  it("gives back every error with its data", async () => {
    const { id } = await run((engine) => engine.intents.create({ title: "x", state: { text: "a" } }))
    const child = await run((engine) => engine.intents.create({ title: "c", parentIntentId: id }))
    const patch = (version: number, path: string, value: unknown = 1) =>
      failing(({ intents }) => intents.patchState(id, { version, patches: [{ op: "set", path, value }] }))
    assert.deepInclude(await failing(({ intents }) => intents.get("nope")), {
      _tag: "IntentNotFound",
      intentId: "nope"
    })
    for (const odd of ["", ".", "..", "a/b?c#d", "%2e"]) {
      assert.deepInclude(await failing(({ intents }) => intents.get(odd)), { _tag: "IntentNotFound", intentId: odd })
    }
    assert.deepInclude(await failing(({ intents }) => intents.create({ title: "x", parentIntentId: "p" })), {
      _tag: "ParentNotFound",
      parentIntentId: "p"
    })
    const unknown = await failing(({ intents }) => intents.create({ title: "x", dependsOn: ["d"] }))
    assert.deepInclude(unknown, { _tag: "UnknownDependency", dependencyIds: ["d"] })
    const cycle = await failing(({ intents }) =>
      intents.create({ title: "x", parentIntentId: child.id, dependsOn: [id] })
    )
    assert.strictEqual(cycle._tag, "DependencyCycle")
    assert.deepInclude(await patch(5, "a"), { _tag: "VersionConflict", intentId: id, expected: 5, current: 1 })
    assert.deepInclude(await patch(1, "/text/b"), { _tag: "InvalidPatch", index: 0, path: "/text/b" })
    assert.deepInclude(await patch(1, "/"), { _tag: "ValidationError" })
    assert.deepInclude(await patch(1, "a", () => 1), { _tag: "ValidationError" })
    assert.deepInclude(await patch(1, "a", "x".repeat(300_000)), { _tag: "TooLarge", maxBytes: 262_144 })
    const status = (version: number, status: "pending" | "completed", of = id) =>
      failing(({ intents }) => intents.setStatus(of, { version, status }))
    assert.deepInclude(await status(1, "pending"), { _tag: "InvalidTransition", from: "draft", to: "pending" })
    assert.deepInclude(await status(1, "completed"), { _tag: "ChildrenIncomplete", open: [child.id] })
    const blank = await failing(({ intents }) => intents.create({ title: " ", createdBy: "system" }))
    assert.isTrue(blank._tag === "ValidationError" && blank.issues.some(({ field }) => field === "createdBy"))
  })

  it("leases, by name and around work", async () => {
    const { id } = await run((engine) => engine.intents.create({ title: "x" }))
    const lease = await run(({ leases }) =>
      OpenIntent.as("ann")(leases.acquire(id, { scope: "a", duration: "1 minute" }))
    )
    const conflict = await failing(({ leases }) => leases.acquire(id, { scope: "a" }))
    assert.isTrue(conflict._tag === "LeaseConflict" && conflict.existing.id === lease.id)
    const held = await failing(({ intents }) => intents.patchState(id, { version: 1, state: { a: 1 } }))
    assert.isTrue(held._tag === "LeaseHeld" && held.existing.id === lease.id && held.path === "/a")
    const byToken = await run(({ intents }) =>
      OpenIntent.as("ann")(intents.patchState(id, { version: 1, state: { a: 1 }, leaseToken: lease.fencingToken }))
    )
    assert.strictEqual(byToken.version, 2)
    assert.strictEqual((await failing(({ leases }) => leases.renew(id, lease.id)))._tag, "LeaseNotFound")
    assert.strictEqual((await failing(({ leases }) => leases.list("nope")))._tag, "IntentNotFound")
    const revoked = await run(({ leases }) => leases.revoke(id, lease.id, { reason: "stuck" }))
    assert.strictEqual(revoked.status, "revoked")
    const inside = await run(({ leases }) =>
      leases.withLease(id, "b", { ttl: "1 minute" }, () => Effect.map(leases.list(id), ({ items }) => items.length))
    )
    assert.strictEqual(inside, 1)
    assert.strictEqual((await run(({ leases }) => leases.list(id, { status: "all" }))).total, 2)
  })

  it("agents", async () => {
    const { id } = await run((engine) => engine.intents.create({ title: "x" }))
    const made = await run(({ agents }) => agents.assign(id, { agentId: "agent:é", role: "writer", retryAttempt: 2 }))
    assert.deepStrictEqual((await run(({ agents }) => agents.list(id))).items, [made])
    await run(({ agents }) => agents.unassign(id, "agent:é"))
    const again = await failing(({ agents }) => agents.unassign(id, "agent:é"))
    assert.deepInclude(again, { _tag: "AssignmentNotFound", agentId: "agent:é" })
  })

  it("follows events: those that are there, then new ones, each once (semantics 53)", async () => {
    const { id } = await run((engine) => engine.intents.create({ title: "x" }))
    const append = (n: number) => run(({ events }) => events.append(id, { type: "comment", payload: { n } }))
    const first = await append(1)
    const collect = (after: number | undefined, count: number) =>
      runtime.runFork(
        OpenIntent.use(({ events }) => Stream.runCollect(Stream.take(events.follow({ intentId: id, after }), count)))
      )
    const fromStart = collect(0, 4)
    await append(2)
    await append(3)
    const all = await Effect.runPromise(Fiber.join(fromStart))
    assert.deepStrictEqual(
      all.map(({ payload, type }) => payload["n"] ?? type),
      ["intent_created", 1, 2, 3]
    )
    assert.deepStrictEqual(all[1], first)
    const resumed = await Effect.runPromise(Fiber.join(collect(first.position, 2)))
    assert.deepStrictEqual(resumed, all.slice(2))
    const missing = await failing(({ events }) => Stream.runDrain(events.follow({ intentId: "nope", after: 0 })))
    assert.strictEqual(missing._tag, "IntentNotFound")
  })

  it("a wrong key, an absent server and a stranger are typed errors", async () => {
    const at = (url: string, apiKey = "k") =>
      Effect.runPromise(
        OpenIntent.use((engine) => Effect.flip(engine.intents.list())).pipe(
          Effect.provide(Remote.layer({ url, apiKey }))
        )
      )
    assert.strictEqual((await at(server.url))._tag, "Unauthorized")
    assert.deepInclude(await at("http://127.0.0.1:1"), {
      _tag: "StorageUnavailable",
      reason: "unreachable",
      retryable: true
    })
    const stranger = createServer((_, answer) => answer.writeHead(200, { "content-type": "text/html" }).end("<p>hello"))
    await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", resolve))
    const address = stranger.address()
    const port = typeof address === "object" ? address?.port : 0
    assert.deepInclude(await at(`http://127.0.0.1:${port}`), { _tag: "StorageUnavailable", retryable: false })
    stranger.closeAllConnections()
    stranger.close()
    const silent = createServer(() => undefined)
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve))
    const { port: deaf } = Object(silent.address())
    const late = Remote.layer({ url: `http://127.0.0.1:${deaf}`, apiKey: "k", timeout: "20 millis" })
    const error = await Effect.runPromise(
      OpenIntent.use((engine) => Effect.flip(engine.health.check)).pipe(Effect.provide(late))
    )
    assert.deepInclude(error, { _tag: "StorageUnavailable", retryable: true })
    silent.closeAllConnections()
    silent.close()
    await run((engine) => engine.health.check)
  })
})
