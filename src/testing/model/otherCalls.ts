/** Calls on events and agents, as the model answers them. */
import type { CallOf } from "../Call.ts"
import { type ModelEntry, type ModelWorld, refused, answered, mustBe, withEntry, assigned } from "./world.ts"

export const append = (world: ModelWorld, call: CallOf<"Append">): ModelWorld => {
  const { agent, input, intentId } = call
  if (input.type === "nonsense") {
    refused(call, "ValidationError")
    return world
  }
  const event = answered(call)
  mustBe(
    "the answer",
    [event.intentId, event.type, event.actor, event.source, event.payload],
    [intentId, input.type, agent, "client", input.payload]
  )
  return withEntry(world, intentId, {}, { type: input.type, actor: agent, source: "client", payload: event.payload })
}

export const assign = (world: ModelWorld, call: CallOf<"Assign">, { agents }: ModelEntry): ModelWorld => {
  const { agentId, role = "worker" } = call.input
  const known = agents.find((other) => other.agentId === agentId)
  const made = answered(call)
  mustBe("the assignment", [made.intentId, made.agentId, made.role], [call.intentId, agentId, role])
  if (known !== undefined && known.id !== "") mustBe("its id", made.id, known.id)
  const others = agents.filter((other) => other !== known)
  return withEntry(
    world,
    call.intentId,
    { agents: [...others, made] },
    assigned(call.agent, agentId, role, known !== undefined)
  )
}

export const unassign = (world: ModelWorld, call: CallOf<"Unassign">, { agents }: ModelEntry): ModelWorld => {
  const others = agents.filter((other) => other.agentId !== call.agentId)
  if (others.length === agents.length) {
    refused(call, "AssignmentNotFound")
    return world
  }
  answered(call)
  return withEntry(
    world,
    call.intentId,
    { agents: others },
    {
      type: "agent_unassigned",
      actor: call.agent,
      source: "system",
      payload: { agent_id: call.agentId }
    }
  )
}
