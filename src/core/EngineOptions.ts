import * as Duration from "effect/Duration"
import type { ScopeMatching } from "./lease/rules.ts"
import type { WebhookOptions } from "./subscription/options.ts"

/** Switches of the engine. */
export interface EngineOptions {
  /** Costs that a budget has no room for are refused, as reservations always are (decision 25). Default off. */
  readonly enforceBudgets: boolean
  /** Patches of what another agent has leased are refused (semantics 3.6). Default on. */
  readonly enforceLeases: boolean
  /** An intent is completed only after its children (semantics 1.4). Default on. */
  readonly enforceParentGate: boolean
  /** `require_all_completed` in the policy of a portfolio is a gate (http.md 13.4). Default on. */
  readonly enforcePortfolioPolicy: boolean
  /** Whether scopes conflict with those above and below them by dots (semantics 3.3). Default `exact`. */
  readonly leaseScopeMatching: ScopeMatching
  /** The fallback agent of a retry policy takes over from one that fails too often (semantics 6). Default on. */
  readonly fallbackAgents: boolean
  /** Retries of failures that others recorded are handed out when they are due (decision 27). Default off. */
  readonly handOutRetries: boolean
  /** How long after its last sign of life, or the time of its retry, a run counts as gone. Default 10 seconds. */
  readonly retryHold: Duration.Duration
  /** Bytes of the content of one attachment that is stored here. Default 25 MiB (http.md 1.10). */
  readonly attachmentBytesMax: number
  /** Attachments that one intent may have. Default 1000. */
  readonly attachmentsPerIntent: number
  /** Bytes that the contents stored here of one intent may have together. Default 1 GiB. */
  readonly attachmentBytesPerIntent: number
  /** How long a call with a key is known: until then the same call answers as it did (http.md 1.2). Default 24 hours. */
  readonly receiptsKept: Duration.Duration
  /** How often leases that are over are written so; at most a second, which is what the contract promises. */
  readonly sweepInterval: Duration.Duration
  /** The log is sealed behind its writers with a chain of hashes, so that `events.verify` finds changes. Default on. */
  readonly sealEvents: boolean
  /** How webhooks are delivered, where it differs from the defaults. */
  readonly webhooks: Partial<WebhookOptions>
}

export const defaultOptions: EngineOptions = {
  enforceBudgets: false,
  enforceLeases: true,
  enforceParentGate: true,
  enforcePortfolioPolicy: true,
  leaseScopeMatching: "exact",
  fallbackAgents: true,
  handOutRetries: false,
  retryHold: Duration.seconds(10),
  attachmentBytesMax: 25 * 1024 * 1024,
  attachmentsPerIntent: 1000,
  attachmentBytesPerIntent: 1024 * 1024 * 1024,
  receiptsKept: Duration.hours(24),
  sweepInterval: Duration.millis(500),
  sealEvents: true,
  webhooks: {}
}
