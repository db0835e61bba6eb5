/** Reads what a caller gives about costs (http.md 14): checked, with defaults. */
import { Checks, limits } from "../validate.ts"
import { isAmount } from "./amount.ts"
import { defaultCurrency } from "./budget.ts"
import type { RecordCost, ReserveCost, SettleCost } from "./Cost.ts"

const defaultType = "custom"

const readAmount = (checks: Checks, value: unknown): number => {
  // Minus zero is zero.
  if (isAmount(value)) return Math.abs(value)
  if (value === undefined || value === null) checks.add("amount", "is required")
  else checks.add("amount", "must be a number from 0 with at most 12 digits after the point", value)
  return 0
}

const readName = (checks: Checks, field: string, value: unknown) => checks.readText(field, value, 1, limits.nameLength)

const readOptionalName = (checks: Checks, field: string, value: unknown): string | undefined =>
  value === undefined || value === null ? undefined : readName(checks, field, value)

const readSpender = (checks: Checks, given: unknown): string | undefined =>
  given === undefined || given === null ? undefined : checks.readAgent("agentId", given)

export const readRecord = (intentId: string, input: RecordCost, agent: string) => {
  const checks = new Checks()
  const actor = checks.readAgent("agent", agent)
  return checks.finishSized({
    intentId,
    actor,
    agentId: readSpender(checks, input.agentId) ?? actor,
    costType: readName(checks, "costType", input.costType),
    amount: readAmount(checks, input.amount),
    unit: readName(checks, "unit", input.unit),
    provider: readOptionalName(checks, "provider", input.provider) ?? null,
    metadata: checks.readObject("metadata", input.metadata, limits.payloadBytes)
  })
}

export const readReserve = (intentId: string, input: ReserveCost, agent: string) => {
  const checks = new Checks()
  const actor = checks.readAgent("agent", agent)
  return checks.finish({
    intentId,
    actor,
    agentId: readSpender(checks, input.agentId) ?? actor,
    costType: readOptionalName(checks, "costType", input.costType) ?? defaultType,
    amount: readAmount(checks, input.amount),
    unit: readOptionalName(checks, "unit", input.unit) ?? defaultCurrency,
    ttl: checks.readLeaseDuration("ttl", input.ttl)
  })
}

export const readSettle = (intentId: string, reservationId: string, input: SettleCost, agent: string) => {
  const checks = new Checks()
  return checks.finishSized({
    intentId,
    reservationId,
    actor: checks.readAgent("agent", agent),
    agentId: readSpender(checks, input.agentId),
    costType: readOptionalName(checks, "costType", input.costType),
    amount: readAmount(checks, input.amount),
    unit: readOptionalName(checks, "unit", input.unit),
    provider: readOptionalName(checks, "provider", input.provider) ?? null,
    metadata: checks.readObject("metadata", input.metadata, limits.payloadBytes)
  })
}
