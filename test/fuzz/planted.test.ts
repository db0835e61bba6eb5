/** Faults planted in the server: the fuzz finds each, so that its silence means something. */
import { assert, describe, it } from "vitest"
import { type Fault, faultNames } from "./faults.ts"
import { growthMaxBytes, growthOf, run } from "./run.ts"

/** What the report says of each; the rest is seen in the server after the run, not in an answer. */
const told: { readonly [fault in Fault]?: RegExp } = {
  "an undocumented status": /status 201 is not documented/,
  "a body without a field": /not as documented: .*required/,
  "a body with a field of no name": /not as documented: .*additional properties/,
  "an error as plain text": /the type of the body is text\/plain/,
  "a stack trace": /the body has/
}

describe("planted faults", () => {
  for (const fault of faultNames) {
    it(`${fault}: found`, { timeout: 120_000 }, async () => {
      const report = await run({ storage: "memory:", requests: 500, seed: 1, clients: 4, fault })
      const { found, measured } = report
      const pattern = told[fault]
      if (pattern !== undefined) {
        assert.isNotEmpty(found)
        // With a command that shows it again, and no twist that does not matter.
        for (const { request, wrong } of found) {
          assert.match(wrong, pattern)
          assert.match(request, /curl -i -X POST [^]*'http:/)
        }
        return
      }
      assert.isEmpty(found)
      const { touched = [], unexpected = [] } = measured.at(-1) ?? {}
      switch (fault) {
        case "a prototype written to":
          return assert.isTrue(touched.some((property) => property.startsWith("Object.prototype.polluted")))
        case "an unhandled rejection":
          return assert.include(unexpected.join(), "planted")
        default:
          return assert.isAbove(growthOf(report), growthMaxBytes(report))
      }
    })
  }
})
