/** Bugs in retries. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { type PlantedBug, withMethods, writingOtherwise } from "./engines.ts"

export const retryBugs: ReadonlyArray<PlantedBug> = [
  {
    name: "the longest delay is no limit",
    foundBy: ["47", "48"],
    engine: withMethods(({ retries }) => ({
      retries: {
        recordFailure: (intentId, input) =>
          Effect.map(retries.recordFailure(intentId, input), (failure) =>
            failure.retryScheduledAt !== null && failure.attemptNumber > 2
              ? { ...failure, retryScheduledAt: DateTime.add(failure.retryScheduledAt, { days: 2 }) }
              : failure
          )
      }
    }))
  },
  {
    name: "what must not be tried again is",
    foundBy: ["48"],
    engine: withMethods(({ retries }) => ({
      retries: { recordFailure: (intentId, input) => retries.recordFailure(intentId, { ...input, willRetry: true }) }
    }))
  },
  {
    name: "a policy that is set again is a new one",
    foundBy: ["49"],
    engine: writingOtherwise((write) =>
      write.table === "retryPolicies" && write._tag === "Put"
        ? [{ ...write, record: { ...write.record, id: crypto.randomUUID() } }]
        : [write]
    )
  }
]
