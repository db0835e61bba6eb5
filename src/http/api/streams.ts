/** The group of http.md 12: one stream each under the paths of the clients and those of the reference server. */
import * as Schema from "effect/Schema"
import { HttpApiEndpoint, HttpApiGroup, HttpApiMiddleware, HttpApiSchema } from "effect/http-api"
import {
  BadRequest,
  Forbidden,
  InternalError,
  Misdirected,
  NotFound,
  RateLimited,
  Unauthorized,
  Unavailable
} from "../wire.ts"
import { Caller, summary } from "./common.ts"
import { reads } from "./rights.ts"

/** As `Access`; key and profile may be in the query too, since browsers set no headers, and refusals are slow. */
export class StreamAccess extends HttpApiMiddleware.Service<StreamAccess, { provides: Caller }>()(
  "openintent/http/StreamAccess",
  { error: [BadRequest, Unauthorized, Forbidden, NotFound, Misdirected, RateLimited, InternalError, Unavailable] }
) {}

const resuming = {
  headers: {
    "last-event-id": Schema.optionalKey(Schema.String).annotate({
      description: "Resumes after this event: all that were stored since come first"
    })
  },
  query: {
    last_event_id: Schema.optionalKey(Schema.String).annotate({ description: "The same; the header wins" }),
    api_key: Schema.optionalKey(Schema.String).annotate({ description: "For clients that cannot set headers" }),
    profile: Schema.optionalKey(Schema.String).annotate({ description: "The same" })
  },
  success: HttpApiSchema.StreamUint8Array({ contentType: "text/event-stream" })
}

const stream = <const Name extends string, const Path extends `/${string}`>(name: Name, path: Path, about: string) =>
  HttpApiEndpoint.get(name, path, { params: { id: Schema.String }, ...resuming })
    .annotateMerge(reads)
    .annotateMerge(summary(about))

export class StreamsApi extends HttpApiGroup.make("streams")
  .add(
    stream("intent", "/api/v1/intents/:id/subscribe", "Events of an intent as they are committed"),
    stream("portfolio", "/api/v1/portfolios/:id/subscribe", "Events of the members of a portfolio"),
    stream("agent", "/api/v1/agents/:id/subscribe", "Assignments of an agent, and events of its intents"),
    stream("legacyIntent", "/api/v1/subscribe/intents/:id", "The names and bodies of the reference server"),
    stream("legacyPortfolio", "/api/v1/subscribe/portfolios/:id", "The names and bodies of the reference server"),
    stream("legacyAgent", "/api/v1/subscribe/agents/:id", "The names and bodies of the reference server")
  )
  .middleware(StreamAccess) {}
