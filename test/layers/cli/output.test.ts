import { assert, describe, it } from "@effect/vitest"
import { aligned, bytesText, durationText, oneLine } from "../../../src/layers/cli/output.ts"

describe("output", () => {
  it("aligns columns, and leaves no blanks at the end", () => {
    assert.deepStrictEqual(
      aligned([
        ["a", "bbb", "c"],
        ["aaaa", "b", ""]
      ]),
      ["a     bbb  c", "aaaa  b"]
    )
  })

  it.each([
    ["two\nlines\tand more", "two lines and more"],
    ["\u001b[31mred\u001b[0m", "[31mred [0m"],
    ["right\u202eleft", "right left"],
    ["next\u0085line\u2028and", "next line and"],
    ["  ", ""]
  ])("shows %j as %j: nothing of it moves the cursor", (text, shown) => {
    assert.strictEqual(oneLine(text), shown)
  })

  it("cuts long texts, and no character in half", () => {
    assert.strictEqual(oneLine("abcdef", 6), "abcdef")
    assert.strictEqual(oneLine("abcdefg", 6), "abcde…")
    assert.isTrue(oneLine("aaaa😀aaaa", 6).isWellFormed())
  })

  it.each([
    [0, "0 bytes"],
    [1023, "1023 bytes"],
    [1536, "1.5 KiB"],
    [100 * 1024 * 1024, "100 MiB"],
    [5 * 1024 ** 4, "5 TiB"]
  ])("tells %d bytes as %s", (bytes, text) => assert.strictEqual(bytesText(bytes), text))

  it.each([
    [7, "0.01 s"],
    [9876, "9.88 s"],
    [61_000, "1 min 1 s"],
    [3_600_000, "1 h"],
    [90_061_000, "1 d 1 h"]
  ])("tells %d ms as %s", (millis, text) => assert.strictEqual(durationText(millis), text))
})
