/** Follows the log, for the invariant that a follower sees every event once and in order. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { LogEvent } from "../core/event/LogEvent.ts"
import type { OpenIntentShape } from "../core/OpenIntent.ts"

/** What a follower was given. */
export interface Followed {
  readonly intentId: string
  /** It follows what comes after this position. */
  readonly after: number
  readonly found: ReadonlyArray<LogEvent>
}

/** One turn of the event loop, whatever `Clock` says, for what the engine does in the background. */
export const turn = Effect.callback<void>((resume) => {
  const timer = setTimeout(() => resume(Effect.void), 1)
  return Effect.sync(() => clearTimeout(timer))
})

/**
 * Follows the intent in the background, and tells at the end what came: as soon as that are `count` events, or after
 * `patienceMs` of real time.
 */
export const follow = (engine: OpenIntentShape, intentId: string, after: number, patienceMs: number) =>
  Effect.gen(function* () {
    const found: Array<LogEvent> = []
    const following = engine.events
      .follow({ intentId, after })
      .pipe(Stream.runForEach((event) => Effect.sync(() => found.push(event))))
    yield* Effect.forkScoped(Effect.ignore(following))
    return (count: number) =>
      Effect.gen(function* () {
        const began = performance.now()
        while (found.length < count && performance.now() - began < patienceMs) yield* turn
        return { intentId, after, found: [...found] }
      })
  })
