import * as Duration from "effect/Duration"
import type { ScopeMatching } from "./lease/rules.ts"

/** Switches of the engine. */
export interface EngineOptions {
  /** Patches of what another agent has leased are refused (semantics 3.6). Default on. */
  readonly enforceLeases: boolean
  /** An intent is completed only after its children (semantics 1.4). Default on. */
  readonly enforceParentGate: boolean
  /** Whether scopes conflict with those above and below them by dots (semantics 3.3). Default `exact`. */
  readonly leaseScopeMatching: ScopeMatching
  /** How often leases that are over are written so; at most a second, which is what the contract promises. */
  readonly sweepInterval: Duration.Duration
}

export const defaultOptions: EngineOptions = {
  enforceLeases: true,
  enforceParentGate: true,
  leaseScopeMatching: "exact",
  sweepInterval: Duration.millis(500)
}
