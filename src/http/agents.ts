/** http.md 7 */
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { HttpApiBuilder } from "effect/http-api"
import { OpenIntent } from "../core/OpenIntent.ts"
import { answer, json, pageAnswer } from "./answers.ts"
import { Api } from "./Api.ts"
import { Caller } from "./api/common.ts"
import { assignmentBody } from "./bodies.ts"
import { HttpOptions } from "./HttpOptions.ts"
import { readBody } from "./requestBody.ts"
import { assignAgent } from "./requests.ts"

/** Needs `OpenIntent`. */
export const layer = HttpApiBuilder.group(
  Api,
  "agents",
  Effect.fnUntraced(function* (handlers) {
    const engine = yield* OpenIntent
    const options = yield* HttpOptions
    return handlers
      .handleRaw("assign", ({ params: { intentId }, request }) =>
        Effect.flatMap(Caller, ({ boundTo, profile }) =>
          readBody(request, options).pipe(
            Effect.flatMap((body) => assignAgent(body, boundTo)),
            Effect.flatMap((input) => engine.agents.assign(intentId, input)),
            (effect) =>
              answer(effect, { engine, intentId, profile, onSuccess: (found) => json(assignmentBody(found, profile)) })
          )
        )
      )
      .handleRaw("list", ({ params: { intentId }, query, request }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(engine.agents.list(intentId, query), {
            engine,
            intentId,
            profile,
            onSuccess: (page) => pageAnswer("agents", page, assignmentBody, profile, request.url)
          })
        )
      )
      .handleRaw("unassign", ({ params: { agentId, intentId } }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(engine.agents.unassign(intentId, agentId), {
            engine,
            intentId,
            profile,
            onSuccess: () => HttpServerResponse.empty({ status: 204 })
          })
        )
      )
  })
)
