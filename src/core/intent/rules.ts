/** What may happen to an intent, and what is written then. Pure. */
import * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"
import type { Aggregate, Decision, Guard, Versioned, Write } from "../Aggregate.ts"
import { moveOn, putIntent, unchanged } from "../Aggregate.ts"
import { assignment, assignmentEvent } from "../agent/rules.ts"
import { hasBudget } from "../cost/budget.ts"
import type { Env } from "../Env.ts"
import { TooLarge } from "../Errors.ts"
import type { NewEvent } from "../event/LogEvent.ts"
import { automaticEvent, systemEvent } from "../event/LogEvent.ts"
import type { JsonObject } from "../json.ts"
import { isLargerThan } from "../json.ts"
import type { LeaseExpired, LeaseHeld } from "../lease/LeaseErrors.ts"
import type { LeasedPatch } from "../lease/rules.ts"
import { checkLeases } from "../lease/rules.ts"
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
import type { InvalidPatch } from "./IntentErrors.ts"
import { applyPatches, loggedPatches, touched } from "./statePatch.ts"
import { mayMove, needsDependencies } from "./transitions.ts"

const holdStill = ({ intent, revision }: Versioned): Guard => ({
  table: "intents",
  key: intent.id,
  expected: revision,
  next: revision
})

/** The aggregate, if there is one and it has the version that the caller has seen. */
const checkVersion = (
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
): Result.Result<Decision<Intent>, ParentNotFound | UnknownDependency | DependencyCycle> => {
  const { dependsOn, parentIntentId } = given
  if (parentIntentId !== null && parent === undefined) return Result.fail(new ParentNotFound({ parentIntentId }))
  const unknown = dependsOn.filter((_, i) => dependencies[i] === undefined)
  if (unknown.length > 0) return Result.fail(new UnknownDependency({ dependencyIds: unknown }))
  const id = env.newId()
  const cycle = dependsOn.find((dependency) => ancestors.includes(dependency))
  if (cycle !== undefined) {
    return Result.fail(new DependencyCycle({ path: [id, ...ancestors.slice(0, ancestors.indexOf(cycle) + 1), id] }))
  }
  const known = dependencies.filter((dependency) => dependency !== undefined)
  const status: Status =
    known.length === 0 ? asked : known.every(({ intent }) => intent.status === "completed") ? "pending" : "blocked"
  const above = parent?.intent.budgetIds ?? []
  const intent: Intent = {
    ...given,
    id,
    status,
    version: 1,
    portfolioIds: [],
    budgetIds: hasBudget(given.constraints) ? [...above, id] : above,
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
    ...dependsOn.map((dependencyId): Write => ({
      _tag: "Put",
      table: "dependencies",
      record: { intentId: id, dependencyId },
      before: undefined
    }))
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

export interface PatchCommand extends LeasedPatch {
  readonly version: number
}

/** Applies the patches, or names the first rule that refuses, in the order of the errors. */
export const decidePatch = (
  found: Aggregate | undefined,
  command: PatchCommand,
  env: Env
): Result.Result<
  Decision<Intent>,
  IntentNotFound | VersionConflict | LeaseExpired | LeaseHeld | InvalidPatch | TooLarge
> => {
  const checked = checkVersion(found, command.intentId, command.version)
  if (checked._tag === "Failure") return Result.fail(checked.failure)
  const { intent, leases } = checked.success
  const refused = checkLeases(leases, command, env.now)
  if (refused !== undefined) return Result.fail(refused)
  if (command.patches.length === 0) return Result.succeed(unchanged(intent))
  const patched = applyPatches(intent.state, command.patches)
  if (patched._tag === "Failure") return Result.fail(patched.failure)
  const state = patched.success
  if (isLargerThan(state, limits.stateBytes))
    return Result.fail(new TooLarge({ field: "state", maxBytes: limits.stateBytes }))
  const version = intent.version + 1
  const after: Intent = { ...intent, state, version, updatedAt: env.now }
  return Result.succeed({
    value: after,
    writes: [putIntent(after, intent)],
    events: [
      systemEvent(
        env,
        intent.id,
        "state_patched",
        command.agentId,
        { patches: loggedPatches(command.patches), version },
        { old_state: touched(intent.state, command.patches) }
      )
    ]
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
  readonly unmet: Versioned | undefined
}

/** What a change of status has to know of the neighbours; empty where it does not matter for the status asked for. */
export interface StatusFacts {
  readonly found: Aggregate | undefined
  readonly unmet: ReadonlyArray<string>
  readonly openChildren: ReadonlyArray<string>
  readonly waiting: ReadonlyArray<Waiting>
}

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
  const [from, to] = [intent.status, status]
  const payload = { status, version, from, to, old_status: from, new_status: to, ...more }
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

/** Moves along the table of semantics 1.4; gates in the order: transition, dependencies, children. */
export const decideStatus = (
  { found, openChildren, unmet, waiting }: StatusFacts,
  { agentId, intentId, reason, status, version }: StatusCommand,
  env: Env
): Result.Result<
  Decision<Intent>,
  IntentNotFound | VersionConflict | InvalidTransition | DependenciesIncomplete | ChildrenIncomplete
> => {
  const checked = checkVersion(found, intentId, version)
  if (checked._tag === "Failure") return Result.fail(checked.failure)
  const { intent } = checked.success
  if (status === intent.status) return Result.succeed(unchanged(intent))
  if (!mayMove(intent.status, status)) return Result.fail(new InvalidTransition({ from: intent.status, to: status }))
  if (needsDependencies(status) && unmet.length > 0) return Result.fail(new DependenciesIncomplete({ unmet }))
  if (status === "completed" && openChildren.length > 0)
    return Result.fail(new ChildrenIncomplete({ open: openChildren }))
  const own = withStatus(
    intent,
    status,
    reason === undefined ? {} : { reason },
    (_, id, type, payload) => systemEvent(env, id, type, agentId, payload),
    env
  )
  const others = unblock(intentId, waiting, env)
  return Result.succeed({
    value: own.value,
    writes: [...own.writes, ...others.writes],
    events: [...own.events, ...others.events],
    guards: [moveOn(checked.success), ...distinct(others.guards ?? [])]
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
