/** `governance` of the embedded engine: reads the input and names the rule. */
import * as Effect from "effect/Effect"
import type { CommandsShape } from "../Commands.ts"
import { CurrentAgent } from "../CurrentAgent.ts"
import { IntentNotFound } from "../intent/IntentErrors.ts"
import type { Governance } from "../OpenIntent.ts"
import { countRange, readPage, readPageRequest } from "../paging.ts"
import type { StorageError, StorageShape } from "../Storage.ts"
import { told } from "../storageFaults.ts"
import { Checks, limits } from "../validate.ts"
import type { DecideApproval } from "./Approval.ts"
import { approvalStatuses } from "./Approval.ts"
import { type ApprovalFacts, decideApproval, newApproval } from "./approvalRules.ts"
import { arbitrationStatuses } from "./Arbitration.ts"
import { decideArbitration, type DecisionCommand, type DecisionFacts, decideRecord } from "./arbitrationRules.ts"
import { ApprovalNotFound } from "./GovernanceErrors.ts"
import { readApproval, readArbitration, readDecision } from "./input.ts"
import { effectivePolicy, readPolicy } from "./policy.ts"
import { decidePolicy, type PolicyCommand } from "./policyRules.ts"

/** The intent before the record: its revision guards what is read after it. */
const gatherDecision =
  ({ arbitrationId, decisionType, intentId }: DecisionCommand) =>
  (storage: StorageShape): Effect.Effect<DecisionFacts, StorageError> =>
    Effect.zipWith(
      storage.load(intentId),
      arbitrationId !== undefined
        ? storage.get("arbitrations", [arbitrationId])
        : decisionType !== "arbitration"
          ? Effect.succeed([])
          : Effect.map(
              storage.page({
                table: "arbitrations",
                index: "byStatus",
                keys: [[intentId, "pending"]],
                direction: "asc",
                limit: 1
              }),
              (rows) => rows.map(({ record }) => record)
            ),
      ({ aggregate }, [arbitration]) => ({ found: aggregate, arbitration })
    )

const gatherApproval =
  (intentId: string, approvalId: string) =>
  (storage: StorageShape): Effect.Effect<ApprovalFacts, StorageError> =>
    Effect.zipWith(storage.load(intentId), storage.get("approvals", [approvalId]), ({ aggregate }, [approval]) => ({
      found: aggregate,
      approval
    }))

/** What lists of an intent take: a page, and a status where they have one. */
const readList = <Status extends string>(
  query: {
    readonly status?: Status | undefined
    readonly limit?: number | undefined
    readonly offset?: number | undefined
    readonly after?: string | undefined
  },
  statuses: ReadonlyArray<Status>
) => {
  const checks = new Checks()
  const { status } = query
  if (status !== undefined && !statuses.includes(status))
    checks.add("status", `must be one of ${statuses.join(", ")}`, status)
  return checks.finish({ status, page: readPageRequest(checks, query, limits.pageSize) })
}

const readChange = (checks: Checks, intentId: string, agentId: string, version: number) => ({
  intentId,
  agentId: checks.readAgent("agent", agentId),
  version: checks.readInt("version", version, undefined, 1, Number.MAX_SAFE_INTEGER)
})

export const makeGovernance = (
  storage: StorageShape,
  { add, execute, executeWide, mustExist }: CommandsShape
): Governance => {
  const changePolicy = (command: PolicyCommand) =>
    execute({ intentId: command.intentId, decide: (found, env) => decidePolicy(found, command, env) })

  const decide = Effect.fnUntraced(function* (
    intentId: string,
    approvalId: string,
    as: "approved" | "denied",
    { notes }: DecideApproval = {}
  ) {
    const checks = new Checks()
    const command = yield* Effect.fromResult(
      checks.finish({
        intentId,
        approvalId,
        as,
        agentId: checks.readAgent("agent", yield* CurrentAgent),
        notes: checks.readOptionalText("notes", notes, limits.noteLength)
      })
    )
    return yield* executeWide({
      intentId,
      gather: gatherApproval(intentId, approvalId),
      decide: (facts, env) => decideApproval(facts, command, env)
    })
  })

  return {
    requestArbitration: Effect.fnUntraced(function* (intentId, input) {
      const read = yield* Effect.fromResult(readArbitration(input, yield* CurrentAgent))
      return yield* executeWide({
        intentId,
        gather: (on) => on.load(intentId),
        decide: ({ aggregate }, env) => decideArbitration(aggregate, { intentId, ...read }, env)
      })
    }),
    arbitrations: Effect.fnUntraced(function* (intentId, query = {}) {
      const { page, status } = yield* Effect.fromResult(readList(query, arbitrationStatuses))
      yield* mustExist(intentId)
      const keys = [status === undefined ? [intentId] : [intentId, status]]
      const range = { table: "arbitrations", index: "byStatus", keys } as const
      return yield* told(readPage(storage, { ...range, direction: "asc" }, page, countRange(storage, range)))
    }),
    recordDecision: Effect.fnUntraced(function* (intentId, input) {
      const read = yield* Effect.fromResult(readDecision(input, yield* CurrentAgent))
      const command = { intentId, ...read }
      return yield* executeWide({
        intentId,
        gather: gatherDecision(command),
        decide: (facts, env) => decideRecord(facts, command, env)
      })
    }),
    decisions: Effect.fnUntraced(function* (intentId, query = {}) {
      const { page } = yield* Effect.fromResult(readList(query, []))
      yield* mustExist(intentId)
      const range = { table: "decisions", index: "byIntent", keys: [[intentId]] } as const
      return yield* told(readPage(storage, { ...range, direction: "asc" }, page, countRange(storage, range)))
    }),
    setPolicy: Effect.fnUntraced(function* (intentId, { policy, version }) {
      const checks = new Checks()
      const change = readChange(checks, intentId, yield* CurrentAgent, version)
      const read = checks.finishSized({ ...change, policy: readPolicy(checks, "policy", policy) })
      return yield* changePolicy(yield* Effect.fromResult(read))
    }),
    removePolicy: Effect.fnUntraced(function* (intentId, { version }) {
      const checks = new Checks()
      const read = checks.finish({ ...readChange(checks, intentId, yield* CurrentAgent, version), policy: null })
      return yield* changePolicy(yield* Effect.fromResult(read))
    }),
    policy: (intentId) =>
      Effect.flatMap(told(storage.get("intents", [intentId])), ([intent]) =>
        intent === undefined
          ? Effect.fail(new IntentNotFound({ intentId }))
          : Effect.succeed({
              intentId,
              governancePolicy: intent.governancePolicy ?? {},
              effectivePolicy: effectivePolicy(intent.governancePolicy)
            })
      ),
    requestApproval: Effect.fnUntraced(function* (intentId, input) {
      const read = yield* Effect.fromResult(readApproval(input, yield* CurrentAgent))
      yield* mustExist(intentId)
      return yield* add((env) => newApproval({ intentId, ...read }, env))
    }),
    approvals: Effect.fnUntraced(function* (intentId, query = {}) {
      const { page, status } = yield* Effect.fromResult(readList(query, approvalStatuses))
      yield* mustExist(intentId)
      const keys = [status === undefined ? [intentId] : [intentId, status]]
      const range = { table: "approvals", index: "byStatus", keys } as const
      return yield* told(readPage(storage, { ...range, direction: "asc" }, page, countRange(storage, range)))
    }),
    approval: Effect.fnUntraced(function* (intentId, approvalId) {
      yield* mustExist(intentId)
      const [approval] = yield* told(storage.get("approvals", [approvalId]))
      return approval?.intentId === intentId ? approval : yield* new ApprovalNotFound({ intentId, approvalId })
    }),
    approve: (intentId, approvalId, input) => decide(intentId, approvalId, "approved", input),
    deny: (intentId, approvalId, input) => decide(intentId, approvalId, "denied", input)
  }
}
