/** `openintent serve`, and `openintent-server`, which is that alone. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as IpNetwork from "effect/net/IpNetwork"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Result from "effect/Result"
import { attachmentBodyBytes } from "../../http/HttpOptions.ts"
import { version } from "../../http/version.ts"
import { fromUrl } from "../fromUrl.ts"
import { OpenIntentServer } from "../server.ts"
import { CommandFailed, notServed } from "./failure.ts"
import { databaseUrl, listOf } from "./flags.ts"

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
  allowedHosts: Flag.String("allowed-hosts").pipe(
    Flag.withFallbackConfig(Config.String("OPENINTENT_ALLOWED_HOSTS")),
    Flag.withDefault(""),
    Flag.map(listOf),
    Flag.withDescription("Comma-separated names to answer to beside loopback ones (OPENINTENT_ALLOWED_HOSTS)")
  ),
  webhookNetworks: Flag.String("webhook-networks").pipe(
    Flag.withFallbackConfig(Config.String("OPENINTENT_WEBHOOK_NETWORKS")),
    Flag.withDefault(""),
    Flag.map(listOf),
    Flag.filter(
      (networks) => networks.every((network) => Result.isSuccess(IpNetwork.fromString(network))),
      (networks) => `must be networks, as in 10.1.0.0/16,fd00::/8, not ${networks.join(",")}`
    ),
    Flag.withDescription(
      "Comma-separated networks that are not public and that webhooks may be sent to (OPENINTENT_WEBHOOK_NETWORKS)"
    )
  ),
  maxAttachmentMiB: Flag.Int("max-attachment-mib").pipe(
    Flag.withFallbackConfig(Config.Int("OPENINTENT_MAX_ATTACHMENT_MIB")),
    Flag.withDefault(25),
    Flag.filter(
      (size) => size >= 1 && size <= 256,
      (size) => `must be from 1 to 256, not ${size}`
    ),
    Flag.withDescription("Largest content of an attachment, in MiB (OPENINTENT_MAX_ATTACHMENT_MIB)")
  ),
  enforceBudgets: Flag.Boolean("enforce-budgets").pipe(
    Flag.withFallbackConfig(Config.Boolean("OPENINTENT_ENFORCE_BUDGETS")),
    Flag.withDefault(false),
    Flag.withDescription("Refuse costs that a budget has no room for (OPENINTENT_ENFORCE_BUDGETS)")
  ),
  debug: Flag.Boolean("debug").pipe(
    Flag.withFallbackConfig(Config.Boolean("OPENINTENT_DEBUG")),
    Flag.withDefault(false),
    Flag.withDescription("Log every request (OPENINTENT_DEBUG)")
  )
}

/** One line once requests are answered. */
const announce = (storage: string, developmentKeys: boolean) =>
  HttpServer.addressFormattedWith((url) =>
    Effect.logInfo(`OpenIntent ${version} serves ${storage} at ${url} (docs: ${url}/docs)`).pipe(
      Effect.annotateLogs({ url, docs: `${url}/docs`, storage, keys: developmentKeys ? "development" : "configured" })
    )
  )

const serve = ({
  debug,
  enforceBudgets,
  maxAttachmentMiB,
  webhookNetworks,
  ...options
}: Command.Command.Config.Infer<typeof flags>) => {
  const developmentKeys = options.apiKeys.length === 0 && options.adminKeys.length === 0
  const attachmentBytesMax = maxAttachmentMiB * 1024 * 1024
  const maxAttachmentBodyBytes = attachmentBodyBytes(attachmentBytesMax)
  const engine = { attachmentBytesMax, enforceBudgets, webhooks: { allowedNetworks: webhookNetworks } }
  return Layer.effectDiscard(announce(options.databaseUrl, developmentKeys)).pipe(
    Layer.provide(OpenIntentServer.layer({ ...options, maxAttachmentBodyBytes, logRequests: debug })),
    Layer.provide(fromUrl(options.databaseUrl, engine)),
    Layer.launch,
    Effect.mapError((error) => new CommandFailed({ message: notServed(error, options) })),
    debug ? Effect.provideService(References.MinimumLogLevel, "Debug") : (running) => running
  )
}

export const serveCommand = Command.make("serve", flags, serve).pipe(
  Command.withDescription("Serves an engine over HTTP until SIGTERM or SIGINT")
)

/** `openintent-server`: the name and the flags of the Python package. */
export const openintentServer = Command.make("openintent-server", flags, serve).pipe(
  Command.withDescription("Serves an engine over HTTP until SIGTERM or SIGINT")
)
