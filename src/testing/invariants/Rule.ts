/** What an invariant is to the kit: a judgement of a program that ran. */
import * as Result from "effect/Result"
import type { LogEvent } from "../../core/event/LogEvent.ts"
import {
  allCalls,
  type Call,
  type CallOf,
  type Entry,
  type History,
  intentOf,
  refusalOf,
  type Step,
  type Tag,
  type World
} from "../Call.ts"
import { editsOf } from "../model/patches.ts"
import type { Family } from "../programs.ts"
import type { Rule as SuiteRule } from "../Suite.ts"

/** A rule of this suite. */
export interface Rule extends SuiteRule<History> {
  readonly family: Family
}

/** All readings of the world, in order. */
export const worldsOf = ({ end, steps }: History): ReadonlyArray<World> => [...steps.map((step) => step.after), end]

/** Each intent at two readings that follow each other. */
export function* successions(history: History): Generator<readonly [Entry, Entry, World]> {
  const worlds = worldsOf(history)
  for (const [i, world] of worlds.entries()) {
    const next = worlds[i + 1]
    if (next === undefined) return
    for (const [id, entry] of world.entries) {
      const later = next.entries.get(id)
      if (later !== undefined) yield [entry, later, next]
    }
  }
}

const isOf =
  <T extends Tag>(tag: T) =>
  (call: Call): call is Extract<Call, CallOf<T>> =>
    call._tag === tag

/** The calls of one kind. */
export const callsOf = <T extends Tag>(calls: ReadonlyArray<Call>, tag: T) => calls.filter(isOf(tag))

/** Steps that are one call of this kind, with the intent that it is about, before and after. */
export function* aloneOf<T extends Tag>(history: History, tag: T) {
  for (const step of history.steps) {
    const [only, ...others] = step.calls
    const [call] = callsOf(step.calls, tag)
    if (only === undefined || others.length > 0 || call === undefined) continue
    const id = intentOf(only) ?? ""
    const [before, after] = [step.before.entries.get(id), step.after.entries.get(id)]
    if (before !== undefined && after !== undefined) yield { call, before, after, step }
  }
}

/** Events that the engine told, of one type or of all. */
export const systemEvents = (events: ReadonlyArray<LogEvent>, type?: string) =>
  events.filter((event) => event.source === "system" && (type === undefined || event.type === type))

/** The version that a call moved its intent to, if it did. */
export const bumpOf = (call: Call): number | undefined => {
  if (call._tag !== "Patch" && call._tag !== "SetStatus") return undefined
  if (Result.isFailure(call.result)) return undefined
  const { version } = call.result.success
  if (call._tag === "Patch") return editsOf(call.input).length > 0 ? version : undefined
  return version === call.input.version ? undefined : version
}

export const bumpsOf = (step: Step, intentId: string): ReadonlyArray<number> =>
  step.calls.flatMap((call) => (call._tag !== "Create" && call.intentId === intentId ? (bumpOf(call) ?? []) : []))

/** The requests that the intents were created with. */
export const creations = (history: History) =>
  new Map(
    callsOf(allCalls(history), "Create").flatMap((call) =>
      Result.isSuccess(call.result) ? [[call.result.success.id, { call, intent: call.result.success }] as const] : []
    )
  )

/** A change of status, as the log tells of it. */
export interface StatusChange {
  readonly intentId: string
  readonly position: number
  readonly from: unknown
  readonly to: unknown
  readonly version: unknown
  /** By the engine itself: unblocking. */
  readonly automatic: boolean
  readonly dependencyId: unknown
}

export const statusChanges = (events: ReadonlyArray<LogEvent>): ReadonlyArray<StatusChange> =>
  systemEvents(events, "status_changed").map(({ actor, intentId, payload, position }) => ({
    intentId,
    position,
    from: payload["from"],
    to: payload["to"],
    version: payload["version"],
    automatic: actor === "system",
    dependencyId: payload["dependency_id"]
  }))

/** Whether the step lets at least one call of these kinds on the intent through. */
export const hasAnswered = (step: Step, intentId: string, ...tags: ReadonlyArray<Tag>): boolean =>
  step.calls.some(
    (call) =>
      tags.includes(call._tag) && call._tag !== "Create" && call.intentId === intentId && refusalOf(call) === undefined
  )
