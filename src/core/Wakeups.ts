/** Who waits for events, and is woken when some may have come. What woke them is in the log. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RcRef from "effect/RcRef"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { NewEvent } from "./event/LogEvent.ts"
import { Storage } from "./Storage.ts"

type Waker = () => void

/** Follows everything, not the events of one intent. */
const everything = ""

export interface WakeupsShape {
  /** Wakes those who follow what these events tell of. Called after the commit and never before. */
  readonly wake: (events: ReadonlyArray<NewEvent>) => void
  /**
   * A signal that is set whenever events of the intent (undefined: of any) may have been committed after it was made.
   * `await` waits until it is set, and clears it. Look into the log between making it and waiting.
   */
  readonly signal: (
    intentId: string | undefined
  ) => Effect.Effect<{ readonly await: Effect.Effect<void> }, never, Scope.Scope>
}

export class Wakeups extends Context.Service<Wakeups, WakeupsShape>()("openintent/core/Wakeups") {
  /** Needs `Storage`, whose foreign changes wake everybody; they are asked for only while somebody waits. */
  static readonly layer = Layer.effect(
    Wakeups,
    Effect.gen(function* () {
      const storage = yield* Storage
      const wakers = new Map<string, Set<Waker>>()
      const wakeAll = () => {
        for (const followers of wakers.values()) for (const waker of followers) waker()
      }
      const wakeOf = (key: string) => {
        const followers = wakers.get(key)
        if (followers !== undefined) for (const waker of followers) waker()
      }
      const elsewhere = yield* RcRef.make({
        acquire: Effect.forkScoped(Stream.runForEach(storage.changedElsewhere, () => Effect.sync(wakeAll)))
      })
      return Wakeups.of({
        wake: (events) => {
          if (wakers.size === 0 || events.length === 0) return
          for (const intentId of new Set(events.map((event) => event.intentId))) wakeOf(intentId)
          wakeOf(everything)
        },
        signal: (intentId) =>
          Effect.gen(function* () {
            yield* RcRef.get(elsewhere)
            let isSet = false
            let resume: Waker | undefined
            const waker = () => {
              isSet = true
              resume?.()
            }
            const key = intentId ?? everything
            yield* Effect.acquireRelease(
              Effect.sync(() => {
                const followers = wakers.get(key) ?? new Set()
                wakers.set(key, followers.add(waker))
              }),
              () =>
                Effect.sync(() => {
                  const followers = wakers.get(key)
                  followers?.delete(waker)
                  if (followers?.size === 0) wakers.delete(key)
                })
            )
            return {
              await: Effect.callback<void>((done) => {
                const go = () => {
                  isSet = false
                  resume = undefined
                  done(Effect.void)
                }
                if (isSet) go()
                else resume = go
                return Effect.sync(() => (resume = undefined))
              })
            }
          })
      })
    })
  )
}
