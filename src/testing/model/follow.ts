/** The reference model: what the answer to a request must be, given what is stored, and what is stored then. */
import * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"
import type { Assignment } from "../../core/agent/Assignment.ts"
import type { Intent } from "../../core/intent/Intent.ts"
import type { Json } from "../../core/json.ts"
import type { Lease } from "../../core/lease/Lease.ts"
import { type Call, type CallOf, type Entry, type Instant, type Refusal, refusalOf, type World } from "../Call.ts"
import { canonical, isSame } from "../canonical.ts"
import { covers, isActive, scopesConflict, statusAt } from "./leases.ts"
import { applyEdits, editsOf } from "./patches.ts"
import { isOver, mayBecome, needsDependencies } from "./statuses.ts"

/** An event that must be in the log: these keys of its payload, perhaps more. */
export interface ExpectedEvent {
  readonly type: string
  readonly actor: string
  readonly source: "system" | "client"
  readonly payload: { readonly [key: string]: Json | undefined }
}

interface ModelEntry {
  readonly intent: Intent
  readonly events: ReadonlyArray<ExpectedEvent>
  readonly leases: ReadonlyArray<Lease>
  readonly agents: ReadonlyArray<Assignment>
}

export type ModelWorld = ReadonlyMap<string, ModelEntry>

/** Where time decides and the kit cannot know on which side it was. */
export class Unsure extends Error {}

/** Expiry is told by the engine when it comes to it; invariant 39 looks after that. */
export const isExpiry = (event: Pick<ExpectedEvent, "type" | "payload">): boolean =>
  event.type === "lease_released" && event.payload["reason"] === "expired"

export const modelOf = (world: World): ModelWorld =>
  new Map(
    [...world.entries].map(([id, entry]) => [
      id,
      { ...entry, events: entry.events.filter((event) => !isExpiry(event)) }
    ])
  )

/** What is wrong with the answer. */
class Wrong extends Error {}

const wrong = (what: string): never => {
  throw new Wrong(what)
}

const activeAt = (lease: Lease, at: Instant): boolean => {
  const active = isActive(lease, at)
  if (active === undefined) throw new Unsure()
  return active
}

/** An answer that must be a refusal with one of these tags. */
const refused = (call: Call, ...tags: ReadonlyArray<Refusal["_tag"]>): Refusal => {
  const error = refusalOf(call)
  if (error === undefined) return wrong(`was answered, but must be refused with ${tags.join(" or ")}`)
  return tags.includes(error._tag)
    ? error
    : wrong(`was refused with ${error._tag}, but must be with ${tags.join(" or ")}`)
}

const answered = <A>({ result }: { readonly result: Result.Result<A, Refusal> }): A =>
  Result.isSuccess(result) ? result.success : wrong(`was refused with ${result.failure._tag}, but must be answered`)

const mustBe = (what: string, actual: unknown, expected: unknown): void => {
  if (!isSame(actual, expected)) wrong(`${what} is ${canonical(actual)}, but must be ${canonical(expected)}`)
}

const withEntry = (
  world: ModelWorld,
  id: string,
  fields: Partial<ModelEntry>,
  ...events: ReadonlyArray<ExpectedEvent>
): ModelWorld => {
  const entry = world.get(id)
  if (entry === undefined) return world
  return new Map(world).set(id, { ...entry, ...fields, events: [...entry.events, ...events] })
}

const unmet = (world: ModelWorld, dependsOn: ReadonlyArray<string>) =>
  dependsOn.filter((id) => world.get(id)?.intent.status !== "completed")

const ancestors = (world: ModelWorld, parent: string | null): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (let id = parent; id !== null; id = world.get(id)?.intent.parentIntentId ?? null) found.push(id)
  return found
}

const create = (world: ModelWorld, call: CallOf<"Create">): ModelWorld => {
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
  const assigned = input.assign ?? undefined
  // Its id and time are not in the answer, so that they are taken as they come.
  const agents =
    assigned === undefined
      ? []
      : [{ id: "", intentId: intent.id, agentId: assigned, role: "worker", assignedAt: intent.createdAt }]
  const events = assigned === undefined ? [told] : [told, assignment(call.agent, assigned, "worker", false)]
  return new Map(world).set(intent.id, { intent, events, leases: [], agents })
}

const assignment = (actor: string, agentId: string, role: string, reassigned: boolean): ExpectedEvent => ({
  type: "agent_assigned",
  actor,
  source: "system",
  payload: { agent_id: agentId, role, reassigned }
})

/** The intent as it is after a change of its own. Its time is that of the answer, where there is one. */
const bumped = (intent: Intent, fields: Partial<Intent>): Intent => ({
  ...intent,
  ...fields,
  version: intent.version + 1
})

const seen = (intent: Intent) => [intent.id, intent.version, intent.status, intent.state, intent.dependsOn]

const patch = (world: ModelWorld, call: CallOf<"Patch">, entry: ModelEntry, at: Instant): ModelWorld => {
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

const setStatus = (world: ModelWorld, call: CallOf<"SetStatus">, { intent }: ModelEntry): ModelWorld => {
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

const append = (world: ModelWorld, call: CallOf<"Append">): ModelWorld => {
  const { agent, input, intentId } = call
  if (input.type === "nonsense") {
    refused(call, "ValidationError")
    return world
  }
  const event = answered(call)
  mustBe(
    "the answer",
    [event.intentId, event.type, event.actor, event.source, event.payload],
    [intentId, input.type, agent, "client", input.payload]
  )
  return withEntry(world, intentId, {}, { type: input.type, actor: agent, source: "client", payload: event.payload })
}

const within = (what: string, time: DateTime.Utc, at: Instant, moreMillis: number): void => {
  const millis = time.epochMilliseconds - moreMillis
  if (millis < at.from || millis > at.to)
    wrong(`${what} is ${DateTime.formatIso(time)}, which is not ${moreMillis} ms after the call`)
}

const acquire = (world: ModelWorld, call: CallOf<"Acquire">, { leases }: ModelEntry, at: Instant): ModelWorld => {
  const { agent, intentId, scope, seconds } = call
  const inTheWay = leases.filter((lease) => scopesConflict(lease.scope, scope) && activeAt(lease, at))
  if (inTheWay.length > 0) {
    const error = refused(call, "LeaseConflict")
    if (error._tag === "LeaseConflict" && !inTheWay.some((lease) => lease.id === error.existing.id)) {
      wrong("LeaseConflict names a lease that is not in the way")
    }
    return world
  }
  const lease = answered(call)
  mustBe(
    "the lease",
    [lease.intentId, lease.agentId, lease.scope, lease.status, lease.releasedAt],
    [intentId, agent, scope, "active", null]
  )
  mustBe("its duration", lease.expiresAt.epochMilliseconds - lease.acquiredAt.epochMilliseconds, seconds * 1_000)
  within("acquiredAt", lease.acquiredAt, at, 0)
  return withEntry(
    world,
    intentId,
    { leases: [...leases, lease] },
    {
      type: "lease_acquired",
      actor: agent,
      source: "system",
      payload: { lease_id: lease.id, scope, agent_id: agent, duration_seconds: seconds }
    }
  )
}

const replaced = (leases: ReadonlyArray<Lease>, lease: Lease) =>
  leases.map((other) => (other.id === lease.id ? lease : other))

const renew = (world: ModelWorld, call: CallOf<"Renew">, { leases }: ModelEntry, at: Instant): ModelWorld => {
  const { agent, intentId, leaseId, seconds } = call
  const lease = leases.find((lease) => lease.id === leaseId && lease.agentId === agent)
  const status = lease && (activeAt(lease, at) ? "active" : statusAt(lease, at))
  if (lease === undefined || status === "released" || status === "revoked") {
    refused(call, "LeaseNotFound")
    return world
  }
  if (status === "expired") {
    refused(call, "LeaseExpired")
    return world
  }
  const renewed = answered(call)
  within("expiresAt", renewed.expiresAt, at, seconds * 1_000)
  mustBe("the rest of the lease", { ...renewed, expiresAt: lease.expiresAt }, lease)
  return withEntry(
    world,
    intentId,
    { leases: replaced(leases, renewed) },
    {
      type: "lease_renewed",
      actor: agent,
      source: "system",
      payload: { lease_id: lease.id, scope: lease.scope, duration_seconds: seconds }
    }
  )
}

const end = (
  world: ModelWorld,
  call: CallOf<"Release"> | CallOf<"Revoke">,
  { leases }: ModelEntry,
  at: Instant
): ModelWorld => {
  const { agent, intentId, leaseId } = call
  const revokes = call._tag === "Revoke"
  const lease = leases.find((lease) => lease.id === leaseId && (revokes || lease.agentId === agent))
  if (revokes && Result.isFailure(call.result) && call.result.failure._tag === "Forbidden") return world
  if (lease === undefined) {
    refused(call, "LeaseNotFound")
    return world
  }
  const status = revokes ? "revoked" : "released"
  const ended = answered(call)
  if (!activeAt(lease, at)) {
    mustBe("a lease that was over", ended, { ...lease, status: statusAt(lease, at) })
    return world
  }
  mustBe("the lease", { ...ended, releasedAt: null }, { ...lease, status, releasedAt: null })
  if (ended.releasedAt === null) wrong("releasedAt is missing")
  return withEntry(
    world,
    intentId,
    { leases: replaced(leases, ended) },
    {
      type: "lease_released",
      actor: agent,
      source: "system",
      payload: { lease_id: lease.id, scope: lease.scope, agent_id: lease.agentId, reason: status }
    }
  )
}

const assign = (world: ModelWorld, call: CallOf<"Assign">, { agents }: ModelEntry): ModelWorld => {
  const { agentId, role = "worker" } = call.input
  const known = agents.find((other) => other.agentId === agentId)
  const assigned = answered(call)
  mustBe("the assignment", [assigned.intentId, assigned.agentId, assigned.role], [call.intentId, agentId, role])
  if (known !== undefined && known.id !== "") mustBe("its id", assigned.id, known.id)
  const others = agents.filter((other) => other !== known)
  return withEntry(
    world,
    call.intentId,
    { agents: [...others, assigned] },
    assignment(call.agent, agentId, role, known !== undefined)
  )
}

const unassign = (world: ModelWorld, call: CallOf<"Unassign">, { agents }: ModelEntry): ModelWorld => {
  const others = agents.filter((other) => other.agentId !== call.agentId)
  if (others.length === agents.length) {
    refused(call, "AssignmentNotFound")
    return world
  }
  answered(call)
  return withEntry(
    world,
    call.intentId,
    { agents: others },
    {
      type: "agent_unassigned",
      actor: call.agent,
      source: "system",
      payload: { agent_id: call.agentId }
    }
  )
}

const next = (world: ModelWorld, call: Call, at: Instant): ModelWorld => {
  // Too busy is an answer that changes nothing, and is allowed at any time.
  if (refusalOf(call)?._tag === "Busy") return world
  if (call._tag === "Create") return create(world, call)
  const entry = world.get(call.intentId)
  if (entry === undefined) {
    const invalid = call._tag === "Patch" && editsOf(call.input).some((edit) => edit.segments === undefined)
    refused(
      call,
      ...(invalid || (call._tag === "Append" && call.input.type === "nonsense")
        ? (["ValidationError"] as const)
        : (["IntentNotFound"] as const))
    )
    return world
  }
  switch (call._tag) {
    case "Patch":
      return patch(world, call, entry, at)
    case "SetStatus":
      return setStatus(world, call, entry)
    case "Append":
      return append(world, call)
    case "Acquire":
      return acquire(world, call, entry, at)
    case "Renew":
      return renew(world, call, entry, at)
    case "Release":
    case "Revoke":
      return end(world, call, entry, at)
    case "Assign":
      return assign(world, call, entry)
    case "Unassign":
      return unassign(world, call, entry)
    case "Watch":
      answered(call)
      return world
  }
}

/** What is stored after the call, if its answer is what it must be; else what is wrong with it. Throws `Unsure`. */
export const follow = (world: ModelWorld, call: Call, at: Instant): Result.Result<ModelWorld, string> => {
  try {
    return Result.succeed(next(world, call, at))
  } catch (error) {
    if (error instanceof Wrong) return Result.fail(`${call.name}: ${error.message}`)
    throw error
  }
}

const tells = (expected: ExpectedEvent, actual: ExpectedEvent): boolean =>
  expected.type === actual.type &&
  expected.actor === actual.actor &&
  expected.source === actual.source &&
  Object.entries(expected.payload).every(([key, value]) => isSame(actual.payload[key], value))

const leaseSeen = (at: Instant) => (lease: Lease) => {
  activeAt(lease, at)
  return canonical({ ...lease, status: statusAt(lease, at) })
}

const agentSeen = ({ agentId, role }: Assignment) => `${agentId} ${role}`

/** What is stored differently from the model, or undefined. Throws `Unsure`. */
export const difference = (model: ModelWorld, world: World): string | undefined => {
  for (const [id, expected] of model) {
    const actual: Entry | undefined = world.entries.get(id)
    if (actual === undefined) return `intent ${id} is gone`
    if (!isSame(seen(actual.intent), seen(expected.intent))) {
      return `the stored intent is ${canonical(seen(actual.intent))}, but must be ${canonical(seen(expected.intent))}`
    }
    const events = actual.events.filter((event) => !isExpiry(event))
    const at = Math.max(events.length, expected.events.length)
    for (let i = 0; i < at; i++) {
      const [found, wanted] = [events[i], expected.events[i]]
      if (found === undefined) return `an event is missing: ${canonical(wanted)}`
      if (wanted === undefined) return `an event is too many: ${canonical(found)}`
      if (!tells(wanted, found)) return `an event is ${canonical(found)}, but must be ${canonical(wanted)}`
    }
    const leases = [actual.leases, expected.leases].map((leases) => leases.map(leaseSeen(world.at)).toSorted())
    if (!isSame(leases[0], leases[1]))
      return `the stored leases are ${canonical(leases[0])}, but must be ${canonical(leases[1])}`
    const agents = [actual.agents, expected.agents].map((agents) => agents.map(agentSeen).toSorted())
    if (!isSame(agents[0], agents[1]))
      return `assigned are ${canonical(agents[0])}, but must be ${canonical(agents[1])}`
  }
  for (const id of world.entries.keys()) if (!model.has(id)) return `intent ${id} should not exist`
  return undefined
}
