/** Work that is tried again by the policy of its intent: over the calls of an engine, embedded or remote. */
import * as Arr from "effect/Array"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { CurrentAgent } from "../CurrentAgent.ts"
import type { EngineError, TooLarge } from "../Errors.ts"
import type { IntentNotFound } from "../intent/IntentErrors.ts"
import type { CommonError, Retries } from "../OpenIntent.ts"
import { Checks, limits } from "../validate.ts"
import type { Failure, RecordFailure } from "./Retry.ts"

/** What a run asks of its engine. `runId` is that of its first failure. */
export interface RunCalls extends Pick<Retries, "policy" | "failures"> {
  readonly record: (
    intentId: string,
    input: RecordFailure,
    runId: string | undefined
  ) => Effect.Effect<Failure, IntentNotFound | TooLarge | CommonError>
  readonly resolve: (
    intentId: string,
    failureIds: ReadonlyArray<string>,
    runId: string | undefined
  ) => Effect.Effect<unknown, IntentNotFound | CommonError>
  /** How a run keeps its retry from being handed out; undefined where nobody else would make it. */
  readonly keeping:
    | {
        /** Whether the next attempt, or the one under way, is still the run's own. */
        readonly keep: (intentId: string, runId: string) => Effect.Effect<boolean, EngineError>
        readonly interval: Duration.Duration
      }
    | undefined
}

/** How an attempt ended that did not succeed; `isLost`: it was handed out meanwhile, and is another's to make. */
interface Ended<E> {
  readonly error: E
  readonly isLost: boolean
}

const isName = (value: unknown): value is string => typeof value === "string" && value !== ""

const codeOf = (error: unknown): string | undefined =>
  Predicate.isObject(error) ? [error["_tag"], error["code"], error["name"]].find(isName) : undefined

const messageOf = (error: unknown): string | undefined => {
  const message = Predicate.isObject(error) ? error["message"] : error
  return typeof message === "string" ? message : undefined
}

/** As much of a text of anybody's as is stored. */
const storable = (text: string | undefined, max: number): string | undefined =>
  text?.slice(0, max).toWellFormed().replaceAll("\0", "\uFFFD")

const readAttempt = (attempt: number): Result.Result<number, CommonError> => {
  const checks = new Checks()
  return checks.finish(checks.readInt("attempt", attempt, undefined, 1, Number.MAX_SAFE_INTEGER))
}

/** Failures of the acting agent before this attempt, which its success resolves: those of a run that is gone. */
const earlierFailures = (calls: RunCalls, intentId: string, attempt: number) =>
  Effect.gen(function* () {
    const agentId = yield* CurrentAgent
    const ids: Array<string> = []
    let after: string | undefined
    do {
      const page = yield* calls.failures(intentId, { after })
      for (const failure of page.items) {
        const isOpen = failure.resolvedAt === null && failure.attemptNumber < attempt
        if (isOpen && failure.agentId === agentId) ids.push(failure.id)
      }
      after = page.next
    } while (after !== undefined)
    return ids
  })

/** Ends when the retry is no longer the run's. A sign of life that fails says nothing; the next one may tell. */
const untilLost = ({ interval, keep }: NonNullable<RunCalls["keeping"]>, intentId: string, runId: string) =>
  Effect.orElseSucceed(keep(intentId, runId), () => true).pipe(
    Effect.delay(interval),
    Effect.repeat({ while: (isOwn) => isOwn })
  )

/**
 * `retries.run` over the calls it needs, so that the embedded and the remote engine share it. Only a typed failure is
 * tried again; a defect or an interruption ends the run and leaves the retry stored, as the end of its process does.
 */
export const makeRun = (calls: RunCalls): Retries["run"] => {
  const { keeping } = calls

  /** One attempt. From the second on the run says all the time that it lives, and stops when it is not believed. */
  const live = <A, E, R>(
    intentId: string,
    work: Effect.Effect<A, E, R>,
    earlier: { readonly runId: string; readonly error: E } | undefined
  ): Effect.Effect<A, Ended<E>, R> => {
    const own = Effect.mapError(work, (error): Ended<E> => ({ error, isLost: false }))
    if (earlier === undefined || keeping === undefined) return own
    const lost: Effect.Effect<never, Ended<E>> = Effect.flatMap(untilLost(keeping, intentId, earlier.runId), () =>
      Effect.fail({ error: earlier.error, isLost: true })
    )
    return Effect.raceFirst(own, lost)
  }

  /** The work is done, so nothing that goes wrong here may make its caller do it again. */
  const succeeded = (intentId: string, failureIds: ReadonlyArray<string>, runId: string | undefined) =>
    Effect.forEach(Arr.chunksOf(failureIds, limits.failureIds), (ids) => calls.resolve(intentId, ids, runId), {
      discard: true
    }).pipe(Effect.catch((error) => Effect.logWarning("failures of work that succeeded were not resolved", error)))

  return (intentId, work, { attempt = 1, errorCode = codeOf } = {}) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const first = yield* Effect.fromResult(readAttempt(attempt))
        // Before any work, so that none is done for an intent that does not exist.
        yield* restore(Effect.catchTag(calls.policy(intentId), "RetryPolicyNotFound", () => Effect.void))
        const failureIds = first === 1 ? [] : yield* restore(earlierFailures(calls, intentId, first))
        let earlier: { readonly runId: string; readonly error: Effect.Error<ReturnType<typeof make>> } | undefined
        const make = (n: number) => (Effect.isEffect(work) ? work : Effect.suspend(() => work(n)))
        for (let n = first; ; n++) {
          const outcome = yield* Effect.result(restore(live(intentId, make(n), earlier)))
          if (Result.isSuccess(outcome)) {
            yield* succeeded(intentId, failureIds, earlier?.runId)
            return outcome.success
          }
          const { error, isLost } = outcome.failure
          if (isLost) return yield* Effect.fail(error)
          const failure: Failure = yield* calls.record(
            intentId,
            {
              attemptNumber: n,
              errorCode: storable(errorCode(error), limits.errorCodeLength),
              errorMessage: storable(messageOf(error), limits.noteLength)
            },
            earlier?.runId
          )
          failureIds.push(failure.id)
          const runId = earlier?.runId ?? failure.id
          earlier = { runId, error }
          const { createdAt, retryScheduledAt, willRetry } = failure
          if (!willRetry || retryScheduledAt === null) return yield* Effect.fail(error)
          // Both times are the engine's, whose clock may differ from the one here.
          yield* restore(Effect.sleep(retryScheduledAt.epochMilliseconds - createdAt.epochMilliseconds))
          if (keeping !== undefined && !(yield* keeping.keep(intentId, runId))) return yield* Effect.fail(error)
        }
      })
    )
}
