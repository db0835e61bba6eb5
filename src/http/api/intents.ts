/** The group of http.md 4. */
import * as Schema from "effect/Schema"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import {
  CreateIntentBody,
  IntentBody,
  IntentsPage,
  LeaseConflict,
  PatchStateBody,
  PatchStateOrStatusBody,
  SetStatusBody,
  StatusName,
  VersionConflict
} from "../wire.ts"
import { Access, ifMatch, intentId, order, paging } from "./common.ts"
import { reads, writes } from "./rights.ts"

const leaseToken = Schema.optionalKey(Schema.String).annotate({
  description: "The fencing token of the lease under which the patch is made"
})

export class IntentsApi extends HttpApiGroup.make("intents")
  .add(
    HttpApiEndpoint.post("create", "/api/v1/intents", { payload: CreateIntentBody, success: IntentBody }).annotateMerge(
      writes
    ),
    HttpApiEndpoint.get("list", "/api/v1/intents", {
      query: {
        ...paging,
        status: Schema.optionalKey(Schema.Array(StatusName)).annotate({ description: "May be given several times" }),
        parent_intent_id: Schema.optionalKey(Schema.String),
        created_by: Schema.optionalKey(Schema.String),
        agent_id: Schema.optionalKey(Schema.String).annotate({ description: "Assigned to this agent now" }),
        q: Schema.optionalKey(Schema.String).annotate({ description: "A part of title or description, in any case" }),
        order
      },
      success: IntentsPage
    }).annotateMerge(reads),
    HttpApiEndpoint.get("get", "/api/v1/intents/:intentId", { params: intentId, success: IntentBody }).annotateMerge(
      reads
    ),
    HttpApiEndpoint.post("patchState", "/api/v1/intents/:intentId/state", {
      params: intentId,
      headers: { "if-match": ifMatch, "x-lease-token": leaseToken },
      payload: PatchStateBody,
      success: IntentBody,
      error: [VersionConflict, LeaseConflict]
    }).annotateMerge(writes),
    HttpApiEndpoint.patch("patchStateOrStatus", "/api/v1/intents/:intentId/state", {
      params: intentId,
      headers: { "if-match": ifMatch, "x-lease-token": leaseToken },
      payload: PatchStateOrStatusBody,
      success: IntentBody,
      error: [VersionConflict, LeaseConflict]
    }).annotateMerge(writes),
    HttpApiEndpoint.post("setStatus", "/api/v1/intents/:intentId/status", {
      params: intentId,
      headers: { "if-match": ifMatch },
      payload: SetStatusBody,
      success: IntentBody,
      error: VersionConflict
    }).annotateMerge(writes)
  )
  .middleware(Access) {}
