/** Whether the storage answers (http.md 3.3): one look for all who ask at once, and nobody waits long for it. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { CommonError } from "../core/OpenIntent.ts"

/** How long a probe waits. One of an orchestrator gives up after some seconds, and would not hear why. */
const patience = "2 seconds"

const reasonOf = (error: CommonError): string =>
  error._tag === "StorageUnavailable" ? error.reason : error._tag === "Busy" ? "busy" : "fault"

/**
 * Makes an effect that looks and tells in a word what is wrong: `full`, `readonly`, `corrupt`, `io`, `busy`, …, `timeout`
 * if it does not answer, `fault` for all else; undefined if all is well. Nothing of it tells where the storage is.
 */
export const makeHealth = (
  check: Effect.Effect<void, CommonError>
): Effect.Effect<Effect.Effect<string | undefined>, never, Scope.Scope> =>
  Effect.map(Effect.scope, (scope) => {
    const look = Effect.matchCauseEffect(check, {
      onSuccess: () => Effect.undefined,
      onFailure: (cause) => {
        const failure = cause.reasons.find(Cause.isFailReason)
        return failure === undefined
          ? Effect.as(Effect.logError("the storage could not be looked at", cause), "fault")
          : Effect.succeed(reasonOf(failure.error))
      }
    })
    /** In the scope of the server: a probe that is gone must not end the look of the others. */
    let looking: Fiber.Fiber<string | undefined> | undefined
    const begin = Effect.map(Effect.forkIn(look, scope), (fiber) => {
      looking = fiber
      fiber.addObserver(() => {
        looking = undefined
      })
      return fiber
    })
    return Effect.suspend(() => (looking === undefined ? begin : Effect.succeed(looking))).pipe(
      Effect.flatMap(Fiber.join),
      Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.succeed("timeout") })
    )
  })
