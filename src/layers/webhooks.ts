import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { WebhookSender } from "../core/subscription/WebhookSender.ts"

/** Webhooks over HTTP, for an engine. Node's client is loaded with the first webhook that there is. */
export const webhooks: Layer.Layer<never> = Layer.succeed(WebhookSender, (policy) =>
  Effect.promise(async () => (await import("../http/webhooks/sender.ts")).makeSender(policy))
)
