import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { checkAll, invariants } from "../../src/testing/index.ts"
import { graphBugs } from "./planted/graph.ts"
import { intentBugs } from "./planted/intents.ts"
import { leaseBugs } from "./planted/leases.ts"
import { logBugs } from "./planted/log.ts"

const plantedBugs = [...intentBugs, ...leaseBugs, ...graphBugs, ...logBugs]

/** Few shrinks: that there is a failure is the point. */
const options = { runs: 200, seed: "planted", maxShrinks: 60, advance: TestClock.adjust }

/** `SHOW_FOUND=1` prints what the kit says. */
const show = (text: string) => {
  if (process.env["SHOW_FOUND"] !== undefined) process.stdout.write(`\n${text}\n`)
}

describe("the kit finds", () => {
  for (const { engine, foundBy, name } of plantedBugs) {
    it.effect(`${name}, by ${foundBy.join(" and ")}`, () =>
      Effect.gen(function* () {
        const found = yield* Effect.flip(checkAll(options))
        show(`## ${name}\n${found.message}`)
        const again = yield* Effect.flip(checkAll({ replay: found.replay, advance: TestClock.adjust }))
        assert.strictEqual(again.id, found.id, "the token gives the same failure")
        for (const id of foundBy) {
          const invariant = invariants.find((invariant) => invariant.id === id)
          assert.isDefined(invariant)
          const alone = yield* Effect.flip(invariant.check(options))
          show(alone.message)
        }
      }).pipe(Effect.provide(engine))
    )
  }
})

it("every invariant finds a bug", () => {
  const finders = new Set(plantedBugs.flatMap((bug) => bug.foundBy))
  assert.deepStrictEqual(
    invariants.map((invariant) => invariant.id).filter((id) => !finders.has(id)),
    []
  )
})
