/** Web pages of other origins that may ask this server (http.md 1.3). None by default, and never with credentials. */
import type { Headers } from "effect/http/Headers"
import * as Schema from "effect/Schema"

const schemes = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s,*]+$/

/**
 * Whether a text is an origin as browsers send it: scheme, host and port, nothing else, in lower case. Neither `*`, with
 * which every page could ask what asks for no key, nor `null`, which any page can be.
 */
export const isOrigin = (text: string): boolean => {
  if (!schemes.test(text) || !URL.canParse(text)) return false
  const { origin } = new URL(text)
  return origin === "null" ? text === text.toLowerCase() : origin === text
}

/** An origin that no browser sends so, or one that stands for all. */
export class InvalidOrigin extends Schema.TaggedError<InvalidOrigin>()("InvalidOrigin", { origin: Schema.String }) {
  override get message() {
    return `${JSON.stringify(this.origin)} is no origin: write each as browsers send it, as in https://app.example`
  }
}

/** Everybody knows the development keys, so any page of an open origin could use them (http.md 1.3). */
export class OriginsNeedKeys extends Schema.TaggedError<OriginsNeedKeys>()("OriginsNeedKeys", {
  origins: Schema.Array(Schema.String)
}) {
  override get message() {
    return "origins are not opened while the development keys are active: configure API keys"
  }
}

const preflight = {
  "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
  "access-control-allow-headers":
    "X-API-Key, X-Agent-ID, If-Match, Content-Type, Last-Event-ID, X-OpenIntent-Profile, Idempotency-Key, X-Lease-Token",
  "access-control-max-age": "600"
}
const exposed = "ETag, Link, RateLimit, RateLimit-Policy, Retry-After"

type Fields = { [name: string]: string }

/** What the answer to a request with these headers says of origins. */
export type Cors = (headers: Headers) => Fields

/** Undefined: no page of another origin may ask. Origins are compared as a whole. */
export const makeCors = (origins: ReadonlyArray<string>): Cors | undefined => {
  if (origins.length === 0) return undefined
  const open = new Set(origins)
  return ({ origin }) =>
    origin !== undefined && open.has(origin)
      ? { vary: "Origin", "access-control-allow-origin": origin, "access-control-expose-headers": exposed }
      : { vary: "Origin" }
}

/** A browser asks whether it may ask. */
export const isPreflight = (method: string, headers: Headers): boolean =>
  method === "OPTIONS" && headers["origin"] !== undefined && headers["access-control-request-method"] !== undefined

/** What the answer to that says beside `cors`; nothing to an origin that is not open. */
export const preflightHeaders = (answered: Fields): Fields =>
  answered["access-control-allow-origin"] === undefined ? {} : preflight
