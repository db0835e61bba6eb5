import * as Data from "effect/Data"
import type * as DateTime from "effect/DateTime"
import type { PageOptions } from "../Page.ts"

/** An agent works on an intent; at most one per (intent, agent) (http.md 7). */
export interface Assignment {
  /** Stays the same when the agent is assigned again. */
  readonly id: string
  readonly intentId: string
  readonly agentId: string
  /** 1 to 100 characters, default `worker`. */
  readonly role: string
  readonly assignedAt: DateTime.Utc
}

export interface AssignAgent {
  readonly agentId: string
  readonly role?: string | undefined
  /** Told to the agent with the assignment. */
  readonly delegatedBy?: string | undefined
  readonly retryAttempt?: number | undefined
  readonly lastError?: string | undefined
}

export interface ListAssignments extends PageOptions {}

/** The agent is not assigned to the intent. */
export class AssignmentNotFound extends Data.TaggedError("AssignmentNotFound")<{
  readonly intentId: string
  readonly agentId: string
}> {
  override get message() {
    return "Agent is not assigned to this intent"
  }
}
