/** Flags of `serve` that say what clients may take, and whose pages may ask. Each is the flag, else the variable, else the default. */
import * as Duration from "effect/Duration"
import { isOrigin } from "../../http/cors.ts"
import type { ServerOptions } from "../server.ts"
import { count, isNetwork, list, networksAsIn } from "./flags.ts"

export const limitFlags = {
  corsOrigins: list(
    "cors-origins",
    "OPENINTENT_CORS_ORIGINS",
    isOrigin,
    "origins, as in https://app.example,http://localhost:3000",
    "Comma-separated origins of web pages that may ask this server"
  ),
  trustedProxies: list(
    "trusted-proxies",
    "OPENINTENT_TRUSTED_PROXIES",
    isNetwork,
    networksAsIn,
    "Comma-separated networks of proxies whose X-Forwarded-For is believed"
  ),
  rateLimit: count(
    "rate-limit",
    "OPENINTENT_RATE_LIMIT",
    { initial: 0, min: 0, max: 1_000_000_000 },
    "Requests that a key may make in the window; 0 is as many as it likes"
  ),
  rateWindow: count(
    "rate-window",
    "OPENINTENT_RATE_WINDOW",
    { initial: 60, min: 1, max: 86_400 },
    "Seconds in which these requests come back"
  ),
  maxBodyKiB: count(
    "max-body-kib",
    "OPENINTENT_MAX_BODY_KIB",
    { initial: 1024, min: 1, max: 262_144 },
    "Largest JSON body, in KiB"
  ),
  maxConnections: count(
    "max-connections",
    "OPENINTENT_MAX_CONNECTIONS",
    { initial: 16_384, min: 1, max: 1_000_000 },
    "Connections that are open at once"
  ),
  keepAliveSeconds: count(
    "keep-alive-seconds",
    "OPENINTENT_KEEP_ALIVE_SECONDS",
    { initial: 65, min: 1, max: 3600 },
    "Seconds that a connection without a request is kept"
  )
}

interface Limits {
  readonly corsOrigins: ReadonlyArray<string>
  readonly trustedProxies: ReadonlyArray<string>
  readonly rateLimit: number
  readonly rateWindow: number
  readonly maxBodyKiB: number
  readonly maxConnections: number
  readonly keepAliveSeconds: number
}

/** What the flags say, as options of the server. */
export const limitsOf = ({
  corsOrigins,
  keepAliveSeconds,
  maxBodyKiB,
  maxConnections,
  rateLimit,
  rateWindow,
  trustedProxies
}: Limits) =>
  ({
    corsOrigins,
    trustedProxies,
    rateLimit: rateLimit === 0 ? undefined : { limit: rateLimit, window: Duration.seconds(rateWindow) },
    maxBodyBytes: maxBodyKiB * 1024,
    connections: { maxConnections, keepAliveTimeout: Duration.seconds(keepAliveSeconds) }
  }) satisfies ServerOptions
