/** http.md 3: what this server is, and whether it works. Needs no key. */
import * as Effect from "effect/Effect"
import { HttpApi, HttpApiBuilder } from "effect/http-api"
import { OpenIntent } from "../core/OpenIntent.ts"
import { json } from "./answers.ts"
import { makeHealth } from "./health.ts"
import { Api } from "./Api.ts"
import { protocolVersion, version } from "./version.ts"

const endpoints = (): { readonly [name: string]: string } => {
  const paths: { [name: string]: string } = {}
  HttpApi.reflect(Api, {
    onGroup: () => undefined,
    onEndpoint: ({ endpoint, group }) => {
      paths[`${group.identifier}.${endpoint.identifier}`] =
        `${endpoint.method} ${endpoint.path.replaceAll(/:(\w+)/g, "{$1}")}`
    }
  })
  return paths
}

const describe = json({
  protocol: "OpenIntent Coordination Protocol",
  version: protocolVersion,
  rfcUrls: [
    "/rfc/0001",
    "/rfc/0002",
    "/rfc/0003",
    "/rfc/0004",
    "/rfc/0005",
    "/rfc/0006",
    "/rfc/0007",
    "/rfc/0008",
    "/rfc/0009",
    "/rfc/0010"
  ],
  capabilities: [
    "intents",
    "events",
    "agents",
    "state-patches",
    "optimistic-concurrency",
    "leasing",
    "portfolios",
    "cost-tracking",
    "governance",
    "attachments",
    "llm-observability",
    "retry-policies",
    "subscriptions",
    "verifiable-logs"
  ],
  openApiUrl: "/openapi.json",
  implementation: "openintent",
  endpoints: endpoints(),
  profiles: [1, 2]
})

const compatibility = json({
  implementation: "openintent",
  version,
  rfcCompliance: {
    "RFC-0001": "full",
    "RFC-0002": "full",
    "RFC-0003": "full",
    "RFC-0004": "full",
    "RFC-0005": "full",
    "RFC-0006": "full",
    "RFC-0007": "full",
    "RFC-0008": "full",
    "RFC-0009": "full",
    "RFC-0010": "full",
    "RFC-0019": "partial"
  },
  features: {
    intents: true,
    events: true,
    agents: true,
    statePatches: true,
    optimisticConcurrency: true,
    leasing: true,
    governance: true,
    portfolios: true,
    attachments: true,
    subscriptions: true,
    costTracking: true,
    retryPolicies: true,
    verifiableLogs: true
  }
})

const health = (status: "ok" | "degraded") => ({ status, version, protocol_version: protocolVersion })

const healthAnswer = (reason: string | undefined) =>
  reason === undefined ? json(health("ok")) : json({ ...health("degraded"), reason }, 503)

/** Needs `OpenIntent`. */
export const layer = HttpApiBuilder.group(
  Api,
  "discovery",
  Effect.fnUntraced(function* (handlers) {
    const engine = yield* OpenIntent
    const check = Effect.map(yield* makeHealth(engine.health.check), healthAnswer)
    return handlers
      .handleRaw("describe", () => Effect.succeed(describe))
      .handleRaw("compatibility", () => Effect.succeed(compatibility))
      .handleRaw("health", () => check)
      .handleRaw("healthAlias", () => check)
      .handleRaw("live", () => Effect.succeed(json(health("ok"))))
      .handleRaw("ready", () => check)
  })
)
