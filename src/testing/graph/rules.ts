/** The graph: invariants 22 to 28 of semantics 10. */
import * as Result from "effect/Result"
import type { LogEvent } from "../../core/event/LogEvent.ts"
import type { Intent } from "../../core/intent/Intent.ts"
import { canonical, isSame } from "../canonical.ts"
import type { Trace } from "../scene.ts"
import type { Rule as SuiteRule } from "../Suite.ts"
import type { GraphAct, Neighbours, World } from "./acts.ts"

type Rule = SuiteRule<Trace<GraphAct, World>>

const isOpen = ({ status }: Pick<Intent, "status">): boolean => status !== "completed" && status !== "abandoned"

/** All readings, in order. */
const worldsOf = ({ end, scenes }: Trace<GraphAct, World>): ReadonlyArray<World> => [
  ...scenes.map((scene) => scene.after),
  end
]

const unmetOf = (world: World, { dependsOn }: Intent): ReadonlyArray<string> =>
  dependsOn.filter((id) => world.get(id)?.intent.status !== "completed")

/** Events of all intents that tell of changes, in the order of the whole log. */
const logOf = (world: World): ReadonlyArray<LogEvent> =>
  [...world.values()]
    .flatMap(({ events }) => events)
    .filter((event) => event.source === "system")
    .toSorted((a, b) => a.position - b.position)

interface Node {
  status: unknown
  dependsOn: ReadonlyArray<unknown>
}

/** Each event, and all intents as they were after it. */
function* replay(world: World): Generator<readonly [LogEvent, ReadonlyMap<string, Node>]> {
  const nodes = new Map<string, Node>()
  for (const event of logOf(world)) {
    const { intentId, payload, type } = event
    const node = nodes.get(intentId)
    if (type === "intent_created") {
      const { depends_on: dependsOn, status } = payload
      nodes.set(intentId, { status, dependsOn: Array.isArray(dependsOn) ? dependsOn : [] })
    } else if (node !== undefined) {
      if (type === "status_changed") node.status = payload["to"]
      if (type === "dependency_added") node.dependsOn = [...node.dependsOn, payload["dependency_id"]]
      if (type === "dependency_removed") node.dependsOn = node.dependsOn.filter((id) => id !== payload["dependency_id"])
    }
    yield [event, nodes]
  }
}

/** Whether `to` is reached from `from` along dependencies. */
const reaches = (nodes: ReadonlyMap<string, Node>, from: string, to: string): boolean => {
  const found = new Set<unknown>([from])
  for (const id of found) for (const next of nodes.get(String(id))?.dependsOn ?? []) found.add(next)
  return found.has(to) && from !== to
}

const acyclic: Rule = {
  id: "22",
  title: "dependencies have no cycle at any commit, whoever adds edges at the same time",
  family: "edges",
  *judge(trace) {
    for (const [{ intentId, payload, type }, nodes] of replay(trace.end)) {
      const added = payload["dependency_id"]
      if (type !== "dependency_added" || typeof added !== "string") continue
      if (added === intentId || reaches(nodes, added, intentId))
        yield `the edge from ${intentId} to ${added} closed a cycle`
    }
    for (const [id, { intent }] of trace.end) {
      const told = [...replay(trace.end)].at(-1)?.[1].get(id)?.dependsOn ?? []
      if (!isSame([...intent.dependsOn].toSorted(), told.map(String).toSorted()))
        yield `${id} depends on ${canonical(intent.dependsOn)}, but its log says ${canonical(told.map(String))}`
    }
  }
}

const waiting: Rule = {
  id: "23",
  title: "pending has no unmet dependency; who has one and is not over is blocked",
  family: "edges",
  *judge(trace) {
    for (const world of worldsOf(trace)) {
      for (const [id, { intent }] of world) {
        const unmet = unmetOf(world, intent)
        if (unmet.length > 0 && isOpen(intent) && intent.status !== "blocked")
          yield `${id} is ${intent.status} and waits for ${unmet.join(", ")}`
      }
    }
  }
}

/** What the routes must lead to, from the intents alone. Which order is theirs: http.md 5.2. */
const expected = (world: World, id: string): { readonly [Route in keyof Neighbours]: ReadonlyArray<string> } => {
  const all = [...world.values()].map(({ intent }) => intent)
  const childrenOf = (parent: string) => all.filter((intent) => intent.parentIntentId === parent)
  const below = (parent: string): ReadonlyArray<string> =>
    childrenOf(parent).flatMap((one) => [one.id, ...below(one.id)])
  const above = (child: string): ReadonlyArray<string> => {
    const parent = world.get(child)?.intent.parentIntentId ?? undefined
    return parent === undefined ? [] : [parent, ...above(parent)]
  }
  const open = childrenOf(id).filter(isOpen)
  return {
    children: childrenOf(id).map((intent) => intent.id),
    descendants: below(id),
    ancestors: above(id),
    dependencies: world.get(id)?.intent.dependsOn ?? [],
    dependents: all.filter((intent) => intent.dependsOn.includes(id)).map((intent) => intent.id),
    ready: open.filter((intent) => unmetOf(world, intent).length === 0).map((intent) => intent.id),
    blocked: open.filter((intent) => unmetOf(world, intent).length > 0).map((intent) => intent.id)
  }
}

/** Intents that are created at the same time come in any order. */
const inAnyOrder = (ids: ReadonlyArray<string>) => ids.toSorted()

/** Judges some of the routes of every intent in every reading. */
const routes = (names: ReadonlyArray<keyof Neighbours>): Rule["judge"] =>
  function* (trace) {
    for (const world of worldsOf(trace)) {
      for (const [id, { neighbours }] of world) {
        const wanted = expected(world, id)
        for (const name of names) {
          const sort =
            name === "dependencies" || name === "ancestors" ? (ids: ReadonlyArray<string>) => ids : inAnyOrder
          if (!isSame(sort(neighbours[name]), sort(wanted[name])))
            yield `${name} of ${id} are ${canonical(neighbours[name])}, but must be ${canonical(wanted[name])}`
        }
      }
    }
  }

const navigation: Rule = {
  id: "24",
  title: "children and parents, dependencies and dependents, ancestors and descendants are each other's inverse",
  family: "edges",
  *judge(trace) {
    yield* routes(["children", "ancestors", "dependencies", "dependents", "descendants"])(trace)
    // Depth first: whatever is under an intent follows it at once.
    for (const { neighbours } of trace.end.values()) {
      for (const [i, id] of neighbours.descendants.entries()) {
        const under = trace.end.get(id)?.neighbours.descendants ?? []
        if (!isSame(neighbours.descendants.slice(i + 1, i + 1 + under.length), under))
          yield `descendants ${canonical(neighbours.descendants)} are not depth first at ${id}`
      }
    }
  }
}

const partition: Rule = {
  id: "25",
  title: "ready and blocked are the children that are not over, without and with unmet dependencies",
  family: "edges",
  judge: routes(["ready", "blocked"])
}

const restored: Rule = {
  id: "26",
  title: "an edge that is added and removed leaves the dependencies as they were, two versions on",
  family: "edges",
  *judge({ scenes }) {
    for (const { acts } of scenes) {
      for (const act of acts) {
        if (act._tag !== "AddAndRemove" || Result.isFailure(act.result)) continue
        const { added, after, before } = act.result.success
        if (added.dependsOn.length !== before.dependsOn.length + 1 || added.version !== before.version + 1)
          yield `adding an edge to ${before.id} gave ${canonical(added.dependsOn)} at version ${added.version}`
        if (!isSame(after.dependsOn, before.dependsOn) || after.version !== before.version + 2)
          yield `${before.id} was at ${before.version} with ${canonical(before.dependsOn)}, and is at ${after.version} with ${canonical(after.dependsOn)}`
      }
    }
  }
}

const unblocked: Rule = {
  id: "27",
  title: "completing the last unmet dependency unblocks each dependent, once, in the same commit",
  family: "edges",
  *judge({ end }) {
    const log = logOf(end)
    for (const [event, nodes] of replay(end)) {
      if (event.type !== "status_changed" || event.payload["to"] !== "completed") continue
      const completed = event.intentId
      for (const [id, { dependsOn, status }] of nodes) {
        const met = dependsOn.every((other) => nodes.get(String(other))?.status === "completed")
        if (!dependsOn.includes(completed) || status !== "blocked" || !met) continue
        const freed = log.filter(
          ({ intentId, payload }) =>
            intentId === id && payload["trigger"] === "dependencies_completed" && payload["dependency_id"] === completed
        )
        if (freed.length !== 1) yield `${id} was unblocked ${freed.length} times when ${completed} was completed`
      }
    }
  }
}

const graphs: Rule = {
  id: "28",
  title: "a graph has each node once, edges between its nodes, and figures that count them",
  family: "edges",
  *judge(trace) {
    for (const world of worldsOf(trace)) {
      for (const [id, { graph }] of world) {
        const ids = graph.nodes.map((node) => node.id)
        const found = new Set([id])
        for (const at of found) {
          for (const child of expected(world, at).children) found.add(child)
          for (const dependency of world.get(at)?.intent.dependsOn ?? []) found.add(dependency)
        }
        if (!isSame(inAnyOrder(ids), inAnyOrder([...found])))
          yield `the nodes of ${id} are ${canonical(ids)}, but must be ${canonical([...found])}`
        for (const { from, to } of graph.edges)
          if (!found.has(from) || !found.has(to)) yield `an edge of ${id} leads from ${from} to ${to}, not both nodes`
        const nodes = ids.flatMap((node) => world.get(node)?.intent ?? [])
        const edges = nodes.flatMap((node) => [
          ...(node.parentIntentId !== null && found.has(node.parentIntentId) ? [`${node.parentIntentId} parent`] : []),
          ...node.dependsOn.map((dependency) => `${dependency} dependency`)
        ])
        if (graph.edges.length !== edges.length) yield `${id} has ${graph.edges.length} edges, not ${edges.length}`
        const { blockingIntents, byStatus, completionPercentage, readyIntents, total } = graph.aggregateStatus
        const completed = nodes.filter((node) => node.status === "completed").length
        const sum = Object.values(byStatus).reduce((sum, count) => sum + count, 0)
        if (sum !== total || total !== ids.length)
          yield `${id} counts ${total} nodes, ${sum} by status, of ${ids.length}`
        if (byStatus.completed !== completed || completionPercentage !== Math.floor((100 * completed) / total))
          yield `${id} is completed by ${completionPercentage} %, with ${completed} of ${total}`
        const blocking = new Set(nodes.flatMap((node) => unmetOf(world, node)))
        if (!isSame(inAnyOrder(blockingIntents), inAnyOrder([...blocking])))
          yield `${id} names ${canonical(blockingIntents)} as blocking, but must ${canonical([...blocking])}`
        const ready = nodes.filter((node) => node.id !== id && isOpen(node) && unmetOf(world, node).length === 0)
        const readyIds = ready.map((node) => node.id)
        if (!isSame(inAnyOrder(readyIntents), inAnyOrder(readyIds)))
          yield `${id} names ${canonical(readyIntents)} as ready, but must ${canonical(readyIds)}`
      }
    }
  }
}

export const rules: ReadonlyArray<Rule> = [acyclic, waiting, navigation, partition, restored, unblocked, graphs]
