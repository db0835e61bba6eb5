/** What the model knows, and how answers are held against it. The rules are beside it, written from the semantics alone. */
import * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"
import type { Assignment } from "../../core/agent/Assignment.ts"
import type { Intent } from "../../core/intent/Intent.ts"
import type { Json } from "../../core/json.ts"
import type { Lease } from "../../core/lease/Lease.ts"
import { type Call, type Instant, type Refusal, type World, refusalOf } from "../Call.ts"
import { canonical, isSame } from "../canonical.ts"
import { isActive } from "./leases.ts"

/** An event that must be in the log: these keys of its payload, perhaps more. */
export interface ExpectedEvent {
  readonly type: string
  readonly actor: string
  readonly source: "system" | "client"
  readonly payload: { readonly [key: string]: Json | undefined }
}

export interface ModelEntry {
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
export class Wrong extends Error {}

export const wrong = (what: string): never => {
  throw new Wrong(what)
}

export const activeAt = (lease: Lease, at: Instant): boolean => {
  const active = isActive(lease, at)
  if (active === undefined) throw new Unsure()
  return active
}

/** An answer that must be a refusal with one of these tags. */
export const refused = (call: Call, ...tags: ReadonlyArray<Refusal["_tag"]>): Refusal => {
  const error = refusalOf(call)
  if (error === undefined) return wrong(`was answered, but must be refused with ${tags.join(" or ")}`)
  return tags.includes(error._tag)
    ? error
    : wrong(`was refused with ${error._tag}, but must be with ${tags.join(" or ")}`)
}

export const answered = <A>({ result }: { readonly result: Result.Result<A, Refusal> }): A =>
  Result.isSuccess(result) ? result.success : wrong(`was refused with ${result.failure._tag}, but must be answered`)

export const mustBe = (what: string, actual: unknown, expected: unknown): void => {
  if (!isSame(actual, expected)) wrong(`${what} is ${canonical(actual)}, but must be ${canonical(expected)}`)
}

export const withEntry = (
  world: ModelWorld,
  id: string,
  fields: Partial<ModelEntry>,
  ...events: ReadonlyArray<ExpectedEvent>
): ModelWorld => {
  const entry = world.get(id)
  if (entry === undefined) return world
  return new Map(world).set(id, { ...entry, ...fields, events: [...entry.events, ...events] })
}

/** What is compared of an intent. */
export const seen = (intent: Intent) => [intent.id, intent.version, intent.status, intent.state, intent.dependsOn]

/** A time must be that of the call, plus some milliseconds. */
export const within = (what: string, time: DateTime.Utc, at: Instant, moreMillis: number): void => {
  const millis = time.epochMilliseconds - moreMillis
  if (millis < at.from || millis > at.to)
    wrong(`${what} is ${DateTime.formatIso(time)}, which is not ${moreMillis} ms after the call`)
}

/** What tells of an assignment. */
export const assigned = (actor: string, agentId: string, role: string, reassigned: boolean): ExpectedEvent => ({
  type: "agent_assigned",
  actor,
  source: "system",
  payload: { agent_id: agentId, role, reassigned }
})
