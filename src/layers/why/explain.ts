/** Why an intent waits, in words and in codes that programs can rely on. Pure. */
import type * as DateTime from "effect/DateTime"
import { checkCompletion } from "../../core/governance/policy.ts"
import { isTerminal } from "../../core/intent/Intent.ts"
import type { Json, JsonObject } from "../../core/json.ts"
import { durationText, oneLine } from "../cli/output.ts"
import type { Facts, Some, Waiting } from "./Facts.ts"

/** Stable: more may come, none is renamed. */
export type Code =
  | "terminal"
  | "dependencies"
  | "blocked"
  | "arbitration"
  | "budget"
  | "retry"
  | "lease"
  | "draft"
  | "approval"
  | "children"
  | "policy"

/** One thing to wait for, or to know. */
export interface Reason {
  readonly code: Code
  /** `work`: nobody should go on. `completion`: it can be worked on, but not completed. */
  readonly blocks: "work" | "completion"
  readonly message: string
  /** How many there are, of which `items` are the first. */
  readonly total: number
  readonly items: ReadonlyArray<JsonObject>
  /** The items for a person, and what more there is. */
  readonly lines: ReadonlyArray<string>
}

export interface Explanation {
  readonly intentId: string
  readonly title: string
  readonly status: string
  /** The answer, in a sentence. */
  readonly answer: string
  /** The code of the reason that the answer gives; `ready` if it waits for nothing. */
  readonly code: Code | "ready"
  /** Agents that it is assigned to; `total` may be greater. */
  readonly assigned: Some<string>
  /** The most important first. */
  readonly reasons: ReadonlyArray<Reason>
}

const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`

const nameOf = ({ id, title }: { readonly id: string; readonly title: string }): string =>
  `${id} "${oneLine(title, 60)}"`

const left = (until: DateTime.Utc, { now }: Facts): string =>
  durationText(Math.max(0, until.epochMilliseconds - now.epochMilliseconds))

const timeOf = (time: DateTime.Utc): string => new Date(time.epochMilliseconds).toISOString()

/** Lines of what is shown, and one for what is not. */
const shown = (lines: ReadonlyArray<string>, { items, total }: Some<unknown>): ReadonlyArray<string> =>
  total > items.length ? [...lines, `and ${total - items.length} more`] : lines

const reason = <A>(
  code: Code,
  blocks: Reason["blocks"],
  message: string,
  some: Some<A>,
  { body, lines }: { readonly body: (item: A) => JsonObject; readonly lines: (item: A) => ReadonlyArray<string> }
): Reason => ({
  code,
  blocks,
  message,
  total: some.total,
  items: some.items.map(body),
  lines: shown(some.items.flatMap(lines), some)
})

const waitingBody = ({ intent: { id, status, title }, waitsFor }: Waiting): JsonObject => ({
  intent_id: id,
  title,
  status,
  ...(waitsFor === undefined
    ? {}
    : { waits_for_total: waitsFor.total, waits_for: waitsFor.items.map((waiting): Json => waitingBody(waiting)) })
})

const waitingLines = ({ intent, waitsFor }: Waiting): ReadonlyArray<string> => {
  const note = intent.status === "abandoned" ? ", and will never be completed: remove the dependency" : ""
  const below = waitsFor === undefined ? [] : shown(waitsFor.items.flatMap(waitingLines), waitsFor)
  return [`${nameOf(intent)} is ${intent.status}${note}`, ...below.map((line) => `  ${line}`)]
}

/** Along the first of each, down to one that waits for nothing, or for what was not looked at. */
const chainOf = ({ items: [first] }: Some<Waiting>): ReadonlyArray<Waiting["intent"]> =>
  first === undefined ? [] : [first.intent, ...(first.waitsFor === undefined ? [] : chainOf(first.waitsFor))]

const dependenciesText = (some: Some<Waiting>): string => {
  const [first, ...others] = chainOf(some).map(({ status, title }) => `"${oneLine(title, 60)}" (${status})`)
  const what =
    some.total === 1 ? `the completion of ${first}` : `the completion of ${some.total} intents, first ${first}`
  const last = others.at(-1)
  return last === undefined ? what : `${what}, and that ${others.length === 1 ? "" : "in the end "}for ${last}`
}

const dependencies = ({ dependencies: some }: Facts): ReadonlyArray<Reason> =>
  some.total === 0
    ? []
    : [
        reason("dependencies", "work", dependenciesText(some), some, {
          body: waitingBody,
          lines: waitingLines
        })
      ]

const alone = (code: Code, blocks: Reason["blocks"], message: string): Reason => ({
  code,
  blocks,
  message,
  total: 1,
  items: [],
  lines: []
})

const status = ({ dependencies, intent }: Facts): ReadonlyArray<Reason> => {
  if (intent.status === "blocked" && dependencies.total === 0)
    return [alone("blocked", "work", "somebody who sets it to active: it was set to blocked, no dependency keeps it")]
  return intent.status === "draft" ? [alone("draft", "work", "somebody who sets it to active: it is a draft")] : []
}

const arbitrations = ({ arbitrations: some }: Facts): ReadonlyArray<Reason> =>
  some.total === 0
    ? []
    : [
        reason("arbitration", "work", `a decision on ${counted(some.total, "arbitration")}`, some, {
          body: (item) => ({
            arbitration_id: item.id,
            requested_by: item.requestedBy,
            reason: item.reason,
            created_at: timeOf(item.createdAt)
          }),
          lines: (item) => [
            `${item.id}, asked for by ${oneLine(item.requestedBy, 60)} ${timeOf(item.createdAt)}: ${oneLine(item.reason, 120)}`
          ]
        })
      ]

const budgets = ({ budgets: items, intent }: Facts): ReadonlyArray<Reason> =>
  items.length === 0
    ? []
    : [
        reason(
          "budget",
          "work",
          "money: its budget is used up",
          { items, total: items.length },
          {
            body: (budget) => ({
              [budget.holder.kind === "intent" ? "intent_id" : "portfolio_id"]: budget.holder.id,
              limit: budget.limit,
              spent: budget.spent,
              currency: budget.currency,
              ...(budget.agentId === undefined ? {} : { agent_id: budget.agentId })
            }),
            lines: ({ agentId, currency, holder, limit, spent }) => [
              `${spent} of ${limit} ${currency} spent` +
                (agentId === undefined ? "" : ` by ${oneLine(agentId, 60)}`) +
                (holder.id === intent.id ? "" : `, of the budget of ${holder.kind} ${holder.id}`)
            ]
          }
        )
      ]

const retry = (facts: Facts): ReadonlyArray<Reason> => {
  const { failure, now } = facts
  if (failure === undefined) return []
  const { agentId, attemptNumber, errorCode, errorMessage, retryScheduledAt, willRetry } = failure
  const due = retryScheduledAt !== null && retryScheduledAt.epochMilliseconds <= now.epochMilliseconds
  const when =
    retryScheduledAt === null
      ? "at no set time"
      : due
        ? `due since ${timeOf(retryScheduledAt)}`
        : `in ${left(retryScheduledAt, facts)}`
  return [
    {
      code: "retry",
      blocks: "work",
      message: willRetry
        ? `attempt ${attemptNumber + 1}, ${when}`
        : `somebody who takes it on: attempt ${attemptNumber} failed, and it is not tried again`,
      total: 1,
      items: [
        {
          failure_id: failure.id,
          agent_id: agentId,
          attempt: attemptNumber,
          next_attempt: willRetry ? attemptNumber + 1 : null,
          retry_at: retryScheduledAt === null ? null : timeOf(retryScheduledAt),
          error_code: errorCode,
          error_message: errorMessage
        }
      ],
      lines: [
        `attempt ${attemptNumber} of ${oneLine(agentId, 60)} failed: ` +
          oneLine([errorCode, errorMessage].filter((text) => text !== null).join(", ") || "it is not said why", 160)
      ]
    }
  ]
}

const leases = (facts: Facts): ReadonlyArray<Reason> =>
  facts.leases.total === 0
    ? []
    : [
        reason("lease", "work", `the end of ${counted(facts.leases.total, "lease")}`, facts.leases, {
          body: (lease) => ({
            lease_id: lease.id,
            agent_id: lease.agentId,
            scope: lease.scope,
            expires_at: timeOf(lease.expiresAt)
          }),
          lines: (lease) => [
            `${oneLine(lease.agentId, 60)} works on ${oneLine(lease.scope, 80)}, for another ${left(lease.expiresAt, facts)} at most`
          ]
        })
      ]

const approvals = ({ agreement, approvals: some, policy }: Facts): ReadonlyArray<Reason> => {
  const breach = checkCompletion(policy, agreement)
  if (breach === undefined && some.total === 0) return []
  const asked = some.total === 0 ? "" : `${counted(some.total, "approval")} asked for`
  return [
    reason("approval", "completion", [breach?.reason ?? "", asked].filter((text) => text !== "").join("; "), some, {
      body: (item) => ({
        approval_id: item.id,
        action: item.action,
        requested_by: item.requestedBy,
        reason: item.reason,
        created_at: timeOf(item.createdAt)
      }),
      lines: (item) => [
        `${item.id} of ${oneLine(item.action, 60)}, asked for by ${oneLine(item.requestedBy, 60)} ${timeOf(item.createdAt)}`
      ]
    })
  ]
}

const children = ({ children: some }: Facts): ReadonlyArray<Reason> =>
  some.total === 0
    ? []
    : [
        reason("children", "completion", `${counted(some.total, "child is", "children are")} open`, some, {
          body: ({ id, status, title }) => ({ intent_id: id, title, status }),
          lines: (child) => [`${nameOf(child)} is ${child.status}`]
        })
      ]

/** Who may write at all, where not everybody may. */
const policy = ({ assigned, policy: { allowedAgents, writeScope } }: Facts): ReadonlyArray<Reason> => {
  const message =
    writeScope === "assigned_only" && assigned.total === 0
      ? "an assignment: only agents assigned to it may write, and there are none"
      : allowedAgents.length > 0 && assigned.total > 0 && !assigned.items.some((agent) => allowedAgents.includes(agent))
        ? "an agent that its policy allows: none of those assigned is"
        : undefined
  return message === undefined ? [] : [alone("policy", "work", message)]
}

const forWhom = ({ assigned, policy: { allowedAgents } }: Facts): string => {
  const agents = assigned.total > 0 ? assigned : { items: allowedAgents.slice(0, 5), total: allowedAgents.length }
  if (agents.total === 0) return "for anybody"
  const names = agents.items.slice(0, 5).map((agent) => oneLine(agent, 60))
  const more = agents.total - names.length
  return `for ${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`
}

const answerOf = (facts: Facts, first: Reason | undefined): string => {
  const { intent } = facts
  if (first?.code === "terminal") return `It waits for nothing: it is ${intent.status}.`
  if (first?.code === "lease") return `It is being worked on: ${first.lines[0] ?? first.message}.`
  if (first?.blocks === "work") return `It waits for ${first.message}.`
  const ready = `It is ready, ${forWhom(facts)}.`
  return first === undefined ? ready : `${ready} To be completed it needs more: ${first.message}.`
}

/** Work first, in the order in which one thing has to be there before the next is of use. */
export const explain = (facts: Facts): Explanation => {
  const { assigned, intent } = facts
  const reasons = isTerminal(intent.status)
    ? [alone("terminal", "work", `it is ${intent.status}, and stays so`)]
    : [dependencies, status, arbitrations, policy, budgets, retry, leases, children, approvals].flatMap((of) =>
        of(facts)
      )
  const first = reasons[0]
  return {
    intentId: intent.id,
    title: intent.title,
    status: intent.status,
    answer: answerOf(facts, first),
    code: first === undefined || first.blocks === "completion" ? "ready" : first.code,
    assigned,
    reasons
  }
}
