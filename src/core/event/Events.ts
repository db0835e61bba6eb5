/** `events` of the embedded engine. */
import * as Effect from "effect/Effect"
import type { CommandsShape } from "../Commands.ts"
import { CurrentAgent } from "../CurrentAgent.ts"
import type { Events } from "../OpenIntent.ts"
import { readVerify } from "../seal/input.ts"
import type { Digest } from "../seal/Sha256.ts"
import { verifyIntent } from "../seal/verify.ts"
import type { StorageShape } from "../Storage.ts"
import { told } from "../storageFaults.ts"
import { Checks, limits, whenValid } from "../validate.ts"
import type { EventCountsShape } from "./EventCounts.ts"
import { mayAppend } from "./eventTypes.ts"
import { follow } from "./follow.ts"
import type { HubShape } from "./Hub.ts"
import { listEvents, readListEvents } from "./list.ts"
import type { AppendEvent } from "./LogEvent.ts"

/** What a client appends (http.md 6.1), checked and copied. */
const readAppend = (intentId: string, input: AppendEvent, agentId: string) => {
  const checks = new Checks()
  const agent = checks.readAgent("agent", agentId)
  const type = checks.readText("type", input.type, 1, limits.nameLength)
  if (type !== "" && !mayAppend(type))
    checks.add("type", "is no type that clients append; own types begin with x.", type)
  return checks.finishSized({
    intentId,
    type,
    actor: input.actor === undefined ? agent : checks.readAgent("actor", input.actor),
    source: "client" as const,
    payload: checks.readObject("payload", input.payload, limits.payloadBytes),
    extra: null,
    traceId: checks.readOptionalText("traceId", input.traceId, limits.noteLength) ?? null,
    parentEventId: checks.readOptionalText("parentEventId", input.parentEventId, limits.noteLength) ?? null
  })
}

export const makeEvents = (
  storage: StorageShape,
  { append, mustExist }: CommandsShape,
  counts: EventCountsShape,
  hub: HubShape,
  sha256: Digest | undefined
): Events => ({
  append: (intentId, input) =>
    Effect.flatMap(CurrentAgent, (agent) =>
      whenValid(readAppend(intentId, input, agent), (given) =>
        Effect.andThen(
          mustExist(intentId),
          append((env) => ({ ...given, id: env.newId(), createdAt: env.now }))
        )
      )
    ),
  list: (intentId, query = {}) =>
    Effect.flatMap(Effect.fromResult(readListEvents(query)), (filter) =>
      Effect.andThen(mustExist(intentId), told(listEvents(storage, counts, intentId, filter)))
    ),
  follow: (query = {}) => follow(storage, hub, mustExist, query),
  verify: (intentId, options = {}) =>
    Effect.flatMap(Effect.fromResult(readVerify(options)), (given) =>
      sha256 === undefined
        ? Effect.die(new Error("this engine was given no SHA-256"))
        : Effect.andThen(
            // An intent may be gone whose seals are there.
            Effect.catchTag(mustExist(intentId), "IntentNotFound", (missing) =>
              Effect.flatMap(told(storage.get("sealHeads", [intentId])), ([head]) =>
                head === undefined ? Effect.fail(missing) : Effect.void
              )
            ),
            told(verifyIntent(storage, sha256, intentId, given))
          )
    )
})
