import type * as DateTime from "effect/DateTime"
import type { JsonObject } from "../json.ts"
import { systemAgent } from "../CurrentAgent.ts"
import type { Env } from "../Env.ts"

/** An entry of the append-only log (http.md 2.2). Written with the change it tells of, or appended by a client. */
export interface LogEvent {
  /** Place in the log of the whole storage: strictly growing in commit order. `sequence` on the wire, and the cursor. */
  readonly position: number
  readonly id: string
  readonly intentId: string
  readonly type: string
  readonly actor: string
  /** `system`: the engine told of a change. `client`: somebody appended it. */
  readonly source: "system" | "client"
  readonly payload: JsonObject
  /** What an SSE frame shows and the payload lacks (decision 21); never in the log on the wire. */
  readonly extra: JsonObject | null
  readonly traceId: string | null
  readonly parentEventId: string | null
  readonly createdAt: DateTime.Utc
}

/** An event that is not in the log yet: its position comes with the commit. */
export type NewEvent = Omit<LogEvent, "position">

export interface AppendEvent {
  /** One of the known types (semantics 8.1, 8.3) or `x.` and a name of your own. */
  readonly type: string
  /** Default: the acting agent. */
  readonly actor?: string | undefined
  readonly payload?: object | null | undefined
  readonly traceId?: string | undefined
  readonly parentEventId?: string | undefined
}

export interface ListEvents {
  /** 1 to 1000, default 100. */
  readonly limit?: number | undefined
  readonly offset?: number | undefined
  /** Opaque: `next` of the page before. Wins over `offset`. */
  readonly after?: string | undefined
  readonly type?: string | undefined
  /** Strictly after this time: ISO 8601, without an offset read as UTC. */
  readonly since?: string | undefined
  /** Only events with a greater position. */
  readonly afterPosition?: number | undefined
  /** By position; default `desc`, newest first. */
  readonly order?: "asc" | "desc" | undefined
  /** Which types are seen: the 29 of the first clients, those that later clients know too (default), or all. */
  readonly visibility?: Visibility | undefined
}

/** Whose events: of one intent, one portfolio, one agent, or all. At most one of them is given. */
export interface FollowEvents {
  readonly intentId?: string | undefined
  /** Events of the portfolio's members, each as long as it is one: from `added_to_portfolio` to `removed_from_portfolio`. */
  readonly portfolioId?: string | undefined
  /** The agent's assignments, and events of intents as long as it is assigned: from `agent_assigned` to `agent_unassigned`. */
  readonly agentId?: string | undefined
  /**
   * Starts after this position: 0 is the beginning of the log, and beyond its end is its end. Default: what is committed
   * from now on.
   */
  readonly after?: number | undefined
  /** Told the position of the last event when the stream begins: those after it are new. */
  readonly onStart?: ((lastPosition: number) => void) | undefined
  /**
   * Ends the stream once more new events than this wait for its consumer; resume with the last one seen. Default: what
   * waits too long is dropped and read from the log when it is wanted. (Over HTTP the server has a limit of its own
   * after which it closes a connection, and the stream connects again.)
   */
  readonly endsBehind?: number | undefined
}

export type Visibility = "legacy" | "known" | "all"

/** An event of the engine's own, telling of a change that is written with it. */
export const systemEvent = (
  env: Env,
  intentId: string,
  type: string,
  actor: string,
  payload: JsonObject,
  extra: JsonObject | null = null
): NewEvent => ({
  id: env.newId(),
  intentId,
  type,
  actor,
  source: "system",
  payload,
  extra,
  traceId: null,
  parentEventId: null,
  createdAt: env.now
})

/** The same, for what nobody asked for: expiry, unblocking. */
export const automaticEvent = (env: Env, intentId: string, type: string, payload: JsonObject): NewEvent =>
  systemEvent(env, intentId, type, systemAgent, payload)
