import * as Context from "effect/Context"
import { jsonDepthMax } from "../core/json.ts"
import type { ApiKey } from "./keys.ts"

/** How the server behaves; set what differs with `Layer.succeed(HttpOptions, { ...defaultHttpOptions, … })`. */
export interface HttpOptions {
  /** None: the well-known development keys, and only while bound to a loopback address (http.md 1.4). */
  readonly keys: ReadonlyArray<ApiKey>
  /** Further names for the `Host` check, without port, which is on while bound to a loopback address (http.md 1.3). */
  readonly allowedHosts: ReadonlyArray<string>
  /** Of a JSON body, in bytes (http.md 1.10). */
  readonly maxBodyBytes: number
  /** Levels of objects and arrays inside each other in a body (decision 9). */
  readonly maxJsonDepth: number
  /** For fleets of Python clients before 0.17: only the 29 first event types in the default profile (http.md 1.9). */
  readonly hideLaterEventTypes: boolean
  /** Serves a documentation page at `/docs`. */
  readonly docs: boolean
}

export const defaultHttpOptions: HttpOptions = {
  keys: [],
  allowedHosts: [],
  maxBodyBytes: 1024 * 1024,
  maxJsonDepth: jsonDepthMax,
  hideLaterEventTypes: false,
  docs: true
}

/** The options in effect. */
export const HttpOptions = Context.Reference<HttpOptions>("openintent/http/HttpOptions", {
  defaultValue: () => defaultHttpOptions
})
