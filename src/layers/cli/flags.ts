/** Flags that several commands have. Each is the flag, else the variable, else the default. */
import * as Config from "effect/Config"
import * as Flag from "effect/cli/Flag"
import * as IpNetwork from "effect/net/IpNetwork"
import * as Result from "effect/Result"

/** The values of a comma-separated list, without blanks around them. */
export const listOf = (text: string): ReadonlyArray<string> => text.split(",").flatMap((item) => item.trim() || [])

/** A comma-separated list, each of whose items is as it must be. */
export const list = (
  name: string,
  variable: string,
  isItem: (item: string) => boolean,
  must: string,
  description: string
) =>
  Flag.String(name).pipe(
    Flag.withFallbackConfig(Config.String(variable)),
    Flag.withDefault(""),
    Flag.map(listOf),
    Flag.filter(
      (items) => items.every(isItem),
      (items) => `must be ${must}, not ${items.join(",")}`
    ),
    Flag.withDescription(`${description} (${variable})`)
  )

/** A whole number within bounds. */
export const count = (
  name: string,
  variable: string,
  { initial, max, min }: { readonly initial: number; readonly max: number; readonly min: number },
  description: string
) =>
  Flag.Int(name).pipe(
    Flag.withFallbackConfig(Config.Int(variable)),
    Flag.withDefault(initial),
    Flag.filter(
      (value) => value >= min && value <= max,
      (value) => `must be from ${min} to ${max}, not ${value}`
    ),
    Flag.withDescription(`${description} (${variable})`)
  )

export const isNetwork = (text: string): boolean => Result.isSuccess(IpNetwork.fromString(text))
export const networksAsIn = "networks, as in 10.1.0.0/16,fd00::/8"

export const databaseUrl = Flag.String("database-url").pipe(
  Flag.withFallbackConfig(Config.NonEmptyString("DATABASE_URL")),
  Flag.withDefault("sqlite:///./openintent.db"),
  Flag.withDescription("Where the work is kept: sqlite:///./file.db or memory: (DATABASE_URL)")
)

export const json = Flag.Boolean("json").pipe(Flag.withDefault(false), Flag.withDescription("Print JSON, for programs"))

/** Where the engine is, for commands that work on a file and over HTTP alike (`engine.ts` reads them). */
export const engineFlags = {
  databaseUrl: Flag.String("database-url").pipe(
    Flag.optional,
    Flag.withDescription("Look into this storage; default sqlite:///./openintent.db (DATABASE_URL)")
  ),
  url: Flag.String("url").pipe(
    Flag.optional,
    Flag.withDescription("Ask the server at this URL instead, as in http://127.0.0.1:8000 (OPENINTENT_URL)")
  ),
  apiKey: Flag.Redacted("api-key").pipe(
    Flag.optional,
    Flag.withDescription("Key for the server at --url (OPENINTENT_API_KEY)")
  )
}
