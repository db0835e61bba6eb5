/** Retries: invariants 47 to 49 of semantics 10. */
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import * as Struct from "effect/Struct"
import type { Failure, RetryPolicy } from "../../core/retry/Retry.ts"
import { canonical, isSame } from "../canonical.ts"
import type { Trace } from "../scene.ts"
import type { Rule as SuiteRule } from "../Suite.ts"
import type { RetryAct, World } from "./acts.ts"

type Rule = SuiteRule<Trace<RetryAct, World>>

/** Failures that were recorded alone, with the policy that held. */
function* alone({ scenes }: Trace<RetryAct, World>): Generator<readonly [Failure, RetryPolicy | undefined]> {
  for (const { acts, before } of scenes) {
    const [only, ...others] = acts
    if (only?._tag === "Fail" && others.length === 0 && Result.isSuccess(only.result))
      yield [only.result.success, before.policy]
  }
}

/** Before attempt n + 1, in milliseconds, without jitter (semantics 6). */
const delayAfter = (n: number, { backoffMultiplier, baseDelay, maxDelay, strategy }: RetryPolicy): number => {
  const base = Duration.toMillis(baseDelay)
  const raw = strategy === "fixed" ? base : strategy === "linear" ? base * n : base * backoffMultiplier ** (n - 1)
  return Math.min(raw, Duration.toMillis(maxDelay))
}

const waitOf = ({ createdAt, retryScheduledAt }: Failure): number | undefined =>
  retryScheduledAt === null ? undefined : retryScheduledAt.epochMilliseconds - createdAt.epochMilliseconds

const schedule: Rule = {
  id: "47",
  title:
    "delays follow the strategy: the base for the first, never shorter for a later attempt, never above the maximum",
  family: "retries",
  *judge(trace) {
    for (const [failure, policy] of alone(trace)) {
      const wait = waitOf(failure)
      if (wait === undefined || policy === undefined) continue
      const most = delayAfter(failure.attemptNumber, policy)
      const least = policy.jitter ? Math.floor(most / 2) : most
      if (wait < least || wait > most)
        yield `attempt ${failure.attemptNumber + 1} waits ${wait} ms, but must ${least} to ${most} ms (${policy.strategy})`
    }
  }
}

const isRetryable = (code: string | null, { retryableErrors }: RetryPolicy): boolean =>
  retryableErrors.length === 0 ||
  (code !== null && retryableErrors.some((one) => one.toLowerCase() === code.toLowerCase()))

const willRetry: Rule = {
  id: "48",
  title: "nothing is tried again beyond the policy, and what is has a time after now and within the longest delay",
  family: "retries",
  *judge(trace) {
    for (const [failure, policy] of alone(trace)) {
      const { attemptNumber, errorCode } = failure
      const may =
        policy !== undefined &&
        policy.strategy !== "none" &&
        attemptNumber <= policy.maxRetries &&
        isRetryable(errorCode, policy)
      if (failure.willRetry !== may)
        yield `attempt ${attemptNumber} with ${String(errorCode)} ${failure.willRetry ? "is" : "is not"} to be tried again`
      const wait = waitOf(failure)
      if ((wait !== undefined) !== may) yield `attempt ${attemptNumber} is scheduled after ${String(wait)} ms`
      if (wait !== undefined && policy !== undefined && (wait <= 0 || wait > Duration.toMillis(policy.maxDelay)))
        yield `attempt ${attemptNumber + 1} is in ${wait} ms, of at most ${Duration.toMillis(policy.maxDelay)} ms`
    }
    for (const { after, before } of trace.scenes) {
      if (!isSame(before.failures, after.failures.slice(0, before.failures.length)))
        yield "recorded failures have changed"
    }
  }
}

const settings = (policy: RetryPolicy) => Struct.omit(policy, ["createdAt", "id", "updatedAt"])

const replaced: Rule = {
  id: "49",
  title: "setting a policy again changes nothing but when it was updated; its id and its creation stay",
  family: "retries",
  *judge({ scenes }) {
    let first: RetryPolicy | undefined
    for (const { acts, after } of scenes) {
      first ??= after.policy
      if (
        after.policy !== undefined &&
        !isSame([after.policy.id, after.policy.createdAt], [first?.id, first?.createdAt])
      )
        yield `the policy was ${canonical(first)}, and is another: ${canonical(after.policy)}`
      const [only, ...others] = acts
      if (only?._tag !== "SetPolicy" || others.length > 0 || Result.isFailure(only.result)) continue
      const answers = only.result.success
      for (const answer of answers) {
        const { command } = only
        if (!isSame(settings(answer), after.policy && settings(after.policy)))
          yield `the policy was set to ${canonical(settings(answer))}, and is ${canonical(after.policy)}`
        if (answer.strategy !== command.strategy || answer.maxRetries !== command.maxRetries)
          yield `the policy was set to ${command.strategy} with ${command.maxRetries} retries, and answered ${canonical(settings(answer))}`
      }
    }
  }
}

export const rules: ReadonlyArray<Rule> = [schedule, willRetry, replaced]
