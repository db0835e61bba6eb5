/** The whole graph below an intent (http.md 5.3). */
import * as Effect from "effect/Effect"
import type { Intent, Status } from "../intent/Intent.ts"
import { isTerminal, statuses } from "../intent/Intent.ts"
import type { StorageError, StorageShape } from "../Storage.ts"
import { limits } from "../validate.ts"
import type { GraphEdge, GraphNode, GraphStatus, IntentGraph } from "./Graph.ts"
import { pagesOf } from "./unmet.ts"

/** Without its state, which may be large: a graph has many nodes. */
const nodeOf = ({ dependsOn, id, parentIntentId, status, title }: Intent): GraphNode => ({
  id,
  title,
  status,
  parentIntentId,
  dependsOn
})

const edgesOf = (nodes: ReadonlyMap<string, GraphNode>): ReadonlyArray<GraphEdge> => {
  const edges: Array<GraphEdge> = []
  for (const { dependsOn, id, parentIntentId } of nodes.values()) {
    if (parentIntentId !== null && nodes.has(parentIntentId)) {
      edges.push({ from: parentIntentId, to: id, type: "parent" })
    }
    for (const from of dependsOn) if (nodes.has(from)) edges.push({ from, to: id, type: "dependency" })
  }
  return edges
}

const statusOf = (rootId: string, nodes: ReadonlyMap<string, GraphNode>): GraphStatus => {
  const byStatus: { [status in Status]: number } = {
    draft: 0,
    pending: 0,
    active: 0,
    blocked: 0,
    completed: 0,
    abandoned: 0
  }
  const blocking = new Set<string>()
  const readyIntents: Array<string> = []
  for (const { dependsOn, id, status } of nodes.values()) {
    byStatus[status]++
    // A dependency that is no node, in a graph that is cut off, is not known to be completed.
    const unmet = dependsOn.filter((dependency) => nodes.get(dependency)?.status !== "completed")
    for (const dependency of unmet) if (nodes.has(dependency)) blocking.add(dependency)
    if (id !== rootId && !isTerminal(status) && unmet.length === 0) readyIntents.push(id)
  }
  const total = statuses.reduce((sum, status) => sum + byStatus[status], 0)
  return {
    total,
    byStatus,
    completionPercentage: Math.floor((100 * byStatus.completed) / total),
    blockingIntents: [...blocking],
    readyIntents
  }
}

/** The graph of an intent that exists. Its nodes are read in pages, each as of one instant. */
export const readGraph = (storage: StorageShape, rootId: string): Effect.Effect<IntentGraph, StorageError> =>
  Effect.gen(function* () {
    // One more than is shown tells whether there are more.
    const reached = yield* storage.reachable(["children", "dependencies"], rootId, limits.graphNodes)
    const ids = [rootId, ...reached.map(({ id }) => id)].slice(0, limits.graphNodes)
    const nodes = new Map<string, GraphNode>()
    let dependencies = 0
    for (const page of pagesOf(ids)) {
      for (const intent of yield* storage.get("intents", page)) {
        if (intent === undefined || dependencies > limits.graphDependencies) continue
        dependencies += intent.dependsOn.length
        nodes.set(intent.id, nodeOf(intent))
      }
      if (dependencies > limits.graphDependencies) break
    }
    return {
      rootId,
      nodes: [...nodes.values()],
      edges: edgesOf(nodes),
      aggregateStatus: statusOf(rootId, nodes),
      truncated: reached.length === limits.graphNodes || nodes.size < ids.length
    }
  })
