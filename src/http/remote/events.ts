import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { OpenIntentShape } from "../../core/OpenIntent.ts"
import { ask, type Client, given, objectOf } from "./call.ts"
import { makeFollow } from "./follow.ts"
import { eventOf, pageOf } from "./records.ts"
import { makeVerify } from "./verify.ts"

/** http.md 6 and 12 */
export const makeEvents = (client: Client, reconnectDelay: Duration.Input): OpenIntentShape["events"] => {
  const { events } = client
  const list: OpenIntentShape["events"]["list"] = (
    intentId,
    { afterPosition, type, visibility = "known", ...rest } = {}
  ) =>
    ask(
      { operation: "events.list", intentId },
      ["IntentNotFound"],
      events.list({
        params: { intentId },
        query: given({
          ...rest,
          event_type: type,
          after_sequence: afterPosition,
          include: visibility
        })
      }),
      (page) => pageOf(page, page.events, eventOf)
    )
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
    follow: makeFollow(client, reconnectDelay),
    verify: makeVerify(client)
  }
}
