/** Reads what a caller gives to arbitrations, decisions and approvals (http.md 9, appendix A): checked, copied, frozen. */
import type { Json, JsonObject } from "../json.ts"
import { isJsonObject } from "../json.ts"
import { Checks, limits } from "../validate.ts"
import type { RequestApproval } from "./Approval.ts"
import type { Outcome, RecordDecision, RequestArbitration } from "./Arbitration.ts"

const isArray = (json: Json): json is ReadonlyArray<Json> => Array.isArray(json)

const nothing: ReadonlyArray<never> = Object.freeze([])

const readArray = (checks: Checks, field: string, value: unknown): ReadonlyArray<Json> => {
  if (value === undefined || value === null) return nothing
  if (!Array.isArray(value)) checks.add(field, "must be an array")
  const json = Array.isArray(value) ? checks.readJson(field, value, limits.contextBytes) : nothing
  return isArray(json) ? json : nothing
}

const readOptions = (checks: Checks, value: unknown): ReadonlyArray<JsonObject> => {
  const options = readArray(checks, "options", value)
  if (options.length > limits.options) checks.add("options", `must have at most ${limits.options} elements`)
  for (const [i, option] of options.entries())
    if (!isJsonObject(option)) checks.add(`options[${i}]`, "must be an object", option)
  return options.filter(isJsonObject)
}

/** An agent that is named, or else the one that acts. */
const readNamed = (checks: Checks, field: string, named: unknown, agentId: string): string => {
  const acting = checks.readAgent("agent", agentId)
  return named === undefined ? acting : checks.readAgent(field, named)
}

export const readArbitration = (input: RequestArbitration, agentId: string) => {
  const checks = new Checks()
  return checks.finishSized({
    requestedBy: readNamed(checks, "requestedBy", input.requestedBy, agentId),
    reason: checks.readText("reason", input.reason, 1, limits.noteLength),
    context: checks.readObject("context", input.context, limits.contextBytes),
    options: readOptions(checks, input.options)
  })
}

const readOutcome = (checks: Checks, value: unknown): Outcome => {
  if (typeof value !== "object" || value === null) return checks.readText("outcome", value, 1, limits.noteLength)
  const before = checks.issues.length
  const outcome = checks.readObject("outcome", value, limits.contextBytes)
  if (checks.issues.length === before && Object.keys(outcome).length === 0) checks.add("outcome", "must not be empty")
  return outcome
}

export const readDecision = (input: RecordDecision, agentId: string) => {
  const checks = new Checks()
  const rationale = input.rationale ?? input.reasoning
  return checks.finishSized({
    decidedBy: readNamed(checks, "decidedBy", input.decidedBy, agentId),
    decisionType: checks.readText("decisionType", input.decisionType ?? "arbitration", 1, limits.nameLength),
    outcome: readOutcome(checks, input.outcome ?? input.decision),
    rationale: checks.readOptionalText("rationale", rationale, limits.descriptionLength) ?? "",
    evidence: readArray(checks, "evidence", input.evidence),
    arbitrationId: checks.readOptionalText("arbitrationId", input.arbitrationId, limits.agentIdLength)
  })
}

export const readApproval = (input: RequestApproval, agentId: string) => {
  const checks = new Checks()
  return checks.finishSized({
    requestedBy: readNamed(checks, "requestedBy", input.requestedBy, agentId),
    action: checks.readText("action", input.action, 1, limits.nameLength),
    reason: checks.readOptionalText("reason", input.reason, limits.noteLength) ?? "",
    context: checks.readObject("context", input.context, limits.contextBytes)
  })
}
