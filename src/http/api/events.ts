/** The group of http.md 6. */
import * as Schema from "effect/Schema"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { AppendEventBody, EventBody, EventsPage, VerificationBody } from "../wire.ts"
import { Access, intentId, order, paging } from "./common.ts"
import { reads, writes } from "./rights.ts"

export class EventsApi extends HttpApiGroup.make("events")
  .add(
    HttpApiEndpoint.post("append", "/api/v1/intents/:intentId/events", {
      params: intentId,
      payload: AppendEventBody,
      success: EventBody
    }).annotateMerge(writes),
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
    }).annotateMerge(reads),
    HttpApiEndpoint.get("verify", "/api/v1/intents/:intentId/events/verify", {
      params: intentId,
      query: {
        after_sequence: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
        limit: Schema.optionalKey(Schema.Int.annotate({ description: "Events to look at: 1 to 10000, the default" })),
        expect: Schema.optionalKey(
          Schema.String.annotate({
            description: "`SEQUENCE:HASH`, a head that was noted earlier: the chain must hold it still"
          })
        )
      },
      success: VerificationBody
    }).annotateMerge(reads)
  )
  .middleware(Access) {}
