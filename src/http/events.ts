/** http.md 6 */
import * as Effect from "effect/Effect"
import { HttpApiBuilder } from "effect/http-api"
import type { Visibility } from "../core/event/LogEvent.ts"
import { OpenIntent } from "../core/OpenIntent.ts"
import { answer, json, pageAnswer } from "./answers.ts"
import { Api } from "./Api.ts"
import { Caller } from "./api/common.ts"
import { eventBody } from "./bodies.ts"
import { HttpOptions } from "./HttpOptions.ts"
import { readBody } from "./requestBody.ts"
import { appendEvent } from "./requests.ts"
import type { Profile } from "./timestamps.ts"
import { verificationBody, verifyQuery } from "./verification.ts"

/** Which types of events a reader of this profile can take (http.md 1.9). */
const visibility = (include: Visibility | undefined, profile: Profile, hideLater: boolean): Visibility =>
  include ?? (profile === 2 ? "all" : hideLater ? "legacy" : "known")

/** Needs `OpenIntent`. */
export const layer = HttpApiBuilder.group(
  Api,
  "events",
  Effect.fnUntraced(function* (handlers) {
    const engine = yield* OpenIntent
    const options = yield* HttpOptions
    return handlers
      .handleRaw("append", ({ params: { intentId }, request }) =>
        Effect.flatMap(Caller, ({ boundTo, profile }) =>
          readBody(request, options).pipe(
            Effect.flatMap((body) => appendEvent(body, boundTo)),
            Effect.flatMap((input) => engine.events.append(intentId, input)),
            (effect) =>
              answer(effect, { engine, intentId, profile, onSuccess: (event) => json(eventBody(event, profile)) })
          )
        )
      )
      .handleRaw("list", ({ params: { intentId }, query, request }) =>
        Effect.flatMap(Caller, ({ profile }) => {
          const { after_sequence, event_type, include, ...rest } = query
          return answer(
            engine.events.list(intentId, {
              ...rest,
              type: event_type,
              afterPosition: after_sequence,
              visibility: visibility(include, profile, options.hideLaterEventTypes)
            }),
            {
              engine,
              intentId,
              profile,
              onSuccess: (page) => pageAnswer("events", page, eventBody, profile, request.url)
            }
          )
        })
      )
      .handleRaw("verify", ({ params: { intentId }, query }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(
            Effect.flatMap(verifyQuery(query), (input) => engine.events.verify(intentId, input)),
            { engine, intentId, profile, onSuccess: (found) => json(verificationBody(found)) }
          )
        )
      )
  })
)
