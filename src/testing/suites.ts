/** The parts of the kit. */
import { allCalls, refusalOf } from "./Call.ts"
import { graph } from "./graph/suite.ts"
import { eventRules } from "./invariants/events.ts"
import { intentRules } from "./invariants/intents.ts"
import { leaseRules } from "./invariants/leases.ts"
import { orderRules } from "./invariants/order.ts"
import { statusRules } from "./invariants/statuses.ts"
import { costs } from "./cost/suite.ts"
import { records } from "./records/suite.ts"
import { retries } from "./retry/suite.ts"
import { webhooks } from "./webhook/suite.ts"
import { seals } from "./seal/suite.ts"
import { streams } from "./stream/suite.ts"
import { once } from "./once/suite.ts"
import { portfolios } from "./portfolio/suite.ts"
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

export const suites: ReadonlyArray<Suite> = [
  coordination,
  graph,
  portfolios,
  records,
  costs,
  retries,
  streams,
  once,
  seals,
  webhooks
]
