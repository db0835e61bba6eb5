/** Reading the log for followers, and who belonged to a group at some position of it. */
import * as Effect from "effect/Effect"
import type { StorageError, StorageShape } from "../Storage.ts"
import type { LogEvent } from "./LogEvent.ts"
import { changeOf, changingTypes, type Group, keyOf } from "./membership.ts"

/** Events read at a time. */
const pageSize = 500
/** Rows of members read at a time. */
const membersPageSize = 1000
/** More ranges than this are not merged, and fewer positions than that are read as they come. */
const rangesMax = 100
const shortMax = 2000

/** A part of the log. */
export interface LogRange {
  /** Beyond this position, up to and with that one. */
  readonly from: number
  readonly upTo: number
  /** Whose events are wanted; undefined: all. Others may be among what is read. */
  readonly intentIds: ReadonlyArray<string> | undefined
  /** Types that are wanted; undefined: all. Others may be among what is read. */
  readonly types?: ReadonlyArray<string>
}

/** The next page after a position, and how far it goes. */
export const readLog = (
  storage: StorageShape,
  { from, intentIds, types, upTo }: LogRange,
  after: number
): Effect.Effect<{ readonly events: ReadonlyArray<LogEvent>; readonly through: number }, StorageError> => {
  const isWhole =
    intentIds === undefined ||
    (intentIds.length > 1 && (upTo - from <= shortMax || intentIds.length * (types?.length ?? 1) > rangesMax))
  const ranges = isWhole
    ? ({ index: "all", keys: [[]] } as const)
    : ({
        index: "byIntent",
        keys:
          types === undefined ? intentIds.map((id) => [id]) : intentIds.flatMap((id) => types.map((type) => [id, type]))
      } as const)
  return Effect.map(storage.page({ table: "events", ...ranges, direction: "asc", after, limit: pageSize }), (rows) => {
    const within = rows.filter(({ position }) => position <= upTo)
    const last = within.at(-1)
    return {
      events: within.map(({ record }) => record),
      through: rows.length < pageSize || within.length < rows.length ? upTo : (last?.position ?? upTo)
    }
  })
}

/** Intents that ever were members, and whether they are now. */
export const everIn = (
  storage: StorageShape,
  { _tag, id }: Group
): Effect.Effect<ReadonlyMap<string, boolean>, StorageError> =>
  Effect.gen(function* () {
    const found = new Map<string, boolean>()
    const page = { keys: [[id]], direction: "asc", limit: membersPageSize } as const
    for (let after = 0; ;) {
      const rows =
        _tag === "Agent"
          ? yield* storage.page({ table: "assignments", index: "everOfAgent", ...page, after })
          : yield* storage.page({ table: "memberships", index: "ever", ...page, after })
      for (const { record } of rows)
        found.set(record.intentId, record.state === "assigned" || record.state === "member")
      const last = rows.at(-1)
      if (last === undefined || rows.length < membersPageSize) return found
      after = last.position
      yield* Effect.yieldNow
    }
  })

/** The members as of a position. `ever` was read after it, and what has changed since then is in the log. */
export const membersAt = (
  storage: StorageShape,
  group: Group,
  ever: ReadonlyMap<string, boolean>,
  position: number
): Effect.Effect<Set<string>, StorageError> =>
  Effect.gen(function* () {
    const upTo = yield* storage.lastPosition
    const key = keyOf(group)
    /** By the first change after the position. */
    const before = new Map<string, boolean>()
    const range = { from: position, upTo, intentIds: [...ever.keys()], types: changingTypes[group._tag] }
    for (let after = position; after < upTo;) {
      const { events, through } = yield* readLog(storage, range, after)
      for (const event of events) {
        const change = changeOf(event)
        if (change?.group === key && !before.has(event.intentId)) before.set(event.intentId, change.wasMember)
      }
      after = through
      yield* Effect.yieldNow
    }
    const members = new Set<string>()
    for (const [intentId, isMember] of ever) if (before.get(intentId) ?? isMember) members.add(intentId)
    return members
  })
