/** http.md 5 */
import * as Effect from "effect/Effect"
import { HttpApiBuilder } from "effect/http-api"
import type { GraphNode, GraphStatus, IntentGraph } from "../core/graph/Graph.ts"
import { DependencyIntentNotFound, DependencyNotFound } from "../core/graph/GraphErrors.ts"
import type { Intent } from "../core/intent/Intent.ts"
import { ParentNotFound } from "../core/intent/IntentErrors.ts"
import { OpenIntent } from "../core/OpenIntent.ts"
import { answer, intentAnswer, json, pageAnswer } from "./answers.ts"
import { Api } from "./Api.ts"
import { Caller } from "./api/common.ts"
import { intentBody, statusName } from "./bodies.ts"
import type { EngineFailure } from "./failures.ts"
import type { Refusal } from "./refusals.ts"
import { Fields } from "./fields.ts"
import { HttpOptions } from "./HttpOptions.ts"
import { readBody } from "./requestBody.ts"
import type { RawBody } from "./requestBody.ts"
import { createIntent, done, version } from "./requests.ts"
import type { Profile } from "./timestamps.ts"

const nodeBody = ({ dependsOn, id, parentIntentId, status, title }: GraphNode, profile: Profile) => ({
  id,
  title,
  status: statusName(status, profile),
  status_detail: status,
  parent_id: parentIntentId,
  parent_intent_id: parentIntentId,
  depends_on: dependsOn
})

/** `pending` is shown as `active` in the default profile, so it is counted there too. */
const byStatusBody = ({ pending, ...others }: GraphStatus["byStatus"], profile: Profile) =>
  profile === 1 ? { ...others, active: others.active + pending } : { ...others, pending }

/** http.md 5.3 */
const graphBody = ({ aggregateStatus, edges, nodes, rootId, truncated }: IntentGraph, profile: Profile) => ({
  root_id: rootId,
  nodes: nodes.map((node) => nodeBody(node, profile)),
  edges,
  aggregate_status: {
    total: aggregateStatus.total,
    by_status: byStatusBody(aggregateStatus.byStatus, profile),
    completion_percentage: aggregateStatus.completionPercentage,
    blocking_intents: aggregateStatus.blockingIntents,
    ready_intents: aggregateStatus.readyIntents
  },
  truncated: truncated ? true : undefined
})

/** http.md 5.4 */
const addDependency = (body: RawBody): Effect.Effect<string, Refusal> => {
  const fields = new Fields(body)
  return done(fields, fields.requiredString("dependency_id", "dependencyId"))
}

/** Needs `OpenIntent`. */
export const layer = HttpApiBuilder.group(
  Api,
  "graph",
  Effect.fnUntraced(function* (handlers) {
    const engine = yield* OpenIntent
    const options = yield* HttpOptions
    const { graph, intents } = engine

    /** The version in `If-Match`; where it is none, a dependency that is missing wins (order of errors of http.md 5.4). */
    const versionUnless = (ifMatch: string | undefined, missing: Effect.Effect<unknown, EngineFailure>) =>
      Effect.catch(version(ifMatch), (refusal) => Effect.andThen(missing, Effect.fail(refusal)))

    const dependencyExists = (intentId: string, dependencyId: string) =>
      Effect.andThen(
        intents.get(intentId),
        Effect.catchTag(intents.get(dependencyId), "IntentNotFound", () =>
          Effect.fail(new DependencyIntentNotFound({ dependencyId }))
        )
      )

    const isDependency = (intentId: string, dependencyId: string) =>
      Effect.flatMap(intents.get(intentId), ({ dependsOn }: Intent) =>
        dependsOn.includes(dependencyId) ? Effect.void : Effect.fail(new DependencyNotFound({ intentId, dependencyId }))
      )

    /** The handler of a list of neighbours. */
    const list =
      (name: "ancestors" | "blocked" | "children" | "dependencies" | "dependents" | "descendants" | "ready") =>
      ({
        params: { intentId },
        query,
        request
      }: {
        readonly params: { readonly intentId: string }
        readonly query: Parameters<typeof graph.children>[1]
        readonly request: { readonly url: string }
      }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(graph[name](intentId, query), {
            engine,
            intentId,
            profile,
            onSuccess: (page) => pageAnswer(name, page, intentBody, profile, request.url)
          })
        )

    return handlers
      .handleRaw("createChild", ({ params: { intentId }, request }) =>
        Effect.flatMap(Caller, ({ boundTo, profile }) =>
          readBody(request, options).pipe(
            // A missing parent wins over what is wrong with the body, under its own name.
            Effect.tap(() =>
              Effect.catchTag(intents.get(intentId), "IntentNotFound", () =>
                Effect.fail(new ParentNotFound({ parentIntentId: intentId }))
              )
            ),
            Effect.flatMap((body) => createIntent(body, boundTo)),
            Effect.flatMap((input) => intents.create({ ...input, parentIntentId: intentId })),
            (effect) => answer(effect, { engine, intentId: undefined, profile, onSuccess: intentAnswer })
          )
        )
      )
      .handleRaw("children", list("children"))
      .handleRaw("descendants", list("descendants"))
      .handleRaw("ancestors", list("ancestors"))
      .handleRaw("dependencies", list("dependencies"))
      .handleRaw("dependents", list("dependents"))
      .handleRaw("ready", list("ready"))
      .handleRaw("blocked", list("blocked"))
      .handleRaw("get", ({ params: { intentId } }) =>
        Effect.flatMap(Caller, ({ profile }) =>
          answer(graph.get(intentId), {
            engine,
            intentId,
            profile,
            onSuccess: (found) => json(graphBody(found, profile))
          })
        )
      )
      .handleRaw("addDependency", ({ headers, params: { intentId }, request }) =>
        Effect.flatMap(Caller, ({ profile }) => {
          const added = Effect.gen(function* () {
            const dependencyId = yield* addDependency(yield* readBody(request, options))
            const seen = yield* versionUnless(headers["if-match"], dependencyExists(intentId, dependencyId))
            return yield* graph.addDependency(intentId, { dependencyId, version: seen })
          })
          return answer(added, { engine, intentId, profile, onSuccess: intentAnswer })
        })
      )
      .handleRaw("removeDependency", ({ headers, params: { dependencyId, intentId } }) =>
        Effect.flatMap(Caller, ({ profile }) => {
          const removed = Effect.flatMap(
            versionUnless(headers["if-match"], isDependency(intentId, dependencyId)),
            (seen) => graph.removeDependency(intentId, { dependencyId, version: seen })
          )
          return answer(removed, { engine, intentId, profile, onSuccess: intentAnswer })
        })
      )
  })
)
