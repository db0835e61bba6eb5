/** What an explanation of why an intent waits is made of. Pure data. */
import type * as DateTime from "effect/DateTime"
import type { Agreement, Policy } from "../../core/governance/policy.ts"
import type { Approval } from "../../core/governance/Approval.ts"
import type { Arbitration } from "../../core/governance/Arbitration.ts"
import type { Intent } from "../../core/intent/Intent.ts"
import type { Lease } from "../../core/lease/Lease.ts"
import type { Failure } from "../../core/retry/Retry.ts"

/** The first of a list, and how long it is. */
export interface Some<A> {
  readonly items: ReadonlyArray<A>
  readonly total: number
}

/** An intent that is not completed, and what it waits for in turn. */
export interface Waiting {
  readonly intent: Pick<Intent, "id" | "title" | "status">
  /** Its own dependencies that are not completed; undefined where they were not looked at. */
  readonly waitsFor: Some<Waiting> | undefined
}

/** Money that its costs count against. */
export interface SpentBudget {
  /** Whose budget it is: the intent itself, one above it, or a portfolio. */
  readonly holder: { readonly kind: "intent" | "portfolio"; readonly id: string }
  readonly limit: number
  readonly spent: number
  readonly currency: string
  /** Only this agent has spent too much. */
  readonly agentId: string | undefined
}

export interface Facts {
  /** By the clock of whoever asks. */
  readonly now: DateTime.Utc
  readonly intent: Intent
  /** Dependencies that are not completed. */
  readonly dependencies: Some<Waiting>
  /** Children that are not terminal. */
  readonly children: Some<Intent>
  /** Active ones. */
  readonly leases: Some<Lease>
  /** Pending ones. */
  readonly arbitrations: Some<Arbitration>
  /** Pending ones. */
  readonly approvals: Some<Approval>
  readonly policy: Policy
  readonly agreement: Agreement
  /** Ids of agents it is assigned to. */
  readonly assigned: Some<string>
  /** Budgets that are used up. */
  readonly budgets: ReadonlyArray<SpentBudget>
  /** The newest failure, unless a later attempt succeeded. */
  readonly failure: Failure | undefined
}
