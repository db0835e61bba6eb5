/** Calls on intents, as the model answers them. */
import * as Result from "effect/Result"
import type { Intent } from "../../core/intent/Intent.ts"
import type { CallOf, Instant, Refusal } from "../Call.ts"
import { covers } from "./leases.ts"
import { applyEdits, editsOf } from "./patches.ts"
import { isOver, mayBecome, needsDependencies } from "./statuses.ts"
import {
  type ExpectedEvent,
  type ModelEntry,
  type ModelWorld,
  wrong,
  activeAt,
  refused,
  answered,
  mustBe,
  withEntry,
  seen,
  assigned
} from "./world.ts"

const unmet = (world: ModelWorld, dependsOn: ReadonlyArray<string>) =>
  dependsOn.filter((id) => world.get(id)?.intent.status !== "completed")

const ancestors = (world: ModelWorld, parent: string | null): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (let id = parent; id !== null; id = world.get(id)?.intent.parentIntentId ?? null) found.push(id)
  return found
}

export const create = (world: ModelWorld, call: CallOf<"Create">): ModelWorld => {
  const { input } = call
  const parent = input.parentIntentId ?? null
  const dependsOn = [...new Set(input.dependsOn ?? [])]
  const above = ancestors(world, parent)
  const tags: Array<Refusal["_tag"]> = []
  if (parent !== null && !world.has(parent)) tags.push("ParentNotFound")
  if (dependsOn.some((id) => !world.has(id))) tags.push("UnknownDependency")
  if (dependsOn.some((id) => above.includes(id))) tags.push("DependencyCycle")
  if (tags.length > 0) {
    refused(call, ...tags)
    return world
  }
  const intent = answered(call)
  const status =
    dependsOn.length === 0 ? (input.status ?? "draft") : unmet(world, dependsOn).length > 0 ? "blocked" : "pending"
  mustBe(
    "the new intent",
    [
      intent.version,
      intent.status,
      intent.state,
      intent.dependsOn,
      intent.parentIntentId,
      intent.createdBy,
      intent.title
    ],
    [1, status, input.state ?? {}, dependsOn, parent, call.agent, input.title]
  )
  mustBe("updatedAt of the new intent", intent.updatedAt, intent.createdAt)
  const told: ExpectedEvent = {
    type: "intent_created",
    actor: call.agent,
    source: "system",
    payload: {
      version: 1,
      title: input.title,
      status,
      parent_id: parent,
      parent_intent_id: parent,
      depends_on: dependsOn
    }
  }
  const agentId = input.assign ?? undefined
  // Its id and time are not in the answer, so that they are taken as they come.
  const agents =
    agentId === undefined
      ? []
      : [{ id: "", intentId: intent.id, agentId, role: "worker", assignedAt: intent.createdAt }]
  const events = agentId === undefined ? [told] : [told, assigned(call.agent, agentId, "worker", false)]
  return new Map(world).set(intent.id, { intent, events, leases: [], agents })
}

/** The intent as it is after a change of its own. Its time is that of the answer, where there is one. */
const bumped = (intent: Intent, fields: Partial<Intent>): Intent => ({
  ...intent,
  ...fields,
  version: intent.version + 1
})

export const patch = (world: ModelWorld, call: CallOf<"Patch">, entry: ModelEntry, at: Instant): ModelWorld => {
  const { agent, input, intentId } = call
  const { intent, leases } = entry
  const edits = editsOf(input)
  if (edits.some((edit) => edit.segments === undefined)) {
    refused(call, "ValidationError")
    return world
  }
  if (input.version !== intent.version) {
    const error = refused(call, "VersionConflict")
    if (error._tag === "VersionConflict")
      mustBe("the conflict", [error.expected, error.current], [input.version, intent.version])
    return world
  }
  if (input.leaseToken !== undefined) {
    const holds = leases.some(
      (lease) => lease.fencingToken === input.leaseToken && lease.agentId === agent && activeAt(lease, at)
    )
    if (!holds) {
      // Whether a patch of nothing looks at the token is left open.
      if (edits.length > 0 || Result.isFailure(call.result)) refused(call, "LeaseExpired")
      return world
    }
  }
  if (edits.length === 0) {
    mustBe("the answer", seen(answered(call)), seen(intent))
    return world
  }
  const inTheWay = leases.filter(
    (lease) =>
      lease.agentId !== agent &&
      edits.some(({ segments }) => segments && covers(lease.scope, segments)) &&
      activeAt(lease, at)
  )
  if (inTheWay.length > 0) {
    const error = refused(call, "LeaseHeld")
    if (error._tag === "LeaseHeld" && !inTheWay.some((lease) => lease.id === error.existing.id))
      wrong("LeaseHeld names a lease that is not in the way")
    return world
  }
  const state = applyEdits(intent.state, edits)
  if (state === undefined) {
    refused(call, "InvalidPatch")
    return world
  }
  const after = bumped(intent, { state })
  mustBe("the answer", seen(answered(call)), seen(after))
  return withEntry(
    world,
    intentId,
    { intent: after },
    { type: "state_patched", actor: agent, source: "system", payload: { version: after.version } }
  )
}

const statusChanged = (
  actor: string,
  from: Intent,
  to: Intent,
  more: ExpectedEvent["payload"] = {}
): ExpectedEvent => ({
  type: "status_changed",
  actor,
  source: "system",
  payload: {
    status: to.status,
    version: to.version,
    from: from.status,
    to: to.status,
    old_status: from.status,
    new_status: to.status,
    ...more
  }
})

export const setStatus = (world: ModelWorld, call: CallOf<"SetStatus">, { intent }: ModelEntry): ModelWorld => {
  const { input, intentId } = call
  const { status, version } = input
  if (version !== intent.version) {
    const error = refused(call, "VersionConflict")
    if (error._tag === "VersionConflict")
      mustBe("the conflict", [error.expected, error.current], [version, intent.version])
    return world
  }
  if (status === intent.status) {
    mustBe("the answer", seen(answered(call)), seen(intent))
    return world
  }
  if (!mayBecome(intent.status, status)) {
    const error = refused(call, "InvalidTransition")
    if (error._tag === "InvalidTransition") mustBe("the transition", [error.from, error.to], [intent.status, status])
    return world
  }
  const waitsFor = needsDependencies(status) ? unmet(world, intent.dependsOn) : []
  if (waitsFor.length > 0) {
    const error = refused(call, "DependenciesIncomplete")
    if (error._tag === "DependenciesIncomplete") mustBe("unmet", error.unmet.toSorted(), waitsFor.toSorted())
    return world
  }
  const children = [...world.values()].filter(
    ({ intent }) => intent.parentIntentId === intentId && !isOver(intent.status)
  )
  if (status === "completed" && children.length > 0) {
    refused(call, "ChildrenIncomplete")
    return world
  }
  const after = bumped(intent, { status })
  mustBe("the answer", seen(answered(call)), seen(after))
  const reason = input.reason === undefined ? {} : { reason: input.reason }
  const moved = withEntry(world, intentId, { intent: after }, statusChanged(call.agent, intent, after, reason))
  if (status !== "completed") return moved
  return [...moved.values()]
    .filter(
      ({ intent }) =>
        intent.status === "blocked" &&
        intent.dependsOn.includes(intentId) &&
        unmet(moved, intent.dependsOn).length === 0
    )
    .reduce((world, { intent }) => {
      const freed = bumped(intent, { status: "pending" })
      const told = statusChanged("system", intent, freed, {
        trigger: "dependencies_completed",
        dependency_id: intentId
      })
      return withEntry(world, intent.id, { intent: freed }, told)
    }, moved)
}
