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
import type { Role } from "../core/apiKey/ApiKey.ts"
import { Access, Caller } from "./api/common.ts"
import { rightOf, rolesWith } from "./api/rights.ts"
import { refuseUnlessMissing } from "./answers.ts"
import { takingEffectOnce } from "./idempotency.ts"
import { type Admit, RateLimits } from "./RateLimits.ts"
import { forbidden, invalid, type Refusal, refuse, unauthorized } from "./refusals.ts"
import { CurrentPassage, type Passage } from "./Passage.ts"
import type { KeyHolder, KeyringShape } from "./keys.ts"
import { patternOf } from "./observe/routes.ts"
import { traceAgent } from "./observe/tracing.ts"
import { schemaIssues } from "./schemaIssues.ts"
import type { Profile } from "./timestamps.ts"

/** The keys that this server knows. */
export class Keyring extends Context.Service<Keyring, KeyringShape>()("openintent/http/Keyring") {}

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

const notItsAgent = forbidden("This key may not act for that agent")
const notItsRight = forbidden("This key may not do that")

/** Who may ask what every key may: which routes there are. */
export const everyRole = rolesWith("read")

/** What a request is asked at the door. */
export interface Door {
  readonly keyring: KeyringShape
  /** Undefined: there is no limit. */
  readonly admit: Admit | undefined
}

/** Needs `Keyring`. */
export const door: Effect.Effect<Door, never, Keyring> = Effect.zipWith(Keyring, RateLimits, (keyring, admit) => ({
  keyring,
  admit
}))

/** What a request tells of who asks. */
export interface Asking {
  readonly request: HttpServerRequest
  /** May be more than the request has. */
  readonly headers: Headers
  readonly passage: Passage | undefined
  /** Who may ask this. */
  readonly allowed: ReadonlySet<Role>
}

const callerOf = (
  holder: KeyHolder | Refusal,
  { anyone }: KeyringShape,
  { allowed, headers }: Asking
): Caller["Service"] | Refusal => {
  if (Predicate.isTagged(holder, "Refusal")) return holder
  const { boundTo = anyone, keyId, role } = holder
  if (!allowed.has(role)) return notItsRight
  const named = headers["x-agent-id"]
  const agentId = (named === undefined ? "" : headerText(named).trim()) || holder.agentId
  if (agentId === systemAgent) return agentHeader("must not be the engine's own name")
  if (agentId.length > agentIdMax) return agentHeader(`must have at most ${agentIdMax} characters`)
  if (!boundTo.has(agentId)) return boundTo.isBound ? notItsAgent : agentHeader("must not be an API key")
  return { agentId, profile: profileOf(headers), role, keyId, boundTo }
}

/**
 * Goes on with the caller, or why it is refused: the key first, so that nothing is told to those without one, then
 * whether it asks too often, then what its role may do, then for whom it acts. Without a limit that is no step of its own.
 */
export const identify = <A, E, R>(
  { admit, keyring }: Door,
  asking: Asking,
  goOn: (caller: Caller["Service"] | Refusal) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => {
  const presented = presentedKey(asking.headers)
  const holder = presented === undefined || presented === "" ? unauthorized : keyring.find(presented)
  if (admit === undefined || asking.passage === undefined) return goOn(callerOf(holder, keyring, asking))
  const keyId = Predicate.isTagged(holder, "Refusal") ? undefined : holder.keyId
  return Effect.flatMap(admit(keyId, asking.request, asking.passage), (refusal) =>
    goOn(refusal ?? callerOf(holder, keyring, asking))
  )
}

/** Needs `OpenIntent` and `Keyring`. */
export const layer = Layer.effect(
  Access,
  Effect.gen(function* () {
    const engine = yield* OpenIntent
    const own = yield* door
    return (handler, { endpoint }) => {
      const allowed = rolesWith(rightOf(endpoint))
      const once = takingEffectOnce(engine, endpoint.method)
      const route = patternOf(endpoint.path)
      const enter = (request: HttpServerRequest, caller: Caller["Service"] | Refusal) => {
        if (Predicate.isTagged(caller, "Refusal")) return Effect.succeed(refuse(caller, profileOf(request.headers)))
        // Adding to the context of the fiber is cheap; merging two contexts makes the fiber look up all it caches anew.
        const identified = Effect.updateContext(handler, (context: Context.Context<never>) => {
          traceAgent(context, caller.agentId)
          return Context.add(Context.add(context, Caller, caller), CurrentAgent, caller.agentId)
        })
        return Effect.catch(once(identified, request, caller), (error) => {
          if (!HttpApiError.HttpApiSchemaError.is(error)) return Effect.fail(error)
          const refusal = invalid(schemaIssues(error.cause.issue, error.kind.toLowerCase()))
          return Effect.flatMap(HttpRouter.RouteContext, ({ params }) =>
            refuseUnlessMissing(engine, params, refusal, caller.profile)
          )
        })
      }
      return Effect.withFiber(({ context }) => {
        const request = Context.getUnsafe(context, HttpServerRequest)
        const passage = Context.get(context, CurrentPassage)
        if (passage !== undefined) passage.route = route
        return identify(own, { request, headers: request.headers, passage, allowed }, (caller) =>
          enter(request, caller)
        )
      })
    }
  })
)
