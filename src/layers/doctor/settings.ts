/** Variables that a server started here would take its settings from. Pure. */
import { wellKnownKeys } from "../../http/wellKnownKeys.ts"
import { type Finding, ok, problem, warning } from "./Finding.ts"

type Variables = { readonly [name: string]: string | undefined }

const listOf = (text = ""): ReadonlyArray<string> => text.split(",").flatMap((item) => item.trim() || [])

const developmentKeys: ReadonlySet<string> = new Set(wellKnownKeys)
/** Shorter ones can be guessed by trying. */
const keyLengthMin = 20

const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || host.startsWith("127.")

const keyVariables = ["OPENINTENT_API_KEYS", "OPENINTENT_ADMIN_KEYS", "OPENINTENT_READ_ONLY_KEYS"]

/** Never tells a key. */
const keys = (variables: Variables): Finding => {
  const given = keyVariables.flatMap((name) => listOf(variables[name]).map((key) => ({ name, key })))
  const known = given.find(({ key }) => developmentKeys.has(key))
  if (known !== undefined) return problem("settings.keys", `${known.name} has one of the keys that everybody knows`)
  const short = given.find(({ key }) => key.length < keyLengthMin)
  if (short !== undefined)
    return warning(
      "settings.keys",
      `${short.name} has a key of less than ${keyLengthMin} characters: it can be guessed`
    )
  return ok("settings.keys", given.length === 0 ? "no keys in variables" : `${given.length} keys in variables`)
}

const isEverything = (network: string): boolean => /\/0+$/.test(network)

export const judgeSettings = (variables: Variables): ReadonlyArray<Finding> => {
  const host = variables["OPENINTENT_HOST"] || "127.0.0.1"
  const networks = listOf(variables["OPENINTENT_WEBHOOK_NETWORKS"])
  const origins = listOf(variables["OPENINTENT_CORS_ORIGINS"])
  return [
    isLoopback(host)
      ? ok("settings.host", `a server listens on ${host}`)
      : warning("settings.host", `a server listens on ${host}, in clear text: put TLS in front of it`),
    keys(variables),
    networks.some(isEverything)
      ? problem("settings.webhooks", "webhooks may be sent to every address, also inside of this network")
      : ok(
          "settings.webhooks",
          networks.length === 0 ? "webhooks go to public addresses" : `webhooks may also go to ${networks.join(", ")}`
        ),
    origins.includes("*")
      ? warning("settings.cors", "pages of every origin may call the server")
      : ok(
          "settings.cors",
          origins.length === 0
            ? "no page of another origin may call the server"
            : `pages of ${origins.join(", ")} may call the server`
        )
  ]
}
