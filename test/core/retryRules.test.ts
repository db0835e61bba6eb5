import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import type { Intent } from "../../src/core/intent/Intent.ts"
import type { Lease } from "../../src/core/lease/Lease.ts"
import { delayBefore, mayRetry } from "../../src/core/retry/delay.ts"
import { decideHandOut, decideKeep } from "../../src/core/retry/dueRetries.ts"
import { type RetryPolicy, type RetryStrategy, strategies } from "../../src/core/retry/Retry.ts"
import type { FailureCommand, FailureFacts } from "../../src/core/retry/rules.ts"
import { decideFailure, decideResolve, decideSetPolicy } from "../../src/core/retry/rules.ts"
import type { DueRetry } from "../../src/core/retry/tables.ts"
import type { StoredAssignment } from "../../src/core/tables.ts"
import { aggregateOf, at, envAt, intentOf, leaseOf, movedOn, now, puts, refused, succeeded, told } from "./records.ts"

const policyOf = (fields: Partial<RetryPolicy> = {}): RetryPolicy => ({
  id: "p",
  intentId: "i",
  strategy: "exponential",
  maxRetries: 3,
  baseDelay: Duration.seconds(1),
  maxDelay: Duration.minutes(1),
  backoffMultiplier: 2,
  retryableErrors: [],
  jitter: false,
  fallbackAgentId: null,
  failureThreshold: 3,
  createdAt: at(1),
  updatedAt: at(1),
  ...fields
})

const delayOf = (fields: Partial<RetryPolicy>, attempt: number, random = 0) =>
  Duration.toMillis(delayBefore(policyOf(fields), attempt, random))

const Millis = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000_000 }))
const Attempt = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))
const Multiplier = Schema.Finite.check(Schema.isBetween({ minimum: 1, maximum: 1000 }))
const Strategy = Schema.Literals(["fixed", "linear", "exponential"])
const Fraction = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 0.999999 }))

describe("delayBefore (semantics 6)", () => {
  it("by strategy", () => {
    const delays = (strategy: RetryStrategy) => [1, 2, 3, 4].map((attempt) => delayOf({ strategy }, attempt))
    assert.deepStrictEqual(delays("fixed"), [1000, 1000, 1000, 1000])
    assert.deepStrictEqual(delays("linear"), [1000, 2000, 3000, 4000])
    assert.deepStrictEqual(delays("exponential"), [1000, 2000, 4000, 8000])
  })

  it("is capped before it is a time, however large, and whole milliseconds", () => {
    for (const strategy of strategies) {
      const delay = delayOf({ strategy, backoffMultiplier: 1000 }, 1_000_000)
      assert.strictEqual(delay, strategy === "linear" || strategy === "exponential" ? 60_000 : 1000)
    }
    assert.strictEqual(delayOf({ baseDelay: Duration.zero, backoffMultiplier: 1000 }, 1_000_000), 0)
    assert.strictEqual(delayOf({ baseDelay: Duration.millis(1.5) }, 2), 3)
    assert.strictEqual(delayOf({ baseDelay: Duration.millis(1.5) }, 1), 1)
  })

  it("jitter takes up to half of it, after the cap", () => {
    const delays = [0, 0.5, 0.999999].map((random) => delayOf({ jitter: true, strategy: "fixed" }, 1, random))
    assert.deepStrictEqual(delays, [1000, 750, 500])
    assert.strictEqual(delayOf({ jitter: true }, 1000, 0.5), 45_000)
  })

  it.prop(
    "semantics 47: it never falls with the attempts, is never above the maximum, and starts with the base",
    { base: Millis, more: Millis, attempt: Attempt, multiplier: Multiplier, strategy: Strategy, random: Fraction },
    ({ attempt, base, more, multiplier, random, strategy }) => {
      const fields = {
        strategy,
        baseDelay: Duration.millis(base),
        maxDelay: Duration.millis(base + more),
        backoffMultiplier: multiplier
      }
      const delay = delayOf(fields, attempt)
      assert.isAtMost(delay, base + more)
      assert.isAtLeast(delayOf(fields, attempt + 1), delay)
      assert.strictEqual(delayOf(fields, 1), base)
      const jittered = delayOf({ ...fields, jitter: true }, attempt, random)
      assert.isTrue(Number.isInteger(jittered) && jittered <= delay && jittered >= Math.floor(delay / 2))
    }
  )
})

describe("mayRetry (semantics 6)", () => {
  it("as long as retries are left, unless there is no policy or no strategy", () => {
    assert.isFalse(mayRetry(undefined, 1, null))
    assert.isFalse(mayRetry(policyOf({ strategy: "none" }), 1, null))
    assert.deepStrictEqual(
      [1, 3, 4].map((attempt) => mayRetry(policyOf(), attempt, null)),
      [true, true, false]
    )
    assert.isFalse(mayRetry(policyOf({ maxRetries: 0 }), 1, "TIMEOUT"))
  })

  it("only codes that are listed, in any case, where some are", () => {
    const policy = policyOf({ retryableErrors: ["rate_limit", "TIMEOUT"] })
    const codes = ["rate_limit", "RATE_LIMIT", "timeout", "rate", null].map((code) => mayRetry(policy, 1, code))
    assert.deepStrictEqual(codes, [true, true, true, false, false])
  })
})

describe("decideSetPolicy (semantics 49)", () => {
  const { id: _, createdAt: __, updatedAt: ___, ...given } = policyOf()
  const command = { ...given, actor: "ann" }

  it("replaces all but the id and the time of creation, and tells it", () => {
    const found = aggregateOf(intentOf("i"))
    const first = succeeded(decideSetPolicy({ found, before: undefined }, command, envAt()))
    assert.deepStrictEqual(first.value, policyOf({ id: "new-1", createdAt: at(now), updatedAt: at(now) }))
    assert.deepStrictEqual(told(first), ["retry_policy_set by ann"])
    assert.deepStrictEqual(first.guards, [movedOn("i", 7)])
    const again = succeeded(
      decideSetPolicy({ found, before: first.value }, { ...command, strategy: "fixed" }, envAt(now + 5))
    )
    assert.deepStrictEqual(again.value, { ...first.value, strategy: "fixed", updatedAt: at(now + 5) })
    assert.deepStrictEqual(again.events[0]?.payload, { policy_id: "new-1", strategy: "fixed", max_retries: 3 })
  })

  it("needs an intent", () => {
    refused(decideSetPolicy({ found: undefined, before: undefined }, command, envAt()), "IntentNotFound")
  })
})

const factsOf = (
  fields: Partial<FailureFacts> & { readonly intent?: Partial<Intent>; readonly leases?: ReadonlyArray<Lease> } = {}
): FailureFacts => ({
  found: aggregateOf(intentOf("i", fields.intent), fields.leases),
  policy: policyOf(),
  failures: 0,
  fallback: undefined,
  due: undefined,
  ...fields
})

const commandOf = (fields: Partial<FailureCommand> = {}): FailureCommand => ({
  given: { intentId: "i", agentId: "ann", errorCode: "TIMEOUT", errorMessage: "30 s", metadata: {} },
  attemptNumber: undefined,
  willRetry: undefined,
  retryScheduledAt: undefined,
  random: 0,
  holding: undefined,
  handOutRetries: false,
  fallbackAgents: true,
  ...fields
})

const fail = (facts: Parameters<typeof factsOf>[0], command?: Partial<FailureCommand>) =>
  succeeded(decideFailure(factsOf(facts), commandOf(command), envAt()))

const dueOf = (fields: Partial<DueRetry> = {}): DueRetry => ({
  id: "run",
  intentId: "i",
  agentId: "ann",
  attempt: 2,
  dueAt: at(now),
  heldUntil: at(now),
  lastError: "30 s",
  ...fields
})

describe("decideFailure (semantics 6)", () => {
  it("counts attempts, computes the retry, and tells it as the agent", () => {
    const decision = fail({ failures: 2 })
    assert.deepInclude(decision.value, {
      attemptNumber: 3,
      willRetry: true,
      retryScheduledAt: at(now + 4000),
      resolvedAt: null
    })
    assert.deepStrictEqual(told(decision), ["failure_recorded by ann"])
    assert.deepStrictEqual(decision.events[0]?.payload, {
      failure_id: "new-1",
      attempt_number: 3,
      error_code: "TIMEOUT",
      error_type: "TIMEOUT",
      error_message: "30 s",
      will_retry: true,
      retry_scheduled_at: "1970-01-01T00:16:44.000000"
    })
    assert.deepStrictEqual(decision.guards, [movedOn("i", 7)])
    assert.deepStrictEqual(puts(decision, "retries"), [])
  })

  it("what is given is stored as it is; a schedule is computed only where a retry is allowed", () => {
    assert.deepInclude(fail({}, { willRetry: false }).value, { willRetry: false, retryScheduledAt: null })
    assert.deepInclude(fail({}, { willRetry: true, attemptNumber: 4 }).value, {
      willRetry: true,
      retryScheduledAt: null
    })
    assert.deepInclude(fail({ policy: undefined }, { retryScheduledAt: at(5) }).value, {
      willRetry: false,
      retryScheduledAt: at(5)
    })
    assert.deepInclude(fail({ policy: undefined }).value, { willRetry: false, retryScheduledAt: null })
  })

  it.prop(
    "semantics 48: no retry is computed beyond the last, and its time is after now and within the maximum",
    { maxRetries: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 })), failures: Attempt, base: Millis },
    ({ base, failures, maxRetries }) => {
      const maxDelay = Duration.millis(2 * base)
      const policy = policyOf({ maxRetries, baseDelay: Duration.millis(base), maxDelay })
      for (const attempt of [failures, (failures % 20) + 1]) {
        const { retryScheduledAt, willRetry } = fail({ policy, failures: attempt - 1 }).value
        assert.strictEqual(willRetry, attempt <= maxRetries)
        if (retryScheduledAt === null) assert.isFalse(willRetry)
        else {
          assert.isTrue(DateTime.isGreaterThan(retryScheduledAt, at(now)))
          assert.isTrue(DateTime.isLessThanOrEqualTo(retryScheduledAt, DateTime.addDuration(at(now), maxDelay)))
        }
      }
    }
  )

  it("a run's retry is stored and held; its next failure takes its place, and its last takes it away", () => {
    const hold = Duration.seconds(10)
    const first = fail({}, { holding: { runId: undefined, hold } })
    const [retry] = puts(first, "retries")
    assert.deepStrictEqual(
      retry,
      dueOf({ id: "new-1", attempt: 2, dueAt: at(now + 1000), heldUntil: at(now + 11_000) })
    )
    const second = fail({ due: retry }, { attemptNumber: 2, holding: { runId: "new-1", hold } })
    assert.deepStrictEqual(
      puts(second, "retries").map(({ attempt, id }) => [id, attempt]),
      [["new-1", 3]]
    )
    const last = fail({ due: retry }, { attemptNumber: 4, holding: { runId: "new-1", hold } })
    assert.deepInclude(last.writes, { _tag: "Remove", table: "retries", before: retry! })
  })

  it("decision 27: retries of others are stored only with the switch, one for each agent", () => {
    const [retry] = puts(fail({}, { handOutRetries: true }), "retries")
    assert.deepStrictEqual(retry, dueOf({ id: "i ann", dueAt: at(now + 1000), heldUntil: at(now + 1000) }))
    assert.deepStrictEqual(puts(fail({}, { handOutRetries: true, willRetry: false }), "retries"), [])
    const given = fail({ policy: undefined }, { handOutRetries: true, willRetry: true, retryScheduledAt: at(now + 7) })
    assert.deepStrictEqual(
      puts(given, "retries").map(({ dueAt }) => dueAt),
      [at(now + 7)]
    )
    const over = fail({ due: retry }, { handOutRetries: true, attemptNumber: 4 })
    assert.deepInclude(over.writes, { _tag: "Remove", table: "retries", before: retry! })
  })

  it("the fallback agent takes over when no retry is left, in the same commit", () => {
    const leases = [leaseOf("a"), leaseOf("b", { agentId: "bo" }), leaseOf("over", { expiresAt: at(now) })]
    const policy = policyOf({ fallbackAgentId: "carl" })
    const decision = fail({ policy, leases }, { attemptNumber: 4 })
    assert.deepStrictEqual(told(decision), [
      "failure_recorded by ann",
      "lease_released by system",
      "agent_assigned by system",
      "fallback_triggered by system"
    ])
    assert.deepStrictEqual(
      puts(decision, "leases").map(({ id, releasedAt, status }) => [id, status, releasedAt]),
      [["a", "released", at(now)]]
    )
    assert.strictEqual(decision.events[1]?.payload["reason"], "fallback")
    assert.deepStrictEqual(
      puts(decision, "assignments").map(({ agentId, role }) => [agentId, role]),
      [["carl", "fallback"]]
    )
    assert.deepStrictEqual(decision.events[3]?.payload, {
      from_agent: "ann",
      to_agent: "carl",
      failure_id: decision.value.id
    })
  })

  it("or when the threshold is reached; not twice, not for itself, not without the option", () => {
    const policy = policyOf({ fallbackAgentId: "carl", failureThreshold: 3, maxRetries: 9 })
    const fallsBack = (facts: Partial<FailureFacts>, command?: Partial<FailureCommand>) =>
      fail({ policy, ...facts }, command).events.some(({ type }) => type === "fallback_triggered")
    assert.isFalse(fallsBack({ failures: 1 }))
    assert.isTrue(fallsBack({ failures: 2 }))
    assert.isTrue(fallsBack({ failures: 1 }, { willRetry: false }))
    assert.isFalse(fallsBack({ failures: 2, fallback: assignmentOf("carl") }))
    assert.isFalse(fallsBack({ failures: 2, policy: { ...policy, fallbackAgentId: "ann" } }))
    assert.isFalse(fallsBack({ failures: 2 }, { fallbackAgents: false }))
    assert.isFalse(fallsBack({ failures: 2, policy: undefined }))
    assert.isTrue(fallsBack({ failures: 2, fallback: { ...assignmentOf("carl"), state: "unassigned" } }))
    const closed = intentOf("i", { governancePolicy: { allowed_agents: ["ann"] } })
    assert.isFalse(fallsBack({ failures: 2, found: aggregateOf(closed) }))
  })

  it("needs an intent", () => {
    refused(decideFailure(factsOf({ found: undefined }), commandOf(), envAt()), "IntentNotFound")
  })
})

const assignmentOf = (agentId: string): StoredAssignment => ({
  id: "as",
  intentId: "i",
  agentId,
  role: "writer",
  state: "assigned",
  assignedAt: at(5),
  intentCreatedAt: at(1000)
})

describe("decideResolve", () => {
  it("resolves what is open of this intent, once, and takes the run's retry away", () => {
    const found = aggregateOf(intentOf("i"))
    const open = { ...fail({}).value, id: "f1" }
    const over = { ...open, id: "f2", resolvedAt: at(3) }
    const foreign = { ...open, id: "f3", intentId: "other" }
    const due = dueOf()
    const command = { intentId: "i", actor: "ann" }
    const decision = succeeded(decideResolve({ found, failures: [open, over, foreign], due }, command, envAt()))
    assert.deepStrictEqual(decision.value, [{ ...open, resolvedAt: at(now) }, over])
    assert.deepStrictEqual(told(decision), ["failures_resolved by ann"])
    assert.deepStrictEqual(decision.events[0]?.payload, { failure_ids: ["f1"] })
    assert.deepStrictEqual(decision.writes[1], { _tag: "Remove", table: "retries", before: due })
    const again = succeeded(decideResolve({ found, failures: [over], due: undefined }, command, envAt()))
    assert.deepStrictEqual(again, { value: [over], writes: [], events: [] })
    refused(decideResolve({ found: undefined, failures: [], due: undefined }, command, envAt()), "IntentNotFound")
  })
})

describe("who makes an attempt that is due (decision 27)", () => {
  const found = aggregateOf(intentOf("i"))
  const ended = aggregateOf(intentOf("i", { status: "abandoned" }))
  const hold = Duration.seconds(10)

  it("the run, as long as its retry is stored and the intent has not ended", () => {
    const kept = succeeded(decideKeep({ found, due: dueOf() }, hold, envAt()))
    assert.isTrue(kept.value)
    assert.deepStrictEqual(puts(kept, "retries"), [dueOf({ heldUntil: at(now + 10_000) })])
    assert.deepStrictEqual(kept.guards, [movedOn("i", 7)])
    assert.deepStrictEqual(succeeded(decideKeep({ found, due: undefined }, hold, envAt())), {
      value: false,
      writes: [],
      events: []
    })
    const late = succeeded(decideKeep({ found: ended, due: dueOf() }, hold, envAt()))
    assert.isFalse(late.value)
    assert.deepStrictEqual(late.writes, [{ _tag: "Remove", table: "retries", before: dueOf() }])
  })

  it("else the agent, who is assigned again or for the first time and told the attempt and the last error", () => {
    const known = assignmentOf("ann")
    const again = succeeded(decideHandOut({ found, due: dueOf({ attempt: 3 }), known }, envAt()))
    assert.deepStrictEqual(told(again), ["agent_assigned by system"])
    assert.deepStrictEqual(again.events[0]?.payload, { agent_id: "ann", role: "writer", reassigned: true })
    assert.deepInclude(again.events[0]?.extra, { retry_attempt: 3, last_error: "30 s" })
    assert.deepStrictEqual(puts(again, "assignments"), [known])
    assert.deepStrictEqual(again.writes[0], { _tag: "Remove", table: "retries", before: dueOf({ attempt: 3 }) })
    assert.deepStrictEqual(again.guards, [movedOn("i", 7)])
    for (const gone of [undefined, { ...known, state: "unassigned" as const }]) {
      const first = succeeded(decideHandOut({ found, due: dueOf(), known: gone }, envAt()))
      assert.deepStrictEqual(
        puts(first, "assignments").map(({ agentId, id, role }) => [id, agentId, role]),
        [["new-1", "ann", "worker"]]
      )
    }
  })

  it("nobody before its time or while it is held, once it is gone, when the intent has ended or forbids it", () => {
    const nobody = { value: false, writes: [], events: [] }
    for (const due of [dueOf({ dueAt: at(now + 1) }), dueOf({ heldUntil: at(now + 1) }), undefined]) {
      assert.deepStrictEqual(succeeded(decideHandOut({ found, due, known: undefined }, envAt())), nobody)
    }
    const forbidden = aggregateOf(intentOf("i", { governancePolicy: { allowed_agents: ["bo"] } }))
    for (const shut of [ended, forbidden]) {
      const dropped = succeeded(decideHandOut({ found: shut, due: dueOf(), known: undefined }, envAt()))
      assert.deepStrictEqual(dropped.events, [])
      assert.deepStrictEqual(dropped.writes, [{ _tag: "Remove", table: "retries", before: dueOf() }])
    }
  })
})
