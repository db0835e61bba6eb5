import { assert, describe, it } from "@effect/vitest"
import { makeIds } from "../../src/core/ids.ts"

const form = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const timeOf = (id: string) => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)

/** Random words from these, over and over. */
const from = (...words: ReadonlyArray<number>) => {
  let i = 0
  return () => words[i++ % words.length]! >>> 0
}

describe("ids (decision 10)", () => {
  it("are lower-case UUIDv7 whatever the random words, with the time in front", () => {
    for (const word of [0, 1, 0xffffffff, 0x80000000, 0x7fffffff, 0x12345678]) {
      const newId = makeIds(from(word))
      for (const millis of [1, 1_731_888_000_000, 2 ** 48 - 1_000_000]) {
        const id = newId(millis)
        assert.match(id, form)
        assert.strictEqual(timeOf(id), millis)
      }
    }
  })

  it("grow, also within a millisecond, when the counter is used up, and when the clock goes back", () => {
    const newId = makeIds(from(0xffffffff, 0, 0x9e3779b9))
    let last = ""
    for (let i = 0; i < 20_000; i++) {
      const id = newId(1_731_888_000_000 + (i % 7 === 0 ? -5000 : Math.floor(i / 10_000)))
      assert.isTrue(id > last, `${id} after ${last}`)
      assert.match(id, form)
      last = id
    }
  })

  it("do not run ahead of the clock by more than what was asked for makes necessary", () => {
    const newId = makeIds(from(0xffffffff))
    let last = ""
    for (let i = 0; i < 10_000; i++) last = newId(5000)
    assert.isBelow(timeOf(last), 5000 + 10)
    assert.strictEqual(timeOf(newId(6000)), 6000)
  })

  it("of two generators with other random words differ", () => {
    const [a, b] = [makeIds(from(1, 2, 3)), makeIds(from(4, 5, 6))]
    const all = new Set([0, 1, 2].flatMap(() => [a(1), b(1)]))
    assert.strictEqual(all.size, 6)
  })
})
