/** Money set aside before it is spent (decision 26). Pure. */
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import type { Decision } from "../Aggregate.ts"
import { unchanged } from "../Aggregate.ts"
import type { Env } from "../Env.ts"
import { ValidationError } from "../Errors.ts"
import type { NewEvent } from "../event/LogEvent.ts"
import { automaticEvent, systemEvent } from "../event/LogEvent.ts"
import type { Denied } from "../governance/GovernanceErrors.ts"
import { IntentNotFound } from "../intent/IntentErrors.ts"
import type { JsonObject } from "../json.ts"
import { isoTime } from "../time.ts"
import type { Move } from "./account.ts"
import { charge, firstExceeded, remainingOf } from "./account.ts"
import { amountOf, lesser, numberOf } from "./amount.ts"
import type { NewReservation, Reservation, Settlement } from "./Cost.ts"
import { isHeldAt, reservationAsOf } from "./Cost.ts"
import type { BudgetExceeded } from "./CostErrors.ts"
import { ReservationEnded, ReservationNotFound } from "./CostErrors.ts"
import type { Spender } from "./rules.ts"
import { denyAmount, denySpender, guardOf, recorded } from "./rules.ts"

export interface ReserveCommand extends Pick<Reservation, "intentId" | "agentId" | "costType" | "amount" | "unit"> {
  readonly actor: string
  readonly ttl: Duration.Duration
}

/** Sets an amount aside, if every limit above leaves room for it. */
export const decideReserve = (
  spender: Spender | undefined,
  { actor, ttl, ...reserved }: ReserveCommand,
  env: Env
): Result.Result<Decision<NewReservation>, IntentNotFound | Denied | BudgetExceeded> => {
  const { agentId, intentId } = reserved
  if (spender === undefined) return Result.fail(new IntentNotFound({ intentId }))
  const { found, holders, isAssigned, own } = spender
  const amount = amountOf(reserved.amount)
  const refused =
    denySpender(found.intent, isAssigned, actor) ??
    denyAmount(spender, actor, amount) ??
    firstExceeded(holders, agentId, amount)
  if (refused !== undefined) return Result.fail(refused)
  const reservation: Reservation = {
    ...reserved,
    id: env.newId(),
    status: "held",
    createdAt: env.now,
    expiresAt: DateTime.addDuration(env.now, ttl),
    endedAt: null
  }
  const charged = charge(holders, [{ agentId, spent: 0n, held: amount }], intentId, env)
  const remaining = lesser(own && own.limit - own.spent - own.held - amount, remainingOf(charged.holders, agentId))
  return Result.succeed({
    value: { ...reservation, remaining: remaining === undefined ? null : numberOf(remaining) },
    writes: [{ _tag: "Put", table: "reservations", record: reservation, before: undefined }, ...charged.writes],
    events: [
      systemEvent(env, intentId, "cost_reserved", actor, {
        reservation_id: reservation.id,
        agent_id: agentId,
        cost_type: reservation.costType,
        amount: reservation.amount,
        unit: reservation.unit,
        expires_at: isoTime(reservation.expiresAt)
      })
    ],
    guards: [guardOf(spender), { table: "reservations", key: reservation.id, expected: 0, next: 1 }, ...charged.guards]
  })
}

/** A reservation, if it is one of the intent, and the revision that guards it. */
export interface ReservationFacts {
  readonly reservation: Reservation | undefined
  readonly revision: number
  readonly spender: Spender | undefined
}

interface ReservationCommand {
  readonly intentId: string
  readonly reservationId: string
  readonly actor: string
}

/** A reservation of the intent, whatever has become of it. */
interface Found {
  readonly reservation: Reservation
  readonly revision: number
  readonly spender: Spender
}

const find = (
  { reservation, revision, spender }: ReservationFacts,
  { intentId, reservationId }: ReservationCommand
): Result.Result<Found, IntentNotFound | ReservationNotFound> =>
  spender === undefined
    ? Result.fail(new IntentNotFound({ intentId }))
    : reservation === undefined
      ? Result.fail(new ReservationNotFound({ intentId, reservationId }))
      : Result.succeed({ reservation, revision, spender })

/** Ends the hold and makes the moves; the reservation and the intent must be as they were read. */
const end = (
  { reservation, revision, spender }: Found,
  status: Exclude<Reservation["status"], "held">,
  moves: ReadonlyArray<Move>,
  env: Env
): Decision<Reservation> => {
  const value: Reservation = { ...reservation, status, endedAt: status === "expired" ? null : env.now }
  const unheld: Move = { agentId: reservation.agentId, spent: 0n, held: -amountOf(reservation.amount) }
  const charged = charge(spender.holders, [unheld, ...moves], reservation.intentId, env)
  return {
    value,
    writes: [{ _tag: "Put", table: "reservations", record: value, before: reservation }, ...charged.writes],
    events: charged.events,
    guards: [
      guardOf(spender),
      { table: "reservations", key: reservation.id, expected: revision, next: revision + 1 },
      ...charged.guards
    ]
  }
}

const released = (
  { agentId, amount, id, intentId, unit }: Reservation,
  reason: "released" | "expired",
  event: (intentId: string, type: string, payload: JsonObject) => NewEvent
): NewEvent => event(intentId, "cost_released", { reservation_id: id, agent_id: agentId, amount, unit, reason })

export interface SettleCommand extends ReservationCommand {
  readonly amount: number
  readonly unit: string | undefined
  readonly agentId: string | undefined
  readonly costType: string | undefined
  readonly provider: string | null
  readonly metadata: JsonObject
}

/** A cost takes the place of a reservation, whatever the limits: it is spent already. */
export const decideSettle = (
  facts: ReservationFacts,
  command: SettleCommand,
  env: Env
): Result.Result<
  Decision<Settlement>,
  IntentNotFound | Denied | ReservationNotFound | ReservationEnded | ValidationError
> => {
  const found = find(facts, command)
  if (found._tag === "Failure") return Result.fail(found.failure)
  const { reservation, spender } = found.success
  const { actor, agentId = reservation.agentId, costType = reservation.costType, metadata, provider } = command
  const { id: reservationId, intentId, unit } = reservation
  const { status } = reservationAsOf(reservation, env.now)
  const denied = denySpender(spender.found.intent, spender.isAssigned, actor)
  if (denied !== undefined) return Result.fail(denied)
  if (status !== "held") return Result.fail(new ReservationEnded({ intentId, reservationId, status }))
  if (command.unit !== undefined && command.unit !== unit)
    return Result.fail(new ValidationError({ issues: [{ field: "unit", message: `must be ${unit}, as reserved` }] }))
  const spent = { intentId, actor, agentId, costType, amount: command.amount, unit, provider, metadata }
  const { events, value: cost, writes } = recorded(spent, env)
  const [amount, reserved] = [amountOf(cost.amount), amountOf(reservation.amount)]
  const ended = end(found.success, "settled", [{ agentId, spent: amount, held: 0n }], env)
  const excess = amount > reserved ? numberOf(amount - reserved) : 0
  const settled = { reservation_id: reservationId, cost_id: cost.id, reserved: reservation.amount, amount: cost.amount }
  return Result.succeed({
    ...ended,
    value: { ...cost, reservationId, reserved: reservation.amount, excess },
    writes: [...writes, ...ended.writes],
    events: [
      systemEvent(env, intentId, "cost_settled", actor, { ...settled, unit, excess }),
      ...events,
      ...ended.events
    ]
  })
}

/**
 * Gives back what a reservation holds. One that was given back or is over is answered as it is; one in whose place a
 * cost came cannot be given back.
 */
export const decideRelease = (
  facts: ReservationFacts,
  command: ReservationCommand,
  env: Env
): Result.Result<Decision<Reservation>, IntentNotFound | ReservationNotFound | ReservationEnded> => {
  const found = find(facts, command)
  if (found._tag === "Failure") return Result.fail(found.failure)
  const { reservation } = found.success
  const { actor, intentId, reservationId } = command
  if (reservation.status === "settled")
    return Result.fail(new ReservationEnded({ intentId, reservationId, status: "settled" }))
  if (reservation.status !== "held") return Result.succeed(unchanged(reservation))
  if (!isHeldAt(reservation, env.now)) return Result.succeed(expire(found.success, env))
  const ended = end(found.success, "cancelled", [], env)
  return Result.succeed({
    ...ended,
    events: [
      released(reservation, "released", (id, type, payload) => systemEvent(env, id, type, actor, payload)),
      ...ended.events
    ]
  })
}

const expire = (found: Found, env: Env): Decision<Reservation> => {
  const ended = end(found, "expired", [], env)
  const event = released(found.reservation, "expired", (id, type, payload) => automaticEvent(env, id, type, payload))
  return { ...ended, events: [event, ...ended.events] }
}

/** Writes the end of a reservation that is over. Answers whether it did. */
export const decideExpire = ({ reservation, revision, spender }: ReservationFacts, env: Env): Decision<boolean> =>
  reservation?.status !== "held" || spender === undefined || isHeldAt(reservation, env.now)
    ? unchanged(false)
    : { ...expire({ reservation, revision, spender }, env), value: true }
