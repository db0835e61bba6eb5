/** The text of keys, and the ring that finds who holds one. */
import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import { timingSafeEqual } from "node:crypto"
import { inspect } from "node:util"
import {
  type KeyEntry,
  keyHash,
  type KeyringShape,
  makeKeyring,
  storedEntry,
  type StoredKeys
} from "../../src/http/keys.ts"
import { holdsKey, withoutKeys } from "../../src/core/apiKey/form.ts"
import { keyIdOf, newKeyText } from "../../src/http/keyText.ts"
import { refusal } from "../../src/http/refusals.ts"
import { time } from "../../src/core/storedForms.ts"

const entryOf = (id: string, text: string): KeyEntry =>
  storedEntry({
    id,
    hash: keyHash(text),
    label: "",
    role: "agent",
    agentIds: [],
    createdAt: time(0),
    expiresAt: null,
    revokedAt: null
  })

const holding = (entries: ReadonlyMap<string, KeyEntry>, more: Partial<StoredKeys> = {}): StoredKeys => ({
  find: (id) => entries.get(id),
  unknown: () => undefined,
  areOpen: () => entries.size > 0,
  wereEver: () => entries.size > 0,
  ...more
})

const codeOf = (found: ReturnType<KeyringShape["find"]>) => ("code" in found ? found.code : found.keyId)

describe("the text of a key", () => {
  it("has an id, 190 random bits and a checksum", () => {
    const texts = Array.from({ length: 200 }, newKeyText)
    for (const { id, text } of texts) {
      assert.match(text, /^oi_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}$/)
      assert.strictEqual(keyIdOf(text), id)
    }
    assert.strictEqual(new Set(texts.map(({ text }) => text)).size, 200)
    // log2(62) bits for each of 32 digits.
    assert.isAtLeast(Math.log2(62) * 32, 160)
  })

  it("no digit is likelier than another", () => {
    const counts = new Map<string, number>()
    const drawn = Array.from({ length: 2000 }, () => newKeyText().text.slice(16, 48)).join("")
    for (const digit of drawn) counts.set(digit, (counts.get(digit) ?? 0) + 1)
    assert.strictEqual(counts.size, 62)
    const expected = drawn.length / 62
    for (const [digit, count] of counts) assert.approximately(count, expected, expected * 0.3, digit)
  })

  it("a mistyped one is none: no change of one character has the same checksum", () => {
    const { text } = newKeyText()
    for (let at = 3; at < text.length; at++) {
      const changed = text[at] === "a" ? "b" : "a"
      assert.isUndefined(keyIdOf(text.slice(0, at) + changed + text.slice(at + 1)), String(at))
    }
    assert.isUndefined(keyIdOf(text.slice(0, -1)))
    assert.isUndefined(keyIdOf(`${text}a`))
    assert.isUndefined(keyIdOf(` ${text}`))
  })

  it("is found in a text, and taken out of it", () => {
    const { text } = newKeyText()
    assert.isTrue(holdsKey(`agent ${text}!`))
    assert.strictEqual(withoutKeys(`a ${text} b ${text}`), "a oi_*** b oi_***")
    for (const other of ["", "oi_short", "agent:dev", "soi_disant"]) {
      assert.isFalse(holdsKey(other))
      assert.strictEqual(withoutKeys(other), other)
    }
  })
})

describe("the ring", () => {
  const { id, text } = newKeyText()
  const configured = [
    { key: "first", agentIds: ["ann", "bob"] },
    { key: Redacted.make("second"), role: "admin" as const },
    { key: "third", role: "read-only" as const }
  ]

  it("compares any text with every candidate, in full, whatever matches", () => {
    const compared: Array<readonly [number, number]> = []
    const compare = (a: Uint8Array, b: Uint8Array) => {
      compared.push([a.length, b.length])
      return timingSafeEqual(a, b)
    }
    const { find } = makeKeyring({ configured }, holding(new Map([[id, entryOf(id, text)]])), compare)
    for (const presented of [
      "first",
      "second",
      "third",
      "nope",
      "",
      text,
      newKeyText().text,
      `${text.slice(0, -1)}x`
    ]) {
      compared.length = 0
      find(presented)
      // Three that are configured, and the stored one or what stands for it: whole digests each time.
      assert.deepStrictEqual(
        compared,
        Array.from({ length: 4 }, () => [32, 32] as const),
        presented
      )
    }
  })

  it("names who holds it, and nothing of it", () => {
    const { find } = makeKeyring({ configured }, holding(new Map([[id, entryOf(id, text)]])))
    const holders = ["first", "second", "third", text].map(find)
    assert.deepStrictEqual(
      holders.map((found) => "role" in found && found.role),
      ["agent", "admin", "read-only", "agent"]
    )
    for (const [at, found] of holders.entries()) {
      assert.match(codeOf(found), at === 3 ? new RegExp(`^${id}$`) : /^key_[0-9a-f]{12}$/)
      assert.notMatch(inspect(found, { depth: 5 }), /first|second|third|oi_/)
    }
    assert.strictEqual(codeOf(find("fourth")), "unauthorized")
  })

  it("the id of a stored key does not open with another secret", () => {
    const other = newKeyText()
    const { find } = makeKeyring({ configured: [] }, holding(new Map([[other.id, entryOf(other.id, text)]])))
    assert.strictEqual(codeOf(find(other.text)), "unauthorized")
  })

  it("development keys open as long as no key was ever stored", () => {
    const development = [{ key: "dev-user-key" }]
    assert.match(codeOf(makeKeyring({ configured: [], development }).find("dev-user-key")), /^key_/)
    const after = makeKeyring({ configured: [], development }, holding(new Map(), { wereEver: () => true }))
    assert.strictEqual(codeOf(after.find("dev-user-key")), "unauthorized")
  })

  it("while stored keys cannot be judged, configured ones open, others are unknown, and those are told so", () => {
    const unknown = () => refusal(503, "storage_unavailable", "later")
    const { find } = makeKeyring({ configured }, holding(new Map(), { unknown }))
    assert.match(codeOf(find("first")), /^key_/)
    assert.strictEqual(codeOf(find("nope")), "unauthorized")
    assert.strictEqual(codeOf(find(text)), "storage_unavailable")
  })

  it("nobody is named like a key", () => {
    const { anyone } = makeKeyring({ configured })
    for (const name of ["first", "second", text, `agent ${text}`]) assert.isFalse(anyone.has(name), name)
    for (const name of ["ann", "ann", "agent:dev"]) assert.isTrue(anyone.has(name), name)
    for (let i = 0; i < 2500; i++) assert.isTrue(anyone.has(`agent-${i}`))
    assert.isFalse(anyone.has("first"))
  })
})
