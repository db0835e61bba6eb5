/** Adding and removing dependencies (semantics 4, http.md 5.4 and 5.5). Pure. */
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import type { Aggregate, Decision, Held, Versioned } from "../Aggregate.ts"
import { holdStill, moveOn, putDependency, putIntent } from "../Aggregate.ts"
import type { Env } from "../Env.ts"
import { ValidationError } from "../Errors.ts"
import type { NewEvent } from "../event/LogEvent.ts"
import { automaticEvent, systemEvent } from "../event/LogEvent.ts"
import type { Intent, Status } from "../intent/Intent.ts"
import { isTerminal } from "../intent/Intent.ts"
import type { VersionConflict } from "../intent/IntentErrors.ts"
import { DependencyCycle, IntentNotFound } from "../intent/IntentErrors.ts"
import { checkVersion, statusPayload } from "../intent/rules.ts"
import { limits } from "../validate.ts"
import { DependencyIntentNotFound, DependencyNotFound, DuplicateDependency, IntentTerminal } from "./GraphErrors.ts"

export interface DependencyCommand {
  readonly intentId: string
  readonly dependencyId: string
  readonly agentId: string
  readonly version: number
}

/** Whether the edge would close a cycle can only be told by a walk, which has to be made exclusively. */
export class WalkNeeded extends Data.TaggedError("WalkNeeded") {}

/** What the rules have to know to add a dependency. */
export interface AdditionFacts {
  readonly found: Aggregate | undefined
  readonly dependency: Versioned | undefined
  /**
   * Ids that lead from the intent back to itself by way of the new edge: along dependencies, or up to an ancestor.
   * Undefined: there is no such way.
   */
  readonly cycle: ReadonlyArray<string> | undefined
  /** A cycle along dependencies is possible, and was not looked for. */
  readonly isUnwalked: boolean
}

interface Change {
  readonly dependsOn: ReadonlyArray<string>
  readonly status: Status
  readonly type: "dependency_added" | "dependency_removed"
  readonly trigger: string
}

/** The intent with other dependencies, one version on, and what tells of it; its status may move in the same step. */
const changed = (
  intent: Intent,
  { agentId, dependencyId }: DependencyCommand,
  { dependsOn, status, trigger, type }: Change,
  env: Env
): { readonly value: Intent; readonly events: ReadonlyArray<NewEvent> } => {
  const version = intent.version + 1
  const value: Intent = { ...intent, dependsOn, status, version, updatedAt: env.now }
  const events = [systemEvent(env, intent.id, type, agentId, { dependency_id: dependencyId, version })]
  if (status !== intent.status) {
    const payload = statusPayload(intent.status, status, version, { trigger })
    events.push(automaticEvent(env, intent.id, "status_changed", payload))
  }
  return { value, events }
}

/**
 * Adds the dependency; an open intent whose dependency is not completed is blocked.
 *
 * **Details**: no cycle is ever closed. Let `i -> d` be the edge of a cycle that is committed last. If a walk was needed
 * it ran exclusively and saw all the other edges. If not, `d` had no dependencies when it was read, or `i` no dependents.
 * So the edge of the cycle that leaves `d`, or the one that arrives at `i`, was committed since, and it moved that end
 * on: each edge moves on both its ends. Then the guard on this end does not hold. An end that is terminal need not move:
 * `i` is not terminal here, and the dependencies of a terminal `d` never change.
 */
export const decideAdd = (
  { cycle, dependency, found, isUnwalked }: AdditionFacts,
  command: DependencyCommand,
  env: Env
): Result.Result<
  Decision<Intent>,
  | IntentNotFound
  | DependencyIntentNotFound
  | VersionConflict
  | DuplicateDependency
  | DependencyCycle
  | IntentTerminal
  | ValidationError
  | WalkNeeded
> => {
  const { dependencyId, intentId } = command
  if (found === undefined) return Result.fail(new IntentNotFound({ intentId }))
  if (dependency === undefined) return Result.fail(new DependencyIntentNotFound({ dependencyId }))
  const checked = checkVersion(found, intentId, command.version)
  if (checked._tag === "Failure") return Result.fail(checked.failure)
  const { intent } = found
  if (intent.dependsOn.includes(dependencyId)) return Result.fail(new DuplicateDependency({ intentId, dependencyId }))
  if (cycle !== undefined) return Result.fail(new DependencyCycle({ path: cycle }))
  if (isUnwalked) return Result.fail(new WalkNeeded())
  if (isTerminal(intent.status)) return Result.fail(new IntentTerminal({ intentId }))
  if (intent.dependsOn.length >= limits.dependencies) {
    const message = `must not be added: the intent has ${limits.dependencies} dependencies, which is the most it may have`
    return Result.fail(new ValidationError({ issues: [{ field: "dependencyId", message }] }))
  }
  const status = dependency.intent.status === "completed" ? intent.status : "blocked"
  const { events, value } = changed(
    intent,
    command,
    { dependsOn: [...intent.dependsOn, dependencyId], status, type: "dependency_added", trigger: "dependency_added" },
    env
  )
  return Result.succeed({
    value,
    writes: [putIntent(value, intent), putDependency(value, dependencyId)],
    events,
    guards: [moveOn(found), ...(isTerminal(dependency.intent.status) ? [] : [moveOn(dependency)])]
  })
}

/** What the rules have to know to remove a dependency. */
export interface RemovalFacts {
  readonly found: Aggregate | undefined
  /** Another dependency of the blocked intent that is not completed, if there is one. */
  readonly unmet: Held | undefined
}

/** Removes the dependency; an intent that is blocked, and has no other that is not completed, becomes pending. */
export const decideRemove = (
  { found, unmet }: RemovalFacts,
  command: DependencyCommand,
  env: Env
): Result.Result<Decision<Intent>, IntentNotFound | DependencyNotFound | VersionConflict | IntentTerminal> => {
  const { dependencyId, intentId } = command
  if (found === undefined) return Result.fail(new IntentNotFound({ intentId }))
  const { intent } = found
  if (!intent.dependsOn.includes(dependencyId)) return Result.fail(new DependencyNotFound({ intentId, dependencyId }))
  const checked = checkVersion(found, intentId, command.version)
  if (checked._tag === "Failure") return Result.fail(checked.failure)
  if (isTerminal(intent.status)) return Result.fail(new IntentTerminal({ intentId }))
  const status = intent.status === "blocked" && unmet === undefined ? "pending" : intent.status
  const { events, value } = changed(
    intent,
    command,
    {
      dependsOn: intent.dependsOn.filter((id) => id !== dependencyId),
      status,
      type: "dependency_removed",
      trigger: "dependencies_completed"
    },
    env
  )
  return Result.succeed({
    value,
    writes: [
      putIntent(value, intent),
      {
        _tag: "Remove",
        table: "dependencies",
        before: { intentId, dependencyId, intentCreatedAt: intent.createdAt }
      }
    ],
    events,
    // What keeps it blocked may be completed at this moment: one of the two must see the other.
    guards: [moveOn(found), ...(unmet === undefined ? [] : [holdStill(unmet)])]
  })
}
