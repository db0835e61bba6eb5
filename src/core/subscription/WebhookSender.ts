/** The port: what delivery asks of whoever speaks HTTP. */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { LogEvent } from "../event/LogEvent.ts"
import type { TargetPolicy } from "./options.ts"

/** No answer came. */
export class SendFailed extends Data.TaggedError("SendFailed")<{
  /** `forbidden`: the address is none that webhooks may be sent to; nothing was sent. */
  readonly reason: "forbidden" | "unresolved" | "unreachable" | "timeout"
}> {
  override get message() {
    return `no answer: ${this.reason}`
  }
}

export interface WebhookRequest {
  readonly url: string
  readonly headers: { readonly [name: string]: string }
  readonly body: string
  readonly timeout: Duration.Duration
}

export interface WebhookAnswer {
  readonly status: number
  /** The header, as it came. */
  readonly retryAfter: string | undefined
}

export interface WebhookSenderShape {
  /** Why nothing may ever be sent there, as far as the URL alone tells; undefined where it does not. */
  readonly refusal: (url: URL) => string | undefined
  /** What is sent, as text (http.md 11.4). */
  readonly body: (subscriptionId: string, event: LogEvent) => string
  /** One request. Follows no redirect, and connects only to addresses that the policy allows. */
  readonly send: (request: WebhookRequest) => Effect.Effect<WebhookAnswer, SendFailed>
}

/** How to get a sender, when the first one is needed. Undefined: this process delivers nothing. */
export const WebhookSender = Context.Reference<
  ((policy: TargetPolicy) => Effect.Effect<WebhookSenderShape>) | undefined
>("openintent/core/subscription/WebhookSender", { defaultValue: () => undefined })
