/** http.md 4 */
import * as Effect from "effect/Effect"
import { HttpApiBuilder } from "effect/http-api"
import type { Intent, ListIntents, Status } from "../core/intent/Intent.ts"
import { OpenIntent } from "../core/OpenIntent.ts"
import { answer, intentAnswer, pageAnswer } from "./answers.ts"
import { Api } from "./Api.ts"
import { Caller } from "./api/common.ts"
import { intentBody } from "./bodies.ts"
import type { EngineFailure } from "./failures.ts"
import type { Refusal } from "./refusals.ts"
import { HttpOptions } from "./HttpOptions.ts"
import { readBody } from "./requestBody.ts"
import { createIntent, isStatusChange, patchState, setStatus } from "./requests.ts"
import type { Profile } from "./timestamps.ts"

/** In the default profile `pending` is shown as `active`, so who asks for the active ones means both (decision 13). */
const statusFilter = (statuses: ReadonlyArray<Status> | undefined, profile: Profile): ListIntents["status"] =>
  statuses?.includes("active") === true && profile === 1 ? [...new Set<Status>([...statuses, "pending"])] : statuses

/** Needs `OpenIntent`. */
export const layer = HttpApiBuilder.group(
  Api,
  "intents",
  Effect.fnUntraced(function* (handlers) {
    const engine = yield* OpenIntent
    const options = yield* HttpOptions
    const { intents } = engine
    return handlers
      .handleRaw("create", ({ request }) =>
        Effect.flatMap(Caller, ({ boundTo, profile }) =>
          readBody(request, options).pipe(
            Effect.flatMap((body) => createIntent(body, boundTo)),
            Effect.flatMap(intents.create),
            (effect) => answer(effect, { engine, intentId: undefined, profile, onSuccess: intentAnswer })
          )
        )
      )
      .handleRaw("list", ({ query, request }) =>
        Effect.flatMap(Caller, ({ profile }) => {
          const { agent_id, created_by, parent_intent_id, status, ...rest } = query
          return answer(
            intents.list({
              ...rest,
              status: statusFilter(status, profile),
              parentIntentId: parent_intent_id,
              createdBy: created_by,
              agentId: agent_id
            }),
            {
              engine,
              intentId: undefined,
              profile,
              onSuccess: (page) => pageAnswer("intents", page, intentBody, profile, request.url)
            }
          )
        })
      )
      .handleRaw("get", ({ params: { intentId } }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(intents.get(intentId), { engine, intentId, profile, onSuccess: intentAnswer })
        )
      )
      .handleRaw("patchState", ({ headers, params: { intentId }, request }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          readBody(request, options).pipe(
            Effect.flatMap((body) => patchState(body, headers)),
            Effect.flatMap((input) => intents.patchState(intentId, input)),
            (effect) => answer(effect, { engine, intentId, profile, onSuccess: intentAnswer })
          )
        )
      )
      .handleRaw("patchStateOrStatus", ({ headers, params: { intentId }, request }) =>
        Effect.flatMap(Caller, ({ profile }) => {
          const change = Effect.flatMap(
            readBody(request, options),
            (body): Effect.Effect<Intent, EngineFailure | Refusal> =>
              isStatusChange(body)
                ? Effect.flatMap(setStatus(body, headers), (input) => intents.setStatus(intentId, input))
                : Effect.flatMap(patchState(body, headers), (input) => intents.patchState(intentId, input))
          )
          return answer(change, { engine, intentId, profile, onSuccess: intentAnswer })
        })
      )
      .handleRaw("setStatus", ({ headers, params: { intentId }, request }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          readBody(request, options).pipe(
            Effect.flatMap((body) => setStatus(body, headers)),
            Effect.flatMap((input) => intents.setStatus(intentId, input)),
            (effect) => answer(effect, { engine, intentId, profile, onSuccess: intentAnswer })
          )
        )
      )
  })
)
