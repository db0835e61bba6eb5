/** A program that ran, as text that a person can read and do again by hand. */
import * as Result from "effect/Result"
import { allCalls, type Call, type History, refusalOf, type Step } from "./Call.ts"
import { canonical } from "./canonical.ts"

const asked = (call: Call): string => {
  switch (call._tag) {
    case "Create": {
      const { title: _, ...input } = call.input
      return `creates ${canonical(input)}`
    }
    case "Patch": {
      const { version, ...input } = call.input
      return `patches ${call.intentId} at version ${version}: ${canonical(input.patches ?? input.state)}${
        input.leaseToken === undefined ? "" : ` with token ${input.leaseToken}`
      }`
    }
    case "SetStatus":
      return `sets ${call.intentId} at version ${call.input.version} to ${call.input.status}`
    case "Append":
      return `appends ${call.input.type} to ${call.intentId}`
    case "Acquire":
      return `acquires ${call.scope} of ${call.intentId} for ${call.seconds} s`
    case "Renew":
      return `renews ${call.leaseId} of ${call.intentId} for ${call.seconds} s`
    case "Release":
      return `releases ${call.leaseId} of ${call.intentId}`
    case "Revoke":
      return `revokes ${call.leaseId} of ${call.intentId}`
    case "Assign":
      return `assigns ${call.input.agentId} to ${call.intentId} as ${call.input.role ?? "worker"}`
    case "Unassign":
      return `unassigns ${call.agentId} from ${call.intentId}`
    case "Watch":
      return `watches ${call.intentId}`
  }
}

const told = (call: Call): string => {
  const error = refusalOf(call)
  if (error !== undefined)
    return error._tag === "Died" ? `died: ${String(error.defect)}` : `${error._tag}: ${error.message}`
  switch (call._tag) {
    case "Create":
    case "Patch":
    case "SetStatus": {
      const { id, status, version } = Result.getOrThrow(call.result)
      return `${id}, version ${version}, ${status}`
    }
    case "Append":
      return `position ${Result.getOrThrow(call.result).position}`
    case "Acquire":
    case "Renew":
    case "Release":
    case "Revoke": {
      const { fencingToken, id, status } = Result.getOrThrow(call.result)
      return `${id}, ${status}, token ${fencingToken}`
    }
    default:
      return "done"
  }
}

const line = (call: Call) => `${call.name}. ${call.agent} ${asked(call)} -> ${told(call)}`

const lines = ({ after, before, calls }: Step): string =>
  calls.length === 0
    ? `   ${after.at.from - before.at.from} ms pass`
    : calls.length === 1
      ? calls.map(line).join("")
      : `at the same time:\n${calls.map((call) => `  ${line(call)}`).join("\n")}`

/** Ids as short names: i0, i1 for intents and l0, l1 for leases, in the order of creation. */
const shortNames = (history: History): ReadonlyArray<readonly [string, string]> => {
  const intents = [...history.end.entries.keys()]
  const leases = allCalls(history).flatMap((call) =>
    call._tag === "Acquire" && Result.isSuccess(call.result) ? [call.result.success.id] : []
  )
  const marks = new Set(allCalls(history).map((call) => call.agent.slice(call.agent.indexOf("-"))))
  return [
    ...intents.map((id, i) => [id, `i${i}`] as const),
    ...leases.map((id, i) => [id, `l${i}`] as const),
    ...[...marks].map((mark) => [mark, ""] as const)
  ]
}

/** Text about a history, with short names for its ids. */
export const shortened = (history: History, text: string): string =>
  shortNames(history).reduce((text, [id, name]) => text.replaceAll(id, name), text)

export const describe = (history: History): string => shortened(history, history.steps.map(lines).join("\n"))
