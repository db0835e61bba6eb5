/** Who asks and for whom (http.md 1.4); and what the contract's own refusals look like (http.md 1.6). */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Headers } from "effect/http/Headers"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import { HttpApiError } from "effect/http-api"
import { CurrentAgent, systemAgent } from "../core/CurrentAgent.ts"
import { OpenIntent } from "../core/OpenIntent.ts"
import { Access, Caller } from "./api/common.ts"
import { refuseUnlessMissing } from "./answers.ts"
import { forbidden, invalid, type Refusal, refuse, unauthorized } from "./refusals.ts"
import type { KeyHolder } from "./keys.ts"
import { schemaIssues } from "./schemaIssues.ts"
import type { Profile } from "./timestamps.ts"

/** The keys that this server knows. */
export class Keyring extends Context.Service<Keyring, (presented: string) => KeyHolder | undefined>()(
  "openintent/http/Keyring"
) {}

export const profileOf = (headers: Headers): Profile => (headers["x-openintent-profile"] === "2" ? 2 : 1)

const presentedKey = (headers: Headers): string | undefined => {
  const key = headers["x-api-key"]
  if (key !== undefined) return key
  return /^bearer +(.+)$/i.exec(headers["authorization"] ?? "")?.[1]
}

const fatal = new TextDecoder("utf-8", { fatal: true })

/** Header values arrive as one character a byte: those that are UTF-8 are read as such, others stay as they are. */
const headerText = (value: string): string => {
  let plain = true
  for (let i = 0; plain && i < value.length; i++) plain = value.charCodeAt(i) < 0x80
  if (plain) return value
  try {
    return fatal.decode(Uint8Array.from(value, (byte) => byte.charCodeAt(0)))
  } catch {
    return value
  }
}

/** Longest agent id (http.md 1.10). */
const agentIdMax = 255

const agentHeader = (message: string): Refusal => invalid([{ field: "X-Agent-ID", message }])

/** The caller, or why it is refused: the key first, so that nothing is told to those without one. */
export const identify = (
  keyring: (presented: string) => KeyHolder | undefined,
  headers: Headers
): Caller["Service"] | Refusal => {
  const presented = presentedKey(headers)
  const holder = presented === undefined || presented === "" ? undefined : keyring(presented)
  if (holder === undefined) return unauthorized
  const { admin, boundTo } = holder
  const named = headers["x-agent-id"]
  const agentId = (named === undefined ? "" : headerText(named).trim()) || holder.agentId
  if (agentId === systemAgent) return agentHeader("must not be the engine's own name")
  if (agentId.length > agentIdMax) return agentHeader(`must have at most ${agentIdMax} characters`)
  if (boundTo !== undefined && !boundTo.has(agentId)) return forbidden("This key may not act for that agent")
  return { agentId, profile: profileOf(headers), admin, boundTo }
}

/** Needs `OpenIntent` and `Keyring`. */
export const layer = Layer.effect(
  Access,
  Effect.gen(function* () {
    const engine = yield* OpenIntent
    const keyring = yield* Keyring
    return (handler) =>
      Effect.flatMap(HttpServerRequest, ({ headers }) => {
        const caller = identify(keyring, headers)
        if (Predicate.isTagged(caller, "Refusal")) return Effect.succeed(refuse(caller, profileOf(headers)))
        // Adding to the context of the fiber is cheap; merging two contexts makes the fiber look up all it caches anew.
        const identified = Effect.updateContext(handler, (context: Context.Context<never>) =>
          Context.add(Context.add(context, Caller, caller), CurrentAgent, caller.agentId)
        )
        return Effect.catch(identified, (error) => {
          if (!HttpApiError.HttpApiSchemaError.is(error)) return Effect.fail(error)
          const refusal = invalid(schemaIssues(error.cause.issue, error.kind.toLowerCase()))
          return Effect.flatMap(HttpRouter.RouteContext, ({ params }) =>
            refuseUnlessMissing(engine, params, refusal, caller.profile)
          )
        })
      })
  })
)
