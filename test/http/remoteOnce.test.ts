/** `OpenIntent.once` and `engine.once`: embedded and remote alike. */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { connect, createEngine, type Engine, IdempotencyKeyReused, ValidationError } from "../../src/index.ts"
import { serving, type Serving } from "./serving.ts"

let server: Serving
beforeAll(async () => {
  server = await serving()
})
afterAll(() => server.close())

const open: { readonly [name: string]: () => Promise<Engine> } = {
  embedded: () => createEngine({ storage: "memory:", agent: "ann" }),
  remote: () => connect({ url: server.url, apiKey: "dev-user-key", agent: "ann" })
}

for (const [name, make] of Object.entries(open)) {
  describe(`once: ${name}`, () => {
    it("answers as the first time, and refuses another input", async () => {
      await using engine = await make()
      const once = engine.once('key-"1"')
      const first = await once.intents.create({ title: "One", state: { n: 1 } })
      await engine.intents.patchState(first.id, { version: 1, state: { n: 2 } })
      assert.deepStrictEqual(await once.intents.create({ title: "One", state: { n: 1 } }), first)
      const reused = await once.intents.create({ title: "Two" }).catch((error: unknown) => error)
      assert.deepStrictEqual(reused, new IdempotencyKeyReused({ key: 'key-"1"' }))
      // Another call, another id, another agent: each is one of its own.
      const event = await once.events.append(first.id, { type: "comment" })
      assert.deepStrictEqual(await once.events.append(first.id, { type: "comment" }), event)
      await once.llm.toolCallStarted(first.id, { toolName: "t", toolId: "1", arguments: {} }).then(
        () => assert.fail("the same call with another input"),
        (error: unknown) => assert.instanceOf(error, IdempotencyKeyReused)
      )
      const other = await once.as("bob").intents.create({ title: "One", state: { n: 1 } })
      assert.notStrictEqual(other.id, first.id)
      assert.strictEqual(other.createdBy, "bob")
      assert.strictEqual((await engine.as("bob").once("k2").intents.create({ title: "Bob's" })).createdBy, "bob")
    })

    it("keeps a patch from being a conflict with itself, whatever version it comes with", async () => {
      await using engine = await make()
      const { id } = await engine.intents.create({ title: "One" })
      const patch = (version: number) => engine.once("k").intents.patchState(id, { version, state: { a: 1 } })
      const first = await patch(1)
      assert.deepStrictEqual(await patch(1), first)
      assert.deepStrictEqual(await patch(2), first)
      assert.strictEqual((await engine.intents.get(id)).version, 2)
    })

    it("leaves alone what is no POST, and what holds or runs work of others", async () => {
      await using engine = await make()
      const { id } = await engine.intents.create({ title: "One" })
      const once = engine.once("k")
      for (let i = 0; i < 2; i++) await once.leases.withLease(id, "a", {}, () => undefined)
      for (let i = 0; i < 2; i++) await once.retries.setPolicy(id, { maxRetries: i })
      assert.strictEqual((await engine.leases.list(id, { status: "released" })).total, 2)
      assert.strictEqual((await engine.retries.policy(id)).maxRetries, 1)
    })

    it("refuses what is no key", async () => {
      await using engine = await make()
      for (const key of ["", "a b", "ü"]) {
        const refused = await engine
          .once(key)
          .intents.create({ title: "One" })
          .catch((error: unknown) => error)
        assert.instanceOf(refused, ValidationError)
        assert.strictEqual(refused.issues[0].field, "idempotencyKey")
      }
    })
  })
}
