/** The routes as metrics and traces name them: by their pattern, so that there are as many names as routes. */
import * as FindMyWay from "effect/http/FindMyWay"
import { HttpApi } from "effect/http-api"
import { Api } from "../Api.ts"
import { isTooLong } from "../paths.ts"

/** As the OpenAPI document writes it: `/api/v1/intents/{intentId}`. */
export const patternOf = (path: string): string => path.replaceAll(/:(\w+)/g, "{$1}")

/** An id in a path may be longer than the router's 100 characters: agent ids have 255, percent-encoded thrice that. */
export const routerConfig = {
  maxParamLength: 4096,
  // http.md 1.1: no trailing slashes.
  ignoreTrailingSlash: false,
  ignoreDuplicateSlashes: false,
  caseSensitive: true
}

const isPath = (path: string): path is FindMyWay.PathInput => path.startsWith("/")

export interface FoundRoute {
  readonly pattern: string
  readonly params: Readonly<Record<string, string | undefined>>
}

/** Of requests that no route answers. */
export const unmatched: FoundRoute = { pattern: "unmatched", params: {} }

/** Finds the route of a request before the server's own router does: a span has its name from the start. */
export const makeRouteFinder = (): ((method: string, url: string) => FoundRoute) => {
  const router = FindMyWay.make<string>(routerConfig)
  for (const path of ["/openapi.json", "/docs", "/metrics"] as const) router.on("GET", path, path)
  HttpApi.reflect(Api, {
    onGroup: () => undefined,
    onEndpoint: ({ endpoint: { method, path } }) => {
      if (isPath(path)) router.on(method, path, patternOf(path))
    }
  })
  return (method, url) => {
    if (isTooLong(url)) return unmatched
    const found = router.find(method, url) ?? (method === "HEAD" ? router.find("GET", url) : undefined)
    return found === undefined ? unmatched : { pattern: found.handler, params: found.params }
  }
}
