import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { makeWithLease } from "../../core/lease/withLease.ts"
import type { OpenIntentShape } from "../../core/OpenIntent.ts"
import { ask, type Client, durationOf, given } from "./call.ts"
import { leaseOf, pageOf } from "./records.ts"

const lasting = (duration: Duration.Input | undefined) =>
  Effect.map(durationOf("duration", duration, Duration.toSeconds), (seconds) => given({ duration_seconds: seconds }))

/** http.md 8 */
export const makeLeases = ({ leases }: Client): OpenIntentShape["leases"] => {
  const calls: Omit<OpenIntentShape["leases"], "withLease"> = {
    acquire: (intentId, { duration, scope }) =>
      Effect.flatMap(lasting(duration), (seconds) =>
        ask(
          { operation: "leases.acquire", intentId },
          ["IntentNotFound", "LeaseConflict"],
          leases.acquire({ params: { intentId }, payload: { scope, ...seconds } }),
          leaseOf
        )
      ),
    renew: (intentId, leaseId, { duration } = {}) =>
      Effect.flatMap(lasting(duration), (payload) =>
        ask(
          { operation: "leases.renew", intentId, leaseId },
          ["IntentNotFound", "LeaseNotFound", "LeaseExpired"],
          leases.renew({ params: { intentId, leaseId }, payload }),
          leaseOf
        )
      ),
    release: (intentId, leaseId) =>
      ask(
        { operation: "leases.release", intentId, leaseId },
        ["IntentNotFound", "LeaseNotFound"],
        leases.release({ params: { intentId, leaseId } }),
        ({ lease }) => leaseOf(lease)
      ),
    revoke: (intentId, leaseId, { reason } = {}) =>
      ask(
        { operation: "leases.revoke", intentId, leaseId },
        ["IntentNotFound", "LeaseNotFound"],
        leases.revoke({ params: { intentId, leaseId }, payload: given({ reason }) }),
        leaseOf
      ),
    list: (intentId, query = {}) =>
      ask(
        { operation: "leases.list", intentId },
        ["IntentNotFound"],
        leases.list({ params: { intentId }, query: given(query) }),
        (page) => pageOf(page, page.leases, leaseOf)
      )
  }
  return { ...calls, withLease: makeWithLease(calls) }
}
