/** Hearing of commits that other connections made: other processes, or other layers of this one. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Connection } from "./Connection.ts"
import { isBusy } from "./faults.ts"

const pollMs = 100

/** In real time, whatever `Clock` is: the other process does not wait for ours. Does not keep this process alive. */
const pause = Effect.callback<void>((resume) => {
  const timer = setTimeout(() => resume(Effect.void), pollMs)
  timer.unref()
  return Effect.sync(() => clearTimeout(timer))
})

/**
 * An element whenever the file was changed by another connection. Its first element may tell of a change between the
 * opening of the storage and the start of the stream, so that a reader who asked in between misses nothing. Ends when
 * the storage is closed.
 */
export const makeChanges = (connection: Connection): Stream.Stream<void> => {
  const statement = connection.statement("PRAGMA data_version")
  const opened = statement.number()
  return Stream.fromPull(
    Effect.sync(() => {
      let seen = opened
      const look = () => {
        try {
          const version = statement.number()
          if (version === seen) return "same"
          seen = version
          return "changed"
        } catch (cause) {
          return isBusy(cause) || connection.isOpen ? "same" : "closed"
        }
      }
      const pull: Effect.Effect<readonly [void], Cause.Done> = Effect.suspend(() => {
        const found = look()
        if (found === "changed") return Effect.succeed([undefined] as const)
        return found === "closed" ? Cause.done() : Effect.andThen(pause, pull)
      })
      return pull
    })
  )
}
