/** Events as frames of server-sent events (http.md 12.2 to 12.4). Pure. */
import * as DateTime from "effect/DateTime"
import type { LogEvent } from "../../core/event/LogEvent.ts"
import { type Intent, type Status, statuses } from "../../core/intent/Intent.ts"
import { replayed } from "../../core/intent/statePatch.ts"
import { isJsonObject, type Json, type JsonObject } from "../../core/json.ts"
import { assignmentBody, eventBody, intentBody, statusName } from "../bodies.ts"
import { formatTimestamp, type Profile } from "../timestamps.ts"

export type Kind = "intent" | "portfolio" | "agent"

/** What a stream is to show, and how. */
export interface Target {
  readonly kind: Kind
  readonly id: string
  /** `client`: what the clients read. `legacy`: what the reference server sends under its own paths. */
  readonly family: "client" | "legacy"
  readonly profile: Profile
}

/** A type may hold what would end the line, since clients choose their own after `x.`; the data has it as it is. */
const nameOf = (type: string): string => type.replaceAll(/[\r\n]/g, " ")

const frame = (name: string, data: object, id?: number): string =>
  `${id === undefined ? "" : `id: ${id}\n`}event: ${nameOf(name)}\ndata: ${JSON.stringify(data)}\n\n`

/** How long a client waits before it comes back, in milliseconds. */
const retry = 3000

/** The first bytes. `sequence` is where the log ends now: a place to resume from before there was any event. */
export const connectedFrame = ({ id, kind }: Target, sequence: number): string =>
  `retry: ${retry}\n${frame("connected", { kind, id, sequence })}`

/** The id that the client has seen last is none of this log: it cannot be resumed from, so what follows is new. */
export const resyncFrame = (sequence: number): string => frame("resync", { reason: "unknown_event_id" }, sequence)

/** After so much silence, so that proxies keep the connection. */
export const keepaliveFrame = ": keepalive\n\n"

export const progressFrame = (portfolioId: string, aggregate: object, isAutoCompleted: boolean): string =>
  frame("PORTFOLIO_PROGRESS", {
    portfolio_id: portfolioId,
    aggregate_status: aggregate,
    auto_completed: isAutoCompleted ? true : undefined
  })

/** A change of a member's status, after which a portfolio's stream tells how far it is. */
export const isStatusChange = ({ source, type }: LogEvent): boolean => source === "system" && type === "status_changed"

/** The change of status completed the portfolio too. */
export const isAutoCompleted = ({ extra }: LogEvent, portfolioId: string): boolean => {
  const completed = extra?.auto_completed
  return Array.isArray(completed) && completed.includes(portfolioId)
}

const objectOf = (value: Json | undefined): JsonObject => (value !== undefined && isJsonObject(value) ? value : {})

const textOf = (value: Json | undefined): string => (typeof value === "string" ? value : "")

const isStatus = (value: unknown): value is Status => statuses.some((status) => status === value)
const shown = (status: Json | undefined, profile: Profile) =>
  isStatus(status) ? statusName(status, profile) : (status ?? null)

/** What every frame of the client family has. */
const common = (event: LogEvent, { id, kind, profile }: Target) => ({
  intent_id: event.intentId,
  event_id: event.id,
  event_type: event.type,
  actor: event.actor,
  payload: event.payload,
  created_at: formatTimestamp(event.createdAt, profile),
  sequence: event.position,
  source: event.source,
  trace_id: event.traceId ?? undefined,
  parent_event_id: event.parentEventId ?? undefined,
  portfolio_id: kind === "portfolio" ? id : undefined
})

const leaseExtras = ({ agent_id, lease_id, reason, scope }: JsonObject) => ({ lease_id, scope, agent_id, reason })

/** Name and further data of the engine's own events (http.md 12.3). */
const describe = ({ extra, payload, type }: LogEvent, { kind, profile }: Target): readonly [string, object] => {
  switch (type) {
    case "state_patched": {
      const before = objectOf(extra?.old_state)
      const after = replayed(before, payload.patches)
      return ["STATE_CHANGED", { old_state: before, new_state: after, version: payload.version }]
    }
    case "status_changed": {
      const { new_status, old_status, version } = payload
      const ended = new_status === "completed" ? "INTENT_COMPLETED" : "INTENT_FAILED"
      const hasEnded = new_status === "completed" || new_status === "abandoned"
      const status = shown(new_status, profile)
      return [
        kind === "portfolio" && hasEnded ? ended : "STATUS_CHANGED",
        { old_status: shown(old_status, profile), new_status: status, status, version }
      ]
    }
    case "agent_assigned":
      return [
        kind === "portfolio" ? "agent_assigned" : "AGENT_ASSIGNED",
        {
          agent_id: payload.agent_id,
          role: payload.role,
          delegated_by: payload.delegated_by ?? null,
          retry_attempt: extra?.retry_attempt ?? null,
          last_error: extra?.last_error ?? null
        }
      ]
    case "lease_acquired":
      return ["LEASE_ACQUIRED", leaseExtras(payload)]
    case "lease_released":
      return ["LEASE_RELEASED", leaseExtras(payload)]
    case "arbitration_requested":
      return [type, { reason: payload.reason }]
    default:
      return [type, {}]
  }
}

/**
 * The frames of an event in the client family. Where there are two, the last has the id: a stream that is cut between
 * them is resumed with both.
 */
export const clientFrames = (event: LogEvent, target: Target): string => {
  const data = common(event, target)
  if (event.source === "client") return frame(event.type, data, event.position)
  const [name, extras] = describe(event, target)
  const own = frame(name, { ...data, ...extras }, event.position)
  return target.kind === "portfolio" && event.type === "arbitration_requested"
    ? frame("ESCALATION_REQUIRED", { ...data, ...extras }) + own
    : own
}

/** Whether the legacy frame of the event is the intent as it is now (decision 21). */
export const showsIntent = ({ source, type }: LogEvent): boolean =>
  source === "system" && (type === "intent_created" || type === "state_patched" || type === "status_changed")

const assignmentOf = (event: LogEvent, profile: Profile): object => {
  const { extra, intentId, payload } = event
  const millis = extra?.assigned_at
  return assignmentBody(
    {
      id: textOf(extra?.assignment_id),
      intentId,
      agentId: textOf(payload.agent_id),
      role: textOf(payload.role),
      assignedAt: typeof millis === "number" ? DateTime.makeUnsafe(millis) : event.createdAt
    },
    profile
  )
}

/** The frame of an event in the legacy family, which shows a few types only (http.md 12.4). */
export const legacyFrame = (event: LogEvent, { id, kind, profile }: Target, intent: Intent | undefined): string => {
  const { payload, position, source, type } = event
  if (source === "client") return frame(type, eventBody(event, profile), position)
  if (showsIntent(event)) return intent === undefined ? "" : frame(type, intentBody(intent, profile), position)
  if (type === "agent_assigned") return frame(type, assignmentOf(event, profile), position)
  const isOwn = kind === "portfolio" && payload.portfolio_id === id
  if (isOwn && type === "added_to_portfolio") return frame("intent_added", {}, position)
  if (isOwn && type === "removed_from_portfolio") return frame("intent_removed", {}, position)
  return ""
}
