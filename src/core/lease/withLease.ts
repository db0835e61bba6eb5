import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { Leases } from "../OpenIntent.ts"
import { LeaseExpired } from "./LeaseErrors.ts"

export interface WithLeaseOptions {
  /** How long the lease outlives a holder that dies: 1 second to 24 hours, default 1 minute. Renewed at a third of it. */
  readonly ttl?: Duration.Input | undefined
}

const ttlDefault = Duration.minutes(1)

/**
 * `leases.withLease` over the three calls it needs, so that the embedded and the remote engine share it. A renewal that
 * fails for a reason that may pass (storage, network) is tried again until the lease would be over; `LeaseExpired` and
 * `LeaseNotFound` mean it is lost.
 */
export const makeWithLease =
  (leases: Pick<Leases, "acquire" | "renew" | "release">): Leases["withLease"] =>
  (intentId, scope, { ttl = ttlDefault }, use) =>
    Effect.scoped(
      Effect.gen(function* () {
        const duration = Duration.fromInputUnsafe(ttl)
        const lease = yield* Effect.acquireRelease(leases.acquire(intentId, { scope, duration }), (held) =>
          Effect.ignore(leases.release(intentId, held.id))
        )
        const lost = new LeaseExpired({ intentId, leaseId: lease.id })
        const pause = Duration.divideUnsafe(duration, 3)
        const renewal = leases.renew(intentId, lease.id, { duration }).pipe(
          Effect.retry({
            while: (error) => error._tag === "StorageUnavailable" || error._tag === "Busy",
            schedule: Schedule.spaced(Duration.divideUnsafe(duration, 20))
          }),
          // From the last moment it was known to be held, or it might have gone to somebody else meanwhile.
          Effect.timeoutOrElse({ duration: Duration.subtract(duration, pause), orElse: () => Effect.fail(lost) }),
          Effect.catchTag(["LeaseNotFound", "LeaseExpired", "IntentNotFound"], () => Effect.fail(lost))
        )
        const renewals = Effect.sleep(pause).pipe(Effect.andThen(renewal), Effect.forever)
        return yield* Effect.raceFirst(use(lease), renewals)
      })
    )
