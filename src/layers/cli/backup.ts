/** `openintent backup` */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as path from "node:path"
import { fileOf } from "./engine.ts"
import { CommandFailed, textOf } from "./failure.ts"
import { databaseUrl, json } from "./flags.ts"
import { bytesText, durationText, print } from "./output.ts"

const flags = {
  file: Argument.Path("file", { pathType: "file" }).pipe(
    Argument.withDescription("Where the copy will be; its folder must exist")
  ),
  databaseUrl,
  force: Flag.Boolean("force").pipe(Flag.withDefault(false), Flag.withDescription("Replace a file that is there")),
  json
}

const run = Effect.fnUntraced(function* ({
  databaseUrl,
  file,
  force,
  json
}: Command.Command.Config.Infer<typeof flags>) {
  const from = yield* fileOf(databaseUrl)
  const { backup } = yield* Effect.promise(() => import("../../storage/sqlite/backup.ts"))
  const since = performance.now()
  const made = yield* Effect.mapError(
    backup({ from, to: file, replace: force }),
    (error) => new CommandFailed({ message: `no backup was made: ${textOf(error)}` })
  )
  const durationMs = Math.round(performance.now() - since)
  yield* print(json, {
    document: {
      file: path.resolve(file),
      bytes: made.bytes,
      events: made.events,
      last_position: made.lastPosition,
      schema_version: made.schemaVersion,
      duration_ms: durationMs
    },
    lines: [
      `${file}: ${bytesText(made.bytes)}, ${made.events} events up to position ${made.lastPosition}, ` +
        `checked, in ${durationText(durationMs)}`
    ]
  })
})

export const backupCommand = Command.make("backup", flags, run).pipe(
  Command.withShortDescription("Copies the file of a running engine"),
  Command.withDescription(
    "Copies the SQLite file of an engine, as it is at one instant, while others read and write it. The copy is checked " +
      "and on the disk before it has its name; if anything fails, nothing is left. To restore, stop the server and put " +
      "the copy in the place of the file and of its -wal and -shm."
  ),
  Command.withExamples([
    { command: "openintent backup /backups/monday.db", description: "Copy ./openintent.db" },
    {
      command: "openintent backup --force --database-url sqlite:////var/lib/openintent.db latest.db",
      description: "Copy another file over the last copy"
    }
  ])
)
