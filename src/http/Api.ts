/**
 * The contract (http.md): the server, the derived client and OpenAPI come from it. Each group is in `api/`. No server
 * code here.
 */
import { HttpApi, OpenApi } from "effect/http-api"
import { AgentsApi } from "./api/agents.ts"
import { AttachmentsApi } from "./api/attachments.ts"
import { CostsApi } from "./api/costs.ts"
import { DiscoveryApi } from "./api/discovery.ts"
import { EventsApi } from "./api/events.ts"
import { GraphApi } from "./api/graph.ts"
import { GovernanceApi } from "./api/governance.ts"
import { IntentsApi } from "./api/intents.ts"
import { LeasesApi } from "./api/leases.ts"
import { RetriesApi } from "./api/retries.ts"
import { LlmApi } from "./api/llm.ts"
import { PortfoliosApi } from "./api/portfolios.ts"
import { StreamsApi } from "./api/streams.ts"
import { SubscriptionsApi } from "./api/subscriptions.ts"
import { complete } from "./openapi.ts"

/** All of it. */
export class Api extends HttpApi.make("openintent")
  .add(
    DiscoveryApi,
    IntentsApi,
    EventsApi,
    AgentsApi,
    GraphApi,
    LeasesApi,
    AttachmentsApi,
    LlmApi,
    RetriesApi,
    PortfoliosApi,
    GovernanceApi,
    SubscriptionsApi,
    CostsApi,
    StreamsApi
  )
  .annotateMerge(
    OpenApi.annotations({
      title: "OpenIntent",
      version: "0.1",
      description:
        "The OpenIntent Coordination Protocol. Send `X-Agent-ID` to say who acts and `X-OpenIntent-Profile: 2` for " +
        "times with `Z`, the status `pending` and every event type. `HEAD` is answered wherever `GET` is, without the " +
        "body, and `OPTIONS` with 204 and `Allow`. Another method is answered as `MethodNotAllowed`, a path that is not " +
        "here as `NotFound`. Fields that are not named here are ignored in requests; clients should ignore them in answers.",
      transform: complete
    })
  ) {}
