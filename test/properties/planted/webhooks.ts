/** Bugs in how webhooks are sent. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Engine } from "../../../src/core/Engine.ts"
import type { OpenIntent } from "../../../src/core/OpenIntent.ts"
import {
  WebhookSender,
  type WebhookRequest,
  type WebhookSenderShape
} from "../../../src/core/subscription/WebhookSender.ts"
import { makeSender } from "../../../src/http/webhooks/sender.ts"
import { MemoryStorage } from "../../../src/storage/memory/MemoryStorage.ts"
import { delivering } from "../sink.ts"
import type { PlantedBug } from "./engines.ts"

/** The engine with another way to send. */
const sending = (change: (send: WebhookSenderShape["send"]) => WebhookSenderShape["send"]): Layer.Layer<OpenIntent> => {
  const sender = Layer.succeed(WebhookSender, (policy) =>
    Effect.sync(() => {
      const real = makeSender(policy)
      return { ...real, send: change(real.send) }
    })
  )
  return Engine.layer(delivering).pipe(Layer.provide([MemoryStorage.layer, sender]))
}

const withHeaders = (request: WebhookRequest, headers: WebhookRequest["headers"]): WebhookRequest => ({
  ...request,
  headers: Object.fromEntries(
    Object.entries({ ...request.headers, ...headers }).map(([name, value]) => [name.toLowerCase(), value])
  )
})

export const webhookBugs: ReadonlyArray<PlantedBug> = [
  {
    name: "a refused delivery counts as made",
    foundBy: ["54"],
    engine: sending((send) => (request) => Effect.map(send(request), (answer) => ({ ...answer, status: 200 })))
  },
  {
    name: "retries are deliveries of their own",
    foundBy: ["54"],
    engine: sending((send) => (request) => {
      const id = crypto.randomUUID()
      return send(withHeaders(request, { "x-openintent-delivery": id, "webhook-id": id }))
    })
  },
  {
    name: "the signature is of the body before it was encoded",
    foundBy: ["54"],
    engine: sending((send) => (request) => send({ ...request, body: request.body.replaceAll(/[\u0080-\uffff]/g, "?") }))
  }
]
