import * as Duration from "effect/Duration"

/** Which addresses webhooks may be sent to. */
export interface TargetPolicy {
  /** Whether private, loopback and link-local addresses are allowed, all of them: for tests and closed networks. Default off. */
  readonly allowPrivate: boolean
  /** Networks that are allowed although they are not public, as in `10.1.0.0/16`. */
  readonly allowedNetworks: ReadonlyArray<string>
}

/** How webhooks are delivered (http.md 11.4, decision 24). */
export interface WebhookOptions extends TargetPolicy {
  /** Requests that are made for one event until it is given up. Default 16: with the delays below, about 40 minutes. */
  readonly attempts: number
  /** After the first failure; doubled after each further one. Each wait is spread by 20 % either way. Default 1 s. */
  readonly delay: Duration.Duration
  /** No wait is longer than this, before its spread, nor what an endpoint asks for with `Retry-After`. Default 300 s. */
  readonly delayMax: Duration.Duration
  /** How long an endpoint may take to answer. Default 10 s. */
  readonly timeout: Duration.Duration
  /** Events in a row that are given up until the subscription is deactivated. Default 100. */
  readonly giveUpsMax: number
  /** Requests under way at a time, over all subscriptions; of one subscription there is one. Default 256. */
  readonly concurrency: number
  /** How often to look for what other processes changed. Default 1 s. */
  readonly lookInterval: Duration.Duration
  /** How long a process that died keeps the others from delivering. Default 5 s. */
  readonly claimDuration: Duration.Duration
  /** The last deliveries of a subscription that are kept however old they are. Default 1000. */
  readonly deliveriesKept: number
  /** How long every delivery is kept; those that are older and over are forgotten. Default 7 days. */
  readonly deliveriesKeptFor: Duration.Duration
}

export const defaultWebhookOptions: WebhookOptions = {
  attempts: 16,
  delay: Duration.seconds(1),
  delayMax: Duration.seconds(300),
  timeout: Duration.seconds(10),
  giveUpsMax: 100,
  concurrency: 256,
  lookInterval: Duration.seconds(1),
  claimDuration: Duration.seconds(5),
  deliveriesKept: 1000,
  deliveriesKeptFor: Duration.days(7),
  allowPrivate: false,
  allowedNetworks: []
}
