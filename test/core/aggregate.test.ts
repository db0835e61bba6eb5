import { assert, describe, it } from "@effect/vitest"
import type { Write } from "../../src/core/Aggregate.ts"
import { apply, freezeAggregate, netWrites, putIntent, putLease } from "../../src/core/Aggregate.ts"
import { counterDeltas, creatorCounter, parentCounter, statusCounter } from "../../src/core/counters.ts"
import type { Status } from "../../src/core/intent/Intent.ts"
import { aggregateOf, intentOf, leaseOf } from "./records.ts"

const told = (writes: ReadonlyArray<Write>) =>
  writes.map((write) =>
    write._tag === "Put" && write.table === "leases"
      ? [write.record.id, write.record.status, write.before?.status]
      : write._tag === "Put" && write.table === "intents"
        ? [write.record.id, write.record.version, write.before?.version]
        : [write.table]
  )

describe("apply", () => {
  it("takes on the intent's own writes, and keeps the leases that are active", () => {
    const [a, b] = [leaseOf("a"), leaseOf("b")]
    const intent = intentOf("i", { version: 2 })
    const after = apply(aggregateOf(intentOf("i"), [a, b], 7), [
      putIntent(intent, undefined),
      putIntent(intentOf("j", { version: 9 }), undefined),
      putLease({ ...a, status: "released" }, a),
      putLease(leaseOf("c"), undefined),
      putLease(leaseOf("d", { intentId: "j" }), undefined)
    ])
    assert.strictEqual(after.intent, intent)
    assert.deepStrictEqual(
      after.leases.map(({ id }) => id),
      ["b", "c"]
    )
    assert.strictEqual(after.revision, 8)
  })

  it("a renewed lease takes the place of what it was", () => {
    const renewed = leaseOf("a", { fencingToken: 5 })
    assert.deepStrictEqual(
      apply(aggregateOf(intentOf("i"), [leaseOf("a")]), [putLease(renewed, leaseOf("a"))]).leases,
      [renewed]
    )
  })
})

describe("netWrites", () => {
  const version = (n: number) => intentOf("i", { version: n })

  it("the last record of each, in place of what was stored before the first", () => {
    const writes = [
      putIntent(version(2), version(1)),
      putIntent(version(3), version(2)),
      putIntent(version(4), version(3))
    ]
    assert.deepStrictEqual(told(netWrites(writes)), [["i", 4, 1]])
  })

  it("a lease that began and ended meanwhile is new and over", () => {
    const lease = leaseOf("a")
    const over = { ...lease, status: "released" as const }
    assert.deepStrictEqual(told(netWrites([putLease(lease, undefined), putLease(over, lease)])), [
      ["a", "released", undefined]
    ])
  })

  it("semantics 3.4: leases that end come before those that begin, so that no scope has two at any write", () => {
    const [a, b, c] = [leaseOf("a", { scope: "s" }), leaseOf("b", { scope: "s" }), leaseOf("c", { scope: "s" })]
    const writes = [
      putLease({ ...a, status: "released" }, a),
      putLease(b, undefined),
      putLease({ ...b, status: "revoked" }, b),
      putLease(c, undefined)
    ]
    assert.deepStrictEqual(told(netWrites(writes)), [
      ["a", "released", "active"],
      ["b", "revoked", undefined],
      ["c", "active", undefined]
    ])
  })

  it("one write, or none, is as it is", () => {
    const writes = [putIntent(version(2), version(1))]
    assert.strictEqual(netWrites(writes), writes)
    assert.deepStrictEqual(netWrites([]), [])
  })
})

describe("counterDeltas (decision 11)", () => {
  const of = (...writes: ReadonlyArray<Write>) => Object.fromEntries(counterDeltas(writes))
  const status = (status: Status) => intentOf("i", { status, parentIntentId: "p", createdBy: "bo" })

  it("a new intent counts by status, parent and creator", () => {
    assert.deepStrictEqual(of(putIntent(status("blocked"), undefined)), {
      [statusCounter("blocked")]: 1,
      [parentCounter("p")]: 1,
      [creatorCounter("bo")]: 1
    })
    assert.deepStrictEqual(of(putIntent(intentOf("root"), undefined)), {
      [statusCounter("draft")]: 1,
      [creatorCounter("ann")]: 1
    })
  })

  it("a change of status moves it from one to the other, and nothing else moves anything", () => {
    assert.deepStrictEqual(of(putIntent(status("active"), status("draft"))), {
      [statusCounter("draft")]: -1,
      [statusCounter("active")]: 1
    })
    assert.deepStrictEqual(of(putIntent(status("active"), status("active")), putLease(leaseOf("a"), undefined)), {})
  })
})

describe("freezeAggregate", () => {
  it("freezes the intent, what is in it, and the leases", () => {
    const aggregate = freezeAggregate(
      aggregateOf(
        intentOf("i", {
          state: { a: [{ b: 1 }] },
          constraints: { c: {} },
          dependsOn: ["d"],
          governancePolicy: { p: [] }
        }),
        [leaseOf("a")]
      )
    )
    const { constraints, dependsOn, governancePolicy, state } = aggregate.intent
    const [first] = state.a as ReadonlyArray<unknown>
    for (const part of [
      aggregate.intent,
      state,
      state.a,
      first,
      constraints,
      constraints.c,
      dependsOn,
      governancePolicy?.p,
      aggregate.leases[0]
    ]) {
      assert.isTrue(Object.isFrozen(part))
    }
  })
})
