/** Bodies of requests as commands of the engine, under every name the contract accepts (http.md 4, 6, 7, 8). */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { AssignAgent } from "../core/agent/Assignment.ts"
import type { Issue } from "../core/Errors.ts"
import type { AppendEvent } from "../core/event/LogEvent.ts"
import {
  type CreateIntent,
  type Patch,
  type PatchState,
  type SetStatus,
  type Status,
  statuses
} from "../core/intent/Intent.ts"
import type { AcquireLease, RenewLease } from "../core/lease/Lease.ts"
import type { Actors } from "./api/common.ts"
import { forbidden, ifMatchInvalid, ifMatchRequired, invalid, type Refusal } from "./refusals.ts"
import { Fields } from "./fields.ts"
import type { RawBody } from "./requestBody.ts"

/** The agents that the key of the request may act for. */
export type Bound = Actors

export const done = <A>(fields: Fields, value: A): Effect.Effect<A, Refusal> =>
  fields.issues.length === 0 ? Effect.succeed(value) : Effect.fail(invalid(fields.issues))

/** The same, for a body that names who acts: a bound key speaks for its own agents only (http.md 1.4). */
export const doneAs = <A>(
  fields: Fields,
  value: A,
  named: string | undefined,
  bound: Bound
): Effect.Effect<A, Refusal> =>
  named !== undefined && !bound.has(named)
    ? Effect.fail(forbidden("This key may not act for that agent"))
    : done(fields, value)

const creationStatus = (fields: Fields): CreateIntent["status"] => {
  const status = fields.oneOf(statuses, "status")
  if (status !== "completed" && status !== "abandoned") return status
  fields.issues.push({ field: "status", message: "must not be a final one at creation" })
  return undefined
}

/** http.md 4.1 */
export const createIntent = (body: RawBody, bound: Bound): Effect.Effect<CreateIntent, Refusal> => {
  const fields = new Fields(body)
  const createdBy = fields.string("created_by", "creator")
  return doneAs(
    fields,
    {
      title: fields.requiredString("title"),
      description: fields.string("description"),
      createdBy,
      constraints: fields.objectOrArray("constraints"),
      state: fields.object("state", "initial_state"),
      parentIntentId: fields.string("parent_intent_id", "parent_id", "parentIntentId"),
      dependsOn: fields.strings("depends_on", "dependsOn"),
      status: creationStatus(fields),
      confidence: fields.number("confidence"),
      assign: fields.string("assign"),
      governancePolicy: fields.object("governance_policy")
    },
    createdBy,
    bound
  )
}

/** Expected version of the intent (http.md 1.2): `3`, `"3"` or `W/"3"`. */
export const version = (ifMatch: string | undefined): Effect.Effect<number, Refusal> => {
  if (ifMatch === undefined || ifMatch === "") return Effect.fail(ifMatchRequired)
  const digits = /^\s*(?:(\d{1,15})|(?:W\/)?"(\d{1,15})")\s*$/.exec(ifMatch)
  return digits === null ? Effect.fail(ifMatchInvalid) : Effect.succeed(Number(digits[1] ?? digits[2]))
}

const ops = ["set", "append", "remove"] as const
const isOp = (value: unknown): value is Patch["op"] => ops.some((op) => op === value)

const patch = (value: unknown, index: number, issues: Array<Issue>): Patch => {
  const field = `patches[${index}]`
  const patch = { op: "set" as Patch["op"], path: "", value: null as unknown }
  if (!Predicate.isObject(value)) {
    issues.push({ field, message: "must be an object" })
    return patch
  }
  const { op, path } = value
  if (isOp(op)) patch.op = op
  else issues.push({ field: `${field}.op`, message: `must be one of ${ops.join(", ")}` })
  if (typeof path === "string") patch.path = path
  else issues.push({ field: `${field}.path`, message: path === undefined ? "is required" : "must be a string" })
  if (Object.hasOwn(value, "value")) patch.value = value["value"]
  return patch
}

/** The headers of a state patch or status change. */
export interface Guards {
  readonly "if-match"?: string | undefined
  readonly "x-lease-token"?: string | undefined
}

const patchOf = (
  fields: Fields,
  given: Pick<PatchState, "patches" | "state">,
  headers: Guards
): Effect.Effect<PatchState, Refusal> => {
  const token = headers["x-lease-token"]
  const leaseToken = token === undefined ? undefined : Number(token)
  if (leaseToken !== undefined && (!Number.isSafeInteger(leaseToken) || token?.trim() === "")) {
    fields.issues.push({ field: "X-Lease-Token", message: "must be an integer" })
  }
  if (fields.issues.length > 0) return Effect.fail(invalid(fields.issues))
  return Effect.map(version(headers["if-match"]), (version) => ({ version, ...given, leaseToken }))
}

const patchesAndState = (fields: Fields): Pick<PatchState, "patches" | "state"> => {
  const patches = fields.array("patches")
  if (patches !== undefined) return { patches: patches.map((item, index) => patch(item, index, fields.issues)) }
  return { state: fields.object("state") ?? {} }
}

/** http.md 4.4 */
export const patchState = (body: RawBody, headers: Guards): Effect.Effect<PatchState, Refusal> => {
  const fields = new Fields(body)
  return patchOf(fields, patchesAndState(fields), headers)
}

/** http.md 4.6 */
export const setStatus = (body: RawBody, headers: Guards): Effect.Effect<SetStatus, Refusal> => {
  const fields = new Fields(body)
  const status = fields.oneOf<Status>(statuses, "status")
  if (status === undefined && fields.issues.length === 0)
    fields.issues.push({ field: "status", message: "is required" })
  const reason = fields.string("reason")
  if (status === undefined || fields.issues.length > 0) return Effect.fail(invalid(fields.issues))
  return Effect.map(version(headers["if-match"]), (version) => ({ version, status, reason }))
}

/** Whether a PATCH of the state is a change of status: `patches` wins, then `state`, then `status` (http.md 4.5). */
export const isStatusChange = (body: RawBody): boolean => {
  const { patches, state, status } = body
  return (
    status !== undefined &&
    status !== null &&
    (patches === undefined || patches === null) &&
    (state === undefined || state === null)
  )
}

/** http.md 6.1 */
export const appendEvent = (body: RawBody, bound: Bound): Effect.Effect<AppendEvent, Refusal> => {
  const fields = new Fields(body)
  const actor = fields.string("actor")
  return doneAs(
    fields,
    {
      type: fields.requiredString("event_type"),
      actor,
      payload: fields.object("payload"),
      traceId: fields.string("trace_id"),
      parentEventId: fields.string("parent_event_id")
    },
    actor,
    bound
  )
}

/** http.md 7.1. Who delegates acts; who is assigned does not. */
export const assignAgent = (body: RawBody, bound: Bound): Effect.Effect<AssignAgent, Refusal> => {
  const fields = new Fields(body)
  const delegatedBy = fields.string("delegated_by")
  return doneAs(
    fields,
    {
      agentId: fields.requiredString("agent_id"),
      role: fields.string("role"),
      delegatedBy,
      retryAttempt: fields.integer("retry_attempt"),
      lastError: fields.string("last_error")
    },
    delegatedBy,
    bound
  )
}

const durationSeconds = (fields: Fields): Duration.Duration | undefined => {
  const seconds = fields.integer("duration_seconds")
  if (seconds === undefined) return undefined
  if (seconds >= 1 && seconds <= 86_400) return Duration.seconds(seconds)
  fields.issues.push({ field: "duration_seconds", message: "must be from 1 to 86400" })
  return undefined
}

/** http.md 8.1. The owner is the acting agent; another one in the body is the caller's own only if the key may act for it. */
export const acquireLease = (
  body: RawBody,
  acting: string,
  bound: Bound
): Effect.Effect<{ readonly input: AcquireLease; readonly owner: string }, Refusal> => {
  const fields = new Fields(body)
  const owner = fields.string("agent_id") ?? acting
  const value = { input: { scope: fields.requiredString("scope"), duration: durationSeconds(fields) }, owner }
  return owner !== acting && !(bound.isBound && bound.has(owner))
    ? Effect.fail(forbidden("A lease is taken by the agent that asks for it"))
    : done(fields, value)
}

/** http.md 8.3 */
export const renewLease = (body: RawBody): Effect.Effect<RenewLease, Refusal> => {
  const fields = new Fields(body)
  return done(fields, { duration: durationSeconds(fields) })
}

/** http.md 8.5 */
export const revokeLease = (body: RawBody): Effect.Effect<{ readonly reason: string | undefined }, Refusal> => {
  const fields = new Fields(body)
  return done(fields, { reason: fields.string("reason") })
}
