/** `openintent serve`, and `openintent-server`, which is that alone. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import { ApiKeys } from "../../core/apiKey/ApiKeys.ts"
import { attachmentBodyBytes } from "../../http/HttpOptions.ts"
import { version } from "../../http/version.ts"
import { fromUrl } from "../fromUrl.ts"
import { OpenIntentServer } from "../server.ts"
import { exporting } from "./exporting.ts"
import { CommandFailed, notServed } from "./failure.ts"
import { count, databaseUrl, isNetwork, list, listOf, networksAsIn } from "./flags.ts"
import { jsonLines } from "./jsonLines.ts"
import { limitFlags, limitsOf } from "./limits.ts"

const keysFlag = (name: string, variable: string, description: string) =>
  Flag.Redacted(name).pipe(
    Flag.withFallbackConfig(Config.Redacted(variable)),
    Flag.withDefault(Redacted.make("")),
    Flag.map((keys) => listOf(Redacted.value(keys)).map((key) => Redacted.make(key))),
    Flag.withDescription(`${description} (${variable})`)
  )

/** Each is the flag, else the variable, else the default. */
const flags = {
  host: Flag.String("host").pipe(
    Flag.withFallbackConfig(Config.NonEmptyString("OPENINTENT_HOST")),
    Flag.withDefault("127.0.0.1"),
    Flag.withDescription("Address to listen on; any but a loopback address needs keys (OPENINTENT_HOST)")
  ),
  port: Flag.Int("port").pipe(
    Flag.withFallbackConfig(Config.Int("OPENINTENT_PORT")),
    Flag.withDefault(8000),
    Flag.filter(
      (port) => port >= 0 && port <= 65_535,
      (port) => `must be from 0 (any free port) to 65535, not ${port}`
    ),
    Flag.withDescription("Port to listen on (OPENINTENT_PORT)")
  ),
  databaseUrl,
  apiKeys: keysFlag("api-keys", "OPENINTENT_API_KEYS", "Comma-separated keys of clients"),
  adminKeys: keysFlag("admin-keys", "OPENINTENT_ADMIN_KEYS", "Comma-separated keys that may revoke leases"),
  readOnlyKeys: keysFlag("read-only-keys", "OPENINTENT_READ_ONLY_KEYS", "Comma-separated keys that change nothing"),
  allowedHosts: Flag.String("allowed-hosts").pipe(
    Flag.withFallbackConfig(Config.String("OPENINTENT_ALLOWED_HOSTS")),
    Flag.withDefault(""),
    Flag.map(listOf),
    Flag.withDescription("Comma-separated names to answer to beside loopback ones (OPENINTENT_ALLOWED_HOSTS)")
  ),
  ...limitFlags,
  webhookNetworks: list(
    "webhook-networks",
    "OPENINTENT_WEBHOOK_NETWORKS",
    isNetwork,
    networksAsIn,
    "Comma-separated networks that are not public and that webhooks may be sent to"
  ),
  maxAttachmentMiB: count(
    "max-attachment-mib",
    "OPENINTENT_MAX_ATTACHMENT_MIB",
    { initial: 25, min: 1, max: 256 },
    "Largest content of an attachment, in MiB"
  ),
  enforceBudgets: Flag.Boolean("enforce-budgets").pipe(
    Flag.withFallbackConfig(Config.Boolean("OPENINTENT_ENFORCE_BUDGETS")),
    Flag.withDefault(false),
    Flag.withDescription("Refuse costs that a budget has no room for (OPENINTENT_ENFORCE_BUDGETS)")
  ),
  otlpEndpoint: Flag.String("otlp-endpoint").pipe(
    Flag.withFallbackConfig(Config.String("OTEL_EXPORTER_OTLP_ENDPOINT")),
    Flag.withDefault(""),
    Flag.filter(
      (url) => url === "" || /^https?:$/.test(URL.parse(url)?.protocol ?? ""),
      (url) => `must be a URL as in http://127.0.0.1:4318, not ${url}`
    ),
    Flag.withDescription("Collector of traces, metrics and logs, by OTLP over HTTP (OTEL_EXPORTER_OTLP_ENDPOINT)")
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withFallbackConfig(Config.Boolean("OPENINTENT_JSON")),
    Flag.withDefault(false),
    Flag.withDescription("Log lines of JSON to a terminal too, as to a file (OPENINTENT_JSON)")
  ),
  debug: Flag.Boolean("debug").pipe(
    Flag.withFallbackConfig(Config.Boolean("OPENINTENT_DEBUG")),
    Flag.withDefault(false),
    Flag.withDescription("Log every request (OPENINTENT_DEBUG)")
  )
}

/** Which keys open the server: the others, the stored ones alone, or those that everybody knows. */
const keysInUse = (areConfigured: boolean) =>
  Effect.gen(function* () {
    const { changes } = yield* ApiKeys
    return areConfigured ? "configured" : (yield* changes) > 0 ? "stored" : "development"
  })

/** One line once requests are answered. */
const announce = (storage: string, areConfigured: boolean) =>
  HttpServer.addressFormattedWith((url) =>
    Effect.flatMap(keysInUse(areConfigured), (keys) =>
      Effect.logInfo(`OpenIntent ${version} serves ${storage} at ${url} (docs: ${url}/docs)`).pipe(
        Effect.annotateLogs({ url, docs: `${url}/docs`, storage, keys })
      )
    )
  )

const serve = ({
  debug,
  enforceBudgets,
  json,
  maxAttachmentMiB,
  otlpEndpoint,
  webhookNetworks,
  ...options
}: Command.Command.Config.Infer<typeof flags>) => {
  const areConfigured = [options.apiKeys, options.adminKeys, options.readOnlyKeys].some((keys) => keys.length > 0)
  const attachmentBytesMax = maxAttachmentMiB * 1024 * 1024
  const maxAttachmentBodyBytes = attachmentBodyBytes(attachmentBytesMax)
  const engine = { attachmentBytesMax, enforceBudgets, webhooks: { allowedNetworks: webhookNetworks } }
  return Layer.effectDiscard(announce(options.databaseUrl, areConfigured)).pipe(
    Layer.provide(
      OpenIntentServer.layer({ ...options, ...limitsOf(options), maxAttachmentBodyBytes, logRequests: debug })
    ),
    Layer.provide(fromUrl(options.databaseUrl, engine)),
    Layer.provide(exporting(otlpEndpoint)),
    Layer.launch,
    Effect.mapError((error) => new CommandFailed({ message: notServed(error, options) })),
    debug ? Effect.provideService(References.MinimumLogLevel, "Debug") : identity,
    json ? Effect.provide(Logger.layer([jsonLines])) : identity
  )
}

export const serveCommand = Command.make("serve", flags, serve).pipe(
  Command.withDescription("Serves an engine over HTTP until SIGTERM or SIGINT")
)

/** `openintent-server`: the name and the flags of the Python package. */
export const openintentServer = Command.make("openintent-server", flags, serve).pipe(
  Command.withDescription("Serves an engine over HTTP until SIGTERM or SIGINT")
)
