/** Arbitrations and the decisions that resolve them (http.md 9, semantics 5). Pure. */
import * as Result from "effect/Result"
import type { Aggregate, Decision, Write } from "../Aggregate.ts"
import { moveOn } from "../Aggregate.ts"
import type { Env } from "../Env.ts"
import type { NewEvent } from "../event/LogEvent.ts"
import { systemEvent } from "../event/LogEvent.ts"
import { IntentNotFound } from "../intent/IntentErrors.ts"
import type { Arbitration, RecordedDecision } from "./Arbitration.ts"
import { ArbitrationNotFound } from "./GovernanceErrors.ts"

export type ArbitrationCommand = Pick<Arbitration, "intentId" | "requestedBy" | "reason" | "context" | "options">

/** Moves the intent on, so that a decision that looks for the oldest pending one at this moment sees it. */
export const decideArbitration = (
  found: Aggregate | undefined,
  command: ArbitrationCommand,
  env: Env
): Result.Result<Decision<Arbitration>, IntentNotFound> => {
  const { context, intentId, options, reason, requestedBy } = command
  if (found === undefined) return Result.fail(new IntentNotFound({ intentId }))
  const arbitration: Arbitration = {
    ...command,
    id: env.newId(),
    status: "pending",
    resolution: null,
    createdAt: env.now,
    resolvedAt: null
  }
  return Result.succeed({
    value: arbitration,
    writes: [{ _tag: "Put", table: "arbitrations", record: arbitration, before: undefined }],
    events: [
      systemEvent(env, intentId, "arbitration_requested", requestedBy, {
        arbitration_id: arbitration.id,
        reason,
        context,
        options
      })
    ],
    guards: [moveOn(found)]
  })
}

export interface DecisionCommand extends Omit<RecordedDecision, "id" | "arbitrationId" | "createdAt"> {
  /** The arbitration that it must resolve. */
  readonly arbitrationId: string | undefined
}

export interface DecisionFacts {
  readonly found: Aggregate | undefined
  /** The arbitration that is named; where none is, the oldest pending one if the decision is of that type. */
  readonly arbitration: Arbitration | undefined
}

/** Records, and resolves at most one arbitration, which nobody else resolves then: the intent moves on. */
export const decideRecord = (
  { arbitration, found }: DecisionFacts,
  command: DecisionCommand,
  env: Env
): Result.Result<Decision<RecordedDecision>, IntentNotFound | ArbitrationNotFound> => {
  const { arbitrationId, decidedBy, intentId, ...given } = command
  if (found === undefined) return Result.fail(new IntentNotFound({ intentId }))
  const isPending = arbitration?.status === "pending" && arbitration.intentId === intentId
  if (arbitrationId !== undefined && !isPending)
    return Result.fail(new ArbitrationNotFound({ intentId, arbitrationId }))
  const resolved = isPending ? arbitration : undefined
  const { decisionType, outcome, rationale } = given
  const record: RecordedDecision = {
    id: env.newId(),
    intentId,
    decidedBy,
    ...given,
    arbitrationId: resolved?.id ?? null,
    createdAt: env.now
  }
  const writes: Array<Write> = [{ _tag: "Put", table: "decisions", record, before: undefined }]
  const events: Array<NewEvent> = [
    systemEvent(env, intentId, "decision_recorded", decidedBy, {
      decision_id: record.id,
      decision_type: decisionType,
      outcome,
      rationale,
      arbitration_id: record.arbitrationId
    })
  ]
  if (resolved !== undefined) {
    writes.push({
      _tag: "Put",
      table: "arbitrations",
      record: { ...resolved, status: "resolved", resolution: outcome, resolvedAt: env.now },
      before: resolved
    })
    events.push(
      systemEvent(env, intentId, "arbitration_resolved", decidedBy, {
        arbitration_id: resolved.id,
        decision_id: record.id,
        resolution: outcome
      })
    )
  }
  return Result.succeed({ value: record, writes, events, guards: [moveOn(found)] })
}
