/** What may happen to an intent, and what is written then. Pure. */
import * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"
import type { Aggregate, Decision, Guard, Held, Versioned, Write } from "../Aggregate.ts"
import { holdStill, moveOn, putDependency, putIntent, unchanged } from "../Aggregate.ts"
import { assignment, assignmentEvent } from "../agent/rules.ts"
import { hasBudget } from "../cost/budget.ts"
import type { Env } from "../Env.ts"
import { ValidationError } from "../Errors.ts"
import type { NewEvent } from "../event/LogEvent.ts"
import { automaticEvent, systemEvent } from "../event/LogEvent.ts"
import type { Denied } from "../governance/GovernanceErrors.ts"
import type { Standing } from "../governance/standing.ts"
import { denyStatus } from "../governance/standing.ts"
import type { JsonObject } from "../json.ts"
import { autoComplete } from "../portfolio/autoComplete.ts"
import type { VersionedPortfolio } from "../portfolio/rules.ts"
import { limits } from "../validate.ts"
import type { Intent, Status } from "./Intent.ts"
import { isTerminal } from "./Intent.ts"
import {
  ChildrenIncomplete,
  DependenciesIncomplete,
  DependencyCycle,
  IntentNotFound,
  InvalidTransition,
  ParentNotFound,
  UnknownDependency,
  VersionConflict
} from "./IntentErrors.ts"
import { mayMove, needsDependencies } from "./transitions.ts"

/** The aggregate, if there is one and it has the version that the caller has seen. */
export const checkVersion = (
  found: Aggregate | undefined,
  intentId: string,
  version: number
): Result.Result<Aggregate, IntentNotFound | VersionConflict> =>
  found === undefined
    ? Result.fail(new IntentNotFound({ intentId }))
    : found.intent.version === version
      ? Result.succeed(found)
      : Result.fail(new VersionConflict({ intentId, expected: version, current: found.intent.version }))

export interface Creation {
  readonly intent: Omit<Intent, "id" | "status" | "version" | "portfolioIds" | "budgetIds" | "createdAt" | "updatedAt">
  /** Who creates it; `createdBy` may be another. */
  readonly agentId: string
  readonly status: Status
  readonly assign: string | undefined
}

/** What creation has to know: the parent, its ancestors, and the dependencies in the order asked for. */
export interface CreationFacts {
  readonly parent: Versioned | undefined
  /** Ids, nearest first; read only where the parent gate makes them matter. */
  readonly ancestors: ReadonlyArray<string>
  readonly dependencies: ReadonlyArray<Versioned | undefined>
}

/**
 * Creates with version 1. Dependencies decide the status (semantics 1.5). Parent and dependencies that are not terminal
 * move on, so that one which completes at this moment sees its new child or dependent.
 */
export const decideCreate = (
  { ancestors, dependencies, parent }: CreationFacts,
  { agentId, assign, intent: given, status: asked }: Creation,
  env: Env
): Result.Result<Decision<Intent>, ParentNotFound | UnknownDependency | DependencyCycle | ValidationError> => {
  const { dependsOn, parentIntentId } = given
  if (parentIntentId !== null && parent === undefined) return Result.fail(new ParentNotFound({ parentIntentId }))
  const unknown = dependsOn.filter((_, i) => dependencies[i] === undefined)
  if (unknown.length > 0) return Result.fail(new UnknownDependency({ dependencyIds: unknown }))
  const id = env.newId()
  const above = new Set(ancestors)
  const cycle = dependsOn.find((dependency) => above.has(dependency))
  if (cycle !== undefined) {
    return Result.fail(new DependencyCycle({ path: [id, ...ancestors.slice(0, ancestors.indexOf(cycle) + 1), id] }))
  }
  const known = dependencies.filter((dependency) => dependency !== undefined)
  const status: Status =
    known.length === 0 ? asked : known.every(({ intent }) => intent.status === "completed") ? "pending" : "blocked"
  const budgetsAbove = parent?.intent.budgetIds ?? []
  const isLimited = hasBudget(given.constraints)
  if (isLimited && budgetsAbove.length >= limits.budgetsDeep) {
    const message = `must not set a budget below ${limits.budgetsDeep} others`
    return Result.fail(new ValidationError({ issues: [{ field: "constraints", message }] }))
  }
  const intent: Intent = {
    ...given,
    id,
    status,
    version: 1,
    portfolioIds: [],
    budgetIds: isLimited ? [...budgetsAbove, id] : budgetsAbove,
    createdAt: env.now,
    updatedAt: env.now
  }
  const events: Array<NewEvent> = [
    systemEvent(env, id, "intent_created", intent.createdBy, {
      title: intent.title,
      parent_id: parentIntentId,
      parent_intent_id: parentIntentId,
      depends_on: dependsOn,
      status,
      version: 1
    })
  ]
  const writes: Array<Write> = [
    putIntent(intent, undefined),
    ...dependsOn.map((dependencyId) => putDependency(intent, dependencyId))
  ]
  if (assign !== undefined) {
    const record = assignment(intent, { agentId: assign, role: "worker" }, undefined, env)
    writes.push({ _tag: "Put", table: "assignments", record, before: undefined })
    events.push(assignmentEvent(record, agentId, { reassigned: false }, env))
  }
  const neighbours = new Map([...known, ...(parent === undefined ? [] : [parent])].map((one) => [one.intent.id, one]))
  const guards = [...neighbours.values()].filter(({ intent }) => !isTerminal(intent.status)).map(moveOn)
  return Result.succeed({
    value: intent,
    writes,
    events,
    guards: [{ table: "intents", key: id, expected: 0, next: 1 }, ...guards]
  })
}

export interface StatusCommand {
  readonly intentId: string
  readonly agentId: string
  readonly version: number
  readonly status: Status
  readonly reason: string | undefined
}

/** A dependent that waits, blocked, for the intent that completes. */
export interface Waiting extends Versioned {
  /** Another of its dependencies that is not completed, if there is one. */
  readonly unmet: Held | undefined
}

/** What a change of status has to know of the neighbours; empty where it does not matter for the status asked for. */
export interface StatusFacts {
  readonly found: Aggregate | undefined
  readonly unmet: ReadonlyArray<string>
  readonly openChildren: ReadonlyArray<string>
  readonly waiting: ReadonlyArray<Waiting>
  /** Read where the intent has a policy. */
  readonly standing?: Standing
  /** Read where it ends: some may end with it. */
  readonly portfolios?: ReadonlyArray<VersionedPortfolio>
}

/** What `status_changed` tells, under all the names it is known by (http.md 4.6). */
export const statusPayload = (from: Status, to: Status, version: number, more: JsonObject = {}): JsonObject => ({
  status: to,
  version,
  from,
  to,
  old_status: from,
  new_status: to,
  ...more
})

/** The same intent in another status, its version moved on, and the event that tells of it. */
const withStatus = (
  intent: Intent,
  status: Status,
  more: JsonObject,
  event: (env: Env, intentId: string, type: string, payload: JsonObject) => NewEvent,
  env: Env
): { readonly writes: ReadonlyArray<Write>; readonly value: Intent; readonly events: ReadonlyArray<NewEvent> } => {
  const version = intent.version + 1
  const value: Intent = { ...intent, status, version, updatedAt: env.now }
  const payload = statusPayload(intent.status, status, version, more)
  return { value, writes: [putIntent(value, intent)], events: [event(env, intent.id, "status_changed", payload)] }
}

/** Completing unblocks whoever waited for this intent alone, in the same commit, by creation (semantics 1.5). */
const unblock = (completed: string, waiting: ReadonlyArray<Waiting>, env: Env): Decision<void> => {
  const ready = waiting
    .filter((dependent) => dependent.unmet === undefined)
    .toSorted((a, b) => DateTime.Order(a.intent.createdAt, b.intent.createdAt) || (a.intent.id < b.intent.id ? -1 : 1))
    .map((dependent) => ({
      guard: moveOn(dependent),
      ...withStatus(
        dependent.intent,
        "pending",
        { trigger: "dependencies_completed", dependency_id: completed },
        automaticEvent,
        env
      )
    }))
  // Who stays blocked does so because of one other dependency: both must still be as they were read.
  const staying = waiting.flatMap((dependent) =>
    dependent.unmet === undefined ? [] : [holdStill(dependent), holdStill(dependent.unmet)]
  )
  return {
    value: undefined,
    writes: ready.flatMap((one) => one.writes),
    events: ready.flatMap((one) => one.events),
    guards: [...ready.map((one) => one.guard), ...staying]
  }
}

/** Moves along the table of semantics 1.4; gates in the order: policy, transition, dependencies, children. */
export const decideStatus = (
  { found, openChildren, portfolios = [], standing, unmet, waiting }: StatusFacts,
  { agentId, intentId, reason, status, version }: StatusCommand,
  env: Env
): Result.Result<
  Decision<Intent>,
  IntentNotFound | VersionConflict | Denied | InvalidTransition | DependenciesIncomplete | ChildrenIncomplete
> => {
  const checked = checkVersion(found, intentId, version)
  if (checked._tag === "Failure") return Result.fail(checked.failure)
  const { intent } = checked.success
  if (status === intent.status) return Result.succeed(unchanged(intent))
  const denied = denyStatus(intent, standing, { agentId, status, reason })
  if (denied !== undefined) return Result.fail(denied)
  if (!mayMove(intent.status, status)) return Result.fail(new InvalidTransition({ from: intent.status, to: status }))
  if (needsDependencies(status) && unmet.length > 0) return Result.fail(new DependenciesIncomplete({ unmet }))
  if (status === "completed" && openChildren.length > 0)
    return Result.fail(new ChildrenIncomplete({ open: openChildren }))
  const ended = autoComplete(portfolios, intent.status, status, env)
  const extra = ended.completed.length === 0 ? null : { auto_completed: ended.completed }
  const own = withStatus(
    intent,
    status,
    reason === undefined ? {} : { reason },
    (_, id, type, payload) => systemEvent(env, id, type, agentId, payload, extra),
    env
  )
  const others = unblock(intentId, waiting, env)
  return Result.succeed({
    value: own.value,
    writes: [...own.writes, ...others.writes, ...ended.writes],
    events: [...own.events, ...others.events],
    guards: [moveOn(checked.success), ...distinct(others.guards ?? []), ...ended.guards]
  })
}

/** One guard a record: a dependency that keeps several dependents blocked is checked once. */
const distinct = (guards: ReadonlyArray<Guard>): ReadonlyArray<Guard> => {
  const byKey = new Map<string, Guard>()
  for (const guard of guards) {
    const known = byKey.get(guard.key)
    if (known === undefined || known.next === known.expected) byKey.set(guard.key, guard)
  }
  return [...byKey.values()]
}
