/** Flags that several commands have. Each is the flag, else the variable, else the default. */
import * as Config from "effect/Config"
import * as Flag from "effect/cli/Flag"

/** The values of a comma-separated list, without blanks around them. */
export const listOf = (text: string): ReadonlyArray<string> => text.split(",").flatMap((item) => item.trim() || [])

export const databaseUrl = Flag.String("database-url").pipe(
  Flag.withFallbackConfig(Config.NonEmptyString("DATABASE_URL")),
  Flag.withDefault("sqlite:///./openintent.db"),
  Flag.withDescription("Where the work is kept: sqlite:///./file.db or memory: (DATABASE_URL)")
)
