/**
 * The contract (http.md): the server, the derived client and OpenAPI come from it. Each group is in `api/`. No server
 * code here.
 */
import { HttpApi, OpenApi } from "effect/http-api"
import { AgentsApi } from "./api/agents.ts"
import { DiscoveryApi } from "./api/discovery.ts"
import { EventsApi } from "./api/events.ts"
import { IntentsApi } from "./api/intents.ts"
import { LeasesApi } from "./api/leases.ts"
import { complete } from "./openapi.ts"

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
