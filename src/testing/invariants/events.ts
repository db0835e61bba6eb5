/** The log and the lists: invariants 16, 29 to 33, and 53 for followers in process, of semantics 10. */
import * as Result from "effect/Result"
import { allCalls, type History, type Listing, type Observation } from "../Call.ts"
import { canonical, isSame } from "../canonical.ts"
import { bumpOf, callsOf, type Rule, successions, systemEvents, worldsOf } from "./Rule.ts"

function* unexpected(history: History, of: Listing["of"]): Generator<string> {
  for (const { expected, of: own, what, whole } of history.listings) {
    if (own === of && expected !== undefined && !isSame(whole, expected)) {
      yield `${what}: the list is ${canonical(whole)}, but must be ${canonical(expected)}`
    }
  }
}

const lists: Rule = {
  id: "16",
  title: "pages of any size make up the whole list, by cursor and by offset, and total counts it",
  family: "log",
  *judge(history) {
    for (const { byCursor, byOffset, total, totals, what, whole } of history.listings) {
      if (!isSame(byCursor, whole))
        yield `${what}: pages by cursor are ${canonical(byCursor)}, but the list is ${canonical(whole)}`
      if (!isSame(byOffset, whole))
        yield `${what}: pages by offset are ${canonical(byOffset)}, but the list is ${canonical(whole)}`
      if (total !== whole.length) yield `${what}: total is ${total}, but the list has ${whole.length}`
      if (totals.some((other) => other !== total)) yield `${what}: pages have the totals ${canonical(totals)}`
    }
    yield* unexpected(history, "16")
  }
}

const grows: Rule = {
  id: "29",
  title: "positions grow strictly in the order of commits, and desc is the reverse of asc",
  family: "log",
  *judge(history) {
    let latest = 0
    for (const world of worldsOf(history)) {
      const positions = [...world.entries.values()].flatMap((entry) => entry.events.map((event) => event.position))
      if (new Set(positions).size !== positions.length)
        yield `two events have one position: ${canonical(positions.toSorted((a, b) => a - b))}`
      for (const [id, { events }] of world.entries) {
        for (const [i, event] of events.entries()) {
          const before = events[i - 1]
          if (before !== undefined && before.position >= event.position)
            yield `the log of ${id} is not sorted at position ${event.position}`
        }
      }
      latest = Math.max(latest, ...positions)
    }
    for (const { after, before } of history.steps) {
      const known = [...before.entries.values()].flatMap((entry) => entry.events.map((event) => event.position))
      const last = Math.max(0, ...known)
      for (const { events } of after.entries.values()) {
        for (const { position } of events) {
          if (position <= last && !known.includes(position))
            yield `an event got the position ${position}, but ${last} was in the log before it`
        }
      }
    }
    yield* unexpected(history, "29")
  }
}

const immutable: Rule = {
  id: "30",
  title: "events never change or vanish: a log is a prefix of the later one",
  family: "log",
  *judge(history) {
    for (const [{ events, intent }, later] of successions(history)) {
      for (const [i, event] of events.entries()) {
        if (!isSame(event, later.events[i]))
          yield `event ${i} of ${intent.id} was ${canonical(event)} and is ${canonical(later.events[i])}`
      }
    }
  }
}

const latestVersion = (events: Observation["eventsBefore"]): number =>
  Math.max(
    0,
    ...systemEvents(events).map(({ payload }) => (typeof payload["version"] === "number" ? payload["version"] : 0))
  )

const told: Rule = {
  id: "31",
  title: "every change has an event with its version, seen together with it",
  family: "races",
  *judge(history) {
    for (const { after, calls } of history.steps) {
      for (const call of calls) {
        const version = bumpOf(call)
        if (version === undefined || call._tag === "Create") continue
        const events = systemEvents(after.entries.get(call.intentId)?.events ?? [])
        if (!events.some((event) => event.payload["version"] === version))
          yield `${call.name}: no event tells of version ${version}`
      }
    }
    for (const call of callsOf(allCalls(history), "Watch")) {
      if (Result.isFailure(call.result)) continue
      for (const { eventsAfter, eventsBefore, intent } of call.result.success) {
        if (latestVersion(eventsAfter) < intent.version) {
          yield `${call.name}: a reader saw version ${intent.version}, and then a log that ends with version ${latestVersion(eventsAfter)}`
        }
        if (latestVersion(eventsBefore) > intent.version) {
          yield `${call.name}: a reader saw an event of version ${latestVersion(eventsBefore)}, and then version ${intent.version}`
        }
      }
    }
  }
}

const filters: Rule = {
  id: "32",
  title: "filtering events by type, time or position is filtering the whole log",
  family: "log",
  judge: (history) => unexpected(history, "32")
}

const sources: Rule = {
  id: "33",
  title: "events of clients have source client, those of the engine system",
  family: "log",
  *judge(history) {
    const appended = new Map(
      callsOf(allCalls(history), "Append").flatMap((call) =>
        Result.isSuccess(call.result) ? [[call.result.success.id, call] as const] : []
      )
    )
    const agents = new Set(allCalls(history).map((call) => call.agent))
    let found = 0
    for (const [id, { events }] of history.end.entries) {
      for (const event of events) {
        const call = appended.get(event.id)
        if (call !== undefined) found++
        const source = call === undefined ? "system" : "client"
        if (event.source !== source)
          yield `an event ${event.type} of ${id} has source ${event.source}, but must have ${source}`
        if (call !== undefined && Result.isSuccess(call.result) && !isSame(call.result.success, event))
          yield `${call.name}: the event is stored as ${canonical(event)}`
        if (event.actor !== "system" && !agents.has(event.actor))
          yield `an event ${event.type} of ${id} has the actor ${event.actor}, who did nothing`
      }
    }
    if (found !== appended.size) yield `${appended.size} events were appended, but ${found} are in the log`
  }
}

const follows: Rule = {
  id: "53",
  title: "a follower gets every event after its position, once and in order",
  family: "log",
  *judge(history) {
    for (const {
      after,
      found,
      scope: { intentId }
    } of history.followed) {
      const wanted = history.end.entries.get(intentId)?.events.filter((event) => event.position > after) ?? []
      if (!isSame(found, wanted)) {
        yield `who follows ${intentId} after position ${after} gets ${canonical(found.map((event) => event.position))}, but the log has ${canonical(wanted.map((event) => event.position))}`
      }
    }
  }
}

export const eventRules: ReadonlyArray<Rule> = [lists, grows, immutable, told, filters, sources, follows]
