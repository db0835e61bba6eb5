import type { Status } from "../intent/Intent.ts"
import type { PageOptions } from "../Page.ts"

export interface ChangeDependency {
  readonly dependencyId: string
  /** The version of the dependent that the caller has seen (`If-Match`). */
  readonly version: number
}

/** Which page of the neighbours of an intent. */
export interface ListNeighbours extends PageOptions {}

export interface GraphNode {
  readonly id: string
  readonly title: string
  readonly status: Status
  readonly parentIntentId: string | null
  readonly dependsOn: ReadonlyArray<string>
}

/** `parent`: from parent to child. `dependency`: from a dependency to its dependent. Both ends are nodes. */
export interface GraphEdge {
  readonly from: string
  readonly to: string
  readonly type: "parent" | "dependency"
}

/** What the statuses of the nodes come to (http.md 5.3). */
export interface GraphStatus {
  readonly total: number
  readonly byStatus: { readonly [status in Status]: number }
  /** Share of completed nodes, the root included: 0 to 100, rounded down (semantics 4.8). */
  readonly completionPercentage: number
  /** Ids of the nodes that others wait for: dependencies of a node that are not completed. */
  readonly blockingIntents: ReadonlyArray<string>
  /** Ids of the nodes, without the root, that are not terminal and wait for no dependency. */
  readonly readyIntents: ReadonlyArray<string>
}

/** Everything that is reached from the root by "child of" and "depends on" steps. */
export interface IntentGraph {
  readonly rootId: string
  /** The root, then the others, nearest first. */
  readonly nodes: ReadonlyArray<GraphNode>
  readonly edges: ReadonlyArray<GraphEdge>
  readonly aggregateStatus: GraphStatus
  /**
   * There are more than 20,000 nodes, or they have more than 100,000 dependencies: these are the nearest, and the
   * aggregate status is theirs.
   */
  readonly truncated: boolean
}
