/** A stream is read by a key, and not longer than that opens anything (http.md 1.4, 12). */
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { keyed } from "./keyring.ts"
import { serving } from "./serving.ts"
import { openSse } from "./sse.ts"

const often = { keepaliveInterval: Duration.millis(300) }

describe.each([
  { way: "responses left open", asBodies: false },
  { way: "bodies", asBodies: true }
])("streams as $way", ({ asBodies }) => {
  it("end when their key is revoked, whichever way it was given; those of other keys go on", async () => {
    await using engine = await keyed()
    const [lost, kept] = [await engine.make({ role: "read-only" }), await engine.make()]
    await using server = await serving({ ...often, keys: [{ key: "own" }] }, engine.layer, { asBodies })
    const path = "/api/v1/agents/ann/subscribe"
    const ending = [
      openSse(server.port, path, { "X-API-Key": lost.key }),
      openSse(server.port, `${path}?api_key=${lost.key}`, { "X-API-Key": undefined })
    ]
    const lasting = [
      openSse(server.port, path, { "X-API-Key": kept.key }),
      openSse(server.port, path, { "X-API-Key": "own" })
    ]
    for (const stream of [...ending, ...lasting]) assert.strictEqual((await stream.next()).event, "connected")
    await Effect.runPromise(engine.keys.revoke(lost.stored.id))
    for (const stream of ending) assert.match((await stream.ended).head, /^HTTP\/1\.1 200 /)
    for (const stream of lasting) {
      assert.strictEqual((await stream.next()).event, ":")
      stream.close()
    }
  })

  it("end when the time of their key is over", async () => {
    await using engine = await keyed()
    const expiresAt = DateTime.addDuration(DateTime.nowUnsafe(), "1 second")
    const { key } = await engine.make({ expiresAt })
    await using server = await serving(often, engine.layer, { asBodies })
    const stream = openSse(server.port, "/api/v1/agents/ann/subscribe", { "X-API-Key": key })
    assert.strictEqual((await stream.next()).event, "connected")
    await stream.ended
    assert.isAtLeast(Date.now(), expiresAt.epochMilliseconds)
  })
})

it("the development keys' streams end with the first key that is made", async () => {
  await using engine = await keyed()
  await using server = await serving(often, engine.layer)
  const stream = openSse(server.port, "/api/v1/agents/ann/subscribe")
  assert.strictEqual((await stream.next()).event, "connected")
  await engine.make()
  await stream.ended
})
