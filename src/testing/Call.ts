/** What a program did: requests with their answers, and what was stored before and after each phase. */
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { AssignAgent, Assignment } from "../core/agent/Assignment.ts"
import type { AppendEvent, LogEvent } from "../core/event/LogEvent.ts"
import type { CreateIntent, Intent, PatchState, SetStatus } from "../core/intent/Intent.ts"
import type { Lease } from "../core/lease/Lease.ts"
import type { Followed } from "./following.ts"
import type { Agents, Events, Intents, Leases } from "../core/OpenIntent.ts"

/** The engine died of a bug instead of answering. */
export class Died extends Data.TaggedError("Died")<{ readonly defect: unknown }> {}

type Methods = Intents &
  Pick<Events, "append"> &
  Pick<Leases, "acquire" | "renew" | "release" | "revoke"> &
  Pick<Agents, "assign" | "unassign">
export type Refusal = { [M in keyof Methods]: Effect.Error<ReturnType<Methods[M]>> }[keyof Methods] | Died

/** The intent, read between two readings of its log. */
export interface Observation {
  readonly eventsBefore: ReadonlyArray<LogEvent>
  readonly intent: Intent
  readonly active: ReadonlyArray<Lease>
  readonly eventsAfter: ReadonlyArray<LogEvent>
}

interface Requests {
  readonly Create: { readonly input: CreateIntent }
  readonly Patch: { readonly intentId: string; readonly input: PatchState }
  readonly SetStatus: { readonly intentId: string; readonly input: SetStatus }
  readonly Append: { readonly intentId: string; readonly input: AppendEvent }
  readonly Acquire: { readonly intentId: string; readonly scope: string; readonly seconds: number }
  readonly Renew: { readonly intentId: string; readonly leaseId: string; readonly seconds: number }
  readonly Release: { readonly intentId: string; readonly leaseId: string }
  readonly Revoke: { readonly intentId: string; readonly leaseId: string }
  readonly Assign: { readonly intentId: string; readonly input: AssignAgent }
  readonly Unassign: { readonly intentId: string; readonly agentId: string }
  readonly Watch: { readonly intentId: string }
}

interface Values {
  readonly Create: Intent
  readonly Patch: Intent
  readonly SetStatus: Intent
  readonly Append: LogEvent
  readonly Acquire: Lease
  readonly Renew: Lease
  readonly Release: Lease
  readonly Revoke: Lease
  readonly Assign: Assignment
  readonly Unassign: void
  readonly Watch: ReadonlyArray<Observation>
}

export type Tag = keyof Requests
export type Request = { readonly [T in Tag]: { readonly _tag: T } & Requests[T] }[Tag]

/** A request of an agent and its answer. `name` is how the printed program calls it. */
export type CallOf<T extends Tag> = {
  readonly _tag: T
  readonly result: Result.Result<Values[T], Refusal>
} & Requests[T] & {
    readonly name: string
    readonly agent: string
  }
export type Call = { readonly [T in Tag]: CallOf<T> }[Tag]

/** An intent with all that hangs on it. */
export interface Entry {
  readonly intent: Intent
  /** All of them, oldest first. */
  readonly events: ReadonlyArray<LogEvent>
  /** All of them, oldest first, with the status that they have now. */
  readonly leases: ReadonlyArray<Lease>
  readonly agents: ReadonlyArray<Assignment>
}

/** Milliseconds since 1970 between which the engine's clock was. */
export interface Instant {
  readonly from: number
  readonly to: number
}

/** Everything that a program has made, read while nothing of it runs. */
export interface World {
  readonly at: Instant
  /** In the order of creation. */
  readonly entries: ReadonlyMap<string, Entry>
}

/** A phase: its calls, in the order of the program, between two readings of the world. No calls: time passed. */
export interface Step {
  readonly before: World
  readonly calls: ReadonlyArray<Call>
  readonly after: World
}

/** A list, read in one page and page by page. */
export interface Listing {
  readonly what: string
  readonly whole: ReadonlyArray<string>
  readonly total: number
  /** The same, concatenated from small pages. */
  readonly byCursor: ReadonlyArray<string>
  readonly byOffset: ReadonlyArray<string>
  readonly totals: ReadonlyArray<number>
  /** What it must be, where that is known otherwise: a filter done here, the reverse of the other order. */
  readonly expected: ReadonlyArray<string> | undefined
  /** The invariant that `expected` belongs to. */
  readonly of: "16" | "29" | "32"
}

/** A program that ran. */
export interface History {
  readonly steps: ReadonlyArray<Step>
  readonly listings: ReadonlyArray<Listing>
  /** One follower began with the program, one when it was over. */
  readonly followed: ReadonlyArray<Followed<{ readonly intentId: string }>>
  /** After the last step, and after the sweeper had its time. */
  readonly end: World
}

/** The intent that a call is about. */
export const intentOf = (call: Call): string | undefined =>
  call._tag === "Create" ? (Result.isSuccess(call.result) ? call.result.success.id : undefined) : call.intentId

/** What the call was refused with; undefined if it was answered. */
export const refusalOf = (call: Call): Refusal | undefined => {
  const result: Result.Result<unknown, Refusal> = call.result
  return Result.isFailure(result) ? result.failure : undefined
}

export const allCalls = (history: History): ReadonlyArray<Call> => history.steps.flatMap((step) => step.calls)
