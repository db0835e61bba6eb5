/** Work inside one write transaction. */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { StorageError } from "../../core/Storage.ts"

/** Runs an effect to its end at once. One that waits for something is interrupted and is a defect. */
export const runAtOnce = <A, E>(context: Context.Context<never>, work: Effect.Effect<A, E>): Exit.Exit<A, E> => {
  const exit = Effect.runSyncExitWith(context)(work)
  if (Exit.isSuccess(exit)) return exit
  for (const reason of exit.cause.reasons) {
    if (!Cause.isDieReason(reason) || !Cause.isAsyncFiberError(reason.defect)) continue
    reason.defect.fiber.interruptUnsafe()
    return Exit.die(new Error("work within `exclusively` must not wait for anything but its storage"))
  }
  return exit
}

/** What a storage given to `exclusively` answers when its work is over. */
export const over = (operation: string): StorageError =>
  new StorageError({
    operation,
    reason: "closed",
    retryable: false,
    cause: new Error("the transaction of this storage is over")
  })
