/** The command line: `openintent` and its subcommands. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Runtime from "effect/Runtime"
import { version } from "../../http/version.ts"
import type { CommandFailed } from "./failure.ts"
import { backupCommand } from "./backup.ts"
import { doctorCommand } from "./doctor.ts"
import { jsonLines } from "./jsonLines.ts"
import { keysCommand } from "./keys.ts"
import { serveCommand } from "./serve.ts"
import { tailCommand } from "./tail.ts"
import { verifyCommand } from "./verify.ts"
import { whyCommand } from "./why.ts"

/** `openintent` and its subcommands. */
export const openintent = Command.make("openintent").pipe(
  Command.withDescription("Coordination of agents: intents, events, leases, and all else of the OpenIntent protocol"),
  Command.withSubcommands([
    serveCommand,
    backupCommand,
    doctorCommand,
    tailCommand,
    whyCommand,
    verifyCommand,
    keysCommand
  ])
)

/** JSON lines, unless a person looks. */
const logger = process.stdout.isTTY ? Logger.consolePretty() : jsonLines

/** To be told to end is no failure (decision 33). Nor is it one of what was asked for that the question is not understood. */
const teardown: Runtime.Teardown = (exit, onExit) => {
  if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return onExit(0)
  const error = Cause.squash(exit.cause)
  if (CliError.isCliError(error)) return onExit(error._tag === "ShowHelp" && error.errors.length === 0 ? 0 : 2)
  Runtime.defaultTeardown(exit, onExit)
}

/**
 * Runs the command as this process. Exit codes: 0 when it ends, or is told to by SIGTERM or SIGINT; 1 when it fails; 2
 * when it was used wrongly or could not look at what it was asked about. The reason is on stderr, in one line.
 */
export const main = <Name extends string, Input, ContextInput>(
  command: Command.Command<Name, Input, ContextInput, CommandFailed>
): void => {
  // In place of the command line, which everybody on the machine may read: it may have keys.
  process.title = command.name
  // Whoever writes hears of it; without a listener the process would end with a stack trace.
  process.stdout.on("error", () => undefined)
  Command.run(command, { version }).pipe(
    Effect.tapError((error) =>
      error._tag === "CommandFailed" && error.message !== ""
        ? Console.error(`${command.name}: ${error.message}`)
        : Effect.void
    ),
    Effect.provide([
      NodeServices.layer,
      Logger.layer([logger]),
      CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.LogLevel, GlobalFlag.Completions] })
    ]),
    NodeRuntime.runMain({ teardown })
  )
}
