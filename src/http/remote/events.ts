import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { FollowEvents } from "../../core/event/LogEvent.ts"
import type { OpenIntentShape } from "../../core/OpenIntent.ts"
import { ask, type Client, given, invalid, objectOf } from "./call.ts"
import { eventOf, pageOf } from "./records.ts"

/** Events of one page of `follow`. */
const pageSize = 1000

/** http.md 6. `follow` asks again and again, each time after the last position it has seen. */
export const makeEvents = ({ events }: Client, interval: Duration.Input): OpenIntentShape["events"] => {
  const list: OpenIntentShape["events"]["list"] = (intentId, { afterPosition, type, visibility, ...rest } = {}) =>
    ask(
      { operation: "events.list", intentId },
      ["IntentNotFound"],
      events.list({
        params: { intentId },
        query: given({
          ...rest,
          event_type: type,
          after_sequence: afterPosition,
          include: visibility === "all" ? ("all" as const) : undefined
        })
      }),
      (page) => pageOf(page, page.events, eventOf)
    )
  const follow = ({ after, intentId }: FollowEvents = {}): ReturnType<OpenIntentShape["events"]["follow"]> => {
    if (intentId === undefined)
      return Stream.fail(invalid("intentId", "is required: the contract has no stream of all events"))
    const last = Effect.map(list(intentId, { limit: 1 }), ({ items }) => items[0]?.position ?? 0)
    const pages = (start: number) =>
      Stream.paginate(start, (position: number) =>
        Effect.flatMap(list(intentId, { order: "asc", afterPosition: position, limit: pageSize }), ({ items }) => {
          const page = [items, Option.some(items.at(-1)?.position ?? position)] as const
          return items.length < pageSize
            ? Effect.delay(Effect.succeed(page), items.length === 0 ? interval : 0)
            : Effect.succeed(page)
        })
      )
    return Stream.unwrap(Effect.map(after === undefined ? last : Effect.succeed(after), pages))
  }
  return {
    append: (intentId, input) =>
      Effect.flatMap(objectOf("payload", input.payload), (payload) =>
        ask(
          { operation: "events.append", intentId },
          ["IntentNotFound", "TooLarge"],
          events.append({
            params: { intentId },
            payload: {
              event_type: input.type,
              ...given({
                actor: input.actor,
                payload,
                trace_id: input.traceId,
                parent_event_id: input.parentEventId
              })
            }
          }),
          eventOf
        )
      ),
    list,
    follow
  }
}
