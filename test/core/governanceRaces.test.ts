/**
 * Agents come and go, agree, write and complete at once, through two engines on one storage. The log is the order in
 * which it happened: at its place in it, everything that was done was allowed (http.md appendix A).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { LogEvent } from "../../src/core/event/LogEvent.ts"
import type { OpenIntentShape } from "../../src/core/OpenIntent.ts"
import { OpenIntent } from "../../src/core/OpenIntent.ts"
import { engineOn, logOf } from "./engines.ts"
import { pairs } from "./graphs.ts"

const agents = ["a0", "a1", "a2", "a3"]
const threshold = 0.5
const rounds = 8

const calls = ({ agents: assignments, costs, governance, intents }: OpenIntentShape, id: string) =>
  Effect.gen(function* () {
    const agent = agents[yield* Random.nextIntBetween(0, agents.length)] ?? "a0"
    const versionNow = Effect.map(intents.get(id), ({ version }) => version)
    const pending = Effect.map(governance.approvals(id, { status: "pending" }), ({ items: [first] }) => first?.id ?? "")
    const ways: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
      assignments.assign(id, { agentId: agent }),
      assignments.unassign(id, agent),
      governance.requestApproval(id, { action: "complete" }),
      Effect.flatMap(pending, (approval) => governance.approve(id, approval)),
      Effect.flatMap(pending, (approval) => governance.deny(id, approval)),
      Effect.flatMap(versionNow, (version) => intents.patchState(id, { version, state: { by: agent } })),
      costs.record(id, { costType: "c", amount: 1, unit: "USD" }),
      Effect.flatMap(versionNow, (version) => intents.setStatus(id, { version, status: "completed" }))
    ]
    const way = ways[yield* Random.nextIntBetween(0, ways.length)] ?? Effect.void
    yield* Effect.ignore(OpenIntent.as(agent)(way))
  })

/** Goes through the log and answers what was done against the policy. */
const breaches = (log: ReadonlyArray<LogEvent>): ReadonlyArray<string> => {
  const assigned = new Set<unknown>()
  const decided = new Set<unknown>()
  let approved = 0
  return log.flatMap(({ actor, payload, type }) => {
    if (type === "agent_assigned") assigned.add(payload["agent_id"])
    if (type === "agent_unassigned") assigned.delete(payload["agent_id"])
    if (type === "governance.approval_granted" || type === "governance.approval_denied") {
      if (decided.has(payload["approval_id"])) return ["an approval was decided twice"]
      decided.add(payload["approval_id"])
      if (type === "governance.approval_granted") approved++
    }
    const isWrite = type === "state_patched" || type === "status_changed" || type === "cost_recorded"
    if (isWrite && !assigned.has(actor)) return [`${actor} wrote without being assigned`]
    const needed = Math.max(1, Math.floor(assigned.size * threshold))
    return type === "status_changed" && approved < needed ? [`completed with ${approved} of ${needed}`] : []
  })
}

for (const [name, pair] of Object.entries(pairs)) {
  describe(`governance under races: two engines, ${name}`, () => {
    it.live("nobody writes who is not assigned, and nothing is completed without its quorum", () =>
      Effect.gen(function* () {
        const [one, two] = yield* pair
        const engines = [yield* engineOn(one), yield* engineOn(two)] as const
        const [{ governance, intents }] = engines
        let completed = 0
        for (let round = 0; round < rounds; round++) {
          const { id } = yield* intents.create({ title: "t" })
          yield* governance.setPolicy(id, {
            version: 1,
            policy: { completion_mode: "quorum", quorum_threshold: threshold, write_scope: "assigned_only" }
          })
          yield* Effect.forEach(
            Array.from({ length: 80 }, (_, i) => engines[i % 2 === 0 ? 0 : 1]),
            (engine) => calls(engine, id),
            { concurrency: 16 }
          )
          const log = (yield* logOf(two)).filter(({ intentId }) => intentId === id)
          assert.deepStrictEqual(breaches(log), [])
          if ((yield* intents.get(id)).status === "completed") completed++
        }
        assert.isAbove(completed, 0)
      })
    )
  })
}
