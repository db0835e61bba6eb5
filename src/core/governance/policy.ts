/** What an intent's policy says and forbids (http.md appendix A). Pure. */
import type { Status } from "../intent/Intent.ts"
import type { Json, JsonObject } from "../json.ts"
import type { Checks } from "../validate.ts"
import { limits } from "../validate.ts"

export const completionModes = ["auto", "require_approval", "quorum"] as const
export const writeScopes = ["any", "assigned_only"] as const

/** Who has to agree before an intent is completed: nobody, one, or a share of those assigned. */
export type CompletionMode = (typeof completionModes)[number]
export type WriteScope = (typeof writeScopes)[number]

/** A policy as it takes effect: every key has a value. */
export interface Policy {
  /** Default `auto`. */
  readonly completionMode: CompletionMode
  /** Who may write state, status and costs. Default `any`. */
  readonly writeScope: WriteScope
  /** Above 0, at most 1: the share of the assigned agents that `quorum` asks for. Default 0.6. */
  readonly quorumThreshold: number
  /** Who may write, and be assigned. Empty (default): everybody. */
  readonly allowedAgents: ReadonlyArray<string>
  /** What the costs of the intent may sum up to. Null (default): no limit. */
  readonly maxCost: number | null
  /** A change of status needs a reason. Default false. */
  readonly requireStatusReason: boolean
}

/** What is stored of a policy, and what it comes to. */
export interface IntentPolicy {
  readonly intentId: string
  /** As it was set, with keys that mean nothing to the engine; `{}` where there is none. */
  readonly governancePolicy: JsonObject
  readonly effectivePolicy: Policy
}

export interface SetPolicy {
  /** The version the caller has seen (`If-Match`). */
  readonly version: number
  /** The keys of http.md appendix A, in their spelling there; others are kept. Takes the place of the one before. */
  readonly policy: object
}

/** The keys of a policy that can forbid something. */
export const policyRules = [
  "write_scope",
  "allowed_agents",
  "completion_mode",
  "max_cost",
  "require_status_reason"
] as const
export type PolicyRule = (typeof policyRules)[number]

/** What is done against a policy. */
export interface Breach {
  readonly rule: PolicyRule
  readonly reason: string
  /** Of `completion_mode` only. */
  readonly mode?: CompletionMode
  /** Is not worth an event: the caller left something out, or nobody is there to agree. */
  readonly isUntold?: true
}

const oneOf =
  <A extends string>(values: ReadonlyArray<A>) =>
  (value: Json): value is A =>
    values.some((known) => known === value)

const isCompletionMode = oneOf(completionModes)
const isWriteScope = oneOf(writeScopes)
const isThreshold = (value: Json): value is number => typeof value === "number" && value > 0 && value <= 1
const isAmount = (value: Json): value is number => typeof value === "number" && value >= 0
const isBoolean = (value: Json): value is boolean => typeof value === "boolean"
const isAgent = (value: Json): value is string => typeof value === "string" && value.trim() !== ""
const isAgents = (value: Json): value is ReadonlyArray<string> => Array.isArray(value) && value.every(isAgent)

const keys: ReadonlyArray<readonly [name: string, is: (value: Json) => boolean, message: string]> = [
  ["completion_mode", isCompletionMode, `must be one of ${completionModes.join(", ")}`],
  ["write_scope", isWriteScope, `must be one of ${writeScopes.join(", ")}`],
  ["quorum_threshold", isThreshold, "must be a number above 0 and at most 1"],
  ["allowed_agents", isAgents, "must be an array of agent ids"],
  ["max_cost", isAmount, "must be a number of 0 or more"],
  ["require_status_reason", isBoolean, "must be true or false"]
]

/** A policy to store: the known keys are checked (`null` counts as absent), all others are kept as they are. */
export const readPolicy = (checks: Checks, field: string, value: unknown): JsonObject => {
  const policy = checks.readObject(field, value, limits.constraintsBytes)
  for (const [name, is, message] of keys) {
    const given = policy[name] ?? null
    if (given !== null && !is(given)) checks.add(`${field}.${name}`, message, given)
  }
  return policy
}

/** The value that is stored, or the default where there is none or one that no policy can have. */
const valueOf = <A extends Json, B>(stored: Json | undefined, is: (value: Json) => value is A, fallback: B): A | B =>
  stored !== undefined && is(stored) ? stored : fallback

const nobody: ReadonlyArray<string> = Object.freeze([])

/** What a stored policy comes to; null is the policy that forbids nothing. */
export const effectivePolicy = (stored: JsonObject | null): Policy => ({
  completionMode: valueOf(stored?.["completion_mode"], isCompletionMode, "auto"),
  writeScope: valueOf(stored?.["write_scope"], isWriteScope, "any"),
  quorumThreshold: valueOf(stored?.["quorum_threshold"], isThreshold, 0.6),
  allowedAgents: valueOf(stored?.["allowed_agents"], isAgents, nobody),
  maxCost: valueOf(stored?.["max_cost"], isAmount, null),
  requireStatusReason: valueOf(stored?.["require_status_reason"], isBoolean, false)
})

/** Whether the policy allows an agent at all: to write, and to be assigned. */
export const checkAgent = ({ allowedAgents }: Policy, agentId: string): Breach | undefined =>
  allowedAgents.length === 0 || allowedAgents.includes(agentId)
    ? undefined
    : { rule: "allowed_agents", reason: `${agentId} is not among the allowed agents` }

/** An agent that is about to write. */
export interface Writer {
  readonly agentId: string
  /** Matters only where `writeScope` is `assigned_only`. */
  readonly isAssigned: boolean
}

/** Whether the policy lets an agent write state, status or costs. */
export const checkWriter = (policy: Policy, { agentId, isAssigned }: Writer): Breach | undefined =>
  policy.writeScope === "assigned_only" && !isAssigned
    ? { rule: "write_scope", reason: "only agents assigned to the intent may write" }
    : checkAgent(policy, agentId)

/** Who agreed to completing an intent, and how many might have. */
export interface Agreement {
  /** Approved approvals of the action `complete`. */
  readonly approved: number
  readonly assigned: number
}

export const checkCompletion = (
  { completionMode: mode, quorumThreshold }: Policy,
  { approved, assigned }: Agreement
): Breach | undefined => {
  if (mode === "auto") return undefined
  const rule = "completion_mode"
  if (mode === "require_approval")
    return approved > 0 ? undefined : { rule, mode, reason: "completing needs an approval of the action complete" }
  if (assigned === 0) return { rule, mode, reason: "a quorum needs assigned agents", isUntold: true }
  const needed = Math.max(1, Math.floor(assigned * quorumThreshold))
  return approved >= needed ? undefined : { rule, mode, reason: `completing has ${approved} of ${needed} approvals` }
}

/** Whether the policy lets an agent change the status: who writes, why, and who agreed to completing. */
export const checkStatus = (
  policy: Policy,
  writer: Writer,
  { reason, status }: { readonly status: Status; readonly reason: string | undefined },
  agreement: Agreement
): Breach | undefined =>
  checkWriter(policy, writer) ??
  (policy.requireStatusReason && (reason ?? "").trim() === ""
    ? { rule: "require_status_reason", reason: "a change of status needs a reason", isUntold: true }
    : status === "completed"
      ? checkCompletion(policy, agreement)
      : undefined)
