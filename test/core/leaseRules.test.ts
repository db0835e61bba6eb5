import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import type { PatchCommand } from "../../src/core/intent/patchRules.ts"
import { readPatches } from "../../src/core/intent/statePatch.ts"
import type { Lease } from "../../src/core/lease/Lease.ts"
import { asOf, isActiveAt } from "../../src/core/lease/Lease.ts"
import {
  checkLeases,
  decideAcquire,
  decideEnd,
  decideExpire,
  decideRenew,
  scopesConflict
} from "../../src/core/lease/rules.ts"
import { isoTime } from "../../src/core/time.ts"
import { Checks } from "../../src/core/validate.ts"
import { aggregateOf, at, envAt, intentOf, leaseOf, now, puts, refused, succeeded, told } from "./records.ts"

const found = (...leases: ReadonlyArray<Lease>) => aggregateOf(intentOf("i"), leases)
const over = (id: string, fields: Partial<Lease> = {}) => leaseOf(id, { expiresAt: at(now), ...fields })

describe("scopes (semantics 3.3)", () => {
  const cases: ReadonlyArray<readonly [a: string, b: string, exact: boolean, hierarchical: boolean]> = [
    ["a", "a", true, true],
    ["a", "b", false, false],
    ["a", "A", false, false],
    ["*", "a", true, true],
    ["*", "*", true, true],
    ["a.*", "a.b", false, false],
    ["a", "a.b", false, true],
    ["a", "a.b.c", false, true],
    ["a", "ab", false, false],
    ["a.b", "a.c", false, false],
    ["a.b", "a.bc", false, false],
    ["data-processing", "data", false, false],
    [" a", "a", false, false]
  ]
  for (const [a, b, exact, hierarchical] of cases) {
    it(`${JSON.stringify(a)} and ${JSON.stringify(b)}: ${String(exact)}, hierarchical ${String(hierarchical)}, either way round`, () => {
      for (const [x, y] of [
        [a, b],
        [b, a]
      ] as const) {
        assert.strictEqual(scopesConflict(x, y, "exact"), exact)
        assert.strictEqual(scopesConflict(x, y, "hierarchical"), hierarchical)
      }
    })
  }
})

describe("effective status (semantics 3.2)", () => {
  it("a lease is active before its end and over at it", () => {
    const lease = leaseOf("l", { expiresAt: at(now) })
    assert.isTrue(isActiveAt(lease, at(now - 1)))
    assert.isFalse(isActiveAt(lease, at(now)))
    assert.strictEqual(asOf(lease, at(now - 1)), lease)
    assert.strictEqual(asOf(lease, at(now)).status, "expired")
    assert.strictEqual(asOf(lease, at(now)).releasedAt, null)
  })

  it("what was released, revoked or expired stays so", () => {
    for (const status of ["released", "revoked", "expired"] as const) {
      const lease = leaseOf("l", { status })
      assert.isFalse(isActiveAt(lease, at(0)))
      assert.strictEqual(asOf(lease, at(0)), lease)
    }
  })
})

describe("which patches a lease covers (semantics 3.6)", () => {
  const cases: ReadonlyArray<readonly [scope: string, path: string, covered: boolean]> = [
    ["*", "/anything", true],
    ["*", "x", true],
    ["hotel_search", "/hotel_search", true],
    ["hotel_search", "/hotel_search/results", true],
    ["hotel_search.results", "/hotel_search/results", true],
    ["hotel_search.results", "/hotel_search/results/0x", true],
    ["hotel_search.results", "/hotel_search", true],
    ["hotel_search.results", "/hotel_search/other", false],
    ["hotel_search.results", "/hotel_search/results2", false],
    ["hotel_search", "/hotel_search2", false],
    ["hotel", "/hotel_search", false],
    ["hotel_search", "/Hotel_search", false],
    ["draft", "draft", true],
    ["draft", "drafts", false],
    ["a.b", "a.b", true],
    ["a.b", "a", true],
    ["a", "a.b", true],
    ["a/b", "/a~1b", true],
    ["a/b", "/a/b", false],
    ["a.b.c", "/a/b/d", false],
    ["analysis", "/report/analysis", false],
    ["data-processing", "/data", false]
  ]
  const patch = (path: string, agentId: string, enforceLeases = true): PatchCommand => ({
    intentId: "i",
    agentId,
    version: 1,
    patches: readPatches(new Checks(), { version: 1, patches: [{ op: "remove", path }] }),
    leaseToken: undefined,
    enforceLeases
  })
  for (const [scope, path, covered] of cases) {
    it(`${scope} ${covered ? "covers" : "does not cover"} ${path}, for others only and while it is active`, () => {
      const lease = leaseOf("l", { scope, agentId: "bo" })
      const refusal = checkLeases(
        [leaseOf("other", { agentId: "ann", scope: "*" }), lease],
        patch(path, "ann"),
        at(now)
      )
      assert.strictEqual(refusal?._tag, covered ? "LeaseHeld" : undefined)
      if (refusal?._tag === "LeaseHeld") assert.deepStrictEqual([refusal.existing.id, refusal.path], ["l", path])
      assert.isUndefined(checkLeases([lease], patch(path, "bo"), at(now)))
      assert.isUndefined(checkLeases([lease], patch(path, "ann"), lease.expiresAt))
      assert.isUndefined(checkLeases([lease], patch(path, "ann", false), at(now)))
    })
  }

  it("one covered path among others refuses the whole request", () => {
    const patches = readPatches(new Checks(), { version: 1, state: { free: 1, taken: 2 } })
    const refusal = checkLeases(
      [leaseOf("l", { agentId: "bo", scope: "taken" })],
      { ...patch("/x", "ann"), patches },
      at(now)
    )
    assert.strictEqual(refusal?._tag === "LeaseHeld" && refusal.path, "/taken")
  })
})

describe("decideAcquire", () => {
  const acquire = (
    scope: string,
    leases: ReadonlyArray<Lease>,
    agentId = "ann",
    matching: "exact" | "hierarchical" = "exact"
  ) =>
    decideAcquire(
      aggregateOf(intentOf("i"), leases, 7),
      { intentId: "i", agentId, scope, duration: Duration.seconds(30), matching },
      envAt()
    )

  it("grants with the next revision as fencing token, from now on for the duration, and tells it", () => {
    const decision = succeeded(acquire("a", []))
    assert.deepStrictEqual(decision.value, {
      id: "new-1",
      intentId: "i",
      agentId: "ann",
      scope: "a",
      status: "active",
      fencingToken: 8,
      acquiredAt: at(now),
      expiresAt: at(now + 30_000),
      releasedAt: null
    })
    assert.deepStrictEqual(told(decision), ["lease_acquired by ann"])
    assert.deepStrictEqual(decision.events[0]?.payload, {
      lease_id: "new-1",
      scope: "a",
      agent_id: "ann",
      duration_seconds: 30,
      expires_at: isoTime(at(now + 30_000))
    })
    assert.deepStrictEqual(puts(decision, "leases"), [decision.value])
    assert.deepStrictEqual(puts(decision, "intents"), [], "semantics 3.10: the intent does not change")
  })

  it("an unknown intent", () => {
    refused(
      decideAcquire(
        undefined,
        { intentId: "i", agentId: "ann", scope: "a", duration: Duration.seconds(1), matching: "exact" },
        envAt()
      ),
      "IntentNotFound"
    )
  })

  it("semantics 38: refuses while a lease conflicts, and names it: also an agent's own", () => {
    const held = leaseOf("l", { scope: "a", agentId: "bo" })
    for (const agentId of ["ann", "bo"]) {
      for (const scope of ["a", "*"]) {
        assert.strictEqual(
          refused(acquire(scope, [leaseOf("x"), held], agentId), "LeaseConflict").existing.id,
          scope === "a" ? "l" : "x"
        )
      }
    }
    refused(acquire("b", [leaseOf("l", { scope: "*" })]), "LeaseConflict")
    succeeded(acquire("b", [held]))
    succeeded(acquire("a.b", [held]))
    refused(acquire("a.b", [held], "ann", "hierarchical"), "LeaseConflict")
  })

  it("semantics 37: what is over conflicts with nothing; its end is written first, and told by system", () => {
    const decision = succeeded(
      acquire("a", [over("old", { scope: "a", agentId: "bo" }), over("other", { scope: "b" })])
    )
    assert.deepStrictEqual(
      puts(decision, "leases").map(({ id, status }) => [id, status]),
      [
        ["old", "expired"],
        ["new-1", "active"]
      ]
    )
    assert.deepStrictEqual(told(decision), ["lease_released by system", "lease_acquired by ann"])
    assert.deepStrictEqual(decision.events[0]?.payload, {
      lease_id: "old",
      scope: "a",
      agent_id: "bo",
      reason: "expired"
    })
  })

  it("an active lease is in the way, whatever else is over", () => {
    const conflict = refused(acquire("*", [over("old"), leaseOf("live")]), "LeaseConflict")
    assert.strictEqual(conflict.existing.id, "live")
  })
})

describe("decideRenew", () => {
  const renew = (leases: ReadonlyArray<Lease>, ended?: Lease, agentId = "ann", leaseId = "l") =>
    decideRenew(found(...leases), { intentId: "i", leaseId, agentId, duration: Duration.seconds(5) }, ended, envAt())

  it("moves the end to now + duration, also nearer, and keeps the token", () => {
    const lease = leaseOf("l", { expiresAt: at(now + 60_000), fencingToken: 3 })
    const decision = succeeded(renew([lease]))
    assert.deepStrictEqual(decision.value, { ...lease, expiresAt: at(now + 5000) })
    assert.deepStrictEqual(told(decision), ["lease_renewed by ann"])
    assert.deepStrictEqual(decision.events[0]?.payload, {
      lease_id: "l",
      scope: "l",
      duration_seconds: 5,
      expires_at: isoTime(at(now + 5000))
    })
    assert.deepStrictEqual(decision.writes, [{ _tag: "Put", table: "leases", record: decision.value, before: lease }])
  })

  it("semantics 3.5: never resurrects", () => {
    refused(renew([over("l")]), "LeaseExpired")
    refused(renew([], leaseOf("l", { status: "expired" })), "LeaseExpired")
  })

  it("http.md 8.3: not found when it is unknown, another's, of another intent, released or revoked", () => {
    refused(renew([]), "LeaseNotFound")
    refused(renew([leaseOf("l")], undefined, "bo"), "LeaseNotFound")
    refused(renew([over("l")], undefined, "bo"), "LeaseNotFound")
    refused(renew([], leaseOf("l", { status: "expired", intentId: "j" })), "LeaseNotFound")
    for (const status of ["released", "revoked"] as const) refused(renew([], leaseOf("l", { status })), "LeaseNotFound")
    refused(
      decideRenew(
        undefined,
        { intentId: "i", leaseId: "l", agentId: "ann", duration: Duration.seconds(5) },
        undefined,
        envAt()
      ),
      "IntentNotFound"
    )
  })
})

describe("decideEnd", () => {
  const end = (
    as: "released" | "revoked",
    leases: ReadonlyArray<Lease>,
    { agentId = "ann", ended, note }: { agentId?: string; ended?: Lease; note?: string } = {}
  ) => decideEnd(found(...leases), { intentId: "i", leaseId: "l", agentId, as, note }, ended, envAt())

  it("a release by the owner ends it now, with one event", () => {
    const decision = succeeded(end("released", [leaseOf("l")]))
    assert.deepStrictEqual(decision.value, leaseOf("l", { status: "released", releasedAt: at(now) }))
    assert.deepStrictEqual(told(decision), ["lease_released by ann"])
    assert.deepStrictEqual(decision.events[0]?.payload, {
      lease_id: "l",
      scope: "l",
      agent_id: "ann",
      reason: "released"
    })
  })

  it("nobody else releases it, but an administrator revokes it", () => {
    refused(end("released", [leaseOf("l")], { agentId: "bo" }), "LeaseNotFound")
    const decision = succeeded(end("revoked", [leaseOf("l")], { agentId: "bo", note: "stuck" }))
    assert.deepStrictEqual(decision.value, leaseOf("l", { status: "revoked", releasedAt: at(now) }))
    assert.deepStrictEqual(told(decision), ["lease_released by bo"])
    assert.deepInclude(decision.events[0]?.payload, { lease_id: "l", agent_id: "ann", reason: "revoked" })
  })

  it("http.md 8.4: what was released or revoked is answered as it is, and nothing changes", () => {
    for (const status of ["released", "revoked", "expired"] as const) {
      const ended = leaseOf("l", { status, releasedAt: status === "expired" ? null : at(5) })
      for (const as of ["released", "revoked"] as const) {
        const decision = succeeded(end(as, [], { ended }))
        assert.deepStrictEqual([decision.value, decision.writes, decision.events], [ended, [], []])
      }
    }
  })

  it("http.md 8.4: releasing what is over leaves it expired, and its end is told once, by system", () => {
    for (const as of ["released", "revoked"] as const) {
      const decision = succeeded(end(as, [over("l")]))
      assert.deepStrictEqual(decision.value, over("l", { status: "expired" }))
      assert.deepStrictEqual(told(decision), ["lease_released by system"])
      assert.strictEqual(decision.events[0]?.payload.reason, "expired")
    }
  })

  it("not found: unknown, of another intent, another's", () => {
    refused(end("released", []), "LeaseNotFound")
    refused(end("revoked", []), "LeaseNotFound")
    refused(end("revoked", [], { ended: leaseOf("l", { status: "released", intentId: "j" }) }), "LeaseNotFound")
    refused(end("released", [], { ended: leaseOf("l", { status: "released" }), agentId: "bo" }), "LeaseNotFound")
    refused(
      decideEnd(
        undefined,
        { intentId: "i", leaseId: "l", agentId: "ann", as: "released", note: undefined },
        undefined,
        envAt()
      ),
      "IntentNotFound"
    )
  })
})

describe("decideExpire", () => {
  it("semantics 3.7: ends what is over by now and nothing else, each with its event by system", () => {
    const leases = [over("a"), leaseOf("b"), over("c", { agentId: "bo" }), leaseOf("d", { expiresAt: at(now + 1) })]
    const decision = succeeded(decideExpire(found(...leases), envAt()))
    assert.deepStrictEqual(
      puts(decision, "leases").map(({ id, releasedAt, status }) => [id, status, releasedAt]),
      [
        ["a", "expired", null],
        ["c", "expired", null]
      ]
    )
    assert.deepStrictEqual(told(decision), ["lease_released by system", "lease_released by system"])
    assert.deepStrictEqual(
      decision.events.map(({ payload }) => [payload.lease_id, payload.agent_id, payload.reason]),
      [
        ["a", "ann", "expired"],
        ["c", "bo", "expired"]
      ]
    )
  })

  it("an intent without any, or none at all, is no fault", () => {
    for (const aggregate of [found(), undefined]) {
      const decision = succeeded(decideExpire(aggregate, envAt()))
      assert.deepStrictEqual([decision.writes, decision.events], [[], []])
    }
  })
})
