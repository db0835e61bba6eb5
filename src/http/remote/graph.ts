import * as Effect from "effect/Effect"
import type { GraphNode, IntentGraph, ListNeighbours } from "../../core/graph/Graph.ts"
import type { OpenIntentShape } from "../../core/OpenIntent.ts"
import type { GraphBody } from "../api/graph.ts"
import type { IntentBody, PageFields } from "../wire.ts"
import { ask, type Client, given } from "./call.ts"
import type { ClientError } from "./errors.ts"
import { intentOf, pageOf } from "./records.ts"

const nodeOf = (node: GraphBody["nodes"][number]): GraphNode => ({
  id: node.id,
  title: node.title,
  status: node.status_detail,
  parentIntentId: node.parent_id,
  dependsOn: node.depends_on
})

const graphOf = ({ aggregate_status, edges, nodes, root_id, truncated = false }: GraphBody): IntentGraph => ({
  rootId: root_id,
  nodes: nodes.map(nodeOf),
  edges,
  aggregateStatus: {
    total: aggregate_status.total,
    byStatus: { pending: 0, ...aggregate_status.by_status },
    completionPercentage: aggregate_status.completion_percentage,
    blockingIntents: aggregate_status.blocking_intents,
    readyIntents: aggregate_status.ready_intents
  },
  truncated
})

type Name = "ancestors" | "blocked" | "children" | "dependencies" | "dependents" | "descendants" | "ready"

/** One of the lists of neighbours, which differ in their name alone. */
const neighbours =
  <N extends Name>(
    name: N,
    request: (asked: {
      readonly params: { readonly intentId: string }
      readonly query: { readonly limit?: number; readonly offset?: number; readonly after?: string }
    }) => Effect.Effect<PageFields & { readonly [name in N]: ReadonlyArray<IntentBody> }, ClientError>
  ): OpenIntentShape["graph"]["children"] =>
  (intentId: string, query: ListNeighbours = {}) =>
    ask(
      { operation: `graph.${name}`, intentId },
      ["IntentNotFound"],
      request({ params: { intentId }, query: given(query) }),
      (page) => pageOf(page, page[name], intentOf)
    )

/** http.md 5 */
export const makeGraph = ({ graph }: Client): OpenIntentShape["graph"] => ({
  addDependency: (intentId, { dependencyId, version }) =>
    ask(
      { operation: "graph.addDependency", intentId, addedDependencyId: dependencyId, version },
      [
        "IntentNotFound",
        "DependencyIntentNotFound",
        "VersionConflict",
        "DuplicateDependency",
        "DependencyCycle",
        "IntentTerminal"
      ],
      graph.addDependency({
        params: { intentId },
        headers: { "if-match": String(version) },
        payload: { dependency_id: dependencyId }
      }),
      intentOf
    ),
  removeDependency: (intentId, { dependencyId, version }) =>
    ask(
      { operation: "graph.removeDependency", intentId, dependencyId, version },
      ["IntentNotFound", "DependencyNotFound", "VersionConflict", "IntentTerminal"],
      graph.removeDependency({ params: { intentId, dependencyId }, headers: { "if-match": String(version) } }),
      intentOf
    ),
  children: neighbours("children", graph.children),
  descendants: neighbours("descendants", graph.descendants),
  ancestors: neighbours("ancestors", graph.ancestors),
  dependencies: neighbours("dependencies", graph.dependencies),
  dependents: neighbours("dependents", graph.dependents),
  ready: neighbours("ready", graph.ready),
  blocked: neighbours("blocked", graph.blocked),
  get: (intentId) =>
    ask({ operation: "graph.get", intentId }, ["IntentNotFound"], graph.get({ params: { intentId } }), graphOf)
})
