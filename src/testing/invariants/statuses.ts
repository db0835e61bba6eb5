/** The status machine and what hangs on it in the graph: invariants 17 to 21, 23 and 27 of semantics 10. */
import { type Status, statuses } from "../../core/intent/Intent.ts"
import type { LogEvent } from "../../core/event/LogEvent.ts"
import type { History, World } from "../Call.ts"
import { canonical, isSame } from "../canonical.ts"
import { isOver, mayBecome } from "../model/statuses.ts"
import { creations, type Rule, type StatusChange, statusChanges, successions, worldsOf } from "./Rule.ts"

const isStatus = (value: unknown): value is Status => statuses.some((status) => status === value)

const inTable: Rule = {
  id: "17",
  title: "the statuses of an intent are a path in the table, plus automatic edges",
  family: "graph",
  *judge(history) {
    for (const [id, { events }] of history.end.entries) {
      for (const { automatic, from, to } of statusChanges(events)) {
        const allowed = automatic
          ? from === "blocked" && to === "pending"
          : isStatus(from) && isStatus(to) && mayBecome(from, to)
        if (!allowed) yield `${id} went from ${canonical(from)} to ${canonical(to)}${automatic ? " by itself" : ""}`
      }
    }
  }
}

const terminal: Rule = {
  id: "18",
  title: "once completed or abandoned, status and dependsOn stay",
  family: "graph",
  *judge(history) {
    for (const [{ intent }, { intent: later }] of successions(history)) {
      if (isOver(intent.status) && !isSame([intent.status, intent.dependsOn], [later.status, later.dependsOn])) {
        yield `${intent.id} was ${intent.status} and is ${later.status}`
      }
    }
  }
}

const chains: Rule = {
  id: "19",
  title: "each change of status has one event, and they chain",
  family: "graph",
  *judge(history) {
    const created = creations(history)
    for (const world of worldsOf(history)) {
      for (const [id, { events, intent }] of world.entries) {
        let status: unknown = created.get(id)?.intent.status
        for (const { from, to } of statusChanges(events)) {
          if (from !== status) yield `${id} was ${canonical(status)}, but the next change is from ${canonical(from)}`
          if (from === to) yield `${id} has an event for a change from ${canonical(from)} to itself`
          status = to
        }
        if (intent.status !== status) yield `${id} is ${intent.status}, but its log says ${canonical(status)}`
      }
    }
    // A status cannot change between two readings without an event between them.
    for (const [entry, later] of successions(history)) {
      const told = statusChanges(later.events).length - statusChanges(entry.events).length
      if (entry.intent.status !== later.intent.status && told === 0)
        yield `${entry.intent.id} changed its status without an event`
    }
  }
}

interface Known {
  status: unknown
  readonly dependsOn: ReadonlyArray<unknown>
  readonly parent: unknown
}

/** A change of status, and how all intents were just before it, in the order of the whole log. */
interface Moment {
  readonly change: StatusChange
  readonly known: ReadonlyMap<string, Known>
}

function* moments({ entries }: World): Generator<Moment> {
  const log: ReadonlyArray<LogEvent> = [...entries.values()]
    .flatMap((entry) => entry.events)
    .toSorted((a, b) => a.position - b.position)
  const known = new Map<string, Known>()
  for (const event of log) {
    if (event.source !== "system") continue
    if (event.type === "intent_created") {
      const { depends_on: dependsOn, parent_intent_id: parent, status } = event.payload
      known.set(event.intentId, { status, dependsOn: Array.isArray(dependsOn) ? dependsOn : [], parent })
    }
    for (const change of statusChanges([event])) {
      yield { change, known }
      const intent = known.get(event.intentId)
      if (intent !== undefined) intent.status = change.to
    }
  }
}

const gated: Rule = {
  id: "20",
  title: "no intent is completed while a dependency is not",
  family: "graph",
  *judge(history) {
    for (const { change, known } of moments(history.end)) {
      if (change.to !== "completed") continue
      for (const id of known.get(change.intentId)?.dependsOn ?? []) {
        const status = known.get(String(id))?.status
        if (status !== "completed")
          yield `${change.intentId} was completed while its dependency ${String(id)} was ${canonical(status)}`
      }
    }
  }
}

const parentGate: Rule = {
  id: "21",
  title: "no intent is completed while a child is neither completed nor abandoned",
  family: "graph",
  *judge(history) {
    for (const { change, known } of moments(history.end)) {
      if (change.to !== "completed") continue
      for (const [id, { parent, status }] of known) {
        if (parent === change.intentId && !(isStatus(status) && isOver(status))) {
          yield `${change.intentId} was completed while its child ${id} was ${canonical(status)}`
        }
      }
    }
  }
}

const isUnmet = (world: World, dependsOn: ReadonlyArray<string>) =>
  dependsOn.some((id) => world.entries.get(id)?.intent.status !== "completed")

const blockedOrNot: Rule = {
  id: "23",
  title: "a pending intent has no unmet dependency; one with an unmet dependency is blocked or over",
  family: "graph",
  *judge(history) {
    for (const world of worldsOf(history)) {
      for (const { intent } of world.entries.values()) {
        if (isUnmet(world, intent.dependsOn) && intent.status !== "blocked" && !isOver(intent.status)) {
          yield `${intent.id} is ${intent.status}, but has an unmet dependency`
        }
      }
    }
  }
}

const nextChange = (history: History, { intentId, position }: StatusChange, of: string): StatusChange | undefined =>
  statusChanges(history.end.entries.get(of)?.events ?? []).find(
    (change) => change.position > position && of !== intentId
  )

const unblocks: Rule = {
  id: "27",
  title: "completing the last unmet dependency unblocks every blocked dependent once, in the same commit",
  family: "graph",
  *judge(history) {
    for (const { change, known } of moments(history.end)) {
      const { automatic, dependencyId, intentId } = change
      const isMet = (dependsOn: ReadonlyArray<unknown>, completed: string) =>
        dependsOn.every((id) => id === completed || known.get(String(id))?.status === "completed")
      if (change.to === "completed") {
        for (const [id, { dependsOn, status }] of known) {
          if (status !== "blocked" || !dependsOn.includes(intentId) || !isMet(dependsOn, intentId)) continue
          const next = nextChange(history, change, id)
          if (next?.automatic !== true || next.dependencyId !== intentId)
            yield `${intentId} was completed, but its dependent ${id} was not unblocked`
          // Readings between the two would have shown a half of the commit.
          for (const world of worldsOf(history)) {
            const [one, other] = [world.entries.get(intentId), world.entries.get(id)]
            const seen = one?.events.some((event) => event.position === change.position) ?? false
            const freed = other?.events.some((event) => event.position === next?.position) ?? false
            if (seen !== freed) yield `${intentId} was seen completed, but its dependent ${id} still blocked`
          }
        }
      }
      if (automatic) {
        const intent = known.get(intentId)
        if (intent?.status !== "blocked" || !isMet(intent.dependsOn, "") || !intent.dependsOn.includes(dependencyId)) {
          yield `${intentId} was unblocked by ${canonical(dependencyId)}, but was ${canonical(intent?.status)}`
        }
      }
    }
  }
}

export const statusRules: ReadonlyArray<Rule> = [inTable, terminal, chains, gated, parentGate, blockedOrNot, unblocks]
