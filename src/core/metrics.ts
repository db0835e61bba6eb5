/**
 * What the engine counts, as Effect's `Metric`s: an application reads them with `Metric.snapshot`, a server shows them at
 * `/metrics`. Labels have few values, and each series is made once. Counted a batch at a time where there are batches.
 */
import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import type { NewEvent } from "./event/LogEvent.ts"
import { kindOf } from "./event/eventTypes.ts"

/** Seconds from half a millisecond to ten, for what somebody waits for. */
export const durationBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Counters that differ in one label, of whose values there are few; `also` are labels that all of them have. */
export const countersBy = (
  name: string,
  label: string,
  description: string,
  also: { readonly [label: string]: string } = {}
): ((value: string) => Metric.Counter<number>) => {
  const made = new Map<string, Metric.Counter<number>>()
  return (value) => {
    let counter = made.get(value)
    if (counter === undefined) {
      counter = Metric.counter(name, { description, incremental: true, attributes: { ...also, [label]: value } })
      made.set(value, counter)
    }
    return counter
  }
}

/** What a command is decided on: one intent alone, more than that, or nothing, since it only adds. */
export type CommandKind = "intent" | "wide" | "append"

/** `refused`: by a rule of the protocol. `busy` and `unavailable`: nothing was changed, and the caller was told so. */
export type Outcome = "done" | "refused" | "busy" | "unavailable" | "defect"

const commandsOf = (kind: CommandKind) =>
  countersBy(
    "openintent_commands_total",
    "outcome",
    "Commands answered, by what they are decided on and how they ended",
    { kind }
  )

const commands = { intent: commandsOf("intent"), wide: commandsOf("wide"), append: commandsOf("append") }
const events = countersBy("openintent_events_total", "type", "Events committed, by type; all own types are x.")
const leases = countersBy("openintent_leases_total", "outcome", "Leases granted, refused, and written as expired")
const [leaseGranted, leaseExpired] = [leases("granted"), leases("expired")]

/** Decided again because a guard did not hold: another process or another command was quicker. */
export const lostRaces = Metric.counter("openintent_lost_races_total", {
  description: "Commands decided again because another one was quicker",
  incremental: true
})

export const leaseRefused = leases("refused")

const logPosition = Metric.gauge("openintent_log_position", {
  description: "Position of the last event that this process has committed"
})

/** Less the one before: how many events wait for their seal. */
export const sealedPosition = Metric.gauge("openintent_log_sealed_position", {
  description: "Position up to which this process has sealed the log"
})

/** By `reason` of the storage's error: `full`, `readonly`, `corrupt`, `busy`, … */
export const storageFaults = countersBy("openintent_storage_faults_total", "reason", "Faults of the storage, by reason")

/** `delivered`, `failed`, or `gone` where the receiver wants no more. */
export const webhookAttempts = countersBy(
  "openintent_webhook_attempts_total",
  "outcome",
  "Requests made to deliver webhooks, by how they ended"
)

/** From the commit of an event until its receiver has it. */
export const webhookAge = Metric.histogram("openintent_webhook_delivery_age_seconds", {
  description: "Age of events when their webhook was delivered",
  boundaries: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600]
})

const groupSize = Metric.histogram("openintent_storage_group_commits", {
  description: "Commits that shared a transaction of the storage",
  boundaries: [1, 2, 4, 8, 16, 32, 64, 128, 256]
})

const transactionDuration = Metric.histogram("openintent_storage_transaction_duration_seconds", {
  description: "How long a transaction of the storage took, with its sync to the disk",
  boundaries: durationBoundaries
})

/** Tells of a transaction that was written: how many commits were in it, and how long it took. */
export type MeasureTransaction = (commits: number, seconds: number) => void

export const measureTransactions = (context: Context.Context<never>): MeasureTransaction => {
  for (const metric of [groupSize, transactionDuration]) metric.valueUnsafe(context)
  return (size, seconds) => {
    groupSize.updateUnsafe(size, context)
    transactionDuration.updateUnsafe(seconds, context)
  }
}

export interface CommandMetrics {
  readonly answered: (kind: CommandKind, outcome: Outcome) => void
  readonly committed: (events: ReadonlyArray<NewEvent>, positions: ReadonlyArray<number>) => void
}

/** Those that are shown from the beginning: what was never counted is 0, and not missing. */
const shownAtZero = [
  logPosition,
  sealedPosition,
  lostRaces,
  webhookAge,
  ...(["granted", "refused", "expired"] as const).map(leases),
  ...(["delivered", "failed", "gone"] as const).map(webhookAttempts),
  ...(["busy", "full", "readonly", "io", "corrupt"] as const).map(storageFaults),
  ...(["intent", "wide", "append"] as const).map((kind) => commands[kind]("done"))
]

/** For what is on the path of every command: no effect to run, and the registry is that of the context. */
export const commandMetrics = (context: Context.Context<never>): CommandMetrics => {
  for (const metric of shownAtZero) metric.valueUnsafe(context)
  return {
    answered: (kind, outcome) => commands[kind](outcome).updateUnsafe(1, context),
    committed: (added, positions) => {
      const last = positions.at(-1)
      if (last !== undefined) logPosition.updateUnsafe(last, context)
      for (const { payload, type } of added) {
        events(kindOf(type)).updateUnsafe(1, context)
        if (type === "lease_acquired") leaseGranted.updateUnsafe(1, context)
        else if (type === "lease_released" && payload["reason"] === "expired") leaseExpired.updateUnsafe(1, context)
      }
    }
  }
}
