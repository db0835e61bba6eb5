import { assert, describe, it } from "@effect/vitest"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import type { CreateEngineOptions, Engine, LogEvent } from "../../src/index.ts"
import {
  AssignmentNotFound,
  connect,
  createEngine,
  IntentNotFound,
  InvalidTransition,
  LeaseConflict,
  LeaseExpired,
  StorageError,
  StorageUnavailable,
  Unauthorized,
  UnsupportedStorage,
  ValidationError,
  VersionConflict
} from "../../src/index.ts"
import { startServer } from "../../src/layers/server.ts"
import { newFolder } from "./processes.ts"

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => assert.fail(`resolved with ${JSON.stringify(value)}`),
    (error: unknown) => error
  )

const open = async (options: Partial<CreateEngineOptions> = {}): Promise<Engine> => {
  const engine = await createEngine({ storage: "memory:", ...options })
  onTestFinished(() => engine.close())
  return engine
}

const served = async (): Promise<Engine> => {
  const server = await startServer({ storage: "memory:", port: 0 })
  const engine = await connect({ url: server.url, apiKey: "dev-user-key", agent: "ann" })
  onTestFinished(async () => {
    await engine.close()
    await server.close()
  })
  return engine
}

const pause = (millis: number) => new Promise<void>((resolve) => void setTimeout(resolve, millis))

describe.each([
  ["memory", () => open({ agent: "ann" })],
  ["sqlite", () => open({ agent: "ann", storage: `sqlite:${join(newFolder(), "work.db")}` })],
  ["sqlite in memory", () => open({ agent: "ann", storage: "sqlite::memory:" })],
  ["remote", served]
] as const)("createEngine and connect: %s", (_, make) => {
  it("has every noun", async () => {
    const engine = await make()
    const intent = await engine.intents.create({ title: "one", status: "active" })
    assert.strictEqual(intent.createdBy, "ann")
    assert.deepStrictEqual(await engine.intents.get(intent.id), intent)
    const patched = await engine.intents.patchState(intent.id, { version: 1, state: { a: 1 } })
    assert.deepStrictEqual(patched.state, { a: 1 })
    const event = await engine.events.append(intent.id, { type: "comment", payload: { text: "hello" } })
    assert.strictEqual(event.actor, "ann")
    const assignment = await engine.agents.assign(intent.id, { agentId: "bob" })
    assert.deepStrictEqual((await engine.agents.list(intent.id)).items, [assignment])
    await engine.agents.unassign(intent.id, "bob")
    assert.instanceOf(await rejection(engine.agents.unassign(intent.id, "bob")), AssignmentNotFound)
    const lease = await engine.leases.acquire(intent.id, { scope: "a" })
    const renewed = await engine.leases.renew(intent.id, lease.id, { duration: "10 minutes" })
    assert.isAbove(renewed.expiresAt.epochMilliseconds, lease.expiresAt.epochMilliseconds)
    assert.strictEqual((await engine.leases.release(intent.id, lease.id)).status, "released")
    const other = await engine.leases.acquire(intent.id, { scope: "a" })
    assert.strictEqual((await engine.leases.revoke(intent.id, other.id, { reason: "test" })).status, "revoked")
    assert.strictEqual((await engine.leases.list(intent.id, { status: "all" })).total, 2)
    const done = await engine.intents.setStatus(intent.id, { version: 2, status: "completed" })
    assert.strictEqual(done.status, "completed")
    assert.strictEqual((await engine.intents.list({ status: "completed" })).total, 1)
    const history = await engine.events.list(intent.id, { order: "asc", visibility: "all" })
    assert.deepStrictEqual(
      history.items.map(({ type }) => type),
      [
        "intent_created",
        "state_patched",
        "comment",
        "agent_assigned",
        "agent_unassigned",
        "lease_acquired",
        "lease_renewed",
        "lease_released",
        "lease_acquired",
        "lease_released",
        "status_changed"
      ]
    )
    assert.isUndefined(await engine.health.check())
  })

  it("rejects with the error itself", async () => {
    const engine = await make()
    const { id } = await engine.intents.create({ title: "one" })
    const conflict = await rejection(engine.intents.patchState(id, { version: 7, state: {} }))
    assert.isTrue(conflict instanceof VersionConflict && conflict.current === 1 && conflict instanceof Error)
    assert.instanceOf(await rejection(engine.intents.get("nobody")), IntentNotFound)
    assert.instanceOf(await rejection(engine.intents.create({ title: "" })), ValidationError)
    await engine.intents.setStatus(id, { version: 1, status: "abandoned" })
    assert.instanceOf(
      await rejection(engine.intents.setStatus(id, { version: 2, status: "active" })),
      InvalidTransition
    )
  })

  it("acts as another agent, with its own signature and leases", async () => {
    const engine = await make()
    const bob = engine.as("bob")
    const { id } = await bob.intents.create({ title: "one" })
    const lease = await bob.leases.acquire(id, { scope: "a" })
    assert.strictEqual(lease.agentId, "bob")
    const conflict = await rejection(engine.leases.acquire(id, { scope: "a" }))
    assert.isTrue(conflict instanceof LeaseConflict && conflict.existing.agentId === "bob")
    const [created] = (await engine.events.list(id, { order: "asc" })).items
    assert.strictEqual(created?.actor, "bob")
    assert.strictEqual((await bob.as("cleo").intents.create({ title: "two" })).createdBy, "cleo")
    assert.instanceOf(await rejection(engine.as("system").intents.create({ title: "x" })), ValidationError)
  })

  it("releases a lease at the end of its block, and ignores that it is gone already", async () => {
    const engine = await make()
    const { id } = await engine.intents.create({ title: "one" })
    {
      await using lease = await engine.leases.acquire(id, { scope: "a" })
      assert.strictEqual(lease.status, "active")
      assert.strictEqual((await engine.leases.list(id)).total, 1)
    }
    assert.strictEqual((await engine.leases.list(id)).total, 0)
    const error = await rejection(
      (async () => {
        await using lease = await engine.leases.acquire(id, { scope: "a" })
        await engine.leases.revoke(id, lease.id)
        throw new Error("from the block")
      })()
    )
    assert.isTrue(error instanceof Error && error.message === "from the block")
  })

  it("withLease gives what the work gives, rejects with what it throws, and releases either way", async () => {
    const engine = await make()
    const { id } = await engine.intents.create({ title: "one" })
    const answer = await engine.leases.withLease(id, "a", { ttl: "10 seconds" }, async (lease, signal) => {
      assert.isFalse(signal.aborted)
      assert.strictEqual((await engine.leases.list(id)).items[0]?.id, lease.id)
      return 42
    })
    assert.strictEqual(answer, 42)
    const thrown = { any: "value" }
    const work = engine.leases.withLease(id, "a", {}, () => Promise.reject(thrown))
    assert.strictEqual(await rejection(work), thrown)
    const synchronously = engine.leases.withLease(id, "a", {}, () => {
      throw thrown
    })
    assert.strictEqual(await rejection(synchronously), thrown)
    assert.strictEqual((await engine.leases.list(id)).total, 0)
  })

  it("withLease aborts the signal and rejects when the lease is lost", async () => {
    const engine = await make()
    const { id } = await engine.intents.create({ title: "one" })
    const aborted = Promise.withResolvers<string>()
    const error = await rejection(
      engine.leases.withLease(id, "a", { ttl: "1 second" }, async (lease, signal) => {
        signal.addEventListener("abort", () => aborted.resolve(lease.id))
        await engine.leases.revoke(id, lease.id)
        await new Promise(() => undefined)
      })
    )
    assert.isTrue(error instanceof LeaseExpired && error.leaseId === (await aborted.promise))
  })

  it("follows from a position, live, until the loop breaks", async () => {
    const engine = await make()
    const { id } = await engine.intents.create({ title: "one" })
    const seen: Array<LogEvent> = []
    for await (const event of engine.events.follow({ intentId: id, after: 0 })) {
      seen.push(event)
      if (event.type === "intent_created") void engine.intents.patchState(id, { version: 1, state: { a: 1 } })
      if (event.type === "state_patched") break
    }
    assert.deepStrictEqual(
      seen.map(({ type }) => type),
      ["intent_created", "state_patched"]
    )
    const iterator = engine.events.follow({ intentId: id, after: seen.at(-1)!.position })[Symbol.asyncIterator]()
    const waiting = iterator.next()
    await iterator.return?.()
    assert.isTrue((await waiting).done)
    assert.isTrue((await iterator.next()).done)
  })

  it("close ends iterations and held leases, and later calls reject", async () => {
    const engine = await make()
    const { id } = await engine.intents.create({ title: "one" })
    const iterator = engine.events.follow({ agentId: "nobody" })[Symbol.asyncIterator]()
    const waiting = iterator.next()
    const aborted = Promise.withResolvers<boolean>()
    const held = rejection(
      engine.leases.withLease(id, "a", {}, (_, signal) => {
        signal.addEventListener("abort", () => aborted.resolve(signal.aborted))
        return new Promise<never>(() => undefined)
      })
    )
    await pause(100)
    await Promise.all([engine.close(), engine.as("bob").close()])
    assert.isTrue((await waiting).done)
    assert.isTrue(await aborted.promise)
    const error = await held
    assert.isTrue(error instanceof StorageUnavailable && error.reason === "closed")
    assert.instanceOf(await rejection(engine.intents.get(id)), StorageUnavailable)
    await engine[Symbol.asyncDispose]()
  })
})

describe("createEngine", () => {
  it("acts as `local` unless told", async () => {
    const engine = await open()
    assert.strictEqual((await engine.intents.create({ title: "one" })).createdBy, "local")
  })

  it("keeps what was acknowledged in the file", async () => {
    const storage = `sqlite:${join(newFolder(), "work.db")}`
    const first = await createEngine({ storage })
    const intent = await first.intents.create({ title: "one" })
    await first.close()
    const second = await open({ storage })
    assert.deepStrictEqual(await second.intents.get(intent.id), intent)
  })

  it("hands its switches to the engine", async () => {
    const engine = await open({ enforceLeases: false })
    const { id } = await engine.intents.create({ title: "one" })
    await engine.as("bob").leases.acquire(id, { scope: "*" })
    assert.strictEqual((await engine.intents.patchState(id, { version: 1, state: { a: 1 } })).version, 2)
  })

  it("rejects a storage that it cannot open", async () => {
    assert.instanceOf(await rejection(createEngine({ storage: "mysql://host/db" })), UnsupportedStorage)
    const missing = await rejection(createEngine({ storage: `sqlite:${join(newFolder(), "no/such/folder/work.db")}` }))
    assert.isTrue(missing instanceof StorageError && missing.reason === "io")
  })

  it("finishes the calls under way before it closes", async () => {
    const engine = await createEngine({ storage: `sqlite:${join(newFolder(), "work.db")}` })
    const creating = Array.from({ length: 50 }, (_, i) => engine.intents.create({ title: `intent ${i}` }))
    await engine.close()
    assert.strictEqual((await Promise.all(creating)).length, 50)
  })
})

describe("connect", () => {
  it("acts as the agent of the key unless told", async () => {
    const server = await startServer({ storage: "memory:", port: 0 })
    onTestFinished(() => server.close())
    const engine = await connect({ url: server.url, apiKey: "agent-research-key" })
    onTestFinished(() => engine.close())
    assert.strictEqual((await engine.intents.create({ title: "one" })).createdBy, "agent-research")
  })

  it("rejects with the first call when the key is unknown or nobody answers", async () => {
    const server = await startServer({ storage: "memory:", port: 0, apiKeys: ["secret"] })
    const engine = await connect({ url: server.url, apiKey: "dev-user-key" })
    onTestFinished(() => engine.close())
    assert.instanceOf(await rejection(engine.intents.list()), Unauthorized)
    await server.close()
    assert.instanceOf(await rejection(engine.intents.list()), StorageUnavailable)
  })
})
