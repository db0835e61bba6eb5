/** The command line: `openintent` and its subcommands. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as CliConfig from "effect/cli/CliConfig"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Runtime from "effect/Runtime"
import { version } from "../../http/version.ts"
import type { CommandFailed } from "./failure.ts"
import { serveCommand } from "./serve.ts"

/** `openintent` and its subcommands. */
export const openintent = Command.make("openintent").pipe(
  Command.withDescription("Coordination of agents: intents, events, leases, and all else of the OpenIntent protocol"),
  Command.withSubcommands([serveCommand])
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
  command: Command.Command<Name, Input, ContextInput, CommandFailed>
): void =>
  Command.run(command, { version }).pipe(
    Effect.tapError((error) =>
      error._tag === "CommandFailed" ? Console.error(`${command.name}: ${error.message}`) : Effect.void
    ),
    Effect.provide([
      NodeServices.layer,
      Logger.layer([logger]),
      CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.LogLevel, GlobalFlag.Completions] })
    ]),
    NodeRuntime.runMain({ teardown })
  )
