/** `events` of the embedded engine. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { CommandsShape } from "../Commands.ts"
import { CurrentAgent } from "../CurrentAgent.ts"
import type { Events } from "../OpenIntent.ts"
import type { StorageShape } from "../Storage.ts"
import { told } from "../storageFaults.ts"
import { Checks, limits, whenValid } from "../validate.ts"
import type { WakeupsShape } from "../Wakeups.ts"
import type { EventCountsShape } from "./EventCounts.ts"
import { mayAppend } from "./eventTypes.ts"
import { listEvents, readListEvents } from "./list.ts"
import type { AppendEvent, FollowEvents } from "./LogEvent.ts"

/** Events that a follower takes from the log at a time. */
const followPageSize = 500

/** What a client appends (http.md 6.1), checked and copied. */
const readAppend = (intentId: string, input: AppendEvent, agentId: string) => {
  const checks = new Checks()
  const agent = checks.readAgent("agent", agentId)
  const type = checks.readText("type", input.type, 1, limits.nameLength)
  if (type !== "" && !mayAppend(type))
    checks.add("type", "is no type that clients append; own types begin with x.", type)
  return checks.finishSized({
    intentId,
    type,
    actor: input.actor === undefined ? agent : checks.readAgent("actor", input.actor),
    source: "client" as const,
    payload: checks.readObject("payload", input.payload, limits.payloadBytes),
    extra: null,
    traceId: checks.readOptionalText("traceId", input.traceId, limits.noteLength) ?? null,
    parentEventId: checks.readOptionalText("parentEventId", input.parentEventId, limits.noteLength) ?? null
  })
}

export const makeEvents = (
  storage: StorageShape,
  { append, mustExist }: CommandsShape,
  counts: EventCountsShape,
  wakeups: WakeupsShape
): Events => {
  const pageAfter = (intentId: string | undefined, after: number) =>
    told(
      storage.page({
        table: "events",
        ...(intentId === undefined ? { index: "all", keys: [[]] } : { index: "byIntent", keys: [[intentId]] }),
        direction: "asc",
        after,
        limit: followPageSize
      })
    )

  /** Reads on from `after`, and waits for more where there is none. The signal is made first, so that none is missed. */
  const following = ({ after, intentId }: FollowEvents) =>
    Effect.gen(function* () {
      const checks = new Checks()
      if (after !== undefined) checks.readInt("after", after, undefined, 0, Number.MAX_SAFE_INTEGER)
      yield* Effect.fromResult(checks.finish(undefined))
      if (intentId !== undefined) yield* mustExist(intentId)
      const signal = yield* wakeups.signal(intentId)
      const start = after ?? (yield* told(storage.lastPosition))
      const next = (position: number): ReturnType<typeof pageAfter> =>
        Effect.flatMap(pageAfter(intentId, position), (rows) =>
          rows.length > 0 ? Effect.succeed(rows) : Effect.flatMap(signal.await, () => next(position))
        )
      return Stream.unfold(start, (position) =>
        Effect.map(next(position), (rows) => [rows.map((row) => row.record), rows.at(-1)!.position] as const)
      ).pipe(Stream.flatMap(Stream.fromIterable))
    })

  return {
    append: (intentId, input) =>
      Effect.flatMap(CurrentAgent, (agent) =>
        whenValid(readAppend(intentId, input, agent), (given) =>
          Effect.andThen(
            mustExist(intentId),
            append((env) => ({ ...given, id: env.newId(), createdAt: env.now }))
          )
        )
      ),
    list: (intentId, query = {}) =>
      Effect.flatMap(Effect.fromResult(readListEvents(query)), (filter) =>
        Effect.andThen(mustExist(intentId), told(listEvents(storage, counts, intentId, filter)))
      ),
    follow: (query = {}) => Stream.unwrap(following(query))
  }
}
