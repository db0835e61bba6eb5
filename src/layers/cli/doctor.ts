/** `openintent doctor` */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { levels } from "../doctor/Finding.ts"
import { fileOf } from "./engine.ts"
import { cannotLook, CommandFailed, textOf } from "./failure.ts"
import { databaseUrl, json } from "./flags.ts"
import { aligned, print } from "./output.ts"

const flags = {
  databaseUrl,
  full: Flag.Boolean("full").pipe(
    Flag.withDefault(false),
    Flag.withDescription("Look at every row, every figure and every seal; takes a while for a large file")
  ),
  json
}

const run = Effect.fnUntraced(function* ({ databaseUrl, full, json }: Command.Command.Config.Infer<typeof flags>) {
  const file = yield* fileOf(databaseUrl)
  const { examine } = yield* Effect.promise(() => import("../doctor/examine.ts"))
  const checks = yield* Effect.mapError(examine({ file, isWhole: full, variables: process.env }), (cause) =>
    cannotLook(`cannot look at ${file}: ${textOf(cause)}`)
  )
  const count = (level: string) => checks.filter((check) => check.level === level).length
  const counted = (level: string) => `${count(level)} ${level}${count(level) === 1 ? "" : "s"}`
  const level = levels.findLast((level) => count(level) > 0) ?? "ok"
  yield* print(json, {
    document: { file, full, level, checks },
    lines: [
      ...aligned(checks.map(({ id, level, message }) => [level, id, message])),
      "",
      `${counted("problem")}, ${counted("warning")}, ${count("ok")} ok`
    ]
  })
  // It is told above.
  if (level === "problem") return yield* new CommandFailed({ message: "" })
})

export const doctorCommand = Command.make("doctor", flags, run).pipe(
  Command.withShortDescription("Checks the file, the clock, the seals and the limits"),
  Command.withDescription(
    "Checks the file of an engine and what a server on it would run with: permissions, schema, damage, the log, free " +
      "space, the clock, seals, figures, keys, limits and settings. Changes nothing; a server may be running. Each check " +
      "is ok, a warning or a problem. The exit code is 0 without problems, 1 with, 2 if it could not look."
  ),
  Command.withExamples([
    { command: "openintent doctor", description: "Check ./openintent.db" },
    { command: "openintent doctor --full --json", description: "Check every row and every seal, for a program" }
  ])
)
