/** `retries` of the embedded engine: reads the input and names the rule. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { CommandsShape } from "../Commands.ts"
import { failureCounter } from "../counters.ts"
import { CurrentAgent } from "../CurrentAgent.ts"
import type { EngineOptions } from "../EngineOptions.ts"
import type { Retries } from "../OpenIntent.ts"
import { readPage, readPageOptions } from "../paging.ts"
import type { StorageShape } from "../Storage.ts"
import { told } from "../storageFaults.ts"
import { Checks } from "../validate.ts"
import { decideKeep } from "./dueRetries.ts"
import { gatherDue, gatherFailure, gatherResolve } from "./facts.ts"
import { readFailure, readFailureIds, readPolicy } from "./input.ts"
import type { RecordFailure } from "./Retry.ts"
import { RetryPolicyNotFound } from "./Retry.ts"
import type { Holding } from "./rules.ts"
import { decideFailure, decideResolve, decideSetPolicy } from "./rules.ts"
import { makeRun } from "./run.ts"

export const makeRetries = (
  storage: StorageShape,
  { executeWide, mustExist }: CommandsShape,
  { fallbackAgents, handOutRetries, retryHold: hold }: EngineOptions
): Retries => {
  const record = Effect.fnUntraced(function* (intentId: string, input: RecordFailure, holding: Holding | undefined) {
    const given = yield* Effect.fromResult(readFailure(intentId, input, yield* CurrentAgent))
    const command = { ...given, random: yield* Random.next, holding, handOutRetries, fallbackAgents }
    return yield* executeWide({
      intentId,
      gather: (on) => gatherFailure(on, command),
      decide: (facts, env) => decideFailure(facts, command, env)
    })
  })

  const resolve = Effect.fnUntraced(function* (
    intentId: string,
    failureIds: ReadonlyArray<string>,
    runId: string | undefined
  ) {
    const ids = yield* Effect.fromResult(readFailureIds(failureIds))
    const checks = new Checks()
    const actor = yield* Effect.fromResult(checks.finish(checks.readAgent("agent", yield* CurrentAgent)))
    return yield* executeWide({
      intentId,
      gather: (on) => gatherResolve(on, intentId, ids, runId),
      decide: (facts, env) => decideResolve(facts, { intentId, actor }, env)
    })
  })

  const policy: Retries["policy"] = (intentId) =>
    Effect.flatMap(told(storage.get("retryPolicies", [intentId])), ([found]) =>
      found === undefined
        ? Effect.andThen(mustExist(intentId), Effect.fail(new RetryPolicyNotFound({ intentId })))
        : Effect.succeed(found)
    )

  const failures: Retries["failures"] = Effect.fnUntraced(function* (intentId, query = {}) {
    const page = yield* Effect.fromResult(readPageOptions(query))
    yield* mustExist(intentId)
    const total = Effect.map(storage.counters([failureCounter(intentId)]), ([count = 0]) => count)
    return yield* told(
      readPage(storage, { table: "failures", index: "byIntent", keys: [[intentId]], direction: "asc" }, page, total)
    )
  })

  return {
    setPolicy: Effect.fnUntraced(function* (intentId, input = {}) {
      const command = yield* Effect.fromResult(readPolicy(intentId, input, yield* CurrentAgent))
      return yield* executeWide({
        intentId,
        gather: (on) =>
          Effect.zipWith(on.load(intentId), on.get("retryPolicies", [intentId]), ({ aggregate }, [before]) => ({
            found: aggregate,
            before
          })),
        decide: (facts, env) => decideSetPolicy(facts, command, env)
      })
    }),
    policy,
    recordFailure: (intentId, input = {}) => record(intentId, input, undefined),
    failures,
    resolveFailures: (intentId, failureIds) => resolve(intentId, failureIds, undefined),
    run: makeRun({
      policy,
      failures,
      record: (intentId, input, runId) => record(intentId, input, { runId, hold }),
      resolve,
      keeping: {
        interval: Duration.millis(Duration.toMillis(hold) / 3),
        keep: (intentId, runId) =>
          executeWide({
            intentId,
            gather: (on) => gatherDue(on, intentId, runId),
            decide: (facts, env) => decideKeep(facts, hold, env)
          })
      }
    })
  }
}
