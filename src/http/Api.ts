/**
 * The contract (http.md 3, 4, 6, 7, 8): the server, the derived client and OpenAPI come from it. No server code here.
 */
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiMiddleware, HttpApiSchema, OpenApi } from "effect/http-api"
import { complete } from "./openapi.ts"
import type { Profile } from "./timestamps.ts"
import {
  AcquireLeaseBody,
  AppendEventBody,
  AssignAgentBody,
  AssignmentBody,
  AssignmentsPage,
  BadRequest,
  CompatibilityBody,
  Conflict,
  CreateIntentBody,
  DegradedBody,
  DiscoveryBody,
  EventBody,
  EventsPage,
  Forbidden,
  HealthBody,
  IntentBody,
  IntentsPage,
  InternalError,
  LeaseBody,
  LeasesPage,
  Misdirected,
  NotFound,
  PatchStateBody,
  PatchStateOrStatusBody,
  PayloadTooLarge,
  ReleasedBody,
  RenewLeaseBody,
  RevokeLeaseBody,
  SetStatusBody,
  StatusName,
  Unauthorized,
  Unavailable,
  UnsupportedMediaType
} from "./wire.ts"

/** Who asks, and how the answer is to look. */
export class Caller extends Context.Service<
  Caller,
  {
    /** The acting agent (http.md 1.4). */
    readonly agentId: string
    readonly profile: Profile
    readonly admin: boolean
    /** The agents that the key may act for; undefined: all. */
    readonly boundTo: ReadonlySet<string> | undefined
  }
>()("openintent/http/Caller") {}

/** Key, identity, profile; and what a request that the contract refuses is answered with (http.md 1.4, 1.6). */
export class Access extends HttpApiMiddleware.Service<Access, { provides: Caller }>()("openintent/http/Access", {
  error: [
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    PayloadTooLarge,
    UnsupportedMediaType,
    Misdirected,
    InternalError,
    Unavailable
  ]
}) {}

const intentId = { intentId: Schema.String }
const ifMatch = Schema.optionalKey(Schema.String).annotate({
  description: 'The version the caller has seen: `3`, `"3"` or `W/"3"`. Required'
})
const leaseToken = Schema.optionalKey(Schema.String).annotate({
  description: "The fencing token of the lease under which the patch is made"
})

const count = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** http.md 1.8, decision 12 */
const paging = {
  limit: Schema.optionalKey(count(1, 1000)),
  offset: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
  after: Schema.optionalKey(Schema.String).annotate({ description: "Opaque: `after` of the page before" })
}
const order = Schema.optionalKey(Schema.Literals(["asc", "desc"]))

const summary = (text: string) => OpenApi.annotations({ summary: text })

class DiscoveryApi extends HttpApiGroup.make("discovery")
  .add(
    HttpApiEndpoint.get("describe", "/.well-known/openintent.json", { success: DiscoveryBody }).annotateMerge(
      summary("What this server speaks")
    ),
    HttpApiEndpoint.get("compatibility", "/.well-known/openintent-compat.json", {
      success: CompatibilityBody
    }).annotateMerge(summary("Which RFCs it follows")),
    HttpApiEndpoint.get("health", "/health", { success: HealthBody, error: DegradedBody }),
    HttpApiEndpoint.get("healthAlias", "/api/v1/health", { success: HealthBody, error: DegradedBody }),
    HttpApiEndpoint.get("live", "/health/live", { success: HealthBody }).annotateMerge(summary("The process answers")),
    HttpApiEndpoint.get("ready", "/health/ready", { success: HealthBody, error: DegradedBody }).annotateMerge(
      summary("The storage answers")
    )
  )
  .annotateMerge(OpenApi.annotations({ description: "Needs no key" })) {}

class IntentsApi extends HttpApiGroup.make("intents")
  .add(
    HttpApiEndpoint.post("create", "/api/v1/intents", { payload: CreateIntentBody, success: IntentBody }),
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
    }),
    HttpApiEndpoint.get("get", "/api/v1/intents/:intentId", { params: intentId, success: IntentBody }),
    HttpApiEndpoint.post("patchState", "/api/v1/intents/:intentId/state", {
      params: intentId,
      headers: { "if-match": ifMatch, "x-lease-token": leaseToken },
      payload: PatchStateBody,
      success: IntentBody,
      error: Conflict
    }),
    HttpApiEndpoint.patch("patchStateOrStatus", "/api/v1/intents/:intentId/state", {
      params: intentId,
      headers: { "if-match": ifMatch, "x-lease-token": leaseToken },
      payload: PatchStateOrStatusBody,
      success: IntentBody,
      error: Conflict
    }),
    HttpApiEndpoint.post("setStatus", "/api/v1/intents/:intentId/status", {
      params: intentId,
      headers: { "if-match": ifMatch },
      payload: SetStatusBody,
      success: IntentBody,
      error: Conflict
    })
  )
  .middleware(Access) {}

class EventsApi extends HttpApiGroup.make("events")
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
        include: Schema.optionalKey(Schema.Literals(["all"])).annotate({ description: "Types of every profile" })
      },
      success: EventsPage
    })
  )
  .middleware(Access) {}

class AgentsApi extends HttpApiGroup.make("agents")
  .add(
    HttpApiEndpoint.post("assign", "/api/v1/intents/:intentId/agents", {
      params: intentId,
      payload: AssignAgentBody,
      success: AssignmentBody
    }),
    HttpApiEndpoint.get("list", "/api/v1/intents/:intentId/agents", {
      params: intentId,
      query: paging,
      success: AssignmentsPage
    }),
    HttpApiEndpoint.delete("unassign", "/api/v1/intents/:intentId/agents/:agentId", {
      params: { ...intentId, agentId: Schema.String },
      success: HttpApiSchema.NoContent
    })
  )
  .middleware(Access) {}

const leaseParams = { ...intentId, leaseId: Schema.String }

class LeasesApi extends HttpApiGroup.make("leases")
  .add(
    HttpApiEndpoint.post("acquire", "/api/v1/intents/:intentId/leases", {
      params: intentId,
      payload: AcquireLeaseBody,
      success: LeaseBody,
      error: Conflict
    }),
    HttpApiEndpoint.get("list", "/api/v1/intents/:intentId/leases", {
      params: intentId,
      query: {
        ...paging,
        status: Schema.optionalKey(Schema.Literals(["active", "released", "expired", "revoked", "all"]))
      },
      success: LeasesPage
    }),
    HttpApiEndpoint.patch("renew", "/api/v1/intents/:intentId/leases/:leaseId", {
      params: leaseParams,
      payload: RenewLeaseBody,
      success: LeaseBody,
      error: Conflict
    }),
    HttpApiEndpoint.delete("release", "/api/v1/intents/:intentId/leases/:leaseId", {
      params: leaseParams,
      success: ReleasedBody
    }),
    HttpApiEndpoint.post("revoke", "/api/v1/intents/:intentId/leases/:leaseId/revoke", {
      params: leaseParams,
      payload: RevokeLeaseBody,
      success: LeaseBody,
      error: Conflict
    })
  )
  .middleware(Access) {}

/** All of it. */
export class Api extends HttpApi.make("openintent")
  .add(DiscoveryApi, IntentsApi, EventsApi, AgentsApi, LeasesApi)
  .annotateMerge(
    OpenApi.annotations({
      title: "OpenIntent",
      version: "0.1",
      description:
        "The OpenIntent Coordination Protocol. Send `X-Agent-ID` to say who acts and `X-OpenIntent-Profile: 2` for " +
        "times with `Z`, the status `pending` and every event type.",
      transform: complete
    })
  ) {}
