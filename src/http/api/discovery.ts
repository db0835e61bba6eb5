/** The group of http.md 3. */
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { CompatibilityBody, DegradedBody, DiscoveryBody, HealthBody } from "../wire.ts"
import { summary } from "./common.ts"
import { isPublic } from "./rights.ts"

export class DiscoveryApi extends HttpApiGroup.make("discovery")
  .add(
    HttpApiEndpoint.get("describe", "/.well-known/openintent.json", { success: DiscoveryBody })
      .annotateMerge(isPublic)
      .annotateMerge(summary("What this server speaks")),
    HttpApiEndpoint.get("compatibility", "/.well-known/openintent-compat.json", {
      success: CompatibilityBody
    })
      .annotateMerge(isPublic)
      .annotateMerge(summary("Which RFCs it follows")),
    HttpApiEndpoint.get("health", "/health", { success: HealthBody, error: DegradedBody }).annotateMerge(isPublic),
    HttpApiEndpoint.get("healthAlias", "/api/v1/health", { success: HealthBody, error: DegradedBody }).annotateMerge(
      isPublic
    ),
    HttpApiEndpoint.get("live", "/health/live", { success: HealthBody })
      .annotateMerge(isPublic)
      .annotateMerge(summary("The process answers")),
    HttpApiEndpoint.get("ready", "/health/ready", { success: HealthBody, error: DegradedBody })
      .annotateMerge(isPublic)
      .annotateMerge(summary("The storage answers"))
  )
  .annotateMerge(OpenApi.annotations({ description: "Needs no key" })) {}
