/** What every group of the contract is made of: who asks, params, paging. */
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"
import { HttpApiMiddleware, OpenApi } from "effect/http-api"
import type { Profile } from "../timestamps.ts"
import {
  BadRequest,
  Forbidden,
  InternalError,
  Misdirected,
  NotFound,
  PayloadTooLarge,
  Unauthorized,
  Unavailable,
  UnsupportedMediaType
} from "../wire.ts"

/** Who asks, and how the answer is to look. */
export class Caller extends Context.Service<
  Caller,
  {
    /** The acting agent (http.md 1.4). */
    readonly agentId: string
    readonly profile: Profile
    readonly admin: boolean
    /** The agents that the key may act for; undefined: all. */
    readonly boundTo: ReadonlySet<string> | undefined
  }
>()("openintent/http/Caller") {}

/** Key, identity, profile; and what a request that the contract refuses is answered with (http.md 1.4, 1.6). */
export class Access extends HttpApiMiddleware.Service<Access, { provides: Caller }>()("openintent/http/Access", {
  error: [
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    PayloadTooLarge,
    UnsupportedMediaType,
    Misdirected,
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
