import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { checkAll, type Invariant, invariants } from "../../src/testing/index.ts"
import { costBugs } from "./planted/costs.ts"
import { edgeBugs } from "./planted/edges.ts"
import { graphBugs } from "./planted/graph.ts"
import { intentBugs } from "./planted/intents.ts"
import { leaseBugs } from "./planted/leases.ts"
import { logBugs } from "./planted/log.ts"
import { onceBugs } from "./planted/once.ts"
import { portfolioBugs } from "./planted/portfolios.ts"
import { recordBugs } from "./planted/records.ts"
import { retryBugs } from "./planted/retries.ts"
import { sealBugs } from "./planted/seals.ts"
import { streamBugs } from "./planted/streams.ts"
import { webhookBugs } from "./planted/webhooks.ts"
import { sink } from "./sink.ts"

const plantedBugs = [
  ...intentBugs,
  ...leaseBugs,
  ...graphBugs,
  ...logBugs,
  ...edgeBugs,
  ...portfolioBugs,
  ...recordBugs,
  ...costBugs,
  ...retryBugs,
  ...streamBugs,
  ...onceBugs,
  ...sealBugs,
  ...webhookBugs
]

/** Few shrinks: that there is a failure is the point. */
const settings = { runs: 200, seed: "planted", maxShrinks: 60, advance: TestClock.adjust, patienceMs: 200 }

const withSink = Effect.map(sink, (sink) => ({ ...settings, sink }))

/** `SHOW_FOUND=1` prints what the kit says. */
const show = (text: string) => {
  if (process.env["SHOW_FOUND"] !== undefined) process.stdout.write(`\n${text}\n`)
}

/** The first with this id, or the one of these programs. */
const named = (name: string): Invariant =>
  invariants.find(({ id, programs }) => name === id || name === `${programs} ${id}`) ?? assert.fail(`no ${name}`)

describe("the kit finds", () => {
  for (const { engine, foundBy, name } of plantedBugs) {
    it.effect(`${name}, by ${foundBy.join(" and ")}`, () =>
      Effect.gen(function* () {
        const options = yield* withSink
        for (const name of foundBy) {
          const found = yield* Effect.flip(named(name).check(options))
          show(`## ${name}\n${found.message}`)
          assert.strictEqual(found.id, named(name).id)
          const again = yield* Effect.flip(checkAll({ ...options, replay: found.replay }))
          assert.strictEqual(again.replay, found.replay, "the token gives a failure of the same program")
        }
      }).pipe(Effect.provide(engine), Effect.scoped)
    )
  }

  it.effect("a bug among all programs", () =>
    Effect.gen(function* () {
      const [bug = assert.fail("no bug")] = edgeBugs
      const found = yield* Effect.flip(checkAll(settings)).pipe(Effect.provide(bug.engine))
      assert.strictEqual(found.id, "22")
    })
  )
})

it("every invariant finds a bug", () => {
  const finders = new Set(plantedBugs.flatMap((bug) => bug.foundBy.map(named)))
  assert.deepStrictEqual(
    invariants.filter((invariant) => !finders.has(invariant)).map(({ id, programs }) => `${programs} ${id}`),
    []
  )
})
