/** The documentation page (http.md 3.4). */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { HttpApiSwagger } from "effect/http-api"
import { Api } from "./Api.ts"

/** Script and styles are in the page itself: nothing is fetched or sent elsewhere, and no other page shows it inside. */
const policy =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** `GET /docs`: Swagger UI out of the `effect` package. Its 2 MB are loaded with the first request for the page. */
export const layer = HttpRouter.use((router) =>
  Effect.gen(function* () {
    const page = yield* Effect.cached(HttpRouter.toHttpEffect(HttpApiSwagger.layer(Api)))
    yield* router.add(
      "GET",
      "/docs",
      Effect.map(Effect.flatten(page), HttpServerResponse.setHeader("content-security-policy", policy))
    )
  })
)
