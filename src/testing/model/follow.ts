/** The reference model: what the answer to a request must be, given what is stored, and what is stored then. */
import * as Result from "effect/Result"
import { type Call, type Instant, refusalOf } from "../Call.ts"
import { editsOf } from "./patches.ts"
import { create, patch, setStatus } from "./intentCalls.ts"
import { acquire, end, renew } from "./leaseCalls.ts"
import { append, assign, unassign } from "./otherCalls.ts"
import { type ModelWorld, Wrong, refused, answered } from "./world.ts"

const next = (world: ModelWorld, call: Call, at: Instant): ModelWorld => {
  // Too busy is an answer that changes nothing, and is allowed at any time.
  if (refusalOf(call)?._tag === "Busy") return world
  if (call._tag === "Create") return create(world, call)
  const entry = world.get(call.intentId)
  if (entry === undefined) {
    const invalid = call._tag === "Patch" && editsOf(call.input).some((edit) => edit.segments === undefined)
    refused(
      call,
      ...(invalid || (call._tag === "Append" && call.input.type === "nonsense")
        ? (["ValidationError"] as const)
        : (["IntentNotFound"] as const))
    )
    return world
  }
  switch (call._tag) {
    case "Patch":
      return patch(world, call, entry, at)
    case "SetStatus":
      return setStatus(world, call, entry)
    case "Append":
      return append(world, call)
    case "Acquire":
      return acquire(world, call, entry, at)
    case "Renew":
      return renew(world, call, entry, at)
    case "Release":
    case "Revoke":
      return end(world, call, entry, at)
    case "Assign":
      return assign(world, call, entry)
    case "Unassign":
      return unassign(world, call, entry)
    case "Watch":
      answered(call)
      return world
  }
}

/** What is stored after the call, if its answer is what it must be; else what is wrong with it. Throws `Unsure`. */
export const follow = (world: ModelWorld, call: Call, at: Instant): Result.Result<ModelWorld, string> => {
  try {
    return Result.succeed(next(world, call, at))
  } catch (error) {
    if (error instanceof Wrong) return Result.fail(`${call.name}: ${error.message}`)
    throw error
  }
}
