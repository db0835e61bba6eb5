/** What programs do with retry policies and failures, and what is read of it. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Failure, RetryPolicy } from "../../core/retry/Retry.ts"
import { act, type Acted, type Stage } from "../scene.ts"

const Agent = Schema.Literals(["ann", "bob", "cid"])

export const SetPolicy = Schema.TaggedStruct("SetPolicy", {
  agent: Agent,
  strategy: Schema.Literals(["none", "fixed", "linear", "exponential", "exponential"]),
  maxRetries: Schema.Literals([0, 1, 3, 1000]),
  baseSeconds: Schema.Literals([1, 2, 60]),
  maxSeconds: Schema.Literals([60, 100, 86_400]),
  multiplier: Schema.Literals([1, 2, 1000]),
  /** Separated by commas. */
  codes: Schema.Literals(["", "timeout"]),
  jitter: Schema.Boolean,
  /** Sent a second time at once. */
  twice: Schema.Boolean
})
export const Fail = Schema.TaggedStruct("Fail", {
  agent: Agent,
  attempt: Schema.NullOr(Schema.Literals([1, 2, 3, 4, 1000, 1001, 1_000_000])),
  code: Schema.NullOr(Schema.Literals(["timeout", "TIMEOUT", "other"]))
})

export type Command = typeof SetPolicy.Type | typeof Fail.Type

export interface Known {
  readonly intentId: string
}

export interface World {
  readonly policy: RetryPolicy | undefined
  readonly failures: ReadonlyArray<Failure>
}

export type RetryAct =
  | (Acted<"SetPolicy", ReadonlyArray<RetryPolicy>> & { readonly command: typeof SetPolicy.Type })
  | Acted<"Fail", Failure>

export const begin = ({ engine }: Stage) =>
  Effect.map(engine.intents.create({ title: "often fails" }), ({ id }): Known => ({ intentId: id }))

export const perform = (
  { agents, engine: { retries } }: Stage,
  { intentId }: Known,
  command: Command
): Effect.Effect<RetryAct> => {
  const agent = agents[command.agent]
  if (command._tag === "Fail") {
    const failed = retries.recordFailure(intentId, { attemptNumber: command.attempt, errorCode: command.code })
    return act(
      "Fail",
      agent,
      `fails attempt ${command.attempt ?? "(next)"} with ${command.code ?? "no code"}`,
      failed,
      {}
    )
  }
  const { baseSeconds, codes, jitter, maxRetries, maxSeconds, multiplier, strategy, twice } = command
  const set = retries.setPolicy(intentId, {
    strategy,
    maxRetries,
    baseDelay: Duration.seconds(baseSeconds),
    maxDelay: Duration.seconds(maxSeconds),
    backoffMultiplier: multiplier,
    retryableErrors: codes === "" ? [] : codes.split(","),
    jitter
  })
  const asks = `sets ${strategy}, ${maxRetries} retries, ${baseSeconds} to ${maxSeconds} s, times ${multiplier}${codes === "" ? "" : `, for ${codes}`}${jitter ? ", with jitter" : ""}${twice ? ", twice" : ""}`
  return act("SetPolicy", agent, asks, Effect.all(twice ? [set, set] : [set]), { command })
}

export const read = ({ engine: { retries } }: Stage, { intentId }: Known) =>
  Effect.gen(function* () {
    const policy = yield* Effect.catchTag(retries.policy(intentId), "RetryPolicyNotFound", () =>
      Effect.succeed(undefined)
    )
    return { policy, failures: (yield* retries.failures(intentId)).items }
  })
