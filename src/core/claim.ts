import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { unchanged } from "./Aggregate.ts"
import type { CommandsShape } from "./Commands.ts"
import type { EngineError } from "./Errors.ts"
import type { Claim } from "./tables.ts"

/** Claims this work for a while: whether it is the owner's now, and no other process does it (decision 19). */
export const claim = (
  { executeWide }: CommandsShape,
  work: string,
  owner: string,
  duration: Duration.Duration
): Effect.Effect<boolean, EngineError> =>
  executeWide({
    intentId: undefined,
    gather: (on) =>
      Effect.zipWith(on.revisions("claims", [work]), on.get("claims", [work]), ([revision = 0], [held]) => ({
        held,
        revision
      })),
    decide: ({ held, revision }, env) => {
      if (held !== undefined && held.owner !== owner && DateTime.isLessThan(env.now, held.until)) {
        return Result.succeed(unchanged(false))
      }
      const record: Claim = { work, owner, until: DateTime.addDuration(env.now, duration) }
      return Result.succeed({
        value: true,
        writes: [{ _tag: "Put", table: "claims", record, before: held }],
        events: [],
        guards: [{ table: "claims", key: work, expected: revision, next: revision + 1 }]
      })
    }
  })
