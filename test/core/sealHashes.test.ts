import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { hash } from "node:crypto"
import type { LogEvent } from "../../src/core/event/LogEvent.ts"
import type { Json, JsonObject } from "../../src/core/json.ts"
import { canonicalJson, eventText } from "../../src/core/seal/canonical.ts"
import { eventDigest, hashOf } from "../../src/core/seal/hash.ts"
import { eventBody } from "../../src/http/bodies.ts"
import { at } from "./records.ts"

const sha256 = (text: string) => hash("sha256", text, "base64url")

/** RFC 8785 by the letter, slowly: every name sorted, every part written by itself. */
const oracle = (value: Json | undefined): string => {
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(oracle).join(",")}]`
  const members = Object.entries(value).map(
    ([name, item]) => [name, `${JSON.stringify(name)}:${oracle(item)}`] as const
  )
  const units = (text: string) => Array.from({ length: text.length }, (_, i) => text.charCodeAt(i))
  const compare = (a: string, b: string) => {
    const [left, right] = [units(a), units(b)]
    for (const [i, unit] of left.entries()) if (unit !== right[i]) return unit - (right[i] ?? -1)
    return left.length - right.length
  }
  return `{${members
    .toSorted(([a], [b]) => compare(a, b))
    .map(([, text]) => text)
    .join(",")}}`
}

/** The same value with its members the other way round. */
const reversed = (value: Json): Json => {
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) return value.map(reversed)
  const object: { [name: string]: Json } = {}
  for (const [name, item] of Object.entries(value).toReversed())
    Object.defineProperty(object, name, { value: reversed(item), enumerable: true, configurable: true, writable: true })
  return object
}

const Name = Schema.Union([
  Schema.Literals([
    "",
    "0",
    "1",
    "2",
    "10",
    "a",
    "b",
    "Z",
    "__proto__",
    "toString",
    "é",
    "€",
    "😀",
    "\u0080",
    "ö",
    "\n",
    '"'
  ]),
  Schema.String
])
const Leaf = Schema.Union([
  Schema.Finite,
  Schema.Boolean,
  Schema.Null,
  Schema.String,
  Schema.Literals([-0, 1e21, 1e-7])
])
const Inner = Schema.Union([Leaf, Schema.Array(Leaf), Schema.Array(Schema.Tuple([Name, Leaf]))])
const Outer = Schema.Array(Schema.Tuple([Name, Inner]))

const isPair = (value: unknown): value is readonly [string, Json] =>
  Array.isArray(value) && value.length === 2 && typeof value[0] === "string"

/** Lists of pairs as objects: names in any order, `__proto__` among them. */
const objects = (pairs: ReadonlyArray<readonly [string, Json]>): JsonObject => {
  const object: { [name: string]: Json } = {}
  for (const [name, item] of pairs) {
    const value = Array.isArray(item) && item.length > 0 && item.every(isPair) ? objects(item) : item
    Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
  }
  return object
}

const holds = (name: string, property: (value: JsonObject) => boolean) =>
  it.effect(name, () =>
    Effect.gen(function* () {
      const result = yield* Arbitrary.checkEffect(
        Arbitrary.schema(Outer),
        (pairs) => Effect.sync(() => property(objects(pairs as ReadonlyArray<readonly [string, Json]>))),
        { runs: 200, size: 20 }
      )
      assert.strictEqual(result._tag, "Passed", Arbitrary.formatCheckFailure(result))
    })
  )

const event = (fields: Partial<LogEvent> = {}): LogEvent => ({
  position: 7,
  id: "01a",
  intentId: "01b",
  type: "x.note",
  actor: "ann",
  source: "client",
  payload: { b: 1, a: [true, null] },
  extra: { old_state: { never: "shown" } },
  traceId: null,
  parentEventId: null,
  createdAt: at(1_771_000_000_123),
  ...fields
})

describe("canonical JSON (RFC 8785)", () => {
  holds("is what the rules say", (value) => canonicalJson(value) === oracle(value))
  holds("does not depend on the order of members", (value) => canonicalJson(reversed(value)) === canonicalJson(value))
  holds("does not depend on how it was written before", (value) => {
    const text = canonicalJson(value)
    if (text.includes("\\")) return true // V8 13.6 at times takes an escaped name for another one that it read before.
    return (
      canonicalJson(JSON.parse(text)) === text && canonicalJson(JSON.parse(JSON.stringify(value, null, 2))) === text
    )
  })

  it("sorts by UTF-16 code units, also names that look like numbers", () => {
    const value = JSON.parse(
      '{"€":1,"\\r":2,"\\ufb33":3,"1":4,"😀":5,"\\u0080":6,"ö":7,"10":8,"9":9,"__proto__":{"b":1,"a":2}}'
    )
    assert.strictEqual(
      canonicalJson(value),
      '{"\\r":2,"1":4,"10":8,"9":9,"__proto__":{"a":2,"b":1},"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}'
    )
  })

  it("writes numbers and characters as ECMAScript does", () => {
    assert.strictEqual(
      canonicalJson({ numbers: [333333333.3333333, 1e30, 4.5, 2e-3, 1e-27, -0], string: '€$\u000F\nA\'B"\\\\"/' }),
      '{"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27,0],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
  })
})

describe("the text of an event", () => {
  it.effect("is the canonical form of what the API shows in profile 2, with the hash before it", () =>
    Effect.gen(function* () {
      const Given = Schema.Struct({
        actor: Schema.String,
        type: Schema.String,
        id: Schema.String,
        traceId: Schema.NullOr(Schema.String),
        parentEventId: Schema.NullOr(Schema.String),
        position: Schema.Int,
        previous: Schema.NullOr(Schema.String),
        payload: Outer
      })
      const result = yield* Arbitrary.checkEffect(
        Arbitrary.schema(Given),
        ({ payload, previous, ...fields }) =>
          Effect.sync(() => {
            const given = event({ ...fields, payload: objects(payload) })
            const shown = Object.entries({ ...eventBody(given, 2), previous_event_hash: previous })
            return (
              eventText(given, given.position, previous) ===
              oracle(objects(shown.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))))
            )
          }),
        { runs: 100, size: 12 }
      )
      assert.strictEqual(result._tag, "Passed", Arbitrary.formatCheckFailure(result))
    })
  )

  it("is this one", () => {
    assert.strictEqual(
      eventText(event({ traceId: "t" }), event().position, null),
      '{"actor":"ann","agent_id":"ann","created_at":"2026-02-13T16:26:40.123000Z","event_type":"x.note","id":"01a",' +
        '"intent_id":"01b","payload":{"a":[true,null],"b":1},"previous_event_hash":null,"sequence":7,"source":"client",' +
        '"trace_id":"t"}'
    )
    assert.strictEqual(eventDigest(sha256, event(), event().position, null).length, 43)
  })
})

describe("the vectors of RFC 0019", () => {
  const vector = (i: number, previous: string | null) => ({
    sequence: i,
    id: `evt_0${i}`,
    previous_event_hash: previous,
    intent_id: "intent_01",
    event_type: "comment",
    actor: "agent_a",
    payload: { n: i },
    created_at: `2026-02-12T10:00:0${i}Z`
  })
  const hashes = [
    "sha256:BR3ro0vQsCbi--7imd2Op2negoie41wae-jFR3qtHP4",
    "sha256:IE5EUu16L56dx9A134CZqrC5GM0R1eFdXQ6pBt_d9sA",
    "sha256:DY6UEL_SIxYD4OhKFZgag_wI-Re_3_8btB1yX9wc7hU",
    "sha256:0jabxJWPnEPoyQUQVARrnqBhfjzNvk0eI3SWF5KKRJs",
    "sha256:DBImbyBvYAIonq78hn2hK_FkXxZeAedAF_B4xqUNUw8"
  ]

  it("come out of the canonical form and the hash, each after the one before it", () => {
    let previous: string | null = null
    const found = hashes.map((_, i) => (previous = hashOf(sha256(canonicalJson(vector(i + 1, previous))))))
    assert.deepStrictEqual(found, hashes)
    assert.strictEqual(
      canonicalJson(vector(1, null)),
      '{"actor":"agent_a","created_at":"2026-02-12T10:00:01Z","event_type":"comment","id":"evt_01","intent_id":"intent_01","payload":{"n":1},"previous_event_hash":null,"sequence":1}'
    )
  })

  it("the signed event too", () => {
    const signed = {
      proof: {
        type: "Ed25519Signature2026",
        created: "2026-02-12T10:15:00Z",
        verification_method: "did:key:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd",
        signature: "zoSJB4UXfbtcS23PUc4X35_ZhOGosvTlyngyxogdN_hYbQY4rZIVwi3oK_VNJ4PFBFt3LubBYpRffN6pwKCpAg"
      },
      id: "evt_01",
      intent_id: "intent_01",
      event_type: "state_patched",
      actor: "agent_billing_01",
      payload: { op: "set", path: "/status", value: "completed", n: 2 },
      created_at: "2026-02-12T10:15:00Z",
      sequence: 1,
      previous_event_hash: null
    }
    assert.strictEqual(hashOf(sha256(canonicalJson(signed))), "sha256:pk8Ho-gL1Bs2sbdIcONJCHFGv7aKmebOwzlZbrwlLZk")
  })
})
