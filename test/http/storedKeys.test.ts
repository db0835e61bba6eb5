/** Keys of the database, as a server that runs knows them. */
import { assert, describe, it } from "@effect/vitest"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { createServer } from "node:http"
import type { StoredKey } from "../../src/core/apiKey/ApiKey.ts"
import { ApiKeys, type ApiKeysShape } from "../../src/core/apiKey/ApiKeys.ts"
import { StorageUnavailable } from "../../src/core/Errors.ts"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import { keyHash } from "../../src/http/keys.ts"
import { newKeyText } from "../../src/http/keyText.ts"
import * as Server from "../../src/http/server.ts"
import { storedKeys } from "../../src/http/storedKeys.ts"
import { time } from "../../src/core/storedForms.ts"
import { sqlite } from "../../src/layers/sqlite.ts"
import { newFolder } from "../layers/processes.ts"
import { keyed } from "./keyring.ts"
import { serving } from "./serving.ts"

const fault = new StorageUnavailable({ operation: "get", reason: "io", retryable: true })

/** Keys that a test makes, revokes and breaks. */
const fakes = () => {
  const state = { open: [] as Array<StoredKey>, changes: 0, broken: false, looks: 0 }
  const unlessBroken = <A>(read: () => A) =>
    Effect.suspend(() => (state.broken ? Effect.fail(fault) : Effect.succeed(read())))
  const shape: ApiKeysShape = {
    create: () => Effect.die("not here"),
    list: () => Effect.die("not here"),
    revoke: () => Effect.die("not here"),
    open: unlessBroken(() => {
      state.looks++
      return [...state.open]
    }),
    changes: unlessBroken(() => state.changes)
  }
  const add = (more: Partial<StoredKey> = {}) => {
    const { id, text } = newKeyText()
    const key: StoredKey = {
      id,
      hash: keyHash(text),
      label: "",
      role: "agent",
      agentIds: [],
      createdAt: time(0),
      expiresAt: null,
      revokedAt: null,
      ...more
    }
    state.open.push(key)
    state.changes++
    return id
  }
  return { state, add, layer: Layer.succeed(ApiKeys, shape) }
}

describe("the keys that a server has in memory", () => {
  it.effect("are looked at again within a second, and read only when they changed", () => {
    const { add, layer, state } = fakes()
    return Effect.gen(function* () {
      const keys = yield* storedKeys
      assert.isFalse(keys.wereEver())
      const id = add()
      assert.isUndefined(keys.find(id))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(keys.find(id)?.holder.keyId, id)
      assert.isTrue(keys.wereEver() && keys.areOpen())
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(state.looks, 1)
      state.open.length = 0
      state.changes++
      yield* TestClock.adjust("1 second")
      assert.isUndefined(keys.find(id))
      assert.isTrue(keys.wereEver() && !keys.areOpen())
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.effect("end by the clock at once, and do not come back when it is set back", () => {
    const { add, layer } = fakes()
    return Effect.gen(function* () {
      const now = yield* DateTime.now
      const id = add({ expiresAt: DateTime.addDuration(now, "10 minutes") })
      const keys = yield* storedKeys
      yield* TestClock.setTime(now.epochMilliseconds + 599_999)
      assert.isDefined(keys.find(id))
      yield* TestClock.setTime(now.epochMilliseconds + 600_000)
      assert.isUndefined(keys.find(id))
      yield* TestClock.setTime(now.epochMilliseconds)
      assert.isUndefined(keys.find(id))
      assert.isFalse(keys.areOpen())
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.effect("open for a minute while they cannot be read, then nothing does, and again when they can", () => {
    const { add, layer, state } = fakes()
    return Effect.gen(function* () {
      const id = add()
      const keys = yield* storedKeys
      state.broken = true
      yield* TestClock.adjust("59 seconds")
      assert.isDefined(keys.find(id))
      assert.isUndefined(keys.unknown())
      yield* TestClock.adjust("2 seconds")
      assert.isUndefined(keys.find(id))
      assert.strictEqual(keys.unknown()?.code, "storage_unavailable")
      state.broken = false
      yield* TestClock.adjust("1 second")
      assert.isDefined(keys.find(id))
      assert.isUndefined(keys.unknown())
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.effect("must be readable at the start, and there need be none", () =>
    Effect.gen(function* () {
      const { layer, state } = fakes()
      state.broken = true
      assert.strictEqual(yield* Effect.flip(Effect.provide(Effect.scoped(storedKeys), layer)), fault)
      const none = yield* Effect.scoped(storedKeys)
      assert.isFalse(none.wereEver())
    })
  )
})

/** Asks again until it is answered so, which the test's own timeout bounds. */
const until = async (status: number, ask: () => Promise<{ readonly status: number }>) => {
  while ((await ask()).status !== status) await new Promise((resolve) => setTimeout(resolve, 20))
}

describe("a server that runs", () => {
  it("knows the keys that another process makes and revokes on its file", async () => {
    const file = `${newFolder()}/work.db`
    await using here = await keyed(Layer.orDie(sqlite(file)))
    await using server = await serving({}, here.layer)
    await using elsewhere = await keyed(Layer.orDie(sqlite(file)))
    const list = (key: string) => server.ask("GET", "/api/v1/intents", { key, agent: "" })
    assert.strictEqual((await list("dev-user-key")).status, 200)
    const { key, stored } = await elsewhere.make({ role: "read-only", agentIds: ["ann"] })
    await until(200, () => list(key))
    assert.strictEqual((await list("dev-user-key")).status, 401)
    const refused = await server.ask("POST", "/api/v1/intents", { key, agent: "", body: { title: "x" } })
    assert.strictEqual(refused.status, 403)
    await Effect.runPromise(elsewhere.keys.revoke(stored.id))
    await until(401, () => list(key))
    assert.strictEqual((await list("dev-user-key")).status, 401)
  })

  it("needs no other key on an address that others can reach, but one that is open", async () => {
    await using engine = await keyed()
    const start = Server.layer.pipe(
      Layer.provide(NodeHttpServer.layer(() => createServer(), { host: "0.0.0.0", port: 0 })),
      Layer.provide(engine.layer),
      Layer.build,
      Effect.scoped
    )
    assert.strictEqual((await Effect.runPromise(Effect.flip(start)))._tag, "KeysRequired")
    const { stored } = await engine.make()
    await Effect.runPromise(start)
    await Effect.runPromise(engine.keys.revoke(stored.id))
    assert.strictEqual((await Effect.runPromise(Effect.flip(start)))._tag, "KeysRequired")
  })

  it("knows configured keys beside stored ones, and engines that keep none", async () => {
    await using engine = await keyed()
    const { key, stored } = await engine.make({ agentIds: ["ann", "bob"] })
    await using server = await serving({ keys: [{ key: "own" }] }, engine.layer)
    const create = (key: string) => server.ask("POST", "/api/v1/intents", { key, agent: "", body: { title: "x" } })
    assert.strictEqual((await create(key)).body.created_by, "ann")
    assert.match((await create("own")).body.created_by, /^key_/)
    assert.strictEqual((await create("dev-user-key")).status, 401)
    assert.strictEqual(stored.hash, keyHash(key))
    const bare = Layer.effect(OpenIntent, OpenIntent).pipe(Layer.provide(engine.layer))
    await using without = await serving({}, bare)
    assert.strictEqual((await without.ask("GET", "/api/v1/intents")).status, 200)
    assert.strictEqual((await without.ask("GET", "/api/v1/intents", { key })).status, 401)
  })
})
