/** Intents and versions: invariants 1 to 14 of semantics 10, without 5 and 6, which speak of HTTP bodies. */
import * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"
import type { Intent } from "../../core/intent/Intent.ts"
import { isJsonObject, type JsonObject } from "../../core/json.ts"
import { allCalls, type Entry, refusalOf, type World } from "../Call.ts"
import { canonical, isSame } from "../canonical.ts"
import { isExpiry } from "../model/world.ts"
import { statusAt } from "../model/leases.ts"
import { applyEdits, editsOf, loggedEdits, valueAt } from "../model/patches.ts"
import {
  aloneOf,
  bumpOf,
  bumpsOf,
  callsOf,
  creations,
  type Rule,
  statusChanges,
  successions,
  systemEvents,
  worldsOf
} from "./Rule.ts"

const isNew: Rule = {
  id: "1",
  title: "a new intent has version 1 and one event, intent_created",
  family: "graph",
  *judge(history) {
    for (const step of history.steps) {
      for (const call of callsOf(step.calls, "Create")) {
        if (Result.isFailure(call.result)) continue
        const { createdAt, id, updatedAt, version } = call.result.success
        if (version !== 1) yield `${call.name}: the new intent has version ${version}`
        if (DateTime.isLessThan(updatedAt, createdAt)) yield `${call.name}: updatedAt is before createdAt`
        const events = step.after.entries.get(id)?.events ?? []
        const [first, ...rest] = events
        if (first?.type !== "intent_created" || first.source !== "system")
          yield `${call.name}: the first event is ${first?.type ?? "missing"}`
        // Others at the same time may complete what it waits for.
        const own = rest.filter((event) => event.type !== "status_changed")
        const wanted = (call.input.assign ?? null) === null ? 0 : 1
        if (own.length !== wanted) yield `${call.name}: the new intent has ${events.length} events`
      }
    }
  }
}

const counts: Rule = {
  id: "2",
  title: "version = 1 + successful changes + automatic unblocks",
  family: "everything",
  *judge(history) {
    for (const { after, before, calls } of history.steps) {
      for (const [id, { events, intent }] of after.entries) {
        const was = before.entries.get(id)
        const bumps = bumpsOf({ before, calls, after }, id).length
        const unblocks = [statusChanges(events), statusChanges(was?.events ?? [])].map(
          (changes) => changes.filter((change) => change.automatic).length
        )
        const wanted = (was?.intent.version ?? 1) + bumps + unblocks[0]! - unblocks[1]!
        if (intent.version !== wanted) {
          yield `${calls.map((call) => call.name).join(", ")}: ${id} has version ${intent.version}, but ${bumps} changes and ${unblocks[0]! - unblocks[1]!} unblocks make it ${wanted}`
        }
      }
    }
  }
}

const fixed = (entry: Entry, at: World["at"]) =>
  canonical({
    ...entry,
    events: entry.events.filter((event) => !isExpiry(event)),
    leases: entry.leases.map((lease) => ({ ...lease, status: statusAt(lease, at) }))
  })

const refusalsChangeNothing: Rule = {
  id: "3",
  title: "a refused call changes nothing",
  family: "everything",
  *judge(history) {
    for (const { after, before, calls } of history.steps) {
      if (calls.length === 0 || !calls.every((call) => call._tag === "Watch" || refusalOf(call) !== undefined)) continue
      const name = calls.map((call) => call.name).join(", ")
      if (before.entries.size !== after.entries.size) yield `${name}: refused, but there is an intent more`
      for (const [id, entry] of before.entries) {
        const later = after.entries.get(id)
        if (later === undefined) yield `${name}: refused, but ${id} is gone`
        else if (fixed(entry, after.at) !== fixed(later, after.at))
          yield `${name}: refused, but ${id} was ${fixed(entry, after.at)} and is ${fixed(later, after.at)}`
      }
    }
  }
}

const oneWinner: Rule = {
  id: "4",
  title: "of changes at the same version exactly one wins, and the losers learn the version",
  family: "races",
  *judge(history) {
    for (const { after, before, calls } of history.steps) {
      const writers = [...callsOf(calls, "Patch"), ...callsOf(calls, "SetStatus")]
      for (const [id, { intent }] of before.entries) {
        const later = after.entries.get(id)?.intent.version ?? 0
        for (const version of new Set(
          writers.filter((call) => call.intentId === id).map((call) => call.input.version)
        )) {
          const group = writers.filter((call) => call.intentId === id && call.input.version === version)
          const name = group.map((call) => call.name).join(", ")
          const winners = group.filter((call) => bumpOf(call) !== undefined)
          if (winners.length > 1) yield `${name}: ${winners.length} changes at version ${version} succeeded`
          for (const call of winners) {
            if (bumpOf(call) !== version + 1)
              yield `${call.name}: a change at version ${version} gave version ${bumpOf(call)}`
          }
          const conflicts = group.flatMap((call) => {
            const error = refusalOf(call)
            return error?._tag === "VersionConflict" ? [error] : []
          })
          for (const { current, expected } of conflicts) {
            if (expected !== version || current === version || current < intent.version || current > later) {
              yield `${name}: a loser at version ${version} was told version ${current}, but it went from ${intent.version} to ${later}`
            }
          }
          if (version === intent.version && version === later && conflicts.length > 0)
            yield `${name}: refused at version ${version}, which is the version still`
        }
      }
    }
  }
}

/** The states that the log tells of: after each version that a patch made, from the first. */
const replay = (initial: JsonObject, { events }: Pick<Entry, "events">) => {
  const states: Array<{ readonly version: unknown; readonly state: JsonObject | undefined }> = [
    { version: 1, state: initial }
  ]
  for (const event of systemEvents(events, "state_patched")) {
    const [state, edits] = [states.at(-1)?.state, loggedEdits(event.payload)]
    states.push({ version: event.payload["version"], state: state && edits && applyEdits(state, edits) })
  }
  return states
}

const differs = (name: string, actual: JsonObject, wanted: JsonObject | undefined) =>
  `${name}: the state is ${canonical(actual)}, but must be ${canonical(wanted)}`

const replays: Rule = {
  id: "7",
  title: "the state is what the patches make of it, and the log replays to it",
  family: "patches",
  *judge(history) {
    for (const { before, call } of aloneOf(history, "Patch")) {
      if (Result.isFailure(call.result)) continue
      const wanted = applyEdits(before.intent.state, editsOf(call.input))
      if (wanted === undefined) yield `${call.name}: answered, although the state does not allow it`
      else if (!isSame(call.result.success.state, wanted)) yield differs(call.name, call.result.success.state, wanted)
    }
    const created = creations(history)
    for (const [id, entry] of history.end.entries) {
      const initial = created.get(id)?.intent.state
      if (initial === undefined) continue
      const states = replay(initial, entry)
      if (!isSame(states.at(-1)?.state, entry.intent.state)) {
        yield `the log of ${id} replays to ${canonical(states.at(-1)?.state)}, but its state is ${canonical(entry.intent.state)}`
      }
      const seen: ReadonlyArray<Intent> = allCalls(history).flatMap((call) => {
        if (call._tag === "Watch" && Result.isSuccess(call.result))
          return call.result.success.map((seen) => seen.intent)
        return (call._tag === "Patch" || call._tag === "SetStatus") && Result.isSuccess(call.result)
          ? [call.result.success]
          : []
      })
      for (const intent of seen.filter((intent) => intent.id === id)) {
        const at = states.findLast(({ version }) => typeof version === "number" && version <= intent.version)
        if (!isSame(at?.state, intent.state)) {
          yield `the log of ${id} replays to ${canonical(at?.state)} at version ${intent.version}, but its state was ${canonical(intent.state)}`
        }
      }
    }
  }
}

const allOrNothing: Rule = {
  id: "8",
  title: "one invalid patch among valid ones: state and version stay",
  family: "patches",
  *judge(history) {
    for (const { after, before, call } of aloneOf(history, "Patch")) {
      const edits = editsOf(call.input)
      if (edits.length < 2 || applyEdits(before.intent.state, edits) !== undefined) continue
      if (Result.isSuccess(call.result)) yield `${call.name}: answered, although one of its patches is invalid`
      if (!isSame([before.intent.state, before.intent.version], [after.intent.state, after.intent.version])) {
        yield `${call.name}: an invalid patch among valid ones changed the intent to ${canonical(after.intent.state)}`
      }
    }
  }
}

const merges: Rule = {
  id: "9",
  title: "the { state } form is one literal-key set per entry",
  family: "patches",
  *judge(history) {
    for (const { before, call } of aloneOf(history, "Patch")) {
      if (call.input.patches !== undefined || Result.isFailure(call.result)) continue
      const wanted = applyEdits(before.intent.state, editsOf(call.input))
      if (!isSame(call.result.success.state, wanted)) yield differs(call.name, call.result.success.state, wanted)
    }
  }
}

const keepsSiblings: Rule = {
  id: "10",
  title: "a nested set keeps all siblings and is seen by the next reader",
  family: "patches",
  *judge(history) {
    for (const { after, before, call } of aloneOf(history, "Patch")) {
      const [edit, ...others] = editsOf(call.input)
      if (Result.isFailure(call.result) || others.length > 0 || edit?.op !== "set" || edit.segments === undefined)
        continue
      const { segments, value } = edit
      if (!isSame(valueAt(after.intent.state, segments), value)) {
        yield `${call.name}: the next reader finds ${canonical(valueAt(after.intent.state, segments))} instead of ${canonical(value)}`
      }
      for (let depth = 0; depth < segments.length; depth++) {
        const above = segments.slice(0, depth)
        const [was, is] = [valueAt(before.intent.state, above), valueAt(after.intent.state, above)]
        if (!isJsonObject(was)) continue
        for (const key of Object.keys(was)) {
          if (key === segments[depth]) continue
          const kept = isJsonObject(is) && Object.hasOwn(is, key) ? is[key] : undefined
          if (!isSame(kept, was[key]))
            yield `${call.name}: the sibling ${[...above, key].join(".")} was ${canonical(was[key])} and is ${canonical(kept)}`
        }
      }
    }
  }
}

const anyKey: Rule = {
  id: "11",
  title: "merging k: v yields state[k] = v for every allowed key",
  family: "patches",
  *judge(history) {
    for (const { after, call } of aloneOf(history, "Patch")) {
      if (call.input.patches !== undefined || Result.isFailure(call.result)) continue
      for (const [key, value] of Object.entries(call.input.state ?? {})) {
        const found = Object.hasOwn(after.intent.state, key) ? after.intent.state[key] : undefined
        if (!isSame(found, value))
          yield `${call.name}: state[${canonical(key)}] is ${canonical(found)}, but must be ${canonical(value)}`
      }
    }
  }
}

const noPollution: Rule = {
  id: "12",
  title: "no call changes Object.prototype or another intent, and no path leads through __proto__",
  family: "patches",
  *judge(history) {
    if ("polluted" in {} || Object.keys(Object.prototype).length > 0) yield "Object.prototype has been changed"
    for (const { call, step } of aloneOf(history, "Patch")) {
      if (Result.isSuccess(call.result) && editsOf(call.input).some((edit) => edit.segments === undefined)) {
        yield `${call.name}: answered, although no patch may have that path`
      }
      for (const [id, entry] of step.before.entries) {
        const later = step.after.entries.get(id)
        if (
          id !== call.intentId &&
          later !== undefined &&
          fixed(entry, step.after.at) !== fixed(later, step.after.at)
        ) {
          yield `${call.name}: a patch of ${call.intentId} changed ${id}`
        }
      }
    }
  }
}

const origin = ({ createdAt, createdBy, id, parentIntentId }: Intent) =>
  canonical([id, createdBy, createdAt, parentIntentId])

const keepsOrigin: Rule = {
  id: "13",
  title: "id, createdBy, createdAt and parentIntentId never change",
  family: "everything",
  *judge(history) {
    const created = creations(history)
    for (const world of worldsOf(history)) {
      for (const [id, { intent }] of world.entries) {
        const first = created.get(id)?.intent
        if (first !== undefined && origin(first) !== origin(intent))
          yield `${id} was created as ${origin(first)} and is ${origin(intent)}`
      }
    }
  }
}

const keepsTime: Rule = {
  id: "14",
  title: "updatedAt moves with the version and only then, and is the same instant for every reader",
  family: "everything",
  *judge(history) {
    for (const [{ intent }, { intent: later }] of successions(history)) {
      const moved = DateTime.isGreaterThan(later.updatedAt, intent.updatedAt)
      if (DateTime.isLessThan(later.updatedAt, intent.updatedAt)) yield `updatedAt of ${intent.id} went back`
      if (moved && later.version === intent.version) yield `updatedAt of ${intent.id} moved, but its version did not`
    }
    for (const { after, before, call } of [...aloneOf(history, "Patch"), ...aloneOf(history, "SetStatus")]) {
      if (Result.isFailure(call.result)) continue
      if (!isSame(call.result.success, after.intent))
        yield `${call.name}: answered ${canonical(call.result.success)}, but the next reader finds ${canonical(after.intent)}`
      if (
        after.intent.version > before.intent.version &&
        DateTime.isLessThan(after.intent.updatedAt, before.intent.updatedAt)
      ) {
        yield `${call.name}: updatedAt went back`
      }
    }
  }
}

export const intentRules: ReadonlyArray<Rule> = [
  isNew,
  counts,
  refusalsChangeNothing,
  oneWinner,
  replays,
  allOrNothing,
  merges,
  keepsSiblings,
  anyKey,
  noPollution,
  keepsOrigin,
  keepsTime
]
