import type * as DateTime from "effect/DateTime"
import type { Json, JsonObject } from "../json.ts"
import type { PageOptions } from "../Page.ts"

export const arbitrationStatuses = ["pending", "resolved"] as const
export type ArbitrationStatus = (typeof arbitrationStatuses)[number]

/** Agents cannot agree and ask for a decision; resolved once, by one decision (RFC 0004, http.md 2.5). */
export interface Arbitration {
  readonly id: string
  readonly intentId: string
  readonly requestedBy: string
  readonly reason: string
  readonly context: JsonObject
  /** What might be decided, for information: the outcome need not be one of them (semantics 5). */
  readonly options: ReadonlyArray<JsonObject>
  readonly status: ArbitrationStatus
  /** The outcome of the decision that resolved it; null while it is pending. */
  readonly resolution: Outcome | null
  readonly createdAt: DateTime.Utc
  readonly resolvedAt: DateTime.Utc | null
}

/** What was decided: a text that is not blank, or an object that is not empty. */
export type Outcome = string | JsonObject

export interface RequestArbitration {
  /** Not blank, at most 10,000 characters. */
  readonly reason: string
  readonly context?: object | null | undefined
  /** At most 100 of `{ label, rationale }`. */
  readonly options?: ReadonlyArray<object> | undefined
  /** Default: the acting agent. */
  readonly requestedBy?: string | undefined
}

export interface ListArbitrations extends PageOptions {
  readonly status?: ArbitrationStatus | undefined
}

/** A decision on record, with its reasons. It never changes (RFC 0004, http.md 2.6). */
export interface RecordedDecision {
  readonly id: string
  readonly intentId: string
  readonly decidedBy: string
  readonly decisionType: string
  readonly outcome: Outcome
  readonly rationale: string
  readonly evidence: ReadonlyArray<Json>
  /** The arbitration that it resolved. */
  readonly arbitrationId: string | null
  readonly createdAt: DateTime.Utc
}

/** Both vocabularies are taken; `outcome` wins over `decision`, `rationale` over `reasoning` (client.md 3.6). */
export interface RecordDecision {
  /** Required, as `outcome` or as `decision`. */
  readonly outcome?: string | object | undefined
  readonly decision?: string | object | undefined
  readonly rationale?: string | undefined
  readonly reasoning?: string | undefined
  /** 1 to 100 characters, default `arbitration`: then it resolves the oldest pending arbitration, if there is one. */
  readonly decisionType?: string | undefined
  /** Default: the acting agent. */
  readonly decidedBy?: string | undefined
  /** At most 64 KiB of JSON. */
  readonly evidence?: ReadonlyArray<unknown> | undefined
  /** The pending arbitration of this intent that it resolves, whatever its type. */
  readonly arbitrationId?: string | undefined
}

export interface ListDecisions extends PageOptions {}
