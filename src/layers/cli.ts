/** The command line: `openintent serve`, and `openintent-server`, which is `serve` alone. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as CliConfig from "effect/cli/CliConfig"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpServer from "effect/http/HttpServer"
import type { ServeError } from "effect/http/HttpServerError"
import * as Layer from "effect/Layer"
import * as IpNetwork from "effect/net/IpNetwork"
import * as Logger from "effect/Logger"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Result from "effect/Result"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import type { StorageError } from "../core/Storage.ts"
import { attachmentBodyBytes } from "../http/HttpOptions.ts"
import type { KeysRequired } from "../http/server.ts"
import { version } from "../http/version.ts"
import { fromUrl } from "./fromUrl.ts"
import { OpenIntentServer } from "./server.ts"
import type { UnsupportedStorage } from "./storageUrl.ts"

/** The values of a comma-separated list, without blanks around them. */
const listOf = (text: string): ReadonlyArray<string> => text.split(",").flatMap((item) => item.trim() || [])

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
  databaseUrl: Flag.String("database-url").pipe(
    Flag.withFallbackConfig(Config.NonEmptyString("DATABASE_URL")),
    Flag.withDefault("sqlite:///./openintent.db"),
    Flag.withDescription("Where the work is kept: sqlite:///./file.db or memory: (DATABASE_URL)")
  ),
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

/** Why the server did not start, in one line. */
class NotStarted extends Schema.TaggedError<NotStarted>()("NotStarted", { message: Schema.String }) {
  /** Told already, so that `runMain` adds no stack trace. */
  override readonly [Runtime.errorReported] = false
}

const textOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

const reasonOf = (
  error: ServeError | StorageError | KeysRequired | UnsupportedStorage,
  { databaseUrl, host, port }: { readonly databaseUrl: string; readonly host: string; readonly port: number }
): string => {
  switch (error._tag) {
    case "StorageError":
      return `cannot open ${databaseUrl}: ${textOf(error.cause)}`
    case "KeysRequired":
      return `${error.message} (--api-keys or OPENINTENT_API_KEYS); the development keys are for loopback addresses only`
    case "ServeError":
      return Predicate.hasProperty(error.cause, "code") && error.cause.code === "EADDRINUSE"
        ? `cannot listen on ${host}:${port}: the port is in use`
        : `cannot listen on ${host}:${port}: ${textOf(error.cause)}`
    case "UnsupportedStorage":
      return error.message
  }
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
    Effect.mapError((error) => new NotStarted({ message: reasonOf(error, options) })),
    debug ? Effect.provideService(References.MinimumLogLevel, "Debug") : (running) => running
  )
}

const serveCommand = Command.make("serve", flags, serve).pipe(
  Command.withDescription("Serves an engine over HTTP until SIGTERM or SIGINT")
)

/** `openintent` and its subcommands. */
export const openintent = Command.make("openintent").pipe(
  Command.withDescription("Coordination of agents: intents, events, leases, and all else of the OpenIntent protocol"),
  Command.withSubcommands([serveCommand])
)

/** `openintent-server`: the name and the flags of the Python package. */
export const openintentServer = Command.make("openintent-server", flags, serve).pipe(
  Command.withDescription("Serves an engine over HTTP until SIGTERM or SIGINT")
)

/** JSON lines, unless a person looks. */
const logger = process.stdout.isTTY ? Logger.consolePretty() : Logger.consoleJson

/** To be told to end is no failure (decision 33). */
const teardown: Runtime.Teardown = (exit, onExit) =>
  Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? onExit(0) : Runtime.defaultTeardown(exit, onExit)

/**
 * Runs the command as this process: exit code 0 when it ends or is told to end by SIGTERM or SIGINT, 1 when it fails,
 * with the reason in one line on stderr.
 */
export const main = <Name extends string, Input, ContextInput>(
  command: Command.Command<Name, Input, ContextInput, NotStarted>
): void =>
  Command.run(command, { version }).pipe(
    Effect.tapError((error) =>
      error._tag === "NotStarted" ? Console.error(`${command.name}: ${error.message}`) : Effect.void
    ),
    Effect.provide([
      NodeServices.layer,
      Logger.layer([logger]),
      CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.LogLevel, GlobalFlag.Completions] })
    ]),
    NodeRuntime.runMain({ teardown })
  )
