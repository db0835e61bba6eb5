/** Names of endpoints whose name server is slow: found by the fuzz, which left one lookup behind for each attempt. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { assert, describe, it } from "vitest"
import { type Found, makeLookups } from "../../../src/http/webhooks/lookups.ts"
import { makeSender } from "../../../src/http/webhooks/sender.ts"

/** A name server that answers when it is told to. */
const slow = () => {
  const asked: Array<readonly [hostname: string, answer: Found]> = []
  return { asked, resolve: (hostname: string, found: Found) => void asked.push([hostname, found]) }
}

const address = { address: "192.0.2.1", family: 4 }

describe("lookups of webhooks", () => {
  it("one of a name at a time, which all who ask meanwhile share", () => {
    const { asked, resolve } = slow()
    const lookUp = makeLookups(resolve)
    const told: Array<number> = []
    for (let n = 0; n < 3; n++) lookUp("a.example", () => told.push(n))
    lookUp("b.example", () => told.push(9))
    assert.deepStrictEqual(
      asked.map(([hostname]) => hostname),
      ["a.example", "b.example"]
    )
    asked[0]?.[1](null, [address])
    assert.deepStrictEqual(told, [0, 1, 2])
    lookUp("a.example", () => told.push(4))
    assert.strictEqual(asked.length, 3)
  })

  it("who has gone is not told, and is not kept", () => {
    const { asked, resolve } = slow()
    const lookUp = makeLookups(resolve)
    const told: Array<number> = []
    const forget = lookUp("a.example", () => told.push(1))
    lookUp("a.example", () => told.push(2))
    forget()
    asked[0]?.[1](null, [address])
    assert.deepStrictEqual(told, [2])
  })

  it("not more than 256 names at a time: the next one is as if the name server had not answered", () => {
    const { asked, resolve } = slow()
    const lookUp = makeLookups(resolve)
    const errors: Array<unknown> = []
    for (let n = 0; n < 257; n++) lookUp(`n${n}.example`, (error) => errors.push(error))
    assert.strictEqual(asked.length, 256)
    assert.strictEqual(errors.length, 1)
    assert.propertyVal(errors[0], "code", "EAI_AGAIN")
    asked[0]?.[1](null, [address])
    lookUp("other.example", () => undefined)
    assert.strictEqual(asked.length, 257)
  })

  it("an attempt that runs out of time leaves no lookup of its own behind", async () => {
    const { asked, resolve } = slow()
    const sender = makeSender({ allowPrivate: false, allowedNetworks: [] }, resolve)
    const request = { url: "https://hooks.example/", headers: {}, body: "{}", timeout: Duration.millis(5) }
    for (let attempt = 0; attempt < 5; attempt++) {
      const { reason } = await Effect.runPromise(Effect.flip(sender.send(request)))
      assert.strictEqual(reason, "timeout")
    }
    assert.strictEqual(asked.length, 1)
  })
})
