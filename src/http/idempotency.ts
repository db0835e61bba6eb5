/** `Idempotency-Key` (http.md 1.2, decision 8): what a POST does under a key is done once, and answered alike. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { hash } from "node:crypto"
import type { OpenIntentShape } from "../core/OpenIntent.ts"
import { CurrentCall, type KeyedCall, keyIssue, type Mark } from "../core/receipt/KeyedCall.ts"
import { refuseUnlessMissing } from "./answers.ts"
import { bodyBytes } from "./bodyBytes.ts"
import type { Caller } from "./api/common.ts"
import { refusalOf } from "./failures.ts"
import { readKey } from "./idempotencyKey.ts"

const sha256 = (content: string | Uint8Array): string => hash("sha256", content, "base64")

/** A body that cannot be read is refused, or of no concern, where it is wanted. */
const unread = new Uint8Array()

/** Whose key it is, which route it is for, and the body, which is read once whoever asks for it. */
const markOf = (request: HttpServerRequest, { agentId, keyId }: Caller["Service"], key: string): Effect.Effect<Mark> =>
  Effect.map(
    Effect.orElseSucceed(bodyBytes(request), () => unread),
    (body) => {
      const path = request.url.replace(/[?#].*$/s, "")
      return {
        receiptKey: sha256(JSON.stringify(["http", keyId, agentId, request.method, path, key])),
        fingerprint: sha256(body)
      }
    }
  )

type Handler<E, R> = Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>

/** What handlers of requests with this method become: those of a POST take effect once where the request has a key. */
export const takingEffectOnce =
  (engine: OpenIntentShape, method: string) =>
  <E, R>(
    handler: Handler<E, R>,
    request: HttpServerRequest,
    caller: Caller["Service"]
  ): Handler<E, R | HttpRouter.RouteContext> => {
    const header = method === "POST" ? request.headers["idempotency-key"] : undefined
    if (header === undefined) return handler
    const key = readKey(header)
    if (key === undefined) {
      return Effect.flatMap(HttpRouter.RouteContext, ({ params }) =>
        refuseUnlessMissing(engine, params, refusalOf(keyIssue), caller.profile)
      )
    }
    const call: KeyedCall = { key, mark: markOf(request, caller, key), outcome: "open" }
    return Effect.map(
      Effect.updateContext(handler, (context: Context.Context<R>) => Context.add(context, CurrentCall, call)),
      (response) =>
        call.outcome === "replayed" ? HttpServerResponse.setHeader(response, "idempotency-replayed", "true") : response
    )
  }
