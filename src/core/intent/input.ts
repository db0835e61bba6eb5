/** Reads what a caller gives about an intent (http.md 4): checked, with defaults, copied and frozen. */
import * as Result from "effect/Result"
import type { TooLarge, ValidationError } from "../Errors.ts"
import { checkAgent, effectivePolicy, readPolicy } from "../governance/policy.ts"
import type { Json, JsonObject } from "../json.ts"
import { Checks, limits } from "../validate.ts"
import type { CreateIntent, Status } from "./Intent.ts"
import { isTerminal, statuses } from "./Intent.ts"
import type { Creation } from "./rules.ts"

const isStatus = (value: unknown): value is Status => statuses.some((status) => status === value)

export const readStatus = (checks: Checks, field: string, value: unknown): Status => {
  if (isStatus(value)) return value
  checks.add(field, `must be one of ${statuses.join(", ")}`, value)
  return "draft"
}

/** An object, or an array, which is kept as `{ rules: array }`, or as nothing if it is empty (http.md 4.1). */
const readConstraints = (checks: Checks, value: unknown): JsonObject => {
  if (!Array.isArray(value)) return checks.readObject("constraints", value, limits.constraintsBytes)
  const rules: Json = checks.readJson("constraints", value, limits.constraintsBytes)
  return Object.freeze(value.length === 0 ? {} : { rules })
}

const readDependencies = (checks: Checks, value: unknown): ReadonlyArray<string> => {
  if (value === undefined || value === null) return Object.freeze([])
  if (!Array.isArray(value)) checks.add("dependsOn", "must be an array of ids")
  else if (value.length > limits.dependencies)
    checks.add("dependsOn", `must have at most ${limits.dependencies} elements`)
  else {
    const ids = Array.from(value, (id: unknown, i) => checks.readText(`dependsOn[${i}]`, id, 0, limits.agentIdLength))
    return Object.freeze([...new Set(ids)])
  }
  return []
}

const readInitialStatus = (checks: Checks, value: unknown): Status => {
  if (value === undefined || value === null) return "draft"
  const status = readStatus(checks, "status", value)
  if (isTerminal(status)) checks.add("status", `must not be ${status} at creation`, value)
  return status
}

const readConfidence = (checks: Checks, value: unknown): number => {
  if (value === undefined || value === null) return 0
  if (typeof value === "number" && value >= 0 && value <= 100) return value
  checks.add("confidence", "must be a number from 0 to 100", value)
  return 0
}

const readGivenPolicy = (checks: Checks, policy: unknown): JsonObject | null =>
  policy === undefined || policy === null ? null : readPolicy(checks, "governancePolicy", policy)

/** An agent that the policy given beside it allows: there is no intent yet that could tell of a denial. */
const readAssign = (checks: Checks, value: unknown, policy: JsonObject | null): string => {
  const agent = checks.readAgent("assign", value)
  if (checkAgent(effectivePolicy(policy), agent) !== undefined)
    checks.add("assign", "must be among the allowed_agents of the policy", value)
  return agent
}

export const readCreation = (
  input: CreateIntent,
  agentId: string
): Result.Result<Creation, ValidationError | TooLarge> => {
  const checks = new Checks()
  const agent = checks.readAgent("agent", agentId)
  const { assign, parentIntentId } = input
  const governancePolicy = readGivenPolicy(checks, input.governancePolicy)
  return checks.finishSized({
    intent: {
      title: checks.readText("title", input.title, 1, limits.titleLength),
      description: checks.readOptionalText("description", input.description, limits.descriptionLength) ?? "",
      createdBy: input.createdBy === undefined ? agent : checks.readAgent("createdBy", input.createdBy),
      parentIntentId: checks.readOptionalText("parentIntentId", parentIntentId, limits.agentIdLength) ?? null,
      dependsOn: readDependencies(checks, input.dependsOn),
      constraints: readConstraints(checks, input.constraints),
      state: checks.readObject("state", input.state, limits.stateBytes),
      confidence: readConfidence(checks, input.confidence),
      governancePolicy
    },
    agentId: agent,
    status: readInitialStatus(checks, input.status),
    assign: assign === undefined || assign === null ? undefined : readAssign(checks, assign, governancePolicy)
  })
}
