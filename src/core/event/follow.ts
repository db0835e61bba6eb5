/** `events.follow` of the embedded engine. */
import * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { CommandsShape } from "../Commands.ts"
import type { EngineError, ValidationError } from "../Errors.ts"
import type { IntentNotFound } from "../intent/IntentErrors.ts"
import { PortfolioNotFound } from "../portfolio/PortfolioErrors.ts"
import type { StorageShape } from "../Storage.ts"
import { told } from "../storageFaults.ts"
import { Checks, limits } from "../validate.ts"
import { Follower } from "./Follower.ts"
import type { HubShape } from "./Hub.ts"
import type { FollowEvents, LogEvent } from "./LogEvent.ts"
import type { FollowScope } from "./membership.ts"

interface Following {
  readonly scope: FollowScope
  readonly after: number | undefined
  readonly endsBehind: number | undefined
}

/** The query, checked. */
export const readFollow = (query: FollowEvents): Result.Result<Following, ValidationError> => {
  const checks = new Checks()
  const { after, agentId, endsBehind, intentId, portfolioId } = query
  if ([agentId, intentId, portfolioId].filter((id) => id !== undefined).length > 1)
    checks.add("intentId", "is one of intentId, portfolioId and agentId: at most one is given")
  const scope: FollowScope =
    intentId !== undefined
      ? { _tag: "Intent", id: intentId }
      : portfolioId !== undefined
        ? { _tag: "Portfolio", id: portfolioId }
        : agentId !== undefined
          ? { _tag: "Agent", id: checks.readText("agentId", agentId, 1, limits.agentIdLength) }
          : { _tag: "Everything" }
  return checks.finish({
    scope,
    after: after === undefined ? undefined : checks.readInt("after", after, undefined, 0, Number.MAX_SAFE_INTEGER),
    endsBehind:
      endsBehind === undefined ? undefined : checks.readInt("endsBehind", endsBehind, undefined, 1, limits.followBuffer)
  })
}

export const follow = (
  storage: StorageShape,
  hub: HubShape,
  mustExist: CommandsShape["mustExist"],
  query: FollowEvents
): Stream.Stream<LogEvent, IntentNotFound | PortfolioNotFound | ValidationError | EngineError> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { after, endsBehind, scope } = yield* Effect.fromResult(readFollow(query))
      if (scope._tag === "Intent") yield* mustExist(scope.id)
      if (scope._tag === "Portfolio") {
        const [revision] = yield* told(storage.revisions("portfolios", [scope.id]))
        if (revision === 0) return yield* new PortfolioNotFound({ portfolioId: scope.id })
      }
      yield* hub.listen
      const last = yield* told(storage.lastPosition)
      if (last > hub.position()) yield* hub.readOn // Others wrote it.
      query.onStart?.(last)
      const follower = new Follower(hub, storage, scope, Math.min(after ?? last, last), endsBehind)
      yield* Effect.addFinalizer(() => Effect.sync(() => follower.leave()))
      return Stream.fromPull(Effect.succeed(follower.pull))
    })
  )
