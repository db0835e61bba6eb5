import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import { withoutKeys } from "../core/apiKey/form.ts"
import { requestIdHeader } from "../http/requestIds.ts"

/** Tells of each answer at level Debug, with the id of the request. Neither keys nor queries are told, nor who asked. */
export const requestLog = (server: Server): Layer.Layer<never> =>
  Layer.effectDiscard(
    Effect.map(Effect.context(), (context) => {
      const run = Effect.runForkWith(context)
      server.on("request", ({ headers, method, url }: IncomingMessage, response: ServerResponse) => {
        const since = performance.now()
        response.on("close", () => {
          const path = url && withoutKeys(url.replace(/[?#].*$/s, ""))
          const millis = Math.round(performance.now() - since)
          const fields = { method, path, status: response.statusCode, millis, requestId: headers[requestIdHeader] }
          run(Effect.annotateLogs(Effect.logDebug("request"), fields))
        })
      })
    })
  )
