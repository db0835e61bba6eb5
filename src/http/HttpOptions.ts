import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import { base64Length } from "../core/base64.ts"
import { jsonDepthMax } from "../core/json.ts"
import type { ApiKey } from "./keys.ts"

/** How the server behaves; set what differs with `Layer.succeed(HttpOptions, { ...defaultHttpOptions, … })`. */
export interface HttpOptions {
  /** None: the well-known development keys, and only while bound to a loopback address (http.md 1.4). */
  readonly keys: ReadonlyArray<ApiKey>
  /** Further names for the `Host` check, without port, which is on while bound to a loopback address (http.md 1.3). */
  readonly allowedHosts: ReadonlyArray<string>
  /**
   * Origins of web pages that may ask this server, each as browsers send it: `https://app.example`. Never with
   * credentials, and not while the development keys are active (http.md 1.3).
   */
  readonly corsOrigins: ReadonlyArray<string>
  /**
   * Requests that a key may make at once; they come back evenly in the window. Undefined: as many as it likes. Counted in
   * effect's `RateLimiterStore` where the server is provided with one, else in memory.
   */
  readonly rateLimit: { readonly limit: number; readonly window: Duration.Duration } | undefined
  /** Networks of reverse proxies, as in `10.0.0.0/8`, whose word counts on where a request comes from. */
  readonly trustedProxies: ReadonlyArray<string>
  /** Of a JSON body, in bytes (http.md 1.10). */
  readonly maxBodyBytes: number
  /** The same for a body that brings the content of an attachment, in base64: a third more than the content has. */
  readonly maxAttachmentBodyBytes: number
  /** Levels of objects and arrays inside each other in a body (decision 9). */
  readonly maxJsonDepth: number
  /** For fleets of Python clients before 0.17: only the 29 first event types in the default profile (http.md 1.9). */
  readonly hideLaterEventTypes: boolean
  /** Silence after which a stream is sent a comment, so that proxies keep the connection (http.md 12.2). */
  readonly keepaliveInterval: Duration.Duration
  /** Events that may wait for a client that does not read its stream; then it is cut off, and may resume (http.md 12.6). */
  readonly streamBufferMax: number
  /** How long a stream that is refused waits for its answer: Python clients come back at once, for ever (http.md 12.1). */
  readonly streamRefusalDelay: Duration.Duration
  /** Serves a documentation page at `/docs`. */
  readonly docs: boolean
}

const mebibyte = 1024 * 1024

/** How large a body may be that brings the content of an attachment: the base64 of it, and what is said of it. */
export const attachmentBodyBytes = (contentBytes: number): number => base64Length(contentBytes) + mebibyte

export const defaultHttpOptions: HttpOptions = {
  keys: [],
  allowedHosts: [],
  corsOrigins: [],
  rateLimit: undefined,
  trustedProxies: [],
  maxBodyBytes: mebibyte,
  maxAttachmentBodyBytes: attachmentBodyBytes(25 * mebibyte), // http.md 1.10
  maxJsonDepth: jsonDepthMax,
  hideLaterEventTypes: false,
  keepaliveInterval: Duration.seconds(15),
  streamBufferMax: 1000,
  streamRefusalDelay: Duration.seconds(1),
  docs: true
}

/** The options in effect. */
export const HttpOptions = Context.Reference<HttpOptions>("openintent/http/HttpOptions", {
  defaultValue: () => defaultHttpOptions
})
