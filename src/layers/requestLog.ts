import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { IncomingMessage, Server, ServerResponse } from "node:http"

/** Tells of each answer at level Debug. Neither keys nor queries are told, nor who asked. */
export const requestLog = (server: Server): Layer.Layer<never> =>
  Layer.effectDiscard(
    Effect.map(Effect.context(), (context) => {
      const run = Effect.runForkWith(context)
      server.on("request", ({ method, url }: IncomingMessage, response: ServerResponse) => {
        const since = performance.now()
        response.on("close", () => {
          const path = url?.replace(/[?#].*$/s, "")
          const fields = { method, path, status: response.statusCode, millis: Math.round(performance.now() - since) }
          run(Effect.annotateLogs(Effect.logDebug("request"), fields))
        })
      })
    })
  )
