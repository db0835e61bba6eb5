/** What every group of the contract is made of: who asks, params, paging. */
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"
import { HttpApiMiddleware, OpenApi } from "effect/http-api"
import type { Role } from "../../core/apiKey/ApiKey.ts"
import type { Profile } from "../timestamps.ts"
import {
  BadRequest,
  Forbidden,
  GovernanceViolation,
  IdempotencyKeyReused,
  InternalError,
  Misdirected,
  NotFound,
  PayloadTooLarge,
  RateLimited,
  Unauthorized,
  Unavailable,
  UnsupportedMediaType
} from "../wire.ts"

/** For which agents a key may speak (http.md 1.4). */
export interface Actors {
  /** To some agents by configuration; else it speaks for all, but for none that is named like a key. */
  readonly isBound: boolean
  readonly has: (agentId: string) => boolean
}

/** Who asks, and how the answer is to look. */
export class Caller extends Context.Service<
  Caller,
  {
    /** The acting agent (http.md 1.4). */
    readonly agentId: string
    readonly profile: Profile
    readonly role: Role
    /** The key of the request, always by the same name, which tells nothing of it. */
    readonly keyId: string
    readonly boundTo: Actors
  }
>()("openintent/http/Caller") {}

/** Key, identity, profile; and what a request that the contract refuses is answered with (http.md 1.4, 1.6). */
export class Access extends HttpApiMiddleware.Service<Access, { provides: Caller }>()("openintent/http/Access", {
  error: [
    BadRequest,
    Unauthorized,
    Forbidden,
    GovernanceViolation,
    NotFound,
    PayloadTooLarge,
    UnsupportedMediaType,
    Misdirected,
    IdempotencyKeyReused,
    RateLimited,
    InternalError,
    Unavailable
  ]
}) {}

export const intentId = { intentId: Schema.String }
export const ifMatch = Schema.optionalKey(Schema.String).annotate({
  description: 'The version the caller has seen: `3`, `"3"` or `W/"3"`. Required'
})

const count = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** http.md 1.8, decision 12 */
export const paging = {
  limit: Schema.optionalKey(count(1, 1000)),
  offset: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
  after: Schema.optionalKey(Schema.String).annotate({ description: "Opaque: `after` of the page before" })
}
export const order = Schema.optionalKey(Schema.Literals(["asc", "desc"]))

export const summary = (text: string) => OpenApi.annotations({ summary: text })
