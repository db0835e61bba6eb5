import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import type { CommonError, Leases } from "../OpenIntent.ts"
import { LeaseExpired } from "./LeaseErrors.ts"

const ttlDefault = Duration.minutes(1)

/** When a call was sent, and its answer. A lease lasts its time from then on at least, however slow the answer was. */
const timed = <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<readonly [sent: number, answer: A], E, R> =>
  Effect.flatMap(Clock.currentTimeMillis, (sent) => Effect.map(call, (answer) => [sent, answer] as const))

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
      timed(leases.acquire(intentId, { scope, duration: ttl })),
      ([sent, lease]) => {
        const millis = Duration.toMillis(Duration.fromInputUnsafe(ttl)) // Valid, since it was granted.
        const lost = new LeaseExpired({ intentId, leaseId: lease.id })
        const renew = timed(apart(leases.renew(intentId, lease.id, { duration: ttl }))).pipe(
          Effect.retry({
            while: (error) => error._tag === "StorageUnavailable" || error._tag === "Busy",
            schedule: Schedule.spaced(millis / 20)
          })
        )
        const renewals = (sent: number): Effect.Effect<never, LeaseExpired | CommonError> =>
          Effect.flatMap(Clock.currentTimeMillis, (now) =>
            Effect.sleep(Math.max(0, sent + millis / 3 - now)).pipe(
              Effect.andThen(renew),
              Effect.timeoutOrElse({ duration: Math.max(0, sent + millis - now), orElse: () => Effect.fail(lost) }),
              Effect.catchTag(["LeaseNotFound", "LeaseExpired", "IntentNotFound"], () => Effect.fail(lost)),
              Effect.flatMap(([sent]) => renewals(sent))
            )
          )
        return Effect.raceFirst(use(lease), renewals(sent))
      },
      ([, lease]) => Effect.ignore(leases.release(intentId, lease.id))
    )
