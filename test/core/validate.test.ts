import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import { readCreation } from "../../src/core/intent/input.ts"
import type { CreateIntent } from "../../src/core/intent/Intent.ts"
import { Checks, limits, parseTime } from "../../src/core/validate.ts"
import { refused, succeeded } from "./records.ts"

const iso = (input: string) => {
  const time = parseTime(input)
  return time && new Date(time.epochMilliseconds).toISOString()
}

describe("validate: times (http.md 1.7)", () => {
  const valid: ReadonlyArray<readonly [input: string, utc: string]> = [
    ["2031-05-06T07:08:09.123456", "2031-05-06T07:08:09.123Z"],
    ["2031-05-06T07:08:09", "2031-05-06T07:08:09.000Z"],
    ["2031-05-06T07:08:09Z", "2031-05-06T07:08:09.000Z"],
    ["2031-05-06t07:08:09z", "2031-05-06T07:08:09.000Z"],
    ["2031-05-06 07:08:09", "2031-05-06T07:08:09.000Z"],
    ["2031-05-06T07:08", "2031-05-06T07:08:00.000Z"],
    ["2031-05-06", "2031-05-06T00:00:00.000Z"],
    ["2031-05-06T07:08:09+02:30", "2031-05-06T04:38:09.000Z"],
    ["2031-05-06T07:08:09-02:30", "2031-05-06T09:38:09.000Z"],
    ["2031-05-06T07:08:09 02:00", "2031-05-06T05:08:09.000Z"],
    ["2031-05-06 07:08:09 02:00", "2031-05-06T05:08:09.000Z"],
    ["2031-05-06T07:08:09+0200", "2031-05-06T05:08:09.000Z"],
    ["2031-05-06T07:08:09.1Z", "2031-05-06T07:08:09.100Z"],
    ["2031-05-06T07:08:09.123456789Z", "2031-05-06T07:08:09.123Z"],
    ["2031-05-06T07:08:09.999999999Z", "2031-05-06T07:08:09.999Z"],
    ["2031-05-06T07:08:09.123456+01:00", "2031-05-06T06:08:09.123Z"],
    [" 2031-05-06T07:08:09Z ", "2031-05-06T07:08:09.000Z"],
    ["2032-02-29T00:00:00Z", "2032-02-29T00:00:00.000Z"],
    ["1969-12-31T23:59:59Z", "1969-12-31T23:59:59.000Z"],
    ["9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"]
  ]
  for (const [input, utc] of valid) it(`${JSON.stringify(input)} is read`, () => assert.strictEqual(iso(input), utc))

  const invalid = [
    "",
    "now",
    "1234567890",
    "2031",
    "2031-05",
    "2031-5-6",
    "2031-13-01",
    "2031-00-01",
    "2031-05-00",
    "2031-05-32",
    "2031-02-29",
    "2031-02-30T00:00:00Z",
    "2031-04-31",
    "2031-05-06T25:00:00",
    "2031-05-06T07:60:00",
    "2031-05-06T07:08:61",
    "2031-05-06T07:08:09.",
    "2031-05-06T07:08:09.1234567890Z",
    "2031-05-06T07",
    "2031-05-06T07:08:09+25:00",
    "2031-05-06T07:08:09 UTC",
    "Tue May 06 2031",
    "2031-05-06T07:08:09Z; drop",
    // In UTC their years have more than four digits, or none.
    "9999-12-31T23:59:59-01:00",
    "0000-01-01T00:00:00+01:00"
  ]
  for (const input of invalid) {
    it(`${JSON.stringify(input)} is refused`, () => assert.isUndefined(iso(input)))
  }
})

/** Fields at fault, of whatever `read` finds. */
const faults = (read: (checks: Checks) => void) => {
  const checks = new Checks()
  read(checks)
  return checks.issues.map((issue) => issue.field)
}

describe("validate: limits (http.md 1.10)", () => {
  it("texts have from min to max characters; with a min they are not blank", () => {
    const read = (value: unknown, min: number, max: number) => faults((checks) => checks.readText("t", value, min, max))
    for (const value of ["a", "ab ", "  x"]) assert.deepStrictEqual(read(value, 1, 3), [], value)
    for (const value of ["", "  ", "\t\n", "abcd", 1, null, undefined, {}, "a\0", "\ud800"]) {
      assert.deepStrictEqual(read(value, 1, 3), ["t"])
    }
    for (const value of ["", "  "]) assert.deepStrictEqual(read(value, 0, 3), [])
  })

  it("decision 1: no agent is called system, and none is blank or longer than 255 characters", () => {
    const read = (value: unknown) => faults((checks) => checks.readAgent("a", value))
    for (const value of ["ann", "agent:dev", "System", "systems", "a".repeat(limits.agentIdLength)]) {
      assert.deepStrictEqual(read(value), [], value)
    }
    for (const value of ["system", "", " ", "a".repeat(limits.agentIdLength + 1), 5, undefined]) {
      assert.isAbove(read(value).length, 0, String(value))
    }
  })

  it("integers are safe and within their bounds, and have a default where one is given", () => {
    const read = (value: unknown, fallback?: number) => {
      const checks = new Checks()
      return [checks.readInt("n", value, fallback, 1, 10), checks.issues.length]
    }
    assert.deepStrictEqual(read(1), [1, 0])
    assert.deepStrictEqual(read(10), [10, 0])
    assert.deepStrictEqual(read(undefined, 5), [5, 0])
    assert.deepStrictEqual(read(null, 5), [5, 0])
    for (const value of [0, 11, 1.5, "5", Number.NaN, Number.POSITIVE_INFINITY, undefined, null, true, 5n]) {
      assert.strictEqual(read(value)[1], 1, String(value))
    }
    assert.strictEqual(read("5", 3)[1], 1)
  })

  it("semantics 3.8: leases last whole seconds from 1 to 86,400; 300 where none are given", () => {
    const read = (value: unknown) => {
      const checks = new Checks()
      const duration = checks.readLeaseDuration("d", value as Duration.Input)
      return checks.issues.length === 0 ? Duration.toSeconds(duration) : "refused"
    }
    assert.strictEqual(read(undefined), 300)
    for (const [value, seconds] of [
      [1000, 1],
      ["1 second", 1],
      ["24 hours", 86_400],
      [Duration.minutes(5), 300],
      [2_000_000_000n, 2]
    ] as const) {
      assert.strictEqual(read(value), seconds)
    }
    for (const value of [
      0,
      1,
      -1000,
      300,
      1500,
      86_401_000,
      "abc",
      "0 seconds",
      "25 hours",
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Duration.infinity,
      true,
      {}
    ]) {
      assert.strictEqual(read(value), "refused")
    }
  })

  it("all faults of an input are found at once, whatever their order", () => {
    const error = refused(
      readCreation(
        {
          title: " ",
          description: 5 as never,
          createdBy: "system",
          dependsOn: ["a", 7 as never],
          constraints: "x" as never,
          state: [] as never,
          confidence: 101,
          status: "completed" as never,
          assign: "",
          governancePolicy: true as never
        },
        "ann"
      ),
      "ValidationError"
    )
    assert.deepStrictEqual(error.issues.map((issue) => issue.field).toSorted(), [
      "assign",
      "confidence",
      "constraints",
      "createdBy",
      "dependsOn[1]",
      "description",
      "governancePolicy",
      "state",
      "status",
      "title"
    ])
  })

  it("an issue shows what was given only where it is short", () => {
    const checks = new Checks()
    checks.readInt("a", "x".repeat(101), undefined, 1, 2)
    checks.readInt("b", "x", undefined, 1, 2)
    assert.deepStrictEqual(
      checks.issues.map((issue) => "value" in issue),
      [false, true]
    )
  })
})

describe("validate: creation (http.md 4.1)", () => {
  const read = (fields: Partial<CreateIntent>) => readCreation({ title: "t", ...fields }, "ann")

  it("defaults: no description, created by the acting agent, draft, confidence 0", () => {
    const { assign, intent, status } = succeeded(read({}))
    assert.deepStrictEqual(intent, {
      title: "t",
      description: "",
      createdBy: "ann",
      parentIntentId: null,
      dependsOn: [],
      constraints: {},
      state: {},
      confidence: 0,
      governancePolicy: null
    })
    assert.strictEqual(status, "draft")
    assert.isUndefined(assign)
  })

  it("null counts as not given", () => {
    const given = { description: null, constraints: null, state: null, parentIntentId: null, governancePolicy: null }
    assert.deepStrictEqual(succeeded(read(given)).intent, succeeded(read({})).intent)
  })

  it("an array of constraints is kept as rules, an empty one as nothing", () => {
    assert.deepStrictEqual(succeeded(read({ constraints: ["a", 1] })).intent.constraints, { rules: ["a", 1] })
    assert.deepStrictEqual(succeeded(read({ constraints: [] })).intent.constraints, {})
  })

  it("duplicate dependencies are collapsed, in the order given", () => {
    assert.deepStrictEqual(succeeded(read({ dependsOn: ["b", "a", "b"] })).intent.dependsOn, ["b", "a"])
  })

  it("titles have 1 to 500 characters, descriptions up to 100,000", () => {
    succeeded(read({ title: "x".repeat(limits.titleLength), description: "x".repeat(limits.descriptionLength) }))
    refused(read({ title: "x".repeat(limits.titleLength + 1) }), "ValidationError")
    refused(read({ description: "x".repeat(limits.descriptionLength + 1) }), "ValidationError")
  })

  it("at most 1,000 dependencies, each a text", () => {
    const ids = Array.from({ length: limits.dependencies }, (_, i) => `d${i}`)
    succeeded(read({ dependsOn: ids }))
    refused(read({ dependsOn: [...ids, "one more"] }), "ValidationError")
    refused(read({ dependsOn: "abc" as never }), "ValidationError")
    refused(read({ dependsOn: Array.from({ length: 1 }) as never }), "ValidationError")
    refused(read({ dependsOn: Array(2) as never }), "ValidationError")
  })

  it("no intent begins completed or abandoned, and no unknown status is taken", () => {
    for (const status of ["draft", "pending", "active", "blocked"] as const) {
      assert.strictEqual(succeeded(read({ status })).status, status)
    }
    for (const status of ["completed", "abandoned", "suspended_awaiting_input", "done", "", 1]) {
      refused(read({ status: status as never }), "ValidationError")
    }
  })

  it("confidence is from 0 to 100", () => {
    for (const confidence of [0, 0.5, 100]) {
      assert.strictEqual(succeeded(read({ confidence })).intent.confidence, confidence)
    }
    for (const confidence of [-1, 100.1, Number.NaN, "5"]) {
      refused(read({ confidence: confidence as never }), "ValidationError")
    }
  })

  it("a state beyond 256 KiB is too large, if nothing else is wrong", () => {
    const state = { a: "x".repeat(limits.stateBytes) }
    assert.strictEqual(refused(read({ state }), "TooLarge").field, "state")
    refused(read({ state, title: "" }), "ValidationError")
    succeeded(read({ state: { a: "x".repeat(limits.stateBytes - '{"a":""}'.length) } }))
  })

  it("what the caller gave is copied and frozen", () => {
    const state = { a: [1] }
    const { intent } = succeeded(read({ state, dependsOn: ["a"], constraints: ["a"] }))
    state.a.push(2)
    assert.deepStrictEqual(intent.state, { a: [1] })
    for (const part of [intent.state, intent.state.a, intent.dependsOn, intent.constraints, intent.constraints.rules]) {
      assert.isTrue(Object.isFrozen(part))
    }
  })
})
