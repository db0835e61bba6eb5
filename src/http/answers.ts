/** From what the engine says to what the client gets. */
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { Intent } from "../core/intent/Intent.ts"
import type { Page } from "../core/Page.ts"
import type { OpenIntentShape } from "../core/OpenIntent.ts"
import { intentBody, pageBody } from "./bodies.ts"
import { type EngineFailure, refusalOf } from "./failures.ts"
import { type Refusal, refuse } from "./refusals.ts"
import type { Profile } from "./timestamps.ts"

type Response = HttpServerResponse.HttpServerResponse

/** The body as JSON, written by hand: encoding through the schemas costs a few µs and adds nothing here. */
export const json = (body: unknown, status = 200, headers?: { readonly [name: string]: string }): Response =>
  HttpServerResponse.text(JSON.stringify(body), { status, contentType: "application/json", headers })

/** A single intent, with its version as `ETag` (http.md 1.3). */
export const intentAnswer = (intent: Intent, profile: Profile): Response =>
  json(intentBody(intent, profile), 200, { etag: `"${intent.version}"` })

/** The same list elsewhere: `change` says where, and all else that was asked for stays. */
const elsewhere = (url: string, rel: string, change: (query: URLSearchParams) => void): string => {
  const { pathname, searchParams } = new URL(url, "http://localhost")
  searchParams.delete("api_key") // Nobody reads it here, but somebody may have written it.
  searchParams.delete("offset")
  searchParams.delete("after")
  change(searchParams)
  const query = searchParams.toString()
  return `<${pathname}${query === "" ? "" : `?${query}`}>; rel="${rel}"`
}

/** Where the list goes on and where it begins (decision 11), and what is before a page that was asked for by `offset`. */
const linksOf = ({ limit, next, offset }: Page<unknown>, url: string): string | undefined => {
  const isFirst = offset === 0 && !/[?&]after=/.test(url)
  if (next === undefined && isFirst) return undefined
  const links: Array<string> = []
  if (next !== undefined) links.push(elsewhere(url, "next", (query) => query.set("after", next)))
  if (offset > 0) links.push(elsewhere(url, "prev", (query) => query.set("offset", `${Math.max(0, offset - limit)}`)))
  if (!isFirst) links.push(elsewhere(url, "first", () => undefined))
  return links.join(", ")
}

/** A page of a list under its plural name, with a `Link` to others; `more` stands beside the list. */
export const pageAnswer = <A>(
  plural: string,
  page: Page<A>,
  body: (item: A, profile: Profile) => object,
  profile: Profile,
  url: string,
  more?: object
): Response => {
  const link = linksOf(page, url)
  return json({ ...pageBody(plural, page, body, profile), ...more }, 200, link === undefined ? undefined : { link })
}

/** What the path names. Of a portfolio and an intent in it the portfolio comes first. */
export interface Named {
  readonly intentId?: string | undefined
  readonly portfolioId?: string | undefined
}

const lookUp = (engine: OpenIntentShape, { intentId, portfolioId }: Named): Effect.Effect<unknown, EngineFailure> =>
  portfolioId !== undefined
    ? engine.portfolios.get(portfolioId)
    : intentId !== undefined
      ? engine.intents.get(intentId)
      : Effect.void

const isMissing = (error: EngineFailure): boolean =>
  error._tag === "IntentNotFound" || error._tag === "PortfolioNotFound"

/** Refuses, unless what the path names does not exist: then that is the answer (http.md 1.6, order of checks). */
export const refuseUnlessMissing = (
  engine: OpenIntentShape,
  named: Named,
  refusal: Refusal,
  profile: Profile
): Effect.Effect<Response> =>
  Effect.match(lookUp(engine, named), {
    onSuccess: () => refuse(refusal, profile),
    // Only what is missing wins: what else is wrong is not what was asked.
    onFailure: (error) => refuse(isMissing(error) ? refusalOf(error) : refusal, profile)
  })

/** Refusals of the input, which a missing intent or portfolio comes before. */
const yielding: ReadonlySet<string> = new Set([
  "validation_error",
  "if_match_required",
  "invalid_if_match",
  "forbidden"
])

/**
 * The answer of a handler. `intentId` or `portfolioId` is that of the path, if there is one: when the input is not valid
 * it is looked up, and a 404 wins.
 */
export const answer = <A>(
  effect: Effect.Effect<A, EngineFailure | Refusal>,
  options: {
    readonly engine: OpenIntentShape
    readonly intentId: string | undefined
    readonly portfolioId?: string | undefined
    readonly profile: Profile
    readonly onSuccess: (value: A, profile: Profile) => Response
  }
): Effect.Effect<Response> =>
  Effect.matchEffect(effect, {
    onSuccess: (value) => Effect.succeed(options.onSuccess(value, options.profile)),
    onFailure: (error) => {
      const refusal = error._tag === "Refusal" ? error : refusalOf(error)
      return yielding.has(refusal.code)
        ? refuseUnlessMissing(options.engine, options, refusal, options.profile)
        : Effect.succeed(refuse(refusal, options.profile))
    }
  })
