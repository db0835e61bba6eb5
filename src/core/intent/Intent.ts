import * as DateTime from "effect/DateTime"
import type { JsonObject } from "../json.ts"

/** Statuses that are stored (semantics 1.1). `pending` is shown as `active` in the default wire profile. */
export const statuses = ["draft", "pending", "active", "blocked", "completed", "abandoned"] as const
export type Status = (typeof statuses)[number]

export const isTerminal = (status: Status): boolean => status === "completed" || status === "abandoned"

/** A goal with versioned state that agents and people share (RFC 0001). */
export interface Intent {
  /** Lower-case UUIDv7, opaque. */
  readonly id: string
  readonly title: string
  readonly description: string
  readonly createdBy: string
  /** Null for a root. Never changes. */
  readonly parentIntentId: string | null
  /** Ids of the intents that must be completed first, without duplicates, in the order given. */
  readonly dependsOn: ReadonlyArray<string>
  readonly constraints: JsonObject
  readonly state: JsonObject
  readonly status: Status
  /** 0 to 100. */
  readonly confidence: number
  /** Starts at 1; one more with each change of state, status, dependencies or policy (semantics 2). */
  readonly version: number
  readonly governancePolicy: JsonObject | null
  /** Portfolios that it is a member of now, in the order it was added. Moves neither the version nor `updatedAt`. */
  readonly portfolioIds: ReadonlyArray<string>
  /** Intents whose budget its costs count against, from the root down; itself, if it has one (decision 25). */
  readonly budgetIds: ReadonlyArray<string>
  readonly createdAt: DateTime.Utc
  /** Moves with the version and only then. */
  readonly updatedAt: DateTime.Utc
}

/** One step of a state patch. `path` is a JSON pointer (leading `/`) or one literal top-level key (http.md 4.4). */
export interface Patch {
  readonly op: "set" | "append" | "remove"
  readonly path: string
  readonly value?: unknown
}

export interface CreateIntent {
  /** 1 to 500 characters, not blank. */
  readonly title: string
  readonly description?: string | null | undefined
  /** Default: the acting agent. */
  readonly createdBy?: string | undefined
  /** An array is kept as `{ rules: array }`. */
  readonly constraints?: object | null | undefined
  readonly state?: object | null | undefined
  readonly parentIntentId?: string | null | undefined
  /** At most 1,000 ids. With any, the status is decided by them: `blocked` while one is not completed, else `pending`. */
  readonly dependsOn?: ReadonlyArray<string> | undefined
  /** Default `draft`. */
  readonly status?: Exclude<Status, "completed" | "abandoned"> | undefined
  readonly confidence?: number | undefined
  /** Also assigns this agent, in the same commit. */
  readonly assign?: string | undefined
  readonly governancePolicy?: object | null | undefined
}

/** Give `patches`, or `state` for a shallow merge where each key is literal. `patches` wins. */
export interface PatchState {
  /** The version the caller has seen (`If-Match`). */
  readonly version: number
  readonly patches?: ReadonlyArray<Patch> | undefined
  readonly state?: object | undefined
  /** The fencing token of a lease of the acting agent on this intent, if the patch is made under one (decision 17). */
  readonly leaseToken?: number | undefined
}

export interface SetStatus {
  readonly version: number
  readonly status: Status
  readonly reason?: string | undefined
}

export interface ListIntents {
  /** 1 to 1000, default 50. */
  readonly limit?: number | undefined
  readonly offset?: number | undefined
  /** Opaque: `next` of the page before. Wins over `offset`. */
  readonly after?: string | undefined
  /** Any of these stored statuses. */
  readonly status?: Status | ReadonlyArray<Status> | undefined
  readonly parentIntentId?: string | undefined
  readonly createdBy?: string | undefined
  /** Assigned to this agent now. */
  readonly agentId?: string | undefined
  /** Case-insensitive substring of title or description. Scans. */
  readonly q?: string | undefined
  /** By creation; default `desc`. */
  readonly order?: "asc" | "desc" | undefined
}
