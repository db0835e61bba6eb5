/** Follows the log, for the invariant that a follower sees every event once and in order. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { LogEvent } from "../core/event/LogEvent.ts"
import type { OpenIntentShape } from "../core/OpenIntent.ts"

/** Whose events are followed: those of an intent, of a portfolio, or of an agent. */
export type Scope = { readonly intentId: string } | { readonly portfolioId: string } | { readonly agentId: string }

/** What a follower was given. */
export interface Followed<S extends Scope = Scope> {
  readonly scope: S
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
 * Follows the scope in the background, and tells at the end what came: as soon as that are `count` events, or after
 * `patienceMs` of real time.
 */
export const follow = <S extends Scope>(engine: OpenIntentShape, scope: S, after: number, patienceMs: number) =>
  Effect.gen(function* () {
    const found: Array<LogEvent> = []
    const following = engine.events
      .follow({ ...scope, after })
      .pipe(Stream.runForEach((event) => Effect.sync(() => found.push(event))))
    yield* Effect.forkScoped(Effect.ignore(following))
    return (count: number): Effect.Effect<Followed<S>> =>
      Effect.gen(function* () {
        const began = performance.now()
        while (found.length < count && performance.now() - began < patienceMs) yield* turn
        return { scope, after, found: [...found] }
      })
  })
