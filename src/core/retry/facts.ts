/** What the rules of retries have to know. The intent comes first: what changes after it breaks the guard on it. */
import * as Effect from "effect/Effect"
import { failureCounter } from "../counters.ts"
import type { StorageError, StorageShape } from "../Storage.ts"
import { assignmentKey } from "../tables.ts"
import type { DueFacts } from "./dueRetries.ts"
import type { FailureCommand, FailureFacts, ResolveFacts } from "./rules.ts"
import { retryKey } from "./rules.ts"

const dueOf = (storage: StorageShape, key: string | undefined) =>
  Effect.map(storage.get("retries", key === undefined ? [] : [key]), ([due]) => due)

export const gatherDue = (
  storage: StorageShape,
  intentId: string,
  key: string
): Effect.Effect<DueFacts, StorageError> =>
  Effect.zipWith(storage.load(intentId), dueOf(storage, key), ({ aggregate }, due) => ({ found: aggregate, due }))

export const gatherFailure = (
  storage: StorageShape,
  command: FailureCommand
): Effect.Effect<FailureFacts, StorageError> =>
  Effect.gen(function* () {
    const { intentId } = command.given
    const { aggregate: found } = yield* storage.load(intentId)
    const [policy] = yield* storage.get("retryPolicies", [intentId])
    const [failures = 0] = yield* storage.counters([failureCounter(intentId)])
    const due = yield* dueOf(storage, retryKey(command))
    const fallbackAgentId = policy?.fallbackAgentId ?? null
    const [fallback] =
      fallbackAgentId === null ? [] : yield* storage.get("assignments", [assignmentKey(intentId, fallbackAgentId)])
    return { found, policy, failures, fallback, due }
  })

export const gatherResolve = (
  storage: StorageShape,
  intentId: string,
  failureIds: ReadonlyArray<string>,
  runId: string | undefined
): Effect.Effect<ResolveFacts, StorageError> =>
  Effect.gen(function* () {
    const { aggregate: found } = yield* storage.load(intentId)
    const failures = yield* storage.get("failures", failureIds)
    const due = yield* dueOf(storage, runId)
    return { found, failures: failures.filter((failure) => failure !== undefined), due }
  })
