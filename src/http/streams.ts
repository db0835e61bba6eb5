/** http.md 12 */
import * as Effect from "effect/Effect"
import type { Headers } from "effect/http/Headers"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import { HttpApiBuilder } from "effect/http-api"
import { readFollow } from "../core/event/follow.ts"
import { OpenIntent } from "../core/OpenIntent.ts"
import { Api } from "./Api.ts"
import { Caller } from "./api/common.ts"
import { type EngineFailure, refusalOf } from "./failures.ts"
import { refuse } from "./refusals.ts"
import { CurrentPassage } from "./Passage.ts"
import { HttpOptions } from "./HttpOptions.ts"
import type { Target } from "./streams/frames.ts"
import { type Resume, Streams } from "./streams/Streams.ts"

/** The header is newer than the query: a client that comes back by itself keeps the URL. */
const resumeOf = (headers: Headers, query: { readonly last_event_id?: string }): Resume => {
  const given = (headers["last-event-id"] ?? query.last_event_id ?? "").trim()
  if (given === "") return undefined
  const id = Number(given)
  return /^\d+$/.test(given) && Number.isSafeInteger(id) ? id : "unknown"
}

/** Needs `OpenIntent`, `Keyring` and `Listening`. */
export const layer = HttpApiBuilder.group(
  Api,
  "streams",
  Effect.fnUntraced(function* (handlers) {
    const engine = yield* OpenIntent
    const streams = yield* Streams
    const { streamRefusalDelay } = yield* HttpOptions

    const mustExist = ({ id, kind }: Target): Effect.Effect<unknown, EngineFailure> => {
      if (kind === "intent") return engine.intents.get(id)
      if (kind === "portfolio") return engine.portfolios.get(id)
      // Agents need no registration, only a name that an agent may have.
      return Effect.fromResult(readFollow({ agentId: id }))
    }

    const open =
      (kind: Target["kind"], family: Target["family"]) =>
      ({
        params: { id },
        query,
        request
      }: {
        readonly params: { readonly id: string }
        readonly query: { readonly last_event_id?: string }
        readonly request: HttpServerRequest
      }) =>
        Effect.flatMap(Caller, ({ keyId, profile }) => {
          const target: Target = { kind, id, family, profile }
          return Effect.matchEffect(mustExist(target), {
            onSuccess: () =>
              Effect.map(CurrentPassage, (passage) =>
                streams.answer(request, keyId, target, resumeOf(request.headers, query), passage?.headers)
              ),
            onFailure: (error) => Effect.delay(Effect.succeed(refuse(refusalOf(error), profile)), streamRefusalDelay)
          })
        })

    return handlers
      .handleRaw("intent", open("intent", "client"))
      .handleRaw("portfolio", open("portfolio", "client"))
      .handleRaw("agent", open("agent", "client"))
      .handleRaw("legacyIntent", open("intent", "legacy"))
      .handleRaw("legacyPortfolio", open("portfolio", "legacy"))
      .handleRaw("legacyAgent", open("agent", "legacy"))
  })
).pipe(Layer.provide(Streams.layer))
