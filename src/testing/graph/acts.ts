/** What programs do to the graph, and what is read of it. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { LogEvent } from "../../core/event/LogEvent.ts"
import type { IntentGraph } from "../../core/graph/Graph.ts"
import type { Intent } from "../../core/intent/Intent.ts"
import type { Graph } from "../../core/OpenIntent.ts"
import { act, type Acted, type Stage } from "../scene.ts"

const Agent = Schema.Literals(["ann", "bob", "cid"])
/** Which of the intents created so far, modulo their number. */
const Ref = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 7 }))

export const Create = Schema.TaggedStruct("Create", {
  agent: Agent,
  parent: Schema.NullOr(Ref),
  dependsOn: Schema.Array(Ref).check(Schema.isMaxLength(2))
})
export const AddDependency = Schema.TaggedStruct("AddDependency", { agent: Agent, intent: Ref, dependency: Ref })
export const RemoveDependency = Schema.TaggedStruct("RemoveDependency", { agent: Agent, intent: Ref, at: Ref })
/** Adds an edge and takes it away again. */
export const AddAndRemove = Schema.TaggedStruct("AddAndRemove", { agent: Agent, intent: Ref, dependency: Ref })
export const SetStatus = Schema.TaggedStruct("SetStatus", {
  agent: Agent,
  intent: Ref,
  status: Schema.Literals(["completed", "completed", "active", "blocked", "abandoned"])
})

export type Command =
  | typeof Create.Type
  | typeof AddDependency.Type
  | typeof RemoveDependency.Type
  | typeof AddAndRemove.Type
  | typeof SetStatus.Type

/** The intents, in the order of their creation. */
export interface Known {
  readonly intents: Array<string>
}

/** Ids that each route from one intent leads to. */
export type Neighbours = {
  readonly [Route in Exclude<keyof Graph, "addDependency" | "removeDependency" | "get">]: ReadonlyArray<string>
}

export interface Seen {
  readonly intent: Intent
  readonly events: ReadonlyArray<LogEvent>
  readonly neighbours: Neighbours
  readonly graph: IntentGraph
}

export type World = ReadonlyMap<string, Seen>

/** An edge that was added and taken away: the intent before, with it, and after. */
interface Restored {
  readonly before: Intent
  readonly added: Intent
  readonly after: Intent
}

export type GraphAct =
  | Acted<"Create" | "AddDependency" | "RemoveDependency" | "SetStatus", Intent>
  | Acted<"AddAndRemove", Restored>

/** The call that a command is now. Versions are those that were seen before the phase. */
export const perform = (
  { agents, engine: { graph, intents } }: Stage,
  known: Known,
  command: Command,
  seen: World
): Effect.Effect<GraphAct> | undefined => {
  const agent = agents[command.agent]
  const idOf = (ref: number) => known.intents[ref % known.intents.length] ?? ""
  if (command._tag === "Create") {
    const parentIntentId = command.parent === null ? undefined : idOf(command.parent)
    const dependsOn = command.dependsOn.map(idOf)
    const asks = `creates a child of ${parentIntentId ?? "none"} that depends on ${dependsOn.join(", ") || "none"}`
    const created = intents.create({ title: `an intent of ${command.agent}`, parentIntentId, dependsOn })
    const noted = Effect.tap(created, ({ id }) => Effect.sync(() => known.intents.push(id)))
    return act("Create", agent, asks, noted, {})
  }
  const intentId = idOf(command.intent)
  const before = seen.get(intentId)?.intent
  if (before === undefined) return undefined
  const { dependsOn, version } = before
  switch (command._tag) {
    case "SetStatus": {
      const { status } = command
      return act(
        "SetStatus",
        agent,
        `sets ${intentId} to ${status}`,
        intents.setStatus(intentId, { version, status }),
        {}
      )
    }
    case "RemoveDependency": {
      const dependencyId = dependsOn[command.at % dependsOn.length]
      if (dependencyId === undefined) return undefined
      const removed = graph.removeDependency(intentId, { dependencyId, version })
      return act("RemoveDependency", agent, `makes ${intentId} independent of ${dependencyId}`, removed, {})
    }
    case "AddDependency": {
      const dependencyId = idOf(command.dependency)
      const added = graph.addDependency(intentId, { dependencyId, version })
      return act("AddDependency", agent, `makes ${intentId} depend on ${dependencyId}`, added, {})
    }
    case "AddAndRemove": {
      const dependencyId = idOf(command.dependency)
      const both = Effect.gen(function* () {
        const added = yield* graph.addDependency(intentId, { dependencyId, version })
        const removed = yield* graph.removeDependency(intentId, { dependencyId, version: added.version })
        const stored = yield* intents.get(intentId)
        // Others may have changed it since.
        return { before, added, after: stored.version === removed.version ? stored : removed }
      })
      return act("AddAndRemove", agent, `makes ${intentId} depend on ${dependencyId} and takes it back`, both, {})
    }
  }
}

const everything = { order: "asc", visibility: "all", limit: 1_000 } as const

/** Every intent with its log, and all that its routes lead to. */
export const read = ({ engine }: Stage, { intents }: Known) =>
  Effect.gen(function* () {
    const { graph } = engine
    const world = new Map<string, Seen>()
    for (const id of intents) {
      const along = (route: keyof Neighbours) =>
        Effect.map(graph[route](id), ({ items }) => items.map((intent) => intent.id))
      world.set(id, {
        intent: yield* engine.intents.get(id),
        events: (yield* engine.events.list(id, everything)).items,
        neighbours: {
          children: yield* along("children"),
          descendants: yield* along("descendants"),
          ancestors: yield* along("ancestors"),
          dependencies: yield* along("dependencies"),
          dependents: yield* along("dependents"),
          ready: yield* along("ready"),
          blocked: yield* along("blocked")
        },
        graph: yield* graph.get(id)
      })
    }
    return world
  })
