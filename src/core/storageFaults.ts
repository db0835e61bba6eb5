import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type { EngineError } from "./Errors.ts"
import { Busy, StorageUnavailable } from "./Errors.ts"
import { storageFaults } from "./metrics.ts"
import { StorageError } from "./Storage.ts"

const isFault = (error: unknown): error is StorageError => error instanceof StorageError
const isOther = <E>(error: E): error is Exclude<E, StorageError> => !isFault(error)

const inEngineWords = (error: StorageError): Effect.Effect<never, EngineError> => {
  const { operation, reason, retryable } = error
  if (reason === "constraint") return Effect.die(error)
  const counted = Metric.update(storageFaults(reason), 1)
  if (reason === "busy") return Effect.andThen(counted, Effect.fail(new Busy({ operation })))
  return counted.pipe(
    Effect.andThen(Effect.logError(`storage fault (${reason}) during ${operation}`, error.cause)),
    Effect.andThen(Effect.fail(new StorageUnavailable({ operation, reason, retryable })))
  )
}

/**
 * Storage faults in the engine's words. The driver's own words go to the log. A broken constraint is a bug of the
 * engine (guards come first), so it is a defect.
 */
export const told = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, Exclude<E, StorageError> | EngineError> =>
  Effect.catch(effect, (error): Effect.Effect<never, Exclude<E, StorageError> | EngineError> =>
    isOther(error) ? Effect.fail(error) : isFault(error) ? inEngineWords(error) : Effect.die(error)
  )
