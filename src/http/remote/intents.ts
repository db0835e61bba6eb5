import * as Effect from "effect/Effect"
import type { CreateIntent, Patch } from "../../core/intent/Intent.ts"
import type { OpenIntentShape } from "../../core/OpenIntent.ts"
import { ask, type Client, given, jsonOf, objectOf } from "./call.ts"
import type { Call } from "./ids.ts"
import { intentOf, pageOf } from "./records.ts"

const creation = Effect.fnUntraced(function* (input: CreateIntent) {
  const constraints = input.constraints ?? undefined
  return {
    title: input.title,
    ...given({
      description: input.description ?? undefined,
      created_by: input.createdBy,
      constraints: Array.isArray(constraints)
        ? yield* Effect.forEach(constraints, (rule, index) => jsonOf(`constraints[${index}]`, rule))
        : yield* objectOf("constraints", constraints),
      state: yield* objectOf("state", input.state),
      parent_intent_id: input.parentIntentId ?? undefined,
      depends_on: input.dependsOn,
      status: input.status,
      confidence: input.confidence,
      assign: input.assign,
      governance_policy: yield* objectOf("governancePolicy", input.governancePolicy)
    })
  }
})

const patchOf = (patch: Patch, index: number) =>
  Effect.map(jsonOf(`patches[${index}].value`, patch.value ?? null), (value) => ({
    op: patch.op,
    path: patch.path,
    value
  }))

const nothing = { items: [], total: 0, totalCapped: false, next: undefined }

/** http.md 4 */
export const makeIntents = ({ intents }: Client): OpenIntentShape["intents"] => ({
  create: (input) => {
    const call: Call = { operation: "intents.create", parentIntentId: input.parentIntentId }
    return Effect.flatMap(creation(input), (payload) =>
      ask(
        call,
        ["ParentNotFound", "UnknownDependency", "DependencyCycle", "TooLarge"],
        intents.create({ payload }),
        intentOf
      )
    )
  },
  get: (intentId) =>
    ask({ operation: "intents.get", intentId }, ["IntentNotFound"], intents.get({ params: { intentId } }), intentOf),
  list: ({ agentId, createdBy, parentIntentId, status, ...rest } = {}) => {
    const query = given({
      ...rest,
      status: typeof status === "string" ? [status] : status,
      parent_intent_id: parentIntentId,
      created_by: createdBy,
      agent_id: agentId
    })
    const answer = ask({ operation: "intents.list" }, [], intents.list({ query }), (page) =>
      pageOf(page, page.intents, intentOf)
    )
    // A query string has no form for "none of them": whatever it asks, nothing matches.
    return status?.length === 0 ? Effect.map(answer, (page) => ({ ...page, ...nothing })) : answer
  },
  patchState: Effect.fnUntraced(function* (intentId, { leaseToken, patches, state, version }) {
    const payload =
      patches === undefined
        ? given({ state: yield* objectOf("state", state) })
        : { patches: yield* Effect.forEach(patches, patchOf) }
    const headers = { "if-match": String(version), ...given({ "x-lease-token": leaseToken?.toString() }) }
    const call: Call = { operation: "intents.patchState", intentId, version }
    return yield* ask(
      call,
      [
        "IntentNotFound",
        "VersionConflict",
        "GovernanceViolation",
        "LeaseExpired",
        "LeaseHeld",
        "InvalidPatch",
        "TooLarge"
      ],
      intents.patchState({ params: { intentId }, headers, payload }),
      intentOf
    )
  }),
  setStatus: (intentId, { reason, status, version }) =>
    ask(
      { operation: "intents.setStatus", intentId, version },
      [
        "IntentNotFound",
        "VersionConflict",
        "GovernanceViolation",
        "InvalidTransition",
        "DependenciesIncomplete",
        "ChildrenIncomplete"
      ],
      intents.setStatus({
        params: { intentId },
        headers: { "if-match": String(version) },
        payload: { status, ...given({ reason }) }
      }),
      intentOf
    )
})
