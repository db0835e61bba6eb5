import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import type { Json } from "../../src/core/json.ts"
import { decode, encode } from "../../src/core/receipt/codec.ts"

/** Names that look like tags, and that objects have already. */
const Name = Schema.Union([
  Schema.Literals(["$", "$$", "__proto__", "constructor", "undefined", "toJSON", ""]),
  Schema.String
])
const Text = Schema.Union([Schema.Literals(["undefined", "Utc", "object", "number", "NaN", "$"]), Schema.String])

type Value =
  | string
  | number
  | boolean
  | null
  | undefined
  | DateTime.Utc
  | ReadonlyArray<Value>
  | { readonly [name: string]: Value }

const Leaf = Schema.Union([
  Text,
  Schema.Union([Schema.Finite, Schema.Literals([-0])]),
  Schema.Boolean,
  Schema.Null,
  Schema.Undefined,
  Schema.DateTimeUtc.check(Schema.makeFilter((time) => Number.isSafeInteger(time.epochMilliseconds)))
])

/** `Schema.Record` assigns its names, so it has no own `__proto__`. */
const objectOf = (entries: ReadonlyArray<readonly [string, Value]>): Value => Object.fromEntries(entries)

interface Shape {
  readonly leaves: ReadonlyArray<readonly [string, typeof Leaf.Type]>
  readonly inside: ReadonlyArray<readonly [string, Shape]>
  readonly isArray: boolean
}

const Shape: Schema.Codec<Shape, unknown> = Schema.Struct({
  leaves: Schema.Array(Schema.Tuple([Name, Leaf])),
  inside: Schema.Array(Schema.Tuple([Name, Schema.suspend((): Schema.Codec<Shape, unknown> => Shape)])),
  isArray: Schema.Boolean
})

const valueOf = ({ inside, isArray, leaves }: Shape): Value => {
  const entries: ReadonlyArray<readonly [string, Value]> = [
    ...leaves,
    ...inside.map(([name, shape]) => [name, valueOf(shape)] as const)
  ]
  return isArray ? entries.map(([, value]) => value) : objectOf(entries)
}

const throughText = (value: unknown): unknown => decode(JSON.parse(JSON.stringify(encode(value))) as Json)

describe("answers in receipts", () => {
  it.prop(
    "come back as they were, whatever they hold",
    { shape: Shape },
    ({ shape }) => {
      const value = valueOf(shape)
      assert.deepStrictEqual(throughText(value), value)
    },
    { arbitrary: { runs: 500 } }
  )

  it("data that looks like a tag stays data", () => {
    const odd: ReadonlyArray<unknown> = [
      { $: ["undefined"] },
      { $: ["Utc", 1] },
      { $: ["object", { $: ["undefined"] }] },
      { $: { $: { $: null } } },
      { $: undefined },
      { $: ["Utc", 1], a: 1 },
      JSON.parse('{"__proto__":{"$":["Utc",1]}}'),
      [undefined, { a: undefined }],
      undefined,
      -0,
      Number.NaN,
      Number.NEGATIVE_INFINITY,
      DateTime.makeUnsafe(-1)
    ]
    for (const value of odd) assert.deepStrictEqual(throughText(value), value)
    assert.isTrue(Object.hasOwn(Object(throughText(JSON.parse('{"__proto__":1}'))), "__proto__"))
  })

  it("what no answer holds is a fault at once, not a loss later", () => {
    for (const value of [1n, () => 1, Symbol("s"), new Map(), new Date(0), { deep: [new Uint8Array(1)] }]) {
      assert.throws(() => encode(value))
    }
  })
})
