/** The group of http.md 6. */
import * as Schema from "effect/Schema"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { AppendEventBody, EventBody, EventsPage } from "../wire.ts"
import { Access, intentId, order, paging } from "./common.ts"

export class EventsApi extends HttpApiGroup.make("events")
  .add(
    HttpApiEndpoint.post("append", "/api/v1/intents/:intentId/events", {
      params: intentId,
      payload: AppendEventBody,
      success: EventBody
    }),
    HttpApiEndpoint.get("list", "/api/v1/intents/:intentId/events", {
      params: intentId,
      query: {
        ...paging,
        event_type: Schema.optionalKey(Schema.String),
        since: Schema.optionalKey(Schema.String).annotate({ description: "ISO 8601; strictly after it" }),
        after_sequence: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
        order,
        include: Schema.optionalKey(Schema.Literals(["all", "known", "legacy"])).annotate({
          description: "Which types: all, those of the protocol, or the 29 oldest; by default by the profile"
        })
      },
      success: EventsPage
    })
  )
  .middleware(Access) {}
