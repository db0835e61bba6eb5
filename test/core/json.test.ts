import { assert, describe, it } from "@effect/vitest"
import {
  checkJson,
  copyJson,
  fieldName,
  isJsonIssue,
  isLargerThan,
  jsonDepthMax,
  utf8Bytes
} from "../../src/core/json.ts"

const nested = (levels: number): unknown => {
  let value: unknown = 1
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { a: value }
  return value
}

const isFrozenAllTheWay = (value: unknown): boolean =>
  typeof value !== "object" ||
  value === null ||
  (Object.isFrozen(value) && Object.values(value).every(isFrozenAllTheWay))

describe("json", () => {
  it("a copy equals its original, shares nothing with it, and is frozen all the way", () => {
    const original = { a: [1, { b: "x" }], c: null, d: true, e: -1.5, f: "ü😀", g: {} }
    const copied = copyJson(original)
    assert.deepStrictEqual(copied, original)
    assert.isTrue(isFrozenAllTheWay(copied))
    assert.isFalse(Object.isFrozen(original))
    assert.isFalse(Object.isFrozen(original.a))
    original.a.push(2)
    original.c = "changed" as never
    assert.deepStrictEqual(copied, { a: [1, { b: "x" }], c: null, d: true, e: -1.5, f: "ü😀", g: {} })
  })

  it("keys whose value is undefined are left out", () => {
    assert.deepStrictEqual(copyJson({ a: undefined, b: 1 }), { b: 1 })
  })

  it("objects without a prototype are plain", () => {
    const bare: { a?: number } = Object.create(null)
    bare.a = 1
    assert.deepStrictEqual(copyJson(bare), { a: 1 })
  })

  it("decision 9: `__proto__` inside a value stays an own property and sets no prototype", () => {
    const copied = copyJson(JSON.parse('{"a":{"__proto__":{"polluted":true},"constructor":1}}')) as { a: object }
    assert.isTrue(Object.hasOwn(copied.a, "__proto__"))
    assert.strictEqual(Object.getPrototypeOf(copied.a), Object.prototype)
    assert.isFalse("polluted" in copied.a)
    assert.strictEqual(JSON.stringify(copied), '{"a":{"__proto__":{"polluted":true},"constructor":1}}')
    assert.isFalse("polluted" in {})
  })

  class Point {
    x = 1
  }
  const cycle: Array<unknown> = []
  cycle.push({ again: cycle })

  const refusals: ReadonlyArray<readonly [name: string, value: unknown, field: string]> = [
    ["NaN", { a: Number.NaN }, "v.a"],
    ["Infinity", [1, Number.POSITIVE_INFINITY], "v[1]"],
    ["-Infinity", Number.NEGATIVE_INFINITY, "v"],
    ["an integer of 2^53", { a: [2 ** 53] }, "v.a[0]"],
    ["an integer of -2^53", -(2 ** 53), "v"],
    ["1e300", 1e300, "v"],
    ["a NUL in a text", { a: { b: "x\0y" } }, "v.a.b"],
    ["a NUL in a key", { "k\0": 1 }, "v.k\0"],
    ["a lone high surrogate", ["\ud800"], "v[0]"],
    ["a lone low surrogate in a key", { "\udc00": 1 }, "v.\udc00"],
    ["a function", { a: () => 1 }, "v.a"],
    ["a symbol", [Symbol("s")], "v[0]"],
    ["a bigint", 1n, "v"],
    ["undefined in an array", [undefined], "v[0]"],
    ["a hole in an array", [1, , 2], "v[1]"], // eslint-disable-line no-sparse-arrays
    ["a Date", { at: new Date(0) }, "v.at"],
    ["a Map", new Map(), "v"],
    ["an instance of a class", { p: new Point() }, "v.p"]
  ]
  for (const [name, value, field] of refusals) {
    it(`decision 9: ${name} is refused, and its place is told`, () => {
      const issue = copyJson(value)
      if (!isJsonIssue(issue)) return assert.fail("was taken")
      assert.strictEqual(fieldName(["v", ...issue.path]), field)
      assert.isAbove(issue.message.length, 0)
      assert.isDefined(checkJson(value))
    })
  }

  it("the greatest safe integers and fractions beyond them are kept", () => {
    for (const n of [2 ** 53 - 1, -(2 ** 53) + 1, 0.1, 5e-324, 0]) assert.strictEqual(copyJson(n), n)
  })

  it(`values have at most ${jsonDepthMax} levels, so a cycle is refused`, () => {
    assert.isFalse(isJsonIssue(copyJson(nested(jsonDepthMax))))
    assert.isTrue(isJsonIssue(copyJson(nested(jsonDepthMax + 1))))
    assert.isTrue(isJsonIssue(copyJson(cycle)))
    assert.isFalse(isJsonIssue(copyJson(nested(3), 3)))
    assert.isTrue(isJsonIssue(copyJson(nested(4), 3)))
  })

  it("bytes of UTF-8 are counted as an encoder gives them", () => {
    for (const text of ["", "abc", "ü", "€", "😀", "aü€😀\n"]) {
      assert.strictEqual(utf8Bytes(text), new TextEncoder().encode(text).length, text)
    }
  })

  it("isLargerThan compares the bytes of the JSON form, not its characters", () => {
    for (const value of ["aaaa", "üü", "😀", { k: ["€"] }]) {
      const bytes = new TextEncoder().encode(JSON.stringify(value)).length
      assert.isFalse(isLargerThan(value, bytes), JSON.stringify(value))
      assert.isTrue(isLargerThan(value, bytes - 1), JSON.stringify(value))
    }
  })
})
