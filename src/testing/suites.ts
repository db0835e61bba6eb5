/** The parts of the kit. */
import { allCalls, refusalOf } from "./Call.ts"
import { eventRules } from "./invariants/events.ts"
import { intentRules } from "./invariants/intents.ts"
import { leaseRules } from "./invariants/leases.ts"
import { orderRules } from "./invariants/order.ts"
import { statusRules } from "./invariants/statuses.ts"
import { describe, shortened } from "./print.ts"
import { families } from "./programs.ts"
import { runProgram } from "./run.ts"
import { type Suite, suite } from "./Suite.ts"

/** Intents, state, events, leases and agents, held against a model (linearizability). */
const coordination = suite({
  families,
  rules: [...intentRules, ...statusRules, ...eventRules, ...leaseRules, ...orderRules],
  run: runProgram,
  describe,
  shortened,
  answers: (history) => allCalls(history).map((call) => `${call._tag} ${refusalOf(call)?._tag ?? "answered"}`)
})

export const suites: ReadonlyArray<Suite> = [coordination]
