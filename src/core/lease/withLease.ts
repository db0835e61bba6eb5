import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import type { CommonError, Leases } from "../OpenIntent.ts"
import { makeSteadyTime } from "../steadyTime.ts"
import { LeaseExpired } from "./LeaseErrors.ts"

const ttlDefault = Duration.minutes(1)

/** Milliseconds that only grow: a holder whose clock is set back must not sleep through its renewals. */
const steadyMillis: Effect.Effect<() => number> = Effect.map(Clock.Clock, (clock) => {
  const now = makeSteadyTime(clock)
  return () => now().epochMilliseconds
})

/** Lets go of a call at once when it is interrupted, though the call itself cannot be taken back. */
const apart = <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Effect.forkDetach(call), Fiber.join)

/**
 * `leases.withLease` over the three calls it needs, so that the embedded and the remote engine share it. A renewal that
 * fails for a reason that may pass (storage, network) is tried again until the lease would be over; `LeaseExpired` and
 * `LeaseNotFound` mean it is lost.
 */
export const makeWithLease =
  (leases: Pick<Leases, "acquire" | "renew" | "release">): Leases["withLease"] =>
  (intentId, scope, { ttl = ttlDefault }, use) =>
    Effect.acquireUseRelease(
      Effect.flatMap(steadyMillis, (millisNow) => {
        const sent = millisNow()
        return Effect.map(leases.acquire(intentId, { scope, duration: ttl }), (lease) => ({ lease, millisNow, sent }))
      }),
      ({ lease, millisNow, sent }) => {
        const millis = Duration.toMillis(Duration.fromInputUnsafe(ttl)) // Valid, since it was granted.
        const lost = new LeaseExpired({ intentId, leaseId: lease.id })
        /** When it was sent: a lease lasts its time from then on at least, however slow the answer was. */
        const renew = Effect.suspend(() => {
          const sent = millisNow()
          return Effect.as(apart(leases.renew(intentId, lease.id, { duration: ttl })), sent)
        }).pipe(
          Effect.retry({
            while: (error) => error._tag === "StorageUnavailable" || error._tag === "Busy",
            schedule: Schedule.spaced(millis / 20)
          })
        )
        const renewals = (sent: number): Effect.Effect<never, LeaseExpired | CommonError> =>
          Effect.suspend(() => {
            const now = millisNow()
            return Effect.sleep(Math.max(0, sent + millis / 3 - now)).pipe(
              Effect.andThen(renew),
              Effect.timeoutOrElse({ duration: Math.max(0, sent + millis - now), orElse: () => Effect.fail(lost) }),
              Effect.catchTag(["LeaseNotFound", "LeaseExpired", "IntentNotFound"], () => Effect.fail(lost)),
              Effect.flatMap(renewals)
            )
          })
        return Effect.raceFirst(use(lease), renewals(sent))
      },
      ({ lease }) => Effect.ignore(leases.release(intentId, lease.id))
    )
