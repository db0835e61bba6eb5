import { assert, describe, it } from "@effect/vitest"
import { makeForgetting } from "../../src/core/forgetting.ts"

describe("forgetting", () => {
  it("takes out what came first, whatever is taken out and put in meanwhile", () => {
    const kept = new Map<number, number>()
    const forget = makeForgetting(kept)
    let expected: Array<number> = []
    let seed = 1
    const below = (end: number) => (seed = (seed * 48_271) % 2_147_483_647) % end
    for (let i = 0; i < 20_000; i++) {
      const key = below(500)
      if (below(4) === 0) {
        kept.delete(key)
        expected = expected.filter((other) => other !== key)
      } else if (!kept.has(key)) {
        if (kept.size >= 100) {
          forget()
          expected.shift()
        }
        kept.set(key, i)
        expected.push(key)
      }
      assert.isAtMost(kept.size, 100)
    }
    assert.deepStrictEqual([...kept.keys()], expected)
  })

  it("does nothing where there is nothing", () => {
    const kept = new Set<number>()
    const forget = makeForgetting(kept)
    forget()
    assert.strictEqual(kept.size, 0)
    kept.add(1).add(2)
    forget()
    assert.deepStrictEqual([...kept], [2])
  })
})
